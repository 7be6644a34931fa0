//! `terminus verify --repair`: brings damaged originals back.

use anyhow::Context as _;
use fs_err as fs;
use rayon::prelude::*;
use terminus_manifest::{
    atomic, ids::Sha256Digest, ledger::LedgerRow, run::Progress as _, store::ContentStore,
    time::Timestamp,
};

use crate::context::Context;

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
