//! `terminus export-dataset`: a generation in the format of another tool.

use terminus_bucket::export::{ExportPlan, Exported, Format, Selection, export};
use terminus_manifest::generation::Generation;

use crate::{
    cli::{DatasetFormat, ExportDatasetArgs},
    context::Context,
};

pub(super) fn export_dataset(args: &ExportDatasetArgs) -> anyhow::Result<()> {
    let context = Context::new(&args.stage.recipe, args.stage.common)?;
    let (root, recipe) = (context.root(), &context.plan.name);
    let generation = match args.generation {
        Some(number) => Generation::numbered(root, recipe, number)?,
        None => Generation::required(root, recipe)?,
    };
    let plan = ExportPlan {
        format: match args.format {
            DatasetFormat::Parquet => Format::Parquet,
            DatasetFormat::Webdataset => Format::Webdataset,
            DatasetFormat::Kohya => Format::Kohya,
            DatasetFormat::HfImagefolder => Format::HfImagefolder,
        },
        selection: args.epoch.map_or(Selection::Unique, Selection::Epoch),
        target: args.to.clone(),
        file_rows: u64::from(args.file_rows.get()),
        step_px: context.stages.bucket.step_px,
        target_px: context.stages.bucket.target_px,
        dry_run: context.common.dry_run,
    };
    let cancel = &context.interrupt.cancel;
    let exported = match export(&generation, &plan, &context.terminal, cancel) {
        Err(terminus_bucket::Error::Interrupted) => return Err(context.interrupted()),
        result => result?,
    };
    let line = line(&exported, context.common.dry_run);
    context.tell("export-dataset", &line, &exported)
}

fn line(exported: &Exported, dry_run: bool) -> String {
    let mut line = format!(
        "export-dataset: {}{} uses of {} samples, generation {}, in `{}`",
        if dry_run { "dry run, " } else { "" },
        exported.places,
        exported.samples,
        exported.generation,
        exported.target.display()
    );
    for fact in &exported.not_carried {
        line.push_str("\n  not carried over: ");
        line.push_str(fact);
    }
    line
}
