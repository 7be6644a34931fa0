//! Parquet files that hold the images themselves, as Hugging Face does.

use std::{collections::HashMap, path::PathBuf};

use bytes::Bytes;
use terminus_manifest::words::Reason;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    Found, Place, Sink, Stat, Walk,
    json::{self, Fields},
    pattern::{self, SourceFile},
    take_broken,
};
use crate::{
    CollectionPlan, Error,
    cells::{Cells, Table},
    config::Columns,
};

/// Rows that are held in memory at once.
const BLOCK_ROWS: usize = 32;

/// The tables that a glob names.
pub(crate) struct Tables(pub PathBuf);

impl Walk for Tables {
    fn walk(&self, collection: &CollectionPlan, sink: &mut dyn Sink) -> Result<(), Error> {
        for file in pattern::files(&collection.name, &self.0)? {
            let table = match Table::open(&file.path) {
                Ok(table) => table,
                Err(error) => {
                    take_broken(collection, &file, error.to_string(), sink)?;
                    continue;
                }
            };
            let Some(image) = table.column(collection.columns.image.as_ref(), json::IMAGE) else {
                return Err(Error::NoColumn {
                    collection: collection.name.clone(),
                    path: file.path.clone(),
                    key: "image",
                    found: table.names().join(", "),
                });
            };
            if let Err(fault) = (Rows {
                collection,
                file: &file,
                table: &table,
                image: &image,
                sink,
            })
            .walk()?
            {
                take_broken(collection, &file, fault, sink)?;
            }
        }
        Ok(())
    }
}

struct Rows<'a> {
    collection: &'a CollectionPlan,
    file: &'a SourceFile,
    table: &'a Table,
    image: &'a str,
    sink: &'a mut dyn Sink,
}

impl Rows<'_> {
    /// Rows without their images first, which is cheap; then, if any is new, the images in blocks. The inner error is
    /// a damaged table, in words.
    fn walk(&mut self) -> Result<Result<(), String>, Error> {
        let stat = Stat::of(&fs_err::metadata(&self.file.path)?);
        let mut is_any_wanted = false;
        let mut names = Names::default();
        let image = self.image.to_owned();
        'table: for cells in self.table.read(1024, |name| name != image) {
            // The images that stand before a damage are handed over.
            let Ok(cells) = cells else {
                is_any_wanted = true;
                break;
            };
            names.rows = cells.first_row();
            for row in 0..cells.rows() {
                let place = Place::Held(Bytes::new());
                let found = self.found(&cells, row, &mut names, place, stat);
                is_any_wanted |= self.sink.wants(&found);
                if is_any_wanted {
                    break 'table;
                }
            }
        }
        // If none is wanted, rows are handed over again without their bytes: none of them will be read.
        self.hand_over(stat, is_any_wanted)
    }

    fn hand_over(&mut self, stat: Stat, with_images: bool) -> Result<Result<(), String>, Error> {
        let mut names = Names::default();
        let image = self.image;
        let columns = self
            .table
            .read(BLOCK_ROWS, |name| with_images || name != image);
        let mut faults = Vec::new();
        for cells in columns {
            let cells = match cells {
                Ok(cells) => cells,
                Err(error) => {
                    faults.push(error.to_string());
                    continue;
                }
            };
            names.rows = cells.first_row();
            for row in 0..cells.rows() {
                let place = match cells.image(image, row) {
                    Some(bytes) => Place::Held(bytes),
                    None if with_images => Place::Nothing {
                        reason: Reason::NoImage,
                        detail: absence(&|name| cells.text(name, row)),
                    },
                    None => Place::Held(Bytes::new()),
                };
                let found = self.found(&cells, row, &mut names, place, stat);
                self.sink.take(found)?;
            }
        }
        Ok(damage(&faults))
    }

    fn found(
        &self,
        cells: &Cells,
        row: usize,
        names: &mut Names,
        place: Place,
        stat: Stat,
    ) -> Found {
        let columns = &self.collection.columns;
        let get = |name: &str| cells.text(name, row);
        let fields = Fields::new(&get);
        let member = names.next(fields.first(columns.id.as_ref(), json::ID));
        let name = format!("{}!{member}", self.file.name);
        let origin = format!("{}!{member}", self.file.path.display());
        // The whole row's own columns; `image.path` is a name and says nothing.
        let columns = Columns {
            url: None,
            ..columns.clone()
        };
        Found::new(&self.collection.name, &name, origin, place)
            .within(stat)
            .stating(json::stated(&fields, &columns))
    }
}

/// What rows are called: by their id, else by their number. Where rows share an id, the second is `id#2`: an id of
/// something else than the picture makes none vanish.
#[derive(Default)]
struct Names {
    /// The number of the next row.
    rows: usize,
    times: HashMap<u64, u32>,
}

impl Names {
    fn next(&mut self, id: Option<String>) -> String {
        let number = self.rows;
        self.rows += 1;
        let Some(id) = id else {
            return number.to_string();
        };
        let times = self.times.entry(xxh3_64(id.as_bytes())).or_default();
        *times += 1;
        match *times {
            1 => id,
            times => format!("{id}#{times}"),
        }
    }
}

/// What is damaged, if anything is.
pub(super) fn damage(faults: &[String]) -> Result<(), String> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("; "))
    }
}

/// Why a row has no image: what img2dataset says of it, if it wrote the row.
pub(super) fn absence(get: &dyn Fn(&str) -> Option<String>) -> String {
    let Some(status) = get("status") else {
        return "the row holds no image".to_owned();
    };
    let error = get("error_message").map_or_else(String::new, |text| format!(": {text}"));
    format!("img2dataset brought no image: {status}{error}")
}
