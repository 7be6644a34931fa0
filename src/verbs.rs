//! One module a verb.

mod caption;
mod config;
mod data;
mod demo;
mod doctor;
mod explain;
#[cfg(feature = "torch")]
mod export;
mod export_dataset;
mod import;
mod plan;
mod rejects;
mod repair;
mod report;
mod run;
#[cfg(feature = "torch")]
mod sample;
mod sweep;
#[cfg(feature = "torch")]
mod train;
mod upkeep;

use clap::CommandFactory as _;

use crate::cli::{Cli, Verb};

/// Does what the arguments ask for.
///
/// # Errors
/// Whatever ends the verb; `exit::code` maps it to an exit code.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    arm_failpoint();
    match cli.verb {
        Verb::Run(args) => run::run(&args),
        Verb::Ingest(args) => data::ingest(&args),
        Verb::Caption(args) => caption::caption(&args),
        Verb::Bucket(args) => data::bucket(&args),
        #[cfg(feature = "torch")]
        Verb::Train(args) => train::train(&args),
        #[cfg(feature = "torch")]
        Verb::Sample(args) => sample::sample(&args),
        #[cfg(feature = "torch")]
        Verb::Export(args) => export::export(&args),
        Verb::Plan(args) => plan::plan(&args),
        Verb::Report(args) => report::report(&args),
        Verb::Explain(args) => explain::explain(&args),
        Verb::Sweep(args) => sweep::sweep(&args),
        Verb::Rejects(args) => rejects::rejects(&args),
        Verb::Verify(args) => upkeep::verify(&args),
        Verb::Compact(args) => upkeep::compact(&args),
        Verb::Gc(args) => upkeep::gc(&args),
        Verb::ExportDataset(args) => export_dataset::export_dataset(&args),
        Verb::Import(args) => import::import(&args),
        Verb::Doctor(args) => doctor::doctor(&args),
        Verb::Demo(args) => demo::demo(&args),
        Verb::Config(verb) => config::config(&verb),
        Verb::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "terminus",
                &mut std::io::stdout(),
            );
            Ok(())
        }
    }
}

/// `TERMINUS_FAILPOINT=<name>:<count>` lets a test kill the program at a named place.
fn arm_failpoint() {
    if let Ok(wish) = std::env::var("TERMINUS_FAILPOINT") {
        let (name, count) = wish.split_once(':').unwrap_or((&wish, "1"));
        terminus_manifest::failpoint::arm(name, count.parse().unwrap_or(1));
    }
}
