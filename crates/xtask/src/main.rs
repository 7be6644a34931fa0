//! Sets the project up, runs it and checks it.
//!
//! `cargo quickstart` and `cargo verify` must work on a machine that has nothing but cargo, a C++ compiler and python3
//! with pip. So this program depends on no crate and compiles in seconds; what it needs beyond that, it fetches into
//! ignored folders of the checkout.
#![expect(
    clippy::disallowed_methods,
    reason = "std::fs serves here: this program has no dependencies, and its own errors name the path"
)]

mod bench;
mod checkout;
mod error;
mod libtorch;
mod machine;
mod mutations;
mod python;
mod quickstart;
mod steps;
mod verify;

use std::process::ExitCode;

use checkout::Checkout;
use error::Error;
use libtorch::Kind;

const USAGE: &str = "\
Sets the project up, runs it and checks it

Usage: cargo quickstart                 everything, from a fresh machine to a trained checkpoint and a picture
       cargo verify                     everything that has to pass: format, lints, docs, tests
       cargo xtask bench ROOM           figures for benches/README.md: ingest, bucket, caption, sdxl (rivals need Python packages)
       cargo xtask libtorch [--cuda]    fetch libtorch into `.libtorch`, where every build finds it
       cargo xtask parity               hold weights and pictures against diffusers (needs torch in Python)
       cargo xtask mutations [PACKAGE]  make known mistakes in a copy; a test must see each

An existing libtorch is used instead where the variable LIBTORCH names one, and the Python that PYTHON names.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            error.exit_code()
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), Error> {
    let checkout = Checkout::of_this_program();
    match arguments {
        ["libtorch"] => libtorch::provide(&checkout, Kind::Cpu),
        ["libtorch", "--cuda"] => libtorch::provide(&checkout, Kind::Cuda),
        ["bench", room, rest @ ..] => bench::run(&checkout, room, rest),
        ["quickstart"] => quickstart::run(&checkout),
        ["verify"] => verify::run(&checkout),
        ["parity"] => python::parity(&checkout),
        ["mutations"] => mutations::check(&checkout, None),
        ["mutations", package] => mutations::check(&checkout, Some(package)),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        [] => Err(Error::Usage("no command is given".to_owned())),
        _ => Err(Error::Usage(format!(
            "`{}` is no command",
            arguments.join(" ")
        ))),
    }
}
