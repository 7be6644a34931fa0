//! Weights on disk: one safetensors file, or shards with an index, read by mapping them into memory.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors};
use tch::{Device, Kind, Tensor};

use crate::{
    error::{Error, Result},
    mmap,
    view::View,
};

/// File stems under which diffusers and transformers keep a component's weights, with and without the fp16 variant.
const STEMS: [&str; 2] = ["diffusion_pytorch_model", "model"];
const VARIANTS: [&str; 2] = ["", ".fp16"];
const PICKLES: [&str; 4] = ["bin", "ckpt", "pt", "pth"];

/// Named tensors of a safetensors file, or of all shards of one, not yet read. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    origin: PathBuf,
    files: Vec<(PathBuf, Arc<Mmap>)>,
    entries: BTreeMap<String, Entry>,
    metadata: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
struct Entry {
    file: usize,
    kind: Kind,
    /// As the tensor is seen.
    shape: Vec<i64>,
    bytes: Range<usize>,
    /// Whether the two sides of a matrix are stored the other way round.
    is_transposed: bool,
}

/// `*.safetensors.index.json` as far as it is read.
#[derive(serde::Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Checkpoint {
    /// Opens a `.safetensors` file, the `.safetensors.index.json` of a sharded one, or a component's folder (`unet/`,
    /// `text_encoder/`) that holds either. Headers are checked; tensors are read when they are asked for.
    ///
    /// # Errors
    /// No such file; a pickle; a file that is damaged; an index that does not fit its shards.
    pub fn open(path: &Path) -> Result<Self> {
        let file = if path.is_dir() {
            find_in(path)?
        } else {
            path.to_owned()
        };
        let extension = file
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default();
        if PICKLES.contains(&extension) {
            return Err(Error::Pickle { path: file });
        }
        let mut checkpoint = Self {
            origin: path.to_owned(),
            files: Vec::new(),
            entries: BTreeMap::new(),
            metadata: BTreeMap::new(),
        };
        if extension == "json" {
            checkpoint.add_shards(&file)?;
        } else {
            checkpoint.add_file(&file)?;
        }
        Ok(checkpoint)
    }

    /// What was opened, for messages.
    pub fn origin(&self) -> &Path {
        &self.origin
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The files' `__metadata__`, such as `format` or the ModelSpec keys.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The shape of a tensor, if there is one of this name.
    pub fn shape(&self, name: &str) -> Option<&[i64]> {
        self.entries.get(name).map(|entry| entry.shape.as_slice())
    }

    /// A tensor on the CPU in the kind in which it is stored, if there is one of this name.
    ///
    /// # Errors
    /// libtorch has no memory for it.
    pub fn tensor(&self, name: &str) -> Result<Option<Tensor>> {
        let Some(entry) = self.entries.get(name) else {
            return Ok(None);
        };
        self.read(entry, Device::Cpu, entry.kind).map(Some)
    }

    /// [`Checkpoint::tensor`] on `device` in `kind`, in one pass over the mapped file.
    ///
    /// # Errors
    /// The device has no memory for it.
    pub fn tensor_on(&self, name: &str, device: Device, kind: Kind) -> Result<Option<Tensor>> {
        let entry = self.entries.get(name);
        entry
            .map(|entry| self.read(entry, device, kind))
            .transpose()
    }

    /// The kind in which a tensor is stored, if there is one of this name.
    pub fn kind(&self, name: &str) -> Option<Kind> {
        self.entries.get(name).map(|entry| entry.kind)
    }

    /// How many bytes all tensors take as they are stored.
    pub fn size_bytes(&self) -> u64 {
        let bytes = self.entries.values().map(|entry| entry.bytes.len() as u64);
        bytes.sum()
    }

    /// The files that the tensors lie in.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// Tensors of this checkpoint under other names, whole or in part: (name, stored name, view).
    ///
    /// Those whose stored name is not there, or whose shape allows no such view, are left out.
    #[must_use]
    pub fn seen_as<'a>(&self, names: impl IntoIterator<Item = (String, &'a str, View)>) -> Self {
        let entries = names.into_iter().filter_map(|(name, stored, view)| {
            let entry = self.entries.get(stored)?;
            let seen = view.of(&entry.shape, &entry.bytes)?;
            let entry = Entry {
                shape: seen.shape,
                bytes: seen.bytes,
                is_transposed: entry.is_transposed != seen.is_transposed,
                ..*entry
            };
            Some((name, entry))
        });
        Self {
            origin: self.origin.clone(),
            files: self.files.clone(),
            entries: entries.collect(),
            metadata: self.metadata.clone(),
        }
    }

    fn read(&self, entry: &Entry, device: Device, kind: Kind) -> Result<Tensor> {
        let bytes = &self.files[entry.file].1[entry.bytes.clone()];
        let mut stored = entry.shape.clone();
        if entry.is_transposed {
            stored.reverse();
        }
        let tensor = mmap::tensor(bytes, &stored, entry.kind, device, kind)?;
        mmap::let_go(&self.files[entry.file].1, entry.bytes.clone());
        Ok(if entry.is_transposed {
            tensor.f_t_copy()?.f_contiguous()?
        } else {
            tensor
        })
    }

    /// The same tensors under other names; those that `rename` gives no name for are left out.
    #[must_use]
    pub fn renamed(mut self, rename: impl Fn(&str) -> Option<String>) -> Self {
        self.entries = self
            .entries
            .into_iter()
            .filter_map(|(name, entry)| rename(&name).map(|name| (name, entry)))
            .collect();
        self
    }

    fn add_file(&mut self, path: &Path) -> Result<()> {
        let map = mmap::map(path)?;
        if is_pickle(&map) {
            return Err(Error::Pickle {
                path: path.to_owned(),
            });
        }
        let (header_bytes, header) =
            SafeTensors::read_metadata(&map).map_err(|source| Error::Safetensors {
                path: path.to_owned(),
                source,
            })?;
        let data_start = size_of::<u64>() + header_bytes;
        for (name, info) in header.tensors() {
            let kind = kind_of(info.dtype).ok_or_else(|| Error::ElementType {
                path: path.to_owned(),
                name: name.clone(),
                dtype: info.dtype.to_string(),
            })?;
            let (start, end) = info.data_offsets;
            let entry = Entry {
                file: self.files.len(),
                kind,
                shape: info.shape.iter().map(|&side| side as i64).collect(),
                bytes: data_start + start..data_start + end,
                is_transposed: false,
            };
            self.entries.insert(name, entry);
        }
        self.metadata
            .extend(header.metadata().clone().unwrap_or_default());
        self.files.push((path.to_owned(), Arc::new(map)));
        Ok(())
    }

    fn add_shards(&mut self, index_path: &Path) -> Result<()> {
        let text = fs_err::read_to_string(index_path)?;
        let index: Index = serde_json::from_str(&text).map_err(|source| Error::Index {
            path: index_path.to_owned(),
            source,
        })?;
        let folder = index_path.parent().unwrap_or(Path::new(""));
        let mut shards: Vec<&String> = index.weight_map.values().collect();
        shards.sort();
        shards.dedup();
        for shard in shards {
            self.add_file(&folder.join(shard))?;
        }
        for (name, shard) in &index.weight_map {
            let shard = folder.join(shard);
            if self
                .entries
                .get(name)
                .is_none_or(|entry| self.files[entry.file].0 != shard)
            {
                let index = index_path.to_owned();
                return Err(Error::IndexAndShardDisagree {
                    index,
                    shard,
                    name: name.clone(),
                });
            }
        }
        Ok(())
    }
}

/// The file of weights in a component's folder: whole before sharded, the plain name before the fp16 variant.
fn find_in(folder: &Path) -> Result<PathBuf> {
    let mut tried = Vec::new();
    for variant in VARIANTS {
        for stem in STEMS {
            for name in [
                format!("{stem}{variant}.safetensors"),
                // diffusers puts the variant before the suffix or, in older versions, after the index's name.
                format!("{stem}.safetensors.index{variant}.json"),
                format!("{stem}{variant}.safetensors.index.json"),
            ] {
                let path = folder.join(&name);
                if path.is_file() {
                    return Ok(path);
                }
                if !tried.contains(&name) {
                    tried.push(name);
                }
            }
        }
    }
    for stem in STEMS.into_iter().chain(["pytorch_model"]) {
        let pickle = folder.join(format!("{stem}.bin"));
        if pickle.is_file() {
            return Err(Error::Pickle { path: pickle });
        }
    }
    Err(Error::NoWeights {
        folder: folder.to_owned(),
        tried,
    })
}

/// A zip archive (`torch.save` since 1.6) or a bare pickle stream, whatever the file is called.
fn is_pickle(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
        || (bytes.starts_with(b"\x80") && bytes.get(2..8) != Some(&[0; 6]))
}

fn kind_of(dtype: Dtype) -> Option<Kind> {
    Some(match dtype {
        Dtype::BOOL => Kind::Bool,
        Dtype::U8 => Kind::Uint8,
        Dtype::I8 => Kind::Int8,
        Dtype::I16 => Kind::Int16,
        Dtype::I32 => Kind::Int,
        Dtype::I64 => Kind::Int64,
        Dtype::F16 => Kind::Half,
        Dtype::BF16 => Kind::BFloat16,
        Dtype::F32 => Kind::Float,
        Dtype::F64 => Kind::Double,
        _ => return None,
    })
}

/// The counterpart of [`kind_of`] for writing.
pub(crate) fn dtype_of(kind: Kind) -> Option<Dtype> {
    Some(match kind {
        Kind::Bool => Dtype::BOOL,
        Kind::Uint8 => Dtype::U8,
        Kind::Int8 => Dtype::I8,
        Kind::Int16 => Dtype::I16,
        Kind::Int => Dtype::I32,
        Kind::Int64 => Dtype::I64,
        Kind::Half => Dtype::F16,
        Kind::BFloat16 => Dtype::BF16,
        Kind::Float => Dtype::F32,
        Kind::Double => Dtype::F64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::save::{Metadata, save_safetensors};

    fn save(path: &Path, tensors: &[(&str, Tensor)]) {
        let tensors = tensors.iter().map(|(name, tensor)| (*name, tensor));
        save_safetensors(path, tensors, None, &Metadata::new()).unwrap();
    }

    #[test]
    fn shards_are_read_as_one_by_their_index() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let stem = "diffusion_pytorch_model";
        save(
            &at("one.safetensors"),
            &[("a", Tensor::from_slice(&[1.0_f32, 2.0]))],
        );
        save(
            &at("two.safetensors"),
            &[("b", Tensor::from_slice(&[3_i64]))],
        );
        let index = r#"{"metadata":{},"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}"#;
        fs_err::write(at(&format!("{stem}.safetensors.index.json")), index).unwrap();

        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["a", "b"]);
        let b = checkpoint.tensor("b").unwrap().unwrap();
        assert_eq!((b.kind(), b.int64_value(&[0])), (Kind::Int64, 3));

        let index = r#"{"weight_map":{"b":"one.safetensors"}}"#;
        fs_err::write(at(&format!("{stem}.safetensors.index.json")), index).unwrap();
        assert!(matches!(
            Checkpoint::open(folder.path()),
            Err(Error::IndexAndShardDisagree { name, .. }) if name == "b"
        ));
    }

    #[test]
    fn the_fp16_variant_is_found_when_there_is_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let half = Tensor::from_slice(&[1.0_f32]).to_kind(Kind::Half);
        save(
            &folder.path().join("model.fp16.safetensors"),
            &[("a", half)],
        );
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        assert_eq!(checkpoint.tensor("a").unwrap().unwrap().kind(), Kind::Half);
    }

    #[test]
    fn a_pickle_is_refused_with_the_way_to_convert_it_whatever_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in [
            ("model.ckpt", b"PK\x03\x04".as_slice()),
            ("renamed.safetensors", b"PK\x03\x04 and more bytes"),
            (
                "old.safetensors",
                b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
            ),
        ] {
            let path = folder.path().join(name);
            fs_err::write(&path, bytes).unwrap();
            let error = Checkpoint::open(&path).unwrap_err();
            assert!(matches!(error, Error::Pickle { .. }), "{name}: {error}");
            assert!(error.to_string().contains("hint: convert"), "{error}");
        }
        fs_err::write(folder.path().join("pytorch_model.bin"), b"").unwrap();
        assert!(matches!(
            Checkpoint::open(folder.path()),
            Err(Error::Pickle { .. })
        ));
    }

    #[test]
    fn damaged_files_and_empty_folders_are_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            Checkpoint::open(folder.path()),
            Err(Error::NoWeights { .. })
        ));
        let path = folder.path().join("model.safetensors");
        save(&path, &[("a", Tensor::from_slice(&[1.0_f32; 64]))]);
        let whole = fs_err::read(&path).unwrap();
        for length in [0, 4, 40, whole.len() - 1] {
            fs_err::write(&path, &whole[..length]).unwrap();
            let error = Checkpoint::open(&path).unwrap_err();
            assert!(
                error.to_string().contains("model.safetensors"),
                "{length}: {error}"
            );
        }
    }
}
