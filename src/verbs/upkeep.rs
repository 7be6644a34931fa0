//! `terminus verify`, `compact` and `gc`: the state of a root's files.

use std::{
    io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use fs_err as fs;
use rayon::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use terminus_manifest::{
    generation::Generation, ids::Sha256Digest, run::Progress as _, store::ContentStore,
};

use super::repair;
use crate::{
    cli::{StageArgs, VerifyArgs},
    context::Context,
    exit::CheckFailed,
};

/// Holds shards against the manifest and originals against the ledger.
pub(super) fn verify(args: &VerifyArgs) -> anyhow::Result<()> {
    let context = Context::new(&args.stage.recipe, args.stage.common)?;
    if args.repair {
        repair::logs(&context)?;
    }
    let damaged = repair::damaged_parts(context.root())?;
    // Damaged parts are still there in a dry run; then nothing is known of originals.
    if args.repair && damaged.is_empty() {
        repair::originals(&context)?;
    }
    let mut files = Vec::new();
    if let Some(generation) = Generation::latest(context.root(), &context.plan.name)? {
        // Reading the index holds it against the manifest.
        generation.index()?;
        let shards = &generation.manifest.shards;
        files.extend(
            shards
                .iter()
                .map(|s| (generation.shard_path(&s.path), s.sha256.clone())),
        );
    }
    let store = ContentStore::new(context.root().originals());
    let names: Vec<&str> = context
        .plan
        .collections
        .iter()
        .map(|collection| collection.name.as_str())
        .collect();
    let rows = if damaged.is_empty() {
        context.root().ledger().rows()?
    } else {
        Vec::new()
    };
    for row in rows {
        if names.contains(&row.collection.as_str())
            && row.fault.is_none()
            && let (Some(path), Some(sha256)) = (store.locate(&row), row.sha256)
        {
            files.push((path, sha256.to_string()));
        }
    }
    context
        .terminal
        .start("verify", Some(files.len() as u64), "files");
    let mut faults: Vec<String> = files
        .par_iter()
        .filter_map(|(path, expected)| {
            let fault = match digest(path) {
                Ok(found) if &found == expected => None,
                Ok(found) => Some(format!(
                    "`{}` has sha256 {found}, not {expected}",
                    path.display()
                )),
                Err(error) => Some(error.to_string()),
            };
            context.terminal.advance(1);
            fault
        })
        .collect();
    context.terminal.finish();
    let is_log_damaged = !damaged.is_empty();
    faults.extend(damaged);
    faults.sort();
    let line = format!("verify: {} files, {} faults", files.len(), faults.len());
    context.tell(
        "verify",
        &line,
        &json!({ "files": files.len(), "faults": faults }),
    )?;
    if faults.is_empty() {
        return Ok(());
    }
    for fault in &faults {
        eprintln!("{fault}");
    }
    let hint = if is_log_damaged {
        "hint: `terminus verify --repair` sets damaged parts of logs aside; without them originals cannot be checked"
    } else {
        "hint: `terminus verify --repair` brings originals back, `terminus ingest --rehash` takes in changed ones; a damaged \
         shard is made anew after it is removed"
    };
    Err(CheckFailed(format!(
        "{} files are not what their records say\n{hint}",
        faults.len()
    ))
    .into())
}

fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut fs::File::open(path)?, &mut hasher)?;
    Ok(Sha256Digest(hasher.finalize().into()).to_string())
}

/// Puts the parts of each log together.
pub(super) fn compact(args: &StageArgs) -> anyhow::Result<()> {
    let context = Context::new(&args.recipe, args.common)?;
    let root = context.root();
    let parts = if context.common.dry_run {
        [
            root.ledger().part_count()?,
            root.verdicts().part_count()?,
            root.captions().part_count()?,
        ]
    } else {
        root.remove_leftovers()?;
        [
            root.ledger().compact(1)?,
            root.verdicts().compact(1)?,
            root.captions().compact(1)?,
        ]
    };
    let [ledger, verdicts, captions] = parts;
    let line = format!(
        "compact: {ledger} parts of the ledger, {verdicts} of verdicts, {captions} of captions"
    );
    let document = json!({ "ledger": ledger, "verdicts": verdicts, "captions": captions });
    context.tell("compact", &line, &document)
}

/// Takes away old generations and what only they name.
pub(super) fn gc(args: &StageArgs) -> anyhow::Result<()> {
    let context = Context::new(&args.recipe, args.common)?;
    let needed = needed_by_runs(context.root().path())?;
    let collected = terminus_bucket::gc::gc(&context.stages.bucket, &needed)?;
    let verb = if context.common.dry_run {
        "would go"
    } else {
        "went"
    };
    let line = format!(
        "gc: {} generations and {} shards of {:.1} MB {verb}; {} generations are kept",
        collected.generations.len(),
        collected.shards.len(),
        collected.size_bytes as f64 / 1e6,
        collected.kept.len()
    );
    context.tell("gc", &line, &collected)
}

/// The generations that the checkpoints of runs go on from.
fn needed_by_runs(root: &Path) -> anyhow::Result<Vec<u32>> {
    let mut needed = Vec::new();
    for run in folders(&root.join("runs"))? {
        for checkpoint in folders(&run.join("checkpoints"))? {
            let path = checkpoint.join("trainer.json");
            if !path.exists() {
                continue;
            }
            let state: Value = serde_json::from_slice(&fs::read(&path)?)
                .with_context(|| format!("reading `{}`", path.display()))?;
            needed.extend(
                state["generation"]
                    .as_u64()
                    .and_then(|n| u32::try_from(n).ok()),
            );
        }
    }
    Ok(needed)
}

/// The folders in a folder; none in one that is not there.
fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let paths = entries.map(|entry| Ok(entry?.path()));
    let paths: Vec<PathBuf> = paths.collect::<io::Result<_>>()?;
    Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
}
