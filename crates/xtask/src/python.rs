//! Python, and what needs it with torch and diffusers.

use crate::{checkout::Checkout, checkout::run, error::Error};

/// The Python that has the packages of `tests/golden/requirements.txt`: the variable PYTHON, or `python3`.
pub fn interpreter() -> std::ffi::OsString {
    std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into())
}

/// `cargo xtask parity`: weights and pictures against diffusers.
pub fn parity(checkout: &Checkout) -> Result<(), Error> {
    run(checkout.cargo(&["build", "--release"]))?;
    let work = checkout.join("work/parity");
    if work.exists() {
        std::fs::remove_dir_all(&work).map_err(|source| Error::Io {
            verb: "remove",
            path: work.clone(),
            source,
        })?;
    }
    let mut command = checkout.command(interpreter());
    command
        .arg("tests/acceptance/parity.py")
        .arg(checkout.built("terminus"))
        .arg(work);
    run(command)
}
