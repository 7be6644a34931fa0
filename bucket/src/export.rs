//! Writes a generation in the formats of other tools.
//!
//! Either every sample once, or the places of one epoch, repeats and all. Images go out byte for byte as the shards
//! hold them; captions are the newest of the index. Everything is written into a folder beside the target, which
//! gets its name only when the last file is in it; or, for an object store, file by file, and a listing last.

mod entry;
mod imagefolder;
mod kohya;
mod parquet;
mod store;
mod webdataset;

use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::Serialize;
use terminus_manifest::{
    generation::{Generation, plan_samples},
    index::IndexRow,
    places::trained,
    plan::plan as plan_epoch,
    run::{Cancel, Progress},
    words::Split,
};

use crate::Error;
pub use entry::Entry;
use entry::Shards;
use store::{Standing, Store, upload_while};
pub use store::{StoreSettings, Uploaded, is_address};

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
    /// The folder, which must not exist or be empty; or the address of an object store.
    pub target: PathBuf,
    /// Where files wait until they are sent to a store.
    pub staging: PathBuf,
    /// Settings and keys of stores.
    pub store: StoreSettings,
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
    /// The folder, or the address.
    pub target: PathBuf,
    /// Different samples.
    pub samples: u64,
    /// Uses of them: more than samples where an epoch repeats.
    pub places: u64,
    /// Bytes of their images, each use counted.
    pub image_bytes: u64,
    /// What the format could not hold, in sentences.
    pub not_carried: Vec<String>,
    /// What was sent to an object store; none for a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uploaded: Option<Uploaded>,
}

/// A format at work.
trait Sink {
    /// Takes the next entry.
    fn push(&mut self, entry: Entry) -> Result<(), Error>;

    /// The files that have been finished since it was last asked.
    fn finished(&mut self) -> Vec<PathBuf> {
        Vec::new()
    }

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
    let to_store = is_address(&plan.target);
    let store = to_store.then(|| Store::at_address(&plan.target, &plan.store));
    let store = store.transpose()?;
    if !to_store {
        refuse_what_is_there(&plan.target)?;
    }
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
        uploaded: None,
    };
    if plan.dry_run {
        return Ok(exported);
    }
    let work = Work {
        generation,
        plan,
        index: &index,
        uses: &uses,
        progress,
        cancel,
    };
    match store {
        Some(store) => work.to_store(&store, &mut exported)?,
        None => work.to_folder(&mut exported)?,
    }
    Ok(exported)
}

/// What is written, from what.
struct Work<'a> {
    generation: &'a Generation,
    plan: &'a ExportPlan,
    index: &'a [IndexRow],
    uses: &'a [(usize, u32)],
    progress: &'a dyn Progress,
    cancel: &'a Cancel,
}

impl Work<'_> {
    fn to_folder(&self, exported: &mut Exported) -> Result<(), Error> {
        let target = &self.plan.target;
        let folder = unfinished_name(target);
        let written = empty(&folder).and_then(|()| self.write(&folder, exported, &mut |_| true));
        if let Err(error) = written {
            fs::remove_dir_all(&folder)?;
            return Err(error);
        }
        let record = serde_json::to_vec_pretty(&exported).map_err(std::io::Error::from)?;
        fs::write(folder.join(store::LISTING), record)?;
        if target.exists() {
            // It is empty.
            fs::remove_dir(target)?;
        }
        fs::rename(&folder, target)?;
        Ok(())
    }

    fn to_store(&self, store: &Store, exported: &mut Exported) -> Result<(), Error> {
        let identity = store::identity(&self.generation.manifest, self.plan);
        let standing = store.standing(&identity)?;
        if let Standing::Whole(listing) = &standing
            && store.holds(listing)?
        {
            exported.image_bytes = listing["image_bytes"].as_u64().unwrap_or(0);
            exported.uploaded = Some(Uploaded {
                objects: listing["objects"].as_array().map_or(0, Vec::len) as u64,
                ..Uploaded::default()
            });
            return Ok(());
        }
        if matches!(standing, Standing::Fresh) {
            store.begin(&identity)?;
        }
        let may_be_there = !matches!(standing, Standing::Fresh);
        let folder = &self.plan.staging;
        empty(folder)?;
        let (progress, cancel) = (self.progress, self.cancel);
        let sent = upload_while(store, folder, may_be_there, progress, cancel, |upload| {
            self.write(folder, exported, &mut |files| upload.hand_over(files))
        });
        fs::remove_dir_all(folder)?;
        let ((), objects, uploaded) = sent?;
        exported.uploaded = Some(uploaded);
        let mut listing = serde_json::json!(exported);
        listing["identity"] = identity;
        listing["objects"] = serde_json::json!(objects);
        store.end(&listing)
    }

    /// Writes every file into `folder`; `hand_over` gets those that are finished, and says whether to go on.
    fn write(
        &self,
        folder: &Path,
        exported: &mut Exported,
        hand_over: &mut dyn FnMut(Vec<PathBuf>) -> bool,
    ) -> Result<(), Error> {
        let plan = self.plan;
        let mut sink: Box<dyn Sink> = match plan.format {
            Format::Parquet => Box::new(parquet::Files::new(folder, plan)),
            Format::Webdataset => Box::new(webdataset::Tars::new(folder, plan)),
            Format::Kohya => Box::new(kohya::Folders::new(folder, plan)),
            Format::HfImagefolder => Box::new(imagefolder::Folders::new(folder)),
        };
        let mut shards = Shards::new(self.generation);
        self.progress
            .start("export", Some(self.uses.len() as u64), "samples");
        for (place, &(at, repeat)) in (0..).zip(self.uses) {
            if self.cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            let entry = shards.entry(&self.index[at], place, repeat, plan.selection)?;
            exported.image_bytes += entry.row.image.bytes.len() as u64;
            sink.push(entry)?;
            if !hand_over(sink.finished()) {
                return Err(Error::Interrupted);
            }
            self.progress.advance(1);
        }
        exported.not_carried = sink.finish()?;
        self.progress.finish();
        Ok(())
    }
}

/// Makes a folder with nothing in it.
fn empty(folder: &Path) -> Result<(), Error> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}

/// Positions in the index, in the order of writing, each with the uses of it that come before.
fn uses(
    generation: &Generation,
    index: &[IndexRow],
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
