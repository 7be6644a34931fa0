//! `terminus run`: every stage of a recipe.

use std::io::Write as _;

use serde_json::json;

use super::{data, report};
use crate::{
    cli::StageArgs,
    context::{Context, print_json},
};

pub(super) fn run(args: &StageArgs) -> anyhow::Result<()> {
    let context = Context::new(&args.recipe, args.common)?;
    let (line, ingest) = data::run_ingest(&context)?;
    eprintln!("{line}");
    let (line, caption) = data::run_caption(&context)?;
    eprintln!("{line}");
    let (line, bucket) = data::run_bucket(&context)?;
    eprintln!("{line}");
    let mut document = json!({ "ingest": ingest, "caption": caption, "bucket": bucket });
    if context.common.dry_run {
        return context.tell("run", "dry run: nothing was written", &document);
    }
    let path = report::save(&context)?;
    document["report"] = json!(path);
    let report = format!("{:<12}{}\n", "report", path.display());
    #[cfg(feature = "torch")]
    let (text, trained) = {
        let trained = super::train::run_train(&context, &super::train::Wish::default())?;
        document["train"] = json!(trained);
        (report + &trained.text(), trained)
    };
    #[cfg(not(feature = "torch"))]
    let text = report;
    if context.common.json {
        print_json(&context.document("run", &document))?;
    } else {
        std::io::stdout().lock().write_all(text.as_bytes())?;
    }
    #[cfg(feature = "torch")]
    trained.check()?;
    Ok(())
}
