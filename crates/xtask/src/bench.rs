//! `cargo xtask bench <room>`: figures for `benches/README.md`.

use std::process::Command;

use crate::{
    checkout::{Checkout, run as run_command},
    error::Error,
};

/// Builds what a room's benchmark needs and runs it.
///
/// # Errors
/// A step fails, or there is no such room.
pub fn run(checkout: &Checkout, room: &str) -> Result<(), Error> {
    match room {
        "ingest" => ingest(checkout),
        other => Err(Error::Usage(format!(
            "there is no benchmark of `{other}`: ingest"
        ))),
    }
}

/// The whole ingest against a loop that reads and decodes, and the index of near duplicates.
fn ingest(checkout: &Checkout) -> Result<(), Error> {
    run_command(checkout.cargo(&["build", "--release", "--no-default-features"]))?;
    let example =
        |package, name| checkout.cargo(&["build", "--release", "-p", package, "--example", name]);
    run_command(example("terminus-pixels", "decode_files"))?;
    run_command(example("terminus-ingest", "near"))?;
    run_command(Command::new(checkout.join("target/release/examples/near")))?;
    let mut python = Command::new("python3");
    python
        .arg(checkout.join("benches/ingest.py"))
        .arg(checkout.join("target/release/terminus"))
        .arg(checkout.join("target/release/examples/decode_files"))
        .arg(checkout.join("work/bench-ingest"));
    run_command(python)
}
