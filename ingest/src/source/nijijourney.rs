//! The layout of nijijourney-v6-520k-raw: tars of images and a `train.parquet` that describes them by id.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use terminus_manifest::words::Reason;

use super::{
    Found, Sink, Stated, Walk,
    archive::Archive,
    json::{self, Fields},
    pattern, take_broken,
};
use crate::{CollectionPlan, Error, cells::Table, config::Columns};

/// The folder.
pub(crate) struct Nijijourney(pub PathBuf);

impl Walk for Nijijourney {
    fn walk(&self, collection: &CollectionPlan, sink: &mut dyn Sink) -> Result<(), Error> {
        let name = &collection.name;
        let mut rows: HashMap<String, Stated> = HashMap::new();
        for file in pattern::files(name, &self.0.join("*.parquet"))? {
            match read_table(&file.path, &collection.columns, &mut rows) {
                Ok(()) => {}
                Err(detail) => take_broken(collection, &file, detail, sink)?,
            }
        }
        for file in pattern::files(name, &self.0.join("**/*.tar"))? {
            let (archive, fault) = Archive::tar(&file.path)?;
            for found in archive.items(name, &file.name) {
                let name = found.origin.rsplit(['/', '!']).next().unwrap_or_default();
                let id = name.split('.').next().unwrap_or_default();
                let stated = rows.remove(id);
                sink.take(match stated {
                    Some(stated) => found.stating(stated),
                    None => found,
                })?;
            }
            if let Some(detail) = fault {
                take_broken(collection, &file, detail, sink)?;
            }
        }
        // Rows whose image is in no tar, in a stable order.
        let mut left: Vec<(String, Stated)> = rows.into_iter().collect();
        left.sort_by(|a, b| a.0.cmp(&b.0));
        for (id, stated) in left {
            let detail = "no tar holds the image of this row".to_owned();
            let found =
                Found::without_bytes(name, &format!("id:{id}"), id, Reason::NoImage, detail);
            sink.take(found.stating(stated))?;
        }
        Ok(())
    }
}

/// What the table states, by id; damage in words.
fn read_table(
    path: &Path,
    columns: &Columns,
    rows: &mut HashMap<String, Stated>,
) -> Result<(), String> {
    let table = Table::open(path).map_err(|error| error.to_string())?;
    for cells in table.read(1024, |_| true) {
        let cells = cells.map_err(|error| error.to_string())?;
        for row in 0..cells.rows() {
            let get = |name: &str| cells.text(name, row);
            let fields = Fields::new(&get);
            let Some(id) = fields.first(columns.id.as_ref(), &["id", "key", "image_id"]) else {
                continue;
            };
            let mut stated = json::stated(&fields, columns);
            stated.generator = Some("niji".to_owned());
            stated.version = fields.first(None, &["version"]).map(|text| {
                text.trim_start_matches(|c: char| !c.is_ascii_digit())
                    .to_owned()
            });
            stated.version.take_if(|version| version.is_empty());
            rows.insert(id, stated);
        }
    }
    Ok(())
}
