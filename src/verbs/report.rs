//! `terminus report`: what became of everything.

use std::io::Write as _;

use serde_json::json;
use terminus_bucket::report::{Diff, Report, Survey, page};
use terminus_ingest::{SAFETY, Scores};
use terminus_manifest::atomic;

use crate::{
    cli::ReportArgs,
    context::{Context, print_json},
    exit::CheckFailed,
};

pub(super) fn report(args: &ReportArgs) -> anyhow::Result<()> {
    let context = Context::new(&args.stage.recipe, args.stage.common)?;
    if let Some([from, to]) = args.diff.as_deref() {
        return diff(&context, *from, *to);
    }
    let plan = &context.stages.bucket;
    if args.html.is_none() && !context.common.json {
        let report = Report::status(plan, args.generation)?;
        writeln!(std::io::stdout().lock(), "{report}")?;
        return check(&report);
    }
    let survey = survey(&context, args.generation)?;
    let report = Report::of(plan, &survey)?;
    if let Some(path) = &args.html {
        atomic::write(path, page(plan, &survey, &report)?.as_bytes())?;
        eprintln!("report: `{}`", path.display());
    }
    if context.common.json {
        print_json(&context.document("report", &json!(report)))?;
    }
    check(&report)
}

/// What a report is made of, scores from elsewhere included.
fn survey(context: &Context, generation: Option<u32>) -> anyhow::Result<Survey> {
    let mut survey = Survey::read(&context.stages.bucket, generation)?;
    let scores = Scores::read(&context.stages.ingest.score_files)?;
    for name in scores.names() {
        let ledger = survey.facts.ledger.iter();
        let values = ledger.filter_map(|row| Some((row.item_id, scores.of(name, row)?)));
        survey.joined.insert(name.to_owned(), values.collect());
    }
    let missing = scores.missing_safety();
    let safety = SAFETY.iter();
    let safety = safety.map(|(name, _)| ((*name).to_owned(), !missing.contains(name)));
    survey.safety = safety.collect();
    Ok(survey)
}

fn check(report: &Report) -> anyhow::Result<()> {
    if report.adds_up() {
        Ok(())
    } else {
        Err(CheckFailed("the verdicts do not add up to what came in".to_owned()).into())
    }
}

fn diff(context: &Context, from: u32, to: u32) -> anyhow::Result<()> {
    let diff = Diff::read(&context.stages.bucket, from, to)?;
    if context.common.json {
        return print_json(&context.document("report", &json!({ "diff": diff })));
    }
    writeln!(std::io::stdout().lock(), "{diff}")?;
    Ok(())
}

/// Writes the report beside the generations, as a page, as text and as JSON; gives the path of the page.
pub(super) fn save(context: &Context) -> anyhow::Result<std::path::PathBuf> {
    let plan = &context.stages.bucket;
    let survey = survey(context, None)?;
    let report = Report::of(plan, &survey)?;
    let folder = context.root().path().join("reports");
    let path = |extension: &str| folder.join(format!("{}.{extension}", context.plan.name));
    atomic::write(&path("txt"), format!("{report}\n").as_bytes())?;
    let document = serde_json::to_vec_pretty(&context.document("report", &json!(report)))?;
    atomic::write(&path("json"), &document)?;
    let html = path("html");
    atomic::write(&html, page(plan, &survey, &report)?.as_bytes())?;
    Ok(html)
}
