//! Writing safetensors: the same tensors give the same bytes, one tensor in memory at a time.

use std::{
    collections::BTreeMap,
    io::{BufWriter, Write},
    path::Path,
};

use safetensors::tensor::TensorInfo;
use tch::{Device, Kind, Tensor};

use crate::{
    checkpoint::dtype_of,
    error::{Error, Result},
};

/// The `__metadata__` of a safetensors file, in key order.
pub type Metadata = BTreeMap<String, String>;

/// The header is padded so that the data starts at a multiple of this.
const ALIGNMENT: usize = 8;

/// Writes tensors to `path` by way of a temporary file in its folder, which is synced and renamed, so that `path` is
/// either whole or what it was before.
///
/// `kind`: what floating-point tensors are stored in; `None` keeps each one's own. `format` = `pt`, which loaders in
/// Python ask for, is added to the metadata.
///
/// # Errors
/// A kind that safetensors cannot hold; a full disk.
pub fn save_safetensors<'a>(
    path: &Path,
    tensors: impl IntoIterator<Item = (&'a str, &'a Tensor)>,
    kind: Option<Kind>,
    metadata: &Metadata,
) -> Result<()> {
    save_unread(path, unread(tensors)?, kind, metadata)
}

/// [`save_safetensors`] of tensors that are read when their turn comes: memory holds one at a time.
///
/// # Errors
/// As for [`save_safetensors`]; what reading fails with.
pub fn save_unread(
    path: &Path,
    tensors: Vec<Unread<'_>>,
    kind: Option<Kind>,
    metadata: &Metadata,
) -> Result<()> {
    let folder = path
        .parent()
        .filter(|f| !f.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let file_name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".tmp-{}-{file_name}", std::process::id()));
    let written = (|| -> Result<()> {
        let mut writer = BufWriter::with_capacity(1 << 20, fs_err::File::create(&temporary)?);
        write_unread(&mut writer, tensors, kind, metadata)?;
        writer.flush()?;
        writer.get_ref().sync_all()?;
        fs_err::rename(&temporary, path)?;
        fs_err::File::open(folder)?.sync_all()?;
        Ok(())
    })();
    if written.is_err() {
        // The error that is returned matters more than a leftover.
        let _ = fs_err::remove_file(&temporary);
    }
    written
}

/// A tensor that is going to be written: what its header says, and how to get it.
pub struct Unread<'a> {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<i64>,
    /// The kind that it has before it is written.
    pub kind: Kind,
    /// Gives the tensor, on any device.
    pub read: Box<dyn Fn() -> Result<Tensor> + 'a>,
}

impl std::fmt::Debug for Unread<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Unread({} {:?})", self.name, self.shape)
    }
}

fn unread<'a>(tensors: impl IntoIterator<Item = (&'a str, &'a Tensor)>) -> Result<Vec<Unread<'a>>> {
    tensors
        .into_iter()
        .map(|(name, tensor)| {
            Ok(Unread {
                name: name.to_owned(),
                shape: tensor.size(),
                kind: tensor.f_kind()?,
                read: Box::new(|| Ok(tensor.shallow_clone())),
            })
        })
        .collect()
}

/// [`save_safetensors`] into any writer, for one that hashes or counts what passes.
///
/// # Errors
/// As for [`save_safetensors`].
pub fn write_safetensors<'a>(
    writer: &mut impl Write,
    tensors: impl IntoIterator<Item = (&'a str, &'a Tensor)>,
    kind: Option<Kind>,
    metadata: &Metadata,
) -> Result<()> {
    write_unread(writer, unread(tensors)?, kind, metadata)
}

fn write_unread(
    writer: &mut impl Write,
    tensors: Vec<Unread<'_>>,
    kind: Option<Kind>,
    metadata: &Metadata,
) -> Result<()> {
    let mut planned = Vec::new();
    for tensor in tensors {
        let kind = kind
            .filter(|_| is_floating(tensor.kind))
            .unwrap_or(tensor.kind);
        let dtype = dtype_of(kind).ok_or_else(|| Error::UnsavableKind {
            name: tensor.name.clone(),
            kind,
        })?;
        planned.push((tensor, kind, dtype));
    }
    // Widest elements first, so that every tensor is aligned to its own element.
    planned.sort_by(|a, b| {
        let by_width = b.2.bitsize().cmp(&a.2.bitsize());
        by_width.then_with(|| a.0.name.cmp(&b.0.name))
    });

    let mut header = BTreeMap::new();
    let mut offset = 0;
    for (tensor, kind, dtype) in &planned {
        let count: i64 = tensor.shape.iter().product();
        let end = offset + count as usize * kind.elt_size_in_bytes();
        let info = TensorInfo {
            dtype: *dtype,
            shape: tensor.shape.iter().map(|&side| side as usize).collect(),
            data_offsets: (offset, end),
        };
        header.insert(tensor.name.as_str(), to_json(&info)?);
        offset = end;
    }
    let mut metadata = metadata.clone();
    metadata
        .entry("format".to_owned())
        .or_insert_with(|| "pt".to_owned());
    header.insert("__metadata__", to_json(&metadata)?);

    let mut text = serde_json::to_vec(&header).map_err(std::io::Error::from)?;
    text.resize(text.len().next_multiple_of(ALIGNMENT), b' ');
    writer.write_all(&(text.len() as u64).to_le_bytes())?;
    writer.write_all(&text)?;

    let mut bytes = Vec::new();
    for (tensor, kind, _) in planned {
        let values = (tensor.read)()?
            .detach()
            .f_to_device(Device::Cpu)?
            .f_to_kind(kind)?
            .f_contiguous()?;
        bytes.resize(values.numel() * kind.elt_size_in_bytes(), 0);
        values.f_copy_data_u8(&mut bytes, values.numel())?;
        writer.write_all(&bytes)?;
    }
    Ok(())
}

fn to_json(value: &impl serde::Serialize) -> Result<serde_json::Value> {
    Ok(serde_json::to_value(value).map_err(std::io::Error::from)?)
}

fn is_floating(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Half | Kind::BFloat16 | Kind::Float | Kind::Double
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;

    fn bytes(tensors: &[(&str, Tensor)], kind: Option<Kind>, metadata: &Metadata) -> Vec<u8> {
        let mut bytes = Vec::new();
        let tensors = tensors.iter().map(|(name, tensor)| (*name, tensor));
        write_safetensors(&mut bytes, tensors, kind, metadata).unwrap();
        bytes
    }

    #[test]
    fn every_kind_and_shape_reads_back_bit_for_bit() {
        let values = Tensor::from_slice(&[1.5_f32, -0.0, f32::INFINITY, 3e-39, 7.0, 0.1]);
        let kinds = [
            Kind::Float,
            Kind::Half,
            Kind::BFloat16,
            Kind::Double,
            Kind::Int64,
            Kind::Uint8,
            Kind::Bool,
        ];
        let mut tensors: Vec<(String, Tensor)> = kinds
            .iter()
            .map(|&kind| (format!("{kind:?}"), values.reshape([2, 3]).to_kind(kind)))
            .collect();
        tensors.push(("scalar".to_owned(), Tensor::from(2.5_f32)));
        tensors.push((
            "empty".to_owned(),
            Tensor::zeros([0, 4], (Kind::Float, Device::Cpu)),
        ));
        tensors.push((
            "transposed".to_owned(),
            values.reshape([2, 3]).transpose(0, 1),
        ));

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.safetensors");
        let named = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
        save_safetensors(&path, named, None, &Metadata::new()).unwrap();
        let checkpoint = Checkpoint::open(&path).unwrap();
        for (name, tensor) in &tensors {
            let read = checkpoint.tensor(name).unwrap().unwrap();
            assert_eq!(
                (read.kind(), read.size()),
                (tensor.kind(), tensor.size()),
                "{name}"
            );
            assert!(read.equal(tensor), "{name}");
        }
        assert_eq!(
            fs_err::read_dir(folder.path()).unwrap().count(),
            1,
            "a leftover"
        );
    }

    #[test]
    fn the_same_tensors_give_the_same_bytes_in_any_order() {
        let (a, b) = (Tensor::from_slice(&[1.0_f32]), Tensor::from_slice(&[2_i64]));
        let metadata: Metadata = ["x", "y", "z"]
            .map(|key| (key.to_owned(), format!("{key}!")))
            .into();
        let one = bytes(
            &[("a", a.shallow_clone()), ("b", b.shallow_clone())],
            None,
            &metadata,
        );
        assert_eq!(one, bytes(&[("b", b), ("a", a)], None, &metadata));
        let header = String::from_utf8_lossy(&one[8..]).into_owned();
        assert!(
            header.contains(r#""format":"pt""#) && header.contains(r#""x":"x!""#),
            "{header}"
        );
    }

    #[test]
    fn a_kind_is_for_numbers_with_a_point_alone() {
        let tensors = [
            ("ids", Tensor::from_slice(&[1_i64])),
            ("weight", Tensor::from_slice(&[1.0_f32])),
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("half.safetensors");
        fs_err::write(&path, bytes(&tensors, Some(Kind::Half), &Metadata::new())).unwrap();
        let checkpoint = Checkpoint::open(&path).unwrap();
        let kind = |name| checkpoint.tensor(name).unwrap().unwrap().kind();
        assert_eq!((kind("ids"), kind("weight")), (Kind::Int64, Kind::Half));
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        fs_err::write(&path, b"old").unwrap();
        let complex = Tensor::zeros([1], (Kind::ComplexFloat, Device::Cpu));
        let error = save_safetensors(&path, [("c", &complex)], None, &Metadata::new());
        assert!(matches!(error, Err(Error::UnsavableKind { .. })));
        assert_eq!(fs_err::read(&path).unwrap(), b"old");
        assert_eq!(
            fs_err::read_dir(folder.path()).unwrap().count(),
            1,
            "a leftover"
        );
    }
}
