//! `terminus report`: what became of everything.

use std::io::Write as _;

use serde_json::json;
use terminus_bucket::report::Report;
use terminus_manifest::atomic;

use crate::{
    cli::StageArgs,
    context::{Context, print_json},
    exit::CheckFailed,
};

pub(super) fn report(args: &StageArgs) -> anyhow::Result<()> {
    let context = Context::new(&args.recipe, args.common)?;
    let report = Report::read(&context.stages.bucket)?;
    if context.common.json {
        print_json(&context.document("report", &json!(report)))?;
    } else {
        writeln!(std::io::stdout().lock(), "{report}")?;
    }
    if report.adds_up() {
        Ok(())
    } else {
        Err(CheckFailed("the verdicts do not add up to what came in".to_owned()).into())
    }
}

/// Writes the report beside the generations, as text and as JSON; gives the path of the text.
pub(super) fn save(context: &Context) -> anyhow::Result<std::path::PathBuf> {
    let report = Report::read(&context.stages.bucket)?;
    let folder = context.root().path().join("reports");
    let text = folder.join(format!("{}.txt", context.plan.name));
    atomic::write(&text, format!("{report}\n").as_bytes())?;
    let document = serde_json::to_vec_pretty(&context.document("report", &json!(report)))?;
    atomic::write(
        &folder.join(format!("{}.json", context.plan.name)),
        &document,
    )?;
    Ok(text)
}
