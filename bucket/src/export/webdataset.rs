//! Tar files of `<name>.<ext>`, `<name>.txt` and `<name>.json`.

use std::{
    collections::BTreeMap,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use fs_err as fs;
use terminus_manifest::words::Split;

use super::{Entry, ExportPlan, Sink};
use crate::Error;

type Tar = tar::Builder<BufWriter<fs::File>>;

/// The tars, filled one after the other.
pub(super) struct Tars {
    folder: PathBuf,
    file_rows: u64,
    open: Option<(Split, Tar, u64, PathBuf)>,
    finished: Vec<PathBuf>,
    files: BTreeMap<Split, u32>,
}

impl Tars {
    pub(super) fn new(folder: &Path, plan: &ExportPlan) -> Self {
        Self {
            folder: folder.to_owned(),
            file_rows: plan.file_rows,
            open: None,
            finished: Vec::new(),
            files: BTreeMap::new(),
        }
    }

    fn close(&mut self) -> Result<(), Error> {
        if let Some((_, mut tar, _, path)) = self.open.take() {
            tar.finish()?;
            // The end stays in the buffer otherwise until the whole is dropped.
            tar.into_inner()?.flush()?;
            self.finished.push(path);
        }
        Ok(())
    }
}

impl Sink for Tars {
    fn push(&mut self, entry: Entry) -> Result<(), Error> {
        let is_other = |(split, _, rows, _): &(Split, Tar, u64, PathBuf)| {
            *split != entry.split || *rows >= self.file_rows
        };
        if self.open.as_ref().is_some_and(is_other) {
            self.close()?;
        }
        if self.open.is_none() {
            let number = self.files.entry(entry.split).or_default();
            let path = self
                .folder
                .join(format!("{}-{number:06}.tar", entry.folder()));
            *number += 1;
            let tar = tar::Builder::new(BufWriter::new(fs::File::create(&path)?));
            self.open = Some((entry.split, tar, 0, path));
        }
        if let Some((_, tar, rows, _)) = self.open.as_mut() {
            *rows += 1;
            let facts = entry.facts().to_string();
            let name = &entry.name;
            append(
                tar,
                &format!("{name}.{}", entry.extension),
                &entry.row.image.bytes,
            )?;
            append(tar, &format!("{name}.txt"), entry.row.caption.as_bytes())?;
            append(tar, &format!("{name}.json"), facts.as_bytes())?;
        }
        Ok(())
    }

    fn finished(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.finished)
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<String>, Error> {
        self.close()?;
        Ok(Vec::new())
    }
}

/// Adds a file; its header depends on name and size alone.
fn append(tar: &mut Tar, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    Ok(tar.append_data(&mut header, name, bytes)?)
}
