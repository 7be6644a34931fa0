//! `cargo verify`: everything that has to pass.

use std::process::Command;

use crate::{
    checkout::{Checkout, run as run_command},
    error::Error,
    libtorch::{self, Kind},
    steps::Steps,
};

/// What a build of everything in one profile takes.
const TARGET_MB: u64 = 6_000;

/// Runs all checks, also after one has failed, and prints a line for each at the end.
///
/// # Errors
/// If the machine lacks something, or with the names of the steps that failed.
pub fn run(checkout: &Checkout) -> Result<(), Error> {
    let needs = libtorch::needs(checkout, Kind::Cpu)?;
    needs.and_build(checkout, TARGET_MB).check(checkout)?;

    let checks = checks(checkout);
    let mut steps = Steps::new("verify", checks.len() + 1);
    steps.take("libtorch", || {
        libtorch::provide_checked(checkout, Kind::Cpu)
    })?;
    for (name, command) in checks {
        // The next check tells more; the failure is kept in `steps`.
        let _ = steps.take(name, || run_command(command));
    }
    eprintln!("\n{steps}");
    match steps.failed() {
        failed if failed.is_empty() => Ok(()),
        failed => Err(Error::Steps(failed)),
    }
}

/// The checks in order: quick ones first. The data half comes before the whole, so that the program that is left in
/// `target/release` is the whole one; both take their dependencies from the same builds.
fn checks(checkout: &Checkout) -> Vec<(&'static str, Command)> {
    let whole = ["--release", "--workspace"];
    let data_half = [
        "--release",
        "--workspace",
        "--exclude",
        "terminus-nn",
        "--no-default-features",
    ];
    let lints = ["--all-targets", "--", "-D", "warnings"];
    let cargo = |verb: &str, selection: &[&str], rest: &[&str]| {
        let mut cargo = checkout.cargo(&[verb]);
        cargo.args(selection).args(rest);
        cargo
    };
    let mut docs = cargo("doc", &whole, &["--no-deps"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    let mut data_tests = cargo("test", &data_half, &["--no-fail-fast"]);
    // The data half must build where there is no libtorch.
    data_tests.env("LIBTORCH", checkout.join("no-libtorch-here"));
    vec![
        ("fmt", checkout.cargo(&["fmt", "--all", "--check"])),
        ("clippy", cargo("clippy", &whole, &lints)),
        ("clippy without torch", cargo("clippy", &data_half, &lints)),
        ("docs", docs),
        ("tests without torch", data_tests),
        ("tests", cargo("test", &whole, &["--no-fail-fast"])),
    ]
}
