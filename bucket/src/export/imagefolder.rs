//! `train/` and `validation/`, each with a `metadata.jsonl`.

use std::{
    collections::{BTreeMap, btree_map::Entry as Slot},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use fs_err as fs;
use terminus_manifest::words::Split;

use super::{Entry, Sink};
use crate::Error;

/// The folders.
pub(super) struct Folders {
    folder: PathBuf,
    metadata: BTreeMap<Split, BufWriter<fs::File>>,
    finished: Vec<PathBuf>,
}

impl Folders {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            metadata: BTreeMap::new(),
            finished: Vec::new(),
        }
    }
}

impl Sink for Folders {
    fn push(&mut self, entry: Entry) -> Result<(), Error> {
        let folder = self.folder.join(entry.folder());
        let metadata = match self.metadata.entry(entry.split) {
            Slot::Occupied(slot) => slot.into_mut(),
            Slot::Vacant(slot) => {
                fs::create_dir_all(&folder)?;
                let file = fs::File::create(folder.join("metadata.jsonl"))?;
                slot.insert(BufWriter::new(file))
            }
        };
        let name = format!("{}.{}", entry.name, entry.extension);
        let path = folder.join(&name);
        fs::write(&path, &entry.row.image.bytes)?;
        self.finished.push(path);
        let mut line = serde_json::json!({ "file_name": name, "text": entry.row.caption });
        if let (Some(line), serde_json::Value::Object(facts)) =
            (line.as_object_mut(), entry.facts())
        {
            line.extend(facts);
        }
        writeln!(metadata, "{line}")?;
        Ok(())
    }

    fn finished(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.finished)
    }

    fn finish(self: Box<Self>) -> Result<Vec<String>, Error> {
        for (_, mut file) in self.metadata {
            file.flush()?;
        }
        Ok(Vec::new())
    }
}
