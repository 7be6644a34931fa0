//! `cargo quickstart`: from a fresh machine to a trained checkpoint and a picture.

use crate::{
    checkout::{Checkout, become_program, run as run_command},
    error::Error,
    libtorch::{self, Kind},
    steps::Steps,
};

/// What the build and the run take.
const TARGET_MB: u64 = 4_000;

/// The collection that the program draws for itself.
const DEMO: &[&str] = &[
    "demo",
    "work/demo",
    "--images",
    "400",
    "--seed",
    "42",
    "--scale",
    "1/8",
];
/// Every stage, and at the end the check that the loss fell and the picture is one.
const RUN: &[&str] = &["run", "configs/quickstart.toml"];

/// Takes every step; a second time, only what has changed.
///
/// The last lines are those that `terminus run` writes to stdout: they name the report, the checkpoint and the picture.
///
/// # Errors
/// If the machine lacks something, or with the first step that failed and its exit code. Where all is well it does not
/// come back: the last step takes this program's place.
pub fn run(checkout: &Checkout) -> Result<(), Error> {
    let needs = libtorch::needs(checkout, Kind::Cpu)?;
    needs.and_build(checkout, TARGET_MB).check(checkout)?;

    let terminus = |arguments: &[&str]| {
        let mut terminus = checkout.command(checkout.built("terminus"));
        terminus.args(arguments);
        terminus
    };
    let mut steps = Steps::new("quickstart", 3);
    steps.take("libtorch", || {
        libtorch::provide_checked(checkout, Kind::Cpu)
    })?;
    steps.take("build", || {
        run_command(checkout.cargo(&["build", "--release"]))
    })?;
    steps.take("demo collection", || run_command(terminus(DEMO)))?;
    eprintln!("\n{steps}\n");
    // From here on the program itself is what the terminal talks to: Ctrl-C saves, and says how to go on.
    Err(become_program(terminus(RUN)))
}
