//! Writes a generation in the formats of other tools.
//!
//! Either every sample once, or the places of one epoch, repeats and all. Images go out byte for byte as the shards
//! hold them; captions are the newest of the index. Everything is written into a folder beside the target, which
//! gets its name only when the last file is in it.

mod entry;
mod imagefolder;
mod kohya;
mod parquet;
mod webdataset;

use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::Serialize;
use terminus_manifest::{
    generation::{Generation, plan_samples},
    places::trained,
    plan::plan as plan_epoch,
    run::{Cancel, Progress},
    words::Split,
};

use crate::Error;
pub use entry::Entry;
use entry::Shards;

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Parquet files with an image column, as Hugging Face `datasets` and DuckDB read them.
    Parquet,
    /// Tar files of image, text and JSON, as the `webdataset` library reads them.
    Webdataset,
    /// Folders of images with `.txt` captions and a `dataset.toml`, as kohya's scripts read them.
    Kohya,
    /// Folders of images with a `metadata.jsonl`, as `load_dataset("imagefolder")` reads them.
    HfImagefolder,
}

/// Which samples are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Every sample of both splits, once.
    Unique,
    /// The places of this epoch at device batch 1, in order, repeats and all; of the train split.
    Epoch(u64),
}

/// What will be written.
#[derive(Clone, Debug)]
pub struct ExportPlan {
    /// The format.
    pub format: Format,
    /// Which samples.
    pub selection: Selection,
    /// The folder; it must not exist, or be empty.
    pub target: PathBuf,
    /// A file of many samples is closed at this many.
    pub file_rows: u64,
    /// The grid of bucket sides, which kohya's scripts want to know.
    pub step_px: u32,
    /// The side whose square is the most pixels that a bucket has.
    pub target_px: u32,
    /// Only say what would be written.
    pub dry_run: bool,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The generation.
    pub generation: u32,
    /// The format.
    pub format: Format,
    /// Which samples.
    pub selection: Selection,
    /// The folder.
    pub target: PathBuf,
    /// Different samples.
    pub samples: u64,
    /// Uses of them: more than samples where an epoch repeats.
    pub places: u64,
    /// Bytes of their images, each use counted.
    pub image_bytes: u64,
    /// What the format could not hold, in sentences.
    pub not_carried: Vec<String>,
}

/// A format at work.
trait Sink {
    /// Takes the next entry.
    fn push(&mut self, entry: Entry) -> Result<(), Error>;

    /// Writes what stands at the end; gives what the format could not hold.
    fn finish(self: Box<Self>) -> Result<Vec<String>, Error>;
}

/// Writes a generation to `plan.target`.
///
/// # Errors
/// The target is not empty, a shard cannot be read, a file cannot be written, [`Error::Interrupted`]; then the target
/// does not appear.
pub fn export(
    generation: &Generation,
    plan: &ExportPlan,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Exported, Error> {
    refuse_what_is_there(&plan.target)?;
    let index = generation.index()?;
    let uses = uses(generation, &index, plan.selection)?;
    let mut exported = Exported {
        generation: generation.manifest.generation,
        format: plan.format,
        selection: plan.selection,
        target: plan.target.clone(),
        samples: uses.iter().filter(|(_, repeat)| *repeat == 0).count() as u64,
        places: uses.len() as u64,
        image_bytes: 0,
        not_carried: Vec::new(),
    };
    if plan.dry_run {
        return Ok(exported);
    }
    let folder = unfinished_name(&plan.target);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut sink: Box<dyn Sink> = match plan.format {
        Format::Parquet => Box::new(parquet::Files::new(&folder, plan)),
        Format::Webdataset => Box::new(webdataset::Tars::new(&folder, plan)),
        Format::Kohya => Box::new(kohya::Folders::new(&folder, plan)),
        Format::HfImagefolder => Box::new(imagefolder::Folders::new(&folder)),
    };
    let mut shards = Shards::new(generation);
    progress.start("export", Some(uses.len() as u64), "samples");
    for (place, (at, repeat)) in (0..).zip(uses) {
        if cancel.is_cancelled() {
            fs::remove_dir_all(&folder)?;
            return Err(Error::Interrupted);
        }
        let entry = shards.entry(&index[at], place, repeat, plan.selection)?;
        exported.image_bytes += entry.row.image.bytes.len() as u64;
        sink.push(entry)?;
        progress.advance(1);
    }
    exported.not_carried = sink.finish()?;
    progress.finish();
    let record = serde_json::to_vec_pretty(&exported).map_err(std::io::Error::from)?;
    fs::write(folder.join("terminus-export.json"), record)?;
    if plan.target.exists() {
        // It is empty.
        fs::remove_dir(&plan.target)?;
    }
    fs::rename(&folder, &plan.target)?;
    Ok(exported)
}

/// Positions in the index, in the order of writing, each with the uses of it that come before.
fn uses(
    generation: &Generation,
    index: &[terminus_manifest::index::IndexRow],
    selection: Selection,
) -> Result<Vec<(usize, u32)>, Error> {
    match selection {
        Selection::Unique => {
            let mut uses: Vec<(usize, u32)> = (0..index.len()).map(|at| (at, 0)).collect();
            // In the order of the files, so that each is read once from front to back.
            uses.sort_by_key(|(at, _)| {
                let row = &index[*at];
                (row.split != Split::Train, &row.shard, row.row)
            });
            Ok(uses)
        }
        Selection::Epoch(epoch) => {
            let positions: Vec<usize> = (0..index.len())
                .filter(|at| index[*at].split == Split::Train)
                .collect();
            debug_assert_eq!(positions.len(), trained(index).count());
            let settings = generation.plan_settings();
            let epoch = plan_epoch(&plan_samples(index), &settings, epoch)?;
            let mut seen = vec![0; positions.len()];
            let uses = epoch.places().iter().map(|place| {
                let at = place.sample as usize;
                let repeat = seen[at];
                seen[at] += 1;
                (positions[at], repeat)
            });
            Ok(uses.collect())
        }
    }
}

fn refuse_what_is_there(target: &Path) -> Result<(), Error> {
    let text = target.to_string_lossy();
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(Error::NoObjectStore {
            target: target.to_owned(),
            scheme: scheme.to_owned(),
        });
    }
    let is_taken = match fs::read_dir(target) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    };
    if is_taken {
        return Err(Error::TargetTaken {
            target: target.to_owned(),
        });
    }
    Ok(())
}

/// The name that the target's folder bears until it is whole.
fn unfinished_name(target: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".tmp-export-");
    name.push(target.file_name().unwrap_or_default());
    target.with_file_name(name)
}
