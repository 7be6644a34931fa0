//! `terminus sweep`: what thresholds on each score would keep.

use std::io::Write as _;

use serde_json::json;

use crate::{
    cli::StageArgs,
    context::{Context, print_json},
};

pub(super) fn sweep(args: &StageArgs) -> anyhow::Result<()> {
    let context = Context::new(&args.recipe, args.common)?;
    let rows = terminus_ingest::sweep(&context.stages.ingest)?;
    if context.common.json {
        return print_json(&context.document("sweep", &json!({ "scores": rows })));
    }
    let mut out = std::io::stdout().lock();
    for row in &rows {
        writeln!(
            out,
            "{} · {}: {} items, {} without it",
            row.collection, row.score, row.items, row.missing
        )?;
        for kept in &row.keeps {
            writeln!(
                out,
                "  {:<12.6} as the least keeps {:>9} ({:>5.1} %), as the most {:>9}",
                kept.at_least,
                kept.items,
                100.0 * kept.share,
                kept.items_at_most
            )?;
        }
    }
    Ok(())
}
