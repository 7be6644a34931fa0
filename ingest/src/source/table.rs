//! Parquet files that hold the images themselves, as Hugging Face does.

use std::path::PathBuf;

use bytes::Bytes;
use terminus_manifest::words::Reason;

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
        let mut known = Vec::new();
        let image = self.image.to_owned();
        for cells in self.table.read(1024, |name| name != image) {
            let cells = match cells {
                Ok(cells) => cells,
                Err(error) => return Ok(Err(error.to_string())),
            };
            for row in 0..cells.rows() {
                let found = self.found(&cells, row, known.len(), Place::Held(Bytes::new()), stat);
                is_any_wanted |= self.sink.wants(&found);
                known.push(());
            }
        }
        if !is_any_wanted {
            // The rows are handed over again without their bytes: none of them will be read.
            return self.hand_over(stat, false);
        }
        self.hand_over(stat, true)
    }

    fn hand_over(&mut self, stat: Stat, with_images: bool) -> Result<Result<(), String>, Error> {
        let mut number = 0;
        let image = self.image;
        let columns = self
            .table
            .read(BLOCK_ROWS, |name| with_images || name != image);
        for cells in columns {
            let cells = match cells {
                Ok(cells) => cells,
                Err(error) => return Ok(Err(error.to_string())),
            };
            for row in 0..cells.rows() {
                let place = match cells.image(image, row) {
                    Some(bytes) => Place::Held(bytes),
                    None if with_images => Place::Nothing {
                        reason: Reason::NoImage,
                        detail: absence(&|name| cells.text(name, row)),
                    },
                    None => Place::Held(Bytes::new()),
                };
                let found = self.found(&cells, row, number, place, stat);
                number += 1;
                self.sink.take(found)?;
            }
        }
        Ok(Ok(()))
    }

    fn found(&self, cells: &Cells, row: usize, number: usize, place: Place, stat: Stat) -> Found {
        let columns = &self.collection.columns;
        let get = |name: &str| cells.text(name, row);
        let fields = Fields::new(&get);
        let id = fields.first(columns.id.as_ref(), json::ID);
        let member = id.unwrap_or_else(|| number.to_string());
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

/// Why a row has no image: what img2dataset says of it, if it wrote the row.
pub(super) fn absence(get: &dyn Fn(&str) -> Option<String>) -> String {
    let Some(status) = get("status") else {
        return "the row holds no image".to_owned();
    };
    let error = get("error_message").map_or_else(String::new, |text| format!(": {text}"));
    format!("img2dataset brought no image: {status}{error}")
}
