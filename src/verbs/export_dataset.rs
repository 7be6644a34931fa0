//! `terminus export-dataset`: a generation in the format of another tool.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use terminus_bucket::export::{ExportPlan, Exported, Format, Selection, StoreSettings, export};
use terminus_manifest::{Root, generation::Generation, ids::Sha256Digest};

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
        staging: staging(root, &args.to),
        store: StoreSettings::new(std::env::vars()),
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

/// Where files wait until they are sent to `target`: the same place every time, so that nothing is left behind for good.
fn staging(root: &Root, target: &Path) -> PathBuf {
    let name = Sha256Digest::of(target.to_string_lossy().as_bytes()).to_string();
    root.path().join(format!(".tmp-export-{}", &name[..12]))
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
    if let Some(uploaded) = &exported.uploaded {
        // Writing to a string cannot fail.
        let _ = write!(
            line,
            ": {} objects, {} of them sent now ({:.1} MB)",
            uploaded.objects,
            uploaded.sent,
            uploaded.sent_bytes as f64 / 1e6
        );
    }
    for fact in &exported.not_carried {
        line.push_str("\n  not carried over: ");
        line.push_str(fact);
    }
    line
}
