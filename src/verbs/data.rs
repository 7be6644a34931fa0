//! `terminus ingest`, `caption`, `bucket`: one data stage each.

use std::fmt::Write as _;

use terminus_manifest::generation::StageCounts;

use crate::{
    cli::{IngestArgs, StageArgs},
    context::Context,
};

pub(super) fn ingest(args: &IngestArgs) -> anyhow::Result<()> {
    let stage = &args.sharded.stage;
    let mut context = Context::new(&stage.recipe, stage.common)?;
    let (shard, of) = args.sharded.shard.unwrap_or((0, 1));
    let plan = &mut context.stages.ingest;
    (plan.shard, plan.of, plan.rehash) = (shard, of, args.rehash);
    let (line, summary) = run_ingest(&context)?;
    context.tell("ingest", &line, &summary)
}

pub(super) fn bucket(args: &StageArgs) -> anyhow::Result<()> {
    let context = Context::new(&args.recipe, args.common)?;
    let (line, summary) = run_bucket(&context)?;
    context.tell("bucket", &line, &summary)
}

/// Runs the stage; gives a line for people and the summary.
pub(super) fn run_ingest(context: &Context) -> anyhow::Result<(String, terminus_ingest::Summary)> {
    let cancel = &context.interrupt.cancel;
    let result = terminus_ingest::ingest(&context.stages.ingest, &context.terminal, cancel);
    let summary = match result {
        Err(terminus_ingest::Error::Interrupted) => return Err(context.interrupted()),
        result => result?,
    };
    let work = if summary.decoded == 0 && summary.changed == 0 {
        "nothing is new".to_owned()
    } else {
        format!(
            "{} read, {} verdicts changed",
            summary.decoded, summary.changed
        )
    };
    Ok((
        format!("ingest: {work}; {}", counts(&summary.counts)),
        summary,
    ))
}

/// Runs the stage; gives a line for people and the summary.
pub(super) fn run_caption(
    context: &Context,
) -> anyhow::Result<(String, terminus_caption::Summary)> {
    let cancel = &context.interrupt.cancel;
    let result = terminus_caption::caption(&context.stages.caption, &context.terminal, cancel);
    let summary = match result {
        Err(terminus_caption::Error::Interrupted) => return Err(context.interrupted()),
        result => result?,
    };
    let work = if summary.captioned == 0 && summary.changed == 0 && summary.recleaned == 0 {
        "nothing is new".to_owned()
    } else {
        format!(
            "{} captioned, {} verdicts changed",
            summary.captioned, summary.changed
        )
    };
    let work = match summary.recleaned {
        0 => work,
        count => format!("{work}, {count} cleaned anew"),
    };
    Ok((
        format!("caption: {work}; {}", counts(&summary.counts)),
        summary,
    ))
}

/// Runs the stage; gives a line for people and the summary.
pub(super) fn run_bucket(context: &Context) -> anyhow::Result<(String, terminus_bucket::Summary)> {
    let cancel = &context.interrupt.cancel;
    let result = terminus_bucket::bucket(&context.stages.bucket, &context.terminal, cancel);
    let summary = match result {
        Err(terminus_bucket::Error::Interrupted) => return Err(context.interrupted()),
        result => result?,
    };
    let mut work = if summary.packed == 0 && summary.changed == 0 {
        "nothing is new".to_owned()
    } else {
        format!(
            "{} packed, {} verdicts changed",
            summary.packed, summary.changed
        )
    };
    if summary.recovered > 0 {
        // Writing to a string cannot fail.
        let _ = write!(
            work,
            ", {} taken over from an unfinished run",
            summary.recovered
        );
    }
    let generation = match summary.generation {
        Some(number) if summary.published => format!("generation {number} published"),
        Some(number) => format!("generation {number} stays"),
        None => "nothing published".to_owned(),
    };
    let samples = summary.samples;
    let counts = counts(&summary.counts);
    Ok((
        format!("bucket: {work}; {counts}; {samples} samples; {generation}"),
        summary,
    ))
}

fn counts(counts: &StageCounts) -> String {
    let StageCounts {
        entered,
        passed,
        rejected,
        failed,
        pending,
        gone,
    } = *counts;
    let mut text =
        format!("{entered} in = {passed} passed + {rejected} rejected + {failed} failed");
    for (count, word) in [(pending, "pending"), (gone, "gone")] {
        if count > 0 {
            // Writing to a string cannot fail.
            let _ = write!(text, " + {count} {word}");
        }
    }
    text
}
