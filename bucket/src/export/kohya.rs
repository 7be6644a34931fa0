//! Folders of images and captions, and the `dataset.toml` that names them.
//!
//! kohya's scripts repeat whole folders, so samples lie in a folder for each split, collection and number of uses.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use fs_err as fs;
use terminus_manifest::{ids::SampleId, words::Split};

use super::{Entry, ExportPlan, Sink};
use crate::Error;

/// Samples in a folder of their own kind until their number of uses is known.
pub(super) struct Folders {
    folder: PathBuf,
    resolution_px: u32,
    step_px: u32,
    frame: Frame,
    /// What each sample is called, where it belongs, and how often it is used.
    samples: HashMap<SampleId, Sample>,
}

/// What the samples of one folder share: split, collection and number of uses.
type Subset<'a> = (Split, &'a str, u32);

struct Sample {
    split: Split,
    collection: String,
    file: String,
    uses: u32,
    facts: String,
}

/// The sides and the area that the samples have.
#[derive(Default)]
struct Frame {
    sides: Option<(u32, u32)>,
    area: u64,
}

impl Frame {
    fn take(&mut self, width: u32, height: u32) {
        let sides = self.sides.get_or_insert((width, height));
        let (least, most) = (width.min(height), width.max(height));
        *sides = (sides.0.min(least), sides.1.max(most));
        self.area = self.area.max(u64::from(width) * u64::from(height));
    }

    /// `resolution`, `min_bucket_reso` and `max_bucket_reso`. kohya's scripts shrink a picture of more pixels than the
    /// square of the resolution, and stop unless the resolution lies between the two others.
    fn limits(&self, target_px: u32) -> [u32; 3] {
        let root = self.area.isqrt();
        let side = root + u64::from(root * root < self.area);
        let side = target_px.max(side as u32);
        let (least, most) = self.sides.unwrap_or((side, side));
        [side, least.min(side), most.max(side)]
    }
}

impl Folders {
    pub(super) fn new(folder: &Path, plan: &ExportPlan) -> Self {
        Self {
            folder: folder.to_owned(),
            resolution_px: plan.target_px,
            step_px: plan.step_px,
            frame: Frame::default(),
            samples: HashMap::new(),
        }
    }

    fn waiting(&self) -> PathBuf {
        self.folder.join("waiting")
    }
}

impl Sink for Folders {
    fn push(&mut self, entry: Entry) -> Result<(), Error> {
        self.frame.take(entry.row.width, entry.row.height);
        if let Some(sample) = self.samples.get_mut(&entry.row.sample_id) {
            sample.uses += 1;
            return Ok(());
        }
        let name = entry.row.sample_id.to_string();
        let file = format!("{name}.{}", entry.extension);
        fs::create_dir_all(self.waiting())?;
        fs::write(self.waiting().join(&file), &entry.row.image.bytes)?;
        fs::write(
            self.waiting().join(format!("{name}.txt")),
            &entry.row.caption,
        )?;
        let mut facts = entry.facts();
        facts["file_name"] = serde_json::json!(file);
        self.samples.insert(
            entry.row.sample_id,
            Sample {
                split: entry.split,
                collection: entry.row.collection.clone(),
                file,
                uses: 1,
                facts: facts.to_string(),
            },
        );
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<String>, Error> {
        let mut subsets: BTreeMap<Subset<'_>, Vec<(&SampleId, &Sample)>> = BTreeMap::new();
        for (id, sample) in &self.samples {
            let key = (sample.split, sample.collection.as_str(), sample.uses);
            subsets.entry(key).or_default().push((id, sample));
        }
        let [side, least, most] = self.frame.limits(self.resolution_px);
        let mut toml = format!(
            "# Paths are relative: run kohya's scripts in this folder with --dataset_config dataset.toml.\n\n\
             [general]\ncaption_extension = \".txt\"\nshuffle_caption = false\n\n\
             [[datasets]]\nresolution = [{side}, {side}]\nenable_bucket = true\nbucket_no_upscale = true\n\
             bucket_reso_steps = {}\nmin_bucket_reso = {least}\nmax_bucket_reso = {most}\n",
            self.step_px,
        );
        let coordinates = fs::File::create(self.folder.join("coordinates.jsonl"))?;
        let mut coordinates = BufWriter::new(coordinates);
        for ((split, collection, uses), mut samples) in subsets {
            let name = format!("{split}/{uses}_{collection}");
            let folder = self.folder.join(&name);
            fs::create_dir_all(&folder)?;
            samples.sort_by_key(|(id, _)| **id);
            for (id, sample) in samples {
                for file in [sample.file.clone(), format!("{id}.txt")] {
                    fs::rename(self.waiting().join(&file), folder.join(&file))?;
                }
                writeln!(coordinates, "{}", sample.facts)?;
            }
            if split == Split::Train {
                // Writing to a string cannot fail.
                let _ = write!(
                    toml,
                    "\n  [[datasets.subsets]]\n  image_dir = \"{name}\"\n  num_repeats = {uses}\n"
                );
            }
        }
        coordinates.flush()?;
        if self.waiting().exists() {
            fs::remove_dir(self.waiting())?;
        }
        fs::write(self.folder.join("dataset.toml"), toml)?;
        Ok(vec![
            "crop coordinates: kohya's scripts compute their own from the image's size; they stand in `coordinates.jsonl`".to_owned(),
            "the order of an epoch: kohya's scripts shuffle; repeats are kept as `num_repeats`".to_owned(),
            "captions beyond the first of each sample".to_owned(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(sizes: &[(u32, u32)], target_px: u32) -> [u32; 3] {
        let mut frame = Frame::default();
        for &(width, height) in sizes {
            frame.take(width, height);
        }
        frame.limits(target_px)
    }

    #[test]
    fn no_picture_is_resized_and_the_resolution_lies_between_the_limits() {
        assert_eq!(limits(&[(1536, 640), (832, 1216)], 1024), [1024, 640, 1536]);
        assert_eq!(limits(&[(832, 832)], 1024), [1024, 832, 1024]);
        assert_eq!(
            limits(&[(768, 1344), (1280, 1280)], 1024),
            [1280, 768, 1344]
        );
        assert_eq!(limits(&[(1600, 704)], 1024), [1062, 704, 1600]);
        assert_eq!(limits(&[], 1024), [1024, 1024, 1024]);
    }
}
