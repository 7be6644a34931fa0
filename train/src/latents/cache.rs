//! Latents on disk: encoded once for each sample and VAE, kept for every run and recipe of a root.
//!
//! A cache is a folder of safetensors files, each written whole under a name made of its contents. Nothing is ever
//! changed or rewritten, so that a kill loses at most the file that was being written and several runs may fill one
//! cache at once. Keys are sample ids, which name pixels: an edited picture has another id and so other latents.

use std::{
    borrow::Cow,
    collections::HashMap,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use fs_err as fs;
use half::f16;
use safetensors::{Dtype, View, tensor::Metadata};
use terminus_manifest::{
    atomic,
    ids::{SampleId, Sha256Digest},
};

use crate::Error;

/// Samples to a file.
const PART_SAMPLES: usize = 256;
const FORMAT: &str = "terminus-latents/1";

/// What a VAE's encoder says of a picture, before scaling: a normal distribution for each latent value.
#[derive(Clone, Debug, PartialEq)]
pub struct Posterior {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// Means, `[C, H, W]`.
    pub mean: Vec<f32>,
    /// Logarithms of the variances, `[C, H, W]`; none if only the mode is kept.
    pub logvar: Option<Vec<f32>>,
}

/// The posteriors of one VAE.
#[derive(Debug)]
pub struct LatentCache {
    folder: PathBuf,
    keeps_logvar: bool,
    entries: HashMap<SampleId, Entry>,
    parts: Vec<PathBuf>,
    pending: Vec<(SampleId, Posterior)>,
    damaged: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    part: usize,
    shape: [usize; 3],
    mean: Stored,
    logvar: Option<Stored>,
}

/// Where the values of a tensor lie in their file.
#[derive(Clone, Copy, Debug)]
struct Stored {
    is_half: bool,
    begin: u64,
    end: u64,
}

impl LatentCache {
    /// The cache in `folder`, which belongs to one VAE; a missing folder is an empty cache.
    ///
    /// With `keeps_logvar` entries without variances count as missing, and new ones get them.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn open(folder: &Path, keeps_logvar: bool) -> Result<Self, Error> {
        fs::create_dir_all(folder)?;
        atomic::remove_leftovers(folder)?;
        let mut cache = Self {
            folder: folder.to_owned(),
            keeps_logvar,
            entries: HashMap::new(),
            parts: Vec::new(),
            pending: Vec::new(),
            damaged: Vec::new(),
        };
        let mut paths = fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>, std::io::Error>>()?;
        // Where two files hold one sample, the same one of them counts every time.
        paths.sort_unstable();
        for path in paths {
            if path.extension().is_some_and(|e| e == "safetensors") && !cache.take_in(&path)? {
                cache.damaged.push(path);
            }
        }
        Ok(cache)
    }

    /// Files that cannot be read; their samples count as missing.
    pub fn damaged(&self) -> &[PathBuf] {
        &self.damaged
    }

    /// Whether the cache has what a trainer needs of `sample`.
    pub fn contains(&self, sample: SampleId) -> bool {
        self.entries
            .get(&sample)
            .is_some_and(|entry| entry.logvar.is_some() || !self.keeps_logvar)
    }

    /// Channels, height and width of the latents of `sample`.
    pub fn shape(&self, sample: SampleId) -> Option<[usize; 3]> {
        self.entries.get(&sample).map(|entry| entry.shape)
    }

    /// Adds the posterior of `sample`; on disk once enough have come, or at [`LatentCache::flush`].
    ///
    /// # Errors
    /// The disk is full.
    pub fn push(&mut self, sample: SampleId, posterior: Posterior) -> Result<(), Error> {
        self.pending.push((sample, posterior));
        if self.pending.len() >= PART_SAMPLES {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what was added.
    ///
    /// # Errors
    /// The disk is full; then nothing of it is in the cache.
    pub fn flush(&mut self) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        let mut tensors = Vec::with_capacity(pending.len() * 2);
        for (sample, posterior) in &pending {
            tensors.push((
                mean_name(*sample),
                Values::new(posterior.shape, &posterior.mean),
            ));
            if let Some(logvar) = posterior.logvar.as_ref().filter(|_| self.keeps_logvar) {
                tensors.push((logvar_name(*sample), Values::new(posterior.shape, logvar)));
            }
        }
        let metadata = HashMap::from([("format".to_owned(), FORMAT.to_owned())]);
        let part_fault = |source| Error::LatentPart {
            path: self.folder.clone(),
            source,
        };
        let bytes = safetensors::serialize(tensors, Some(metadata)).map_err(part_fault)?;
        let digest = Sha256Digest::of(&bytes).to_string();
        let path = self.folder.join(format!("{}.safetensors", &digest[..32]));
        atomic::write(&path, &bytes)?;
        self.take_in(&path)?;
        Ok(())
    }

    /// The posterior of `sample`; none if it is not on disk.
    ///
    /// Values were rounded to f16 when they were written, unless that would have overflowed.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&self, sample: SampleId) -> Result<Option<Posterior>, Error> {
        let Some(entry) = self.entries.get(&sample) else {
            return Ok(None);
        };
        let mut file = fs::File::open(&self.parts[entry.part])?;
        let mean = read_values(&mut file, entry.mean)?;
        let logvar = match entry.logvar {
            Some(stored) if self.keeps_logvar => Some(read_values(&mut file, stored)?),
            _ => None,
        };
        Ok(Some(Posterior {
            shape: entry.shape,
            mean,
            logvar,
        }))
    }

    /// Enters the samples of the file `path`; whether it could be read.
    fn take_in(&mut self, path: &Path) -> Result<bool, Error> {
        let mut file = fs::File::open(path)?;
        let size = file.metadata()?.len();
        let mut length = [0; 8];
        let header_size = match file.read_exact(&mut length) {
            Ok(()) => u64::from_le_bytes(length),
            Err(_) => return Ok(false),
        };
        let mut header = Vec::new();
        file.take(header_size).read_to_end(&mut header)?;
        let Ok(metadata) = serde_json::from_slice::<Metadata>(&header) else {
            return Ok(false);
        };
        let begin = header_size + 8;
        let tensors = metadata.tensors();
        let stored = |name: &str| {
            let info = tensors.get(name)?;
            let shape = <[usize; 3]>::try_from(info.shape.as_slice()).ok()?;
            let is_half = match info.dtype {
                Dtype::F16 => true,
                Dtype::F32 => false,
                _ => return None,
            };
            let (from, to) = info.data_offsets;
            let stored = Stored {
                is_half,
                begin: begin + from as u64,
                end: begin + to as u64,
            };
            let width = if is_half { 2 } else { 4 };
            let expected = shape.iter().product::<usize>() * width;
            (stored.end <= size && to.checked_sub(from) == Some(expected))
                .then_some((shape, stored))
        };
        if tensors.keys().any(|name| stored(name).is_none()) {
            return Ok(false);
        }
        let part = self.parts.len();
        self.parts.push(path.to_owned());
        for name in tensors.keys() {
            let Some(sample) = name.strip_suffix(".mean").and_then(|id| id.parse().ok()) else {
                continue;
            };
            let Some((shape, mean)) = stored(name) else {
                continue;
            };
            let logvar = stored(&logvar_name(sample)).map(|(_, logvar)| logvar);
            // An entry with variances is never hidden by one without.
            let is_better = self
                .entries
                .get(&sample)
                .is_none_or(|old| old.logvar.is_none() && logvar.is_some());
            if is_better {
                let entry = Entry {
                    part,
                    shape,
                    mean,
                    logvar,
                };
                self.entries.insert(sample, entry);
            }
        }
        Ok(true)
    }
}

fn mean_name(sample: SampleId) -> String {
    format!("{sample}.mean")
}

fn logvar_name(sample: SampleId) -> String {
    format!("{sample}.logvar")
}

fn read_values(file: &mut fs::File, stored: Stored) -> Result<Vec<f32>, Error> {
    let mut bytes = vec![0; (stored.end - stored.begin) as usize];
    file.seek(SeekFrom::Start(stored.begin))?;
    file.read_exact(&mut bytes)?;
    Ok(if stored.is_half {
        bytes
            .as_chunks()
            .0
            .iter()
            .map(|&pair| f16::from_le_bytes(pair).to_f32())
            .collect()
    } else {
        bytes
            .as_chunks()
            .0
            .iter()
            .map(|&quad| f32::from_le_bytes(quad))
            .collect()
    })
}

/// Values of one tensor as they go to disk.
struct Values {
    shape: [usize; 3],
    dtype: Dtype,
    bytes: Vec<u8>,
}

impl Values {
    fn new(shape: [usize; 3], values: &[f32]) -> Self {
        // f16 has 3 more bits of precision than bf16, and latents of a sane VAE are far from its limits.
        let fits = values.iter().all(|v| v.abs() <= f16::MAX.to_f32());
        let (dtype, bytes) = if fits {
            let bytes = values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes());
            (Dtype::F16, bytes.collect())
        } else {
            let bytes = values.iter().flat_map(|v| v.to_le_bytes());
            (Dtype::F32, bytes.collect())
        };
        Self {
            shape,
            dtype,
            bytes,
        }
    }
}

impl View for Values {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> SampleId {
        SampleId([n; 16])
    }

    fn posterior(n: u8, logvar: bool) -> Posterior {
        let values = |offset: f32| (0..24).map(|i| i as f32 * 0.25 + offset).collect();
        Posterior {
            shape: [4, 2, 3],
            mean: values(f32::from(n)),
            logvar: logvar.then(|| values(-8.0)),
        }
    }

    #[test]
    fn what_was_flushed_is_there_again_after_opening() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = LatentCache::open(folder.path(), true).unwrap();
        for n in 0..3 {
            cache.push(id(n), posterior(n, true)).unwrap();
        }
        assert!(!cache.contains(id(1)), "not on disk yet");
        cache.flush().unwrap();
        let cache = LatentCache::open(folder.path(), true).unwrap();
        assert_eq!(cache.read(id(1)).unwrap(), Some(posterior(1, true)));
        assert_eq!(cache.shape(id(2)), Some([4, 2, 3]));
        assert_eq!(cache.read(id(9)).unwrap(), None);
    }

    #[test]
    fn an_entry_without_variances_is_missing_where_they_are_needed() {
        let folder = tempfile::tempdir().unwrap();
        let mut modes = LatentCache::open(folder.path(), false).unwrap();
        modes.push(id(1), posterior(1, true)).unwrap();
        modes.flush().unwrap();
        assert!(modes.contains(id(1)));
        let mut whole = LatentCache::open(folder.path(), true).unwrap();
        assert!(!whole.contains(id(1)));
        whole.push(id(1), posterior(1, true)).unwrap();
        whole.flush().unwrap();
        assert!(whole.contains(id(1)));
        let modes = LatentCache::open(folder.path(), false).unwrap();
        assert_eq!(modes.read(id(1)).unwrap(), Some(posterior(1, false)));
    }

    #[test]
    fn a_damaged_file_costs_its_samples_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = LatentCache::open(folder.path(), true).unwrap();
        for n in 0..2 {
            cache.push(id(n), posterior(n, true)).unwrap();
            cache.flush().unwrap();
        }
        let victim = cache.parts[0].clone();
        let bytes = fs::read(&victim).unwrap();
        for length in [0, 5, 40, bytes.len() - 1] {
            fs::write(&victim, &bytes[..length]).unwrap();
            let cache = LatentCache::open(folder.path(), true).unwrap();
            assert_eq!(cache.damaged(), std::slice::from_ref(&victim));
            assert!(!cache.contains(id(0)), "{length}");
            assert!(cache.contains(id(1)));
        }
    }

    #[test]
    fn values_beyond_the_range_of_f16_keep_all_their_bits() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = LatentCache::open(folder.path(), false).unwrap();
        let mut wild = posterior(1, false);
        wild.mean[3] = 1.234_567e9;
        cache.push(id(1), wild.clone()).unwrap();
        cache.flush().unwrap();
        assert_eq!(cache.read(id(1)).unwrap(), Some(wild));
    }
}
