//! `terminus ingest`, `caption`, `bucket`: one data stage each.

use std::{cmp::Reverse, collections::HashMap, fmt::Write as _, time::Duration};

use terminus_bucket::config::CaptionOf;
use terminus_manifest::{generation::StageCounts, ids::ItemId, overrides::Overrides, view::View};

use crate::{
    cli::{IngestArgs, StageArgs},
    context::Context,
    exit::Interrupted,
};

pub(super) fn ingest(args: &IngestArgs) -> anyhow::Result<()> {
    let stage = &args.sharded.stage;
    let mut context = Context::new(&stage.recipe, stage.common)?;
    let (shard, of) = args.sharded.shard.unwrap_or((0, 1));
    let plan = &mut context.stages.ingest;
    (plan.shard, plan.of, plan.rehash) = (shard, of, args.rehash);
    let (line, summary) = run_ingest(&context)?;
    context.tell("ingest", &line, &summary)?;
    if !args.watch {
        return Ok(());
    }
    let mut told = String::new();
    loop {
        wait(&context, args.every.get())?;
        match look_again(&mut context) {
            Ok(()) => told.clear(),
            Err(error) if error.is::<Interrupted>() => return Err(error),
            // A list that is being replaced is there again at the next look.
            Err(error) => {
                let text = format!("{error:#}");
                if text != told {
                    eprintln!(
                        "error: {text}\nhint: it is looked again every {} s; Ctrl-C ends this",
                        args.every
                    );
                    told = text;
                }
            }
        }
    }
}

/// One more look at the sources, with the decisions that people made meanwhile.
fn look_again(context: &mut Context) -> anyhow::Result<()> {
    context.stages.ingest.overrides = Overrides::read(&context.root().overrides())?;
    let (line, summary) = run_ingest(context)?;
    if summary.decoded + summary.fetched + summary.changed > 0 {
        context.tell("ingest", &line, &summary)?;
    }
    Ok(())
}

/// Sleeps, unless someone asks to stop.
fn wait(context: &Context, seconds: u32) -> anyhow::Result<()> {
    for _ in 0..u64::from(seconds) * 10 {
        if context.interrupt.cancel.is_cancelled() {
            return Err(context.interrupted());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
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
    let mut line = format!("ingest: {work}; {}", counts(&summary.counts));
    if summary.repeated > 0 {
        // Writing to a string cannot fail.
        let _ = write!(line, "; {} named more than once", summary.repeated);
    }
    for name in &summary.empty {
        let sources = &context.stages.ingest.collections;
        let source = sources.iter().find(|one| one.name == *name);
        let source = source.map_or_else(String::new, |one| {
            format!(" in `{}`", one.source.path().display())
        });
        let _ = write!(line, "\n  {name}: nothing was found{source}");
    }
    let mut reasons: Vec<_> = summary.reasons.iter().collect();
    if !reasons.is_empty() {
        reasons.sort_by_key(|&(reason, count)| (Reverse(*count), *reason));
        let counts = reasons
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"));
        let counts = counts.collect::<Vec<_>>().join(", ");
        let _ = write!(
            line,
            "\n  not passed: {counts}; `terminus rejects` lists them"
        );
    }
    for flag in flags(&summary.flags) {
        let _ = write!(line, "\n  {flag}");
    }
    Ok((line, summary))
}

/// Runs the stage; gives a line for people and the summary.
pub(super) fn run_caption(
    context: &Context,
) -> anyhow::Result<(String, terminus_caption::Summary)> {
    let cancel = &context.interrupt.cancel;
    let mut plan = context.stages.caption.clone();
    plan.views = views(context)?;
    let result = terminus_caption::caption(&plan, &context.terminal, cancel);
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

/// What captioners are shown if captions describe crops; none if they describe pictures, or if nobody looks at any.
fn views(context: &Context) -> anyhow::Result<Option<HashMap<ItemId, Vec<View>>>> {
    let plan = &context.stages.caption;
    let mut captioners = plan.collections.iter().flat_map(|one| &one.captioners);
    let looks = captioners.any(|captioner| captioner.config.asks_a_model());
    if context.stages.bucket.caption_of != CaptionOf::Crop || !looks {
        return Ok(None);
    }
    let shard = (plan.shard, plan.of);
    let cancel = &context.interrupt.cancel;
    match terminus_bucket::views(&context.stages.bucket, shard, &context.terminal, cancel) {
        Err(terminus_bucket::Error::Interrupted) => Err(context.interrupted()),
        views => Ok(Some(views?)),
    }
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
    if summary.uncaptioned > 0 {
        // Writing to a string cannot fail.
        let _ = write!(work, ", {} crops without a caption", summary.uncaptioned);
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

/// What people should look at, a line each.
fn flags(flags: &terminus_ingest::Flags) -> Vec<String> {
    let mut lines = Vec::new();
    let kinds = [
        (&flags.photos_in_train, "pictures look like photographs"),
        (&flags.drawings_in_anchors, "anchors look like drawings"),
        (
            &flags.without_joined_scores,
            "pictures are in no file of `ingest.scores.files`",
        ),
        (&flags.anchors_without_license, "anchors state no licence"),
        (&flags.anchors_without_consent, "anchors state no consent"),
    ];
    for (counts, what) in kinds {
        let counts = counts.iter();
        lines.extend(counts.map(|(collection, count)| format!("{collection}: {count} {what}")));
    }
    if !flags.missing_safety_scores.is_empty() {
        lines.push(format!(
            "no scores for: {}",
            flags.missing_safety_scores.join(", ")
        ));
    }
    lines
}
