//! The `terminus` command line: parses, calls, and maps what comes back to an exit code.

use std::process::ExitCode;

use clap::Parser as _;
use terminus::{cli::Cli, exit, verbs};

fn main() -> ExitCode {
    let cli = Cli::parse();
    exit::end(exit::code(verbs::run(cli)))
}
