//! `terminus verify --repair`: brings back what can be brought back, and has the next ingest find out the rest.

use anyhow::Context as _;
use fs_err as fs;
use rayon::prelude::*;
use terminus_manifest::{
    Root, atomic,
    ids::Sha256Digest,
    ledger::LedgerRow,
    log::{Log, LogRow},
    run::Progress as _,
    store::ContentStore,
    time::Timestamp,
};

use crate::context::Context;

/// What cannot be read of the logs of a root, a line a part.
pub(super) fn damaged_parts(root: &Root) -> anyhow::Result<Vec<String>> {
    let damaged = [
        root.ledger().damaged_parts()?,
        root.verdicts().damaged_parts()?,
        root.captions().damaged_parts()?,
    ];
    let lines = damaged
        .into_iter()
        .flatten()
        .map(|(_, error)| error.to_string());
    Ok(lines.collect())
}

/// Removes what dead processes left half-written, and sets parts of logs aside that cannot be read: what they said is
/// found out anew by the next run of their stage.
pub(super) fn logs(context: &Context) -> anyhow::Result<()> {
    let root = context.root();
    let mut aside = 0;
    if !context.common.dry_run {
        let leftovers =
            root.remove_leftovers()? + ContentStore::new(root.originals()).remove_leftovers()?;
        if leftovers > 0 {
            eprintln!("repair: {leftovers} half-written files removed");
        }
    }
    aside += set_aside(&root.ledger(), context)?;
    aside += set_aside(&root.verdicts(), context)?;
    aside += set_aside(&root.captions(), context)?;
    if aside > 0 {
        eprintln!(
            "repair: what {aside} parts said is missing\n\
             hint: `terminus ingest` and the stages after it find it out anew, and lose no item"
        );
    }
    Ok(())
}

fn set_aside<T: LogRow>(log: &Log<T>, context: &Context) -> anyhow::Result<u64> {
    let mut count = 0;
    for (path, error) in log.damaged_parts()? {
        eprintln!("repair: {error}");
        if !context.common.dry_run {
            let target = Log::<T>::set_aside(&path)?;
            eprintln!("repair: it is `{}` now", target.display());
        }
        count += 1;
    }
    Ok(count)
}

/// Holds copied originals against the ledger. A damaged one is copied again from where it was found, if the same bytes
/// lie there; else it is forgotten, so that the next ingest reads or fetches it anew.
pub(super) fn originals(context: &Context) -> anyhow::Result<()> {
    let store = ContentStore::new(context.root().originals());
    let rows: Vec<LedgerRow> = context
        .root()
        .ledger()
        .rows()?
        .into_iter()
        .filter(|row| row.fault.is_none() && row.sha256.is_some())
        .collect();
    context
        .terminal
        .start("repair", Some(rows.len() as u64), "files");
    let damaged: Vec<&LedgerRow> = rows
        .par_iter()
        .filter(|row| {
            context.terminal.advance(1);
            let path = store.locate(row);
            let bytes = path.and_then(|path| fs::read(path).ok());
            bytes.is_none_or(|bytes| Some(Sha256Digest::of(&bytes)) != row.sha256)
        })
        .collect();
    context.terminal.finish();
    let (mut copied, mut forgotten) = (0_u64, Vec::new());
    for row in damaged {
        let kept = store
            .locate(row)
            .filter(|path| path.starts_with(store.folder()));
        let source = fs::read(&row.origin)
            .ok()
            .filter(|bytes| Some(Sha256Digest::of(bytes)) == row.sha256);
        match (kept, source) {
            (Some(path), Some(bytes)) => {
                if !context.common.dry_run {
                    atomic::write(&path, &bytes).context("bringing an original back")?;
                }
                copied += 1;
            }
            (kept, _) => {
                if let Some(path) = kept.filter(|_| !context.common.dry_run) {
                    fs::remove_file(path)?;
                }
                forgotten.push(LedgerRow {
                    sha256: None,
                    etag: None,
                    last_modified: None,
                    source_size: None,
                    seen_at: Timestamp::now(),
                    ..row.clone()
                });
            }
        }
    }
    let count = forgotten.len();
    if !context.common.dry_run && !forgotten.is_empty() {
        let run = context.root().claim_run("repair", 0, 1)?;
        context.root().ledger().append(run, forgotten)?;
    }
    eprintln!("repair: {copied} originals brought back, {count} to be read by the next ingest");
    Ok(())
}
