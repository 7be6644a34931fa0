//! `cargo xtask bench <room>`: a room's measurements, with its rivals beside it.

use std::env;

use crate::{
    checkout::{Checkout, run as run_command},
    error::Error,
};

/// Runs `benches/<room>.py`, which builds what it measures and says what it saw. The variable PYTHON names an
/// interpreter that has the rivals' packages.
///
/// # Errors
/// If there is no such script, or it fails.
pub fn run(checkout: &Checkout, room: &str, rest: &[&str]) -> Result<(), Error> {
    let script = format!("benches/{room}.py");
    if !checkout.join(&script).is_file() {
        return Err(Error::Usage(format!("there is no `{script}`")));
    }
    let python = env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let mut command = checkout.command(python);
    command.arg(script).args(rest);
    run_command(command)
}
