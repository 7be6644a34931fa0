//! The output folder of img2dataset: a table a shard, and its images in a tar, a folder or the table itself.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use terminus_manifest::words::Reason;

use super::{
    Found, Place, Sink, Stat, Stated, Walk,
    archive::{Archive, Member},
    json::{self, Fields},
    pattern::{self, IMAGE_EXTENSIONS},
    table::{Tables, absence},
    take_broken,
};
use crate::{CollectionPlan, Error, cells::Table};

/// The folder.
pub(crate) struct Img2dataset(pub PathBuf);

impl Walk for Img2dataset {
    fn walk(&self, collection: &CollectionPlan, sink: &mut dyn Sink) -> Result<(), Error> {
        for file in pattern::files(&collection.name, &self.0.join("*.parquet"))? {
            let table = match Table::open(&file.path) {
                Ok(table) => table,
                Err(error) => {
                    take_broken(collection, &file, error.to_string(), sink)?;
                    continue;
                }
            };
            if table.column(None, &["jpg", "png", "webp"]).is_some() {
                Tables(file.path.clone()).walk(collection, sink)?;
                continue;
            }
            let (places, fault) = images(&file.path)?;
            if let Err(detail) = rows(collection, &file.name, &table, &places, sink)? {
                take_broken(collection, &file, detail, sink)?;
            }
            if let Some(detail) = fault {
                let tar = pattern::SourceFile {
                    path: file.path.with_extension("tar"),
                    name: format!("{}.tar", file.name.trim_end_matches(".parquet")),
                };
                take_broken(collection, &tar, detail, sink)?;
            }
        }
        Ok(())
    }
}

/// An image of a shard, by its key.
struct Image {
    origin: String,
    place: Place,
    stat: Stat,
}

/// The images of the shard that `table` describes, by key, and what ended their list early.
fn images(table: &Path) -> Result<(HashMap<String, Image>, Option<String>), Error> {
    let mut images = HashMap::new();
    let is_image = |name: &str| {
        Path::new(name).extension().is_some_and(|e| {
            IMAGE_EXTENSIONS
                .iter()
                .any(|known| e.eq_ignore_ascii_case(known))
        })
    };
    let key = |name: &str| {
        Path::new(name)
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let tar = table.with_extension("tar");
    let mut fault = None;
    if tar.is_file() {
        let (archive, damage) = Archive::tar(&tar)?;
        fault = damage;
        let stat = archive.stat();
        for Member { name, place } in archive.members().filter(|member| is_image(&member.name)) {
            let origin = format!("{}!{name}", tar.display());
            images.insert(
                key(&name),
                Image {
                    origin,
                    place,
                    stat,
                },
            );
        }
    }
    let folder = table.with_extension("");
    if folder.is_dir() {
        for entry in fs_err::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_image(&name) && entry.file_type()?.is_file() {
                let stat = Stat::of(&entry.metadata()?);
                let origin = entry.path().to_string_lossy().into_owned();
                let place = Place::File(entry.path());
                images.insert(
                    key(&name),
                    Image {
                        origin,
                        place,
                        stat,
                    },
                );
            }
        }
    }
    Ok((images, fault))
}

/// Hands over every row of a shard's table; the inner error is damage in words.
fn rows(
    collection: &CollectionPlan,
    file: &str,
    table: &Table,
    images: &HashMap<String, Image>,
    sink: &mut dyn Sink,
) -> Result<Result<(), String>, Error> {
    let shard = file.trim_end_matches(".parquet");
    let mut number = 0;
    for cells in table.read(1024, |_| true) {
        let cells = match cells {
            Ok(cells) => cells,
            Err(error) => return Ok(Err(error.to_string())),
        };
        for row in 0..cells.rows() {
            let get = |name: &str| cells.text(name, row);
            let fields = Fields::new(&get);
            let key = fields.first(collection.columns.id.as_ref(), &["key"]);
            let member = key.clone().unwrap_or_else(|| format!("row {number}"));
            number += 1;
            let name = format!("{shard}!{member}");
            // Its sha256 is that of the bytes as they were fetched, before they were encoded anew.
            let stated = Stated {
                sha256: None,
                ..json::stated(&fields, &collection.columns)
            };
            let image = key.and_then(|key| images.get(&key));
            let found = if let Some(Image {
                origin,
                place,
                stat,
            }) = image
            {
                Found::new(&collection.name, &name, origin.clone(), place.clone()).within(*stat)
            } else {
                let detail = absence(&get);
                let origin = fields
                    .first(None, json::URL)
                    .unwrap_or_else(|| name.clone());
                Found::without_bytes(&collection.name, &name, origin, Reason::NoImage, detail)
            };
            sink.take(found.stating(stated))?;
        }
    }
    Ok(Ok(()))
}
