//! `terminus rejects`: what did not pass, as a Parquet table and by reason.

use std::{collections::BTreeMap, io::Write as _};

use serde_json::json;
use terminus_bucket::accounts::Facts;
use terminus_manifest::{reject::RejectRow, table, words::Outcome};

use crate::{
    cli::StageArgs,
    context::{Context, print_json},
};

pub(super) fn rejects(args: &StageArgs) -> anyhow::Result<()> {
    let context = Context::new(&args.recipe, args.common)?;
    let facts = Facts::read(context.root())?;
    let mut rows = Vec::new();
    let mut counts: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    for row in &facts.ledger {
        let plans = &context.stages.bucket.collections;
        let Some(collection) = plans.iter().find(|plan| plan.name == row.collection) else {
            continue;
        };
        for (stage, outcome, verdict) in facts.path_of(row.item_id, collection) {
            let Some(verdict) = verdict.filter(|_| outcome != Outcome::Passed) else {
                continue;
            };
            let reason = verdict
                .reason
                .map_or(outcome.as_str(), |reason| reason.as_str());
            let key = (row.collection.clone(), stage.to_string(), reason.to_owned());
            *counts.entry(key).or_default() += 1;
            rows.push(RejectRow::new(row, verdict));
        }
    }
    let path = context
        .root()
        .path()
        .join("reports")
        .join(format!("{}-rejects.parquet", context.plan.name));
    if !context.common.dry_run {
        table::write(&path, &rows)?;
    }
    if context.common.json {
        let counts: Vec<_> = counts
            .iter()
            .map(|((collection, stage, reason), count)| {
                json!({ "collection": collection, "stage": stage, "reason": reason, "items": count })
            })
            .collect();
        let fields = json!({ "path": path, "rows": rows.len(), "reasons": counts });
        return print_json(&context.document("rejects", &fields));
    }
    let mut out = std::io::stdout().lock();
    for ((collection, stage, reason), count) in &counts {
        writeln!(out, "{collection:<20} {stage:<8} {reason:<20} {count:>9}")?;
    }
    eprintln!("rejects: {} rows in `{}`", rows.len(), path.display());
    Ok(())
}
