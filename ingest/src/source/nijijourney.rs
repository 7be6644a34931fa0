//! The layout of nijijourney-v6-520k-raw: tars of images and a `train.parquet` that describes them by id.

use std::{
    collections::{HashMap, hash_map::Entry},
    path::PathBuf,
};

use terminus_manifest::words::Reason;

use super::{
    Found, Sink, Stated, Walk,
    archive::{Archive, Keys},
    json::{self, Fields},
    pattern::{self, SourceFile},
    table::damage,
    take_broken,
};
use crate::{CollectionPlan, Error, cells::Table};

/// The folder.
pub(crate) struct Nijijourney(pub PathBuf);

impl Walk for Nijijourney {
    fn walk(&self, collection: &CollectionPlan, sink: &mut dyn Sink) -> Result<(), Error> {
        let name = &collection.name;
        let mut rows: HashMap<String, Row> = HashMap::new();
        for file in pattern::files(name, &self.0.join("*.parquet"))? {
            if let Err(detail) = read_table(collection, &file, &mut rows, sink)? {
                take_broken(collection, &file, detail, sink)?;
            }
        }
        for file in pattern::files(name, &self.0.join("**/*.tar"))? {
            let (archive, fault) = Archive::tar(&file.path)?;
            for found in archive.items(name, &file.name, Keys::FirstDot) {
                let name = found.origin.rsplit(['/', '!']).next().unwrap_or_default();
                let id = name.split('.').next().unwrap_or_default();
                let row = rows.get_mut(id);
                sink.take(match row {
                    Some(row) => {
                        row.has_image = true;
                        found.stating(row.stated.clone())
                    }
                    None => found,
                })?;
            }
            if let Some(detail) = fault {
                take_broken(collection, &file, detail, sink)?;
            }
        }
        // Rows whose image is in no tar, in a stable order.
        let left = rows.into_iter().filter(|(_, row)| !row.has_image);
        let mut left: Vec<(String, Row)> = left.collect();
        left.sort_by(|a, b| a.0.cmp(&b.0));
        for (id, row) in left {
            let detail = "no tar holds the image of this row".to_owned();
            let found =
                Found::without_bytes(name, &format!("id:{id}"), id, Reason::NoImage, detail);
            sink.take(found.stating(row.stated))?;
        }
        Ok(())
    }
}

/// What a row states.
struct Row {
    stated: Stated,
    has_image: bool,
}

/// What the table states, by id; the inner error is damage in words.
fn read_table(
    collection: &CollectionPlan,
    file: &SourceFile,
    rows: &mut HashMap<String, Row>,
    sink: &mut dyn Sink,
) -> Result<Result<(), String>, Error> {
    let columns = &collection.columns;
    let table = match Table::open(&file.path) {
        Ok(table) => table,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let mut faults = Vec::new();
    for cells in table.read(1024, |_| true) {
        let cells = match cells {
            Ok(cells) => cells,
            Err(error) => {
                faults.push(error.to_string());
                continue;
            }
        };
        for (row, number) in (0..cells.rows()).zip(cells.first_row() + 1..) {
            let mut bad_row = |detail: String| {
                let name = format!("{}#{number}", file.name);
                let origin = format!("{}#{number}", file.path.display());
                let reason = Reason::BadRow;
                let found = Found::without_bytes(&collection.name, &name, origin, reason, detail);
                sink.take(found)
            };
            let get = |name: &str| cells.text(name, row);
            let fields = Fields::new(&get);
            let Some(id) = fields.first(columns.id.as_ref(), &["id", "key", "image_id"]) else {
                bad_row("the row has no id".to_owned())?;
                continue;
            };
            let mut stated = json::stated(&fields, columns);
            stated.generator = Some("niji".to_owned());
            stated.version = fields.first(None, &["version"]).map(|text| {
                text.trim_start_matches(|c: char| !c.is_ascii_digit())
                    .to_owned()
            });
            stated.version.take_if(|version| version.is_empty());
            match rows.entry(id) {
                Entry::Vacant(place) => {
                    let has_image = false;
                    place.insert(Row { stated, has_image });
                }
                Entry::Occupied(place) if place.get().stated == stated => {}
                Entry::Occupied(place) => {
                    let id = place.key();
                    bad_row(format!(
                        "its id `{id}` is that of an earlier row, which says something else"
                    ))?;
                }
            }
        }
    }
    Ok(damage(&faults))
}
