//! The output folder of img2dataset: a table a shard, and its images in a tar, a folder or the table itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use terminus_manifest::words::Reason;

use super::{
    Found, Sink, Stated, Walk,
    archive::{Archive, Keys},
    folder,
    json::{self, Fields},
    pattern::{self, SourceFile, is_image},
    table::{Tables, absence, damage},
    take_broken,
};
use crate::{CollectionPlan, Error, cells::Table};

/// The folder.
pub(crate) struct Img2dataset(pub PathBuf);

impl Walk for Img2dataset {
    fn walk(&self, collection: &CollectionPlan, sink: &mut dyn Sink) -> Result<(), Error> {
        let shards = shards(&collection.name, &self.0)?;
        if shards.is_empty() {
            // Says that nothing is there.
            pattern::files(&collection.name, &self.0.join("*.parquet"))?;
        }
        for (shard, path) in shards {
            let table = path.with_extension("parquet");
            if !table.is_file() {
                // A run that was ended leaves a shard without its table.
                let (images, fault) = images(collection, &shard, &path)?;
                left_over(collection, &shard, images, sink)?;
                take_damage(collection, &shard, &path, fault, sink)?;
                continue;
            }
            let file = SourceFile {
                name: format!("{shard}.parquet"),
                path: table,
            };
            let table = match Table::open(&file.path) {
                Ok(table) => table,
                Err(error) => {
                    let (images, fault) = images(collection, &shard, &path)?;
                    left_over(collection, &shard, images, sink)?;
                    take_damage(collection, &shard, &path, fault, sink)?;
                    take_broken(collection, &file, error.to_string(), sink)?;
                    continue;
                }
            };
            if table.column(None, &["jpg", "png", "webp"]).is_some() {
                Tables(file.path.clone()).walk(collection, sink)?;
                continue;
            }
            let (mut images, fault) = images(collection, &shard, &path)?;
            if let Err(detail) = rows(collection, &shard, &table, &mut images, sink)? {
                take_broken(collection, &file, detail, sink)?;
            }
            left_over(collection, &shard, images, sink)?;
            take_damage(collection, &shard, &path, fault, sink)?;
        }
        Ok(())
    }
}

/// The shards, by name: `00000` of `00000.parquet`, `00000.tar` or a folder `00000`; of several folders, `folder/00000`.
fn shards(collection: &str, pattern: &Path) -> Result<BTreeMap<String, PathBuf>, Error> {
    let mut shards = BTreeMap::new();
    for folder in pattern::folders(collection, pattern)? {
        for entry in fs_err::read_dir(&folder)? {
            let path = entry?.path();
            let extension = path.extension().unwrap_or_default();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let is_number = !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_digit());
            let is_shard = match extension.to_str() {
                Some("parquet" | "tar") => path.is_file() && !stem.starts_with('.'),
                Some("") => is_number && path.is_dir(),
                _ => false,
            };
            if is_shard {
                let name = match folder.file_name().filter(|_| folder != pattern) {
                    Some(folder) => format!("{}/{stem}", folder.to_string_lossy()),
                    None => stem.into_owned(),
                };
                shards.insert(name, path.with_extension(""));
            }
        }
    }
    Ok(shards)
}

/// The images of a shard, by key, and what ended their list early.
type Images = (BTreeMap<String, Found>, Option<String>);

fn images(collection: &CollectionPlan, shard: &str, path: &Path) -> Result<Images, Error> {
    let (mut found, mut fault) = (Vec::new(), None);
    let tar = path.with_extension("tar");
    if tar.is_file() {
        let (archive, damage) = Archive::tar(&tar)?;
        fault = damage;
        found = archive.items(&collection.name, shard, Keys::FirstDot);
    }
    if path.is_dir() {
        found.extend(folder::list(&collection.name, path)?);
    }
    let mut images = BTreeMap::new();
    for found in found {
        let path = Path::new(&found.origin);
        if is_image(path) {
            let key = path.file_stem().unwrap_or_default().to_string_lossy();
            let key = key.rsplit('!').next().unwrap_or_default().to_owned();
            images.insert(key, found);
        }
    }
    Ok((images, fault))
}

/// Hands over the images that no row tells of.
fn left_over(
    collection: &CollectionPlan,
    shard: &str,
    images: BTreeMap<String, Found>,
    sink: &mut dyn Sink,
) -> Result<(), Error> {
    for (key, image) in images {
        let name = format!("{shard}!{key}");
        let named = Found::new(&collection.name, &name, String::new(), image.place.clone());
        sink.take(Found {
            source_id: named.source_id,
            item_id: named.item_id,
            ..image
        })?;
    }
    Ok(())
}

/// Hands over what ended a shard's tar early.
fn take_damage(
    collection: &CollectionPlan,
    shard: &str,
    path: &Path,
    fault: Option<String>,
    sink: &mut dyn Sink,
) -> Result<(), Error> {
    let Some(detail) = fault else {
        return Ok(());
    };
    let tar = SourceFile {
        path: path.with_extension("tar"),
        name: format!("{shard}.tar"),
    };
    take_broken(collection, &tar, detail, sink)
}

/// Hands over every row of a shard's table; the inner error is damage in words.
fn rows(
    collection: &CollectionPlan,
    shard: &str,
    table: &Table,
    images: &mut BTreeMap<String, Found>,
    sink: &mut dyn Sink,
) -> Result<Result<(), String>, Error> {
    let mut faults = Vec::new();
    for cells in table.read(1024, |_| true) {
        let cells = match cells {
            Ok(cells) => cells,
            Err(error) => {
                faults.push(error.to_string());
                continue;
            }
        };
        for (row, number) in (0..cells.rows()).zip(cells.first_row()..) {
            let get = |name: &str| cells.text(name, row);
            let fields = Fields::new(&get);
            let key = fields.first(collection.columns.id.as_ref(), &["key"]);
            let member = key.clone().unwrap_or_else(|| format!("row {number}"));
            let name = format!("{shard}!{member}");
            // Its sha256 is that of the bytes as they were fetched, before they were encoded anew.
            let stated = Stated {
                sha256: None,
                ..json::stated(&fields, &collection.columns)
            };
            let image = key.and_then(|key| images.remove(&key));
            let found = if let Some(image) = image {
                let found = Found::new(&collection.name, &name, image.origin, image.place);
                Found {
                    stat: image.stat,
                    ..found
                }
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
    Ok(damage(&faults))
}
