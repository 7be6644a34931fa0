//! Parquet files, and the card that tells Hugging Face which split is which.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use fs_err as fs;
use terminus_manifest::{
    shard::{ShardLimits, ShardWriter},
    words::Split,
};

use super::{Entry, ExportPlan, Sink};
use crate::Error;

/// The files, filled one after the other.
pub(super) struct Files {
    folder: PathBuf,
    limits: ShardLimits,
    open: Option<(Split, ShardWriter, PathBuf)>,
    finished: Vec<PathBuf>,
    begun: BTreeMap<Split, u32>,
}

impl Files {
    pub(super) fn new(folder: &Path, plan: &ExportPlan) -> Self {
        Self {
            folder: folder.join("data"),
            limits: ShardLimits {
                rows: plan.file_rows,
                ..ShardLimits::default()
            },
            open: None,
            finished: Vec::new(),
            begun: BTreeMap::new(),
        }
    }

    fn close(&mut self) -> Result<(), Error> {
        if let Some((_, writer, path)) = self.open.take() {
            writer.finish()?;
            self.finished.push(path);
        }
        Ok(())
    }
}

impl Sink for Files {
    fn push(&mut self, entry: Entry) -> Result<(), Error> {
        let is_other = |(split, writer, _): &(Split, ShardWriter, PathBuf)| {
            *split != entry.split || writer.is_full()
        };
        if self.open.as_ref().is_some_and(is_other) {
            self.close()?;
        }
        if self.open.is_none() {
            let number = self.begun.entry(entry.split).or_default();
            let path = self
                .folder
                .join(format!("{}-{number:05}.parquet", entry.folder()));
            *number += 1;
            let writer = ShardWriter::create(&path, self.limits)?;
            self.open = Some((entry.split, writer, path));
        }
        if let Some((_, writer, _)) = self.open.as_mut() {
            let mut row = entry.row;
            row.image.path = format!("{}.{}", entry.name, entry.extension);
            writer.push(row)?;
        }
        Ok(())
    }

    fn finished(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.finished)
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<String>, Error> {
        self.close()?;
        let mut card = String::from("---\nconfigs:\n- config_name: default\n  data_files:\n");
        for split in self.begun.keys() {
            // Writing to a string cannot fail.
            let _ = writeln!(card, "  - split: {split}\n    path: data/{split}-*.parquet");
        }
        card.push_str("---\n\nImages with captions and crop coordinates, written by terminus.\n");
        fs::write(self.folder.with_file_name("README.md"), card)?;
        Ok(vec![
            "captions: the first of each sample; the index holds all of them".to_owned(),
        ])
    }
}
