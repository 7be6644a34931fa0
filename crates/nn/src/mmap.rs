//! Files as bytes in memory without reading them first, and tensors from such bytes.

use std::{ops::Range, path::Path};

use memmap2::{Mmap, UncheckedAdvice};
use tch::{Device, Kind, Tensor};

use crate::error::Result;

/// The bytes of the file, read from disk as they are touched.
///
/// # Errors
/// The file cannot be opened or mapped.
pub(crate) fn map(path: &Path) -> Result<Mmap> {
    let file = fs_err::File::open(path)?;
    #[expect(unsafe_code, reason = "mapping a file is unsafe in Rust; see SAFETY")]
    // SAFETY: the map is read-only and private to a `Checkpoint`, which copies out of it into tensors. Another process
    // that shortens the file meanwhile could end this one with SIGBUS, as with every reader of safetensors: files of
    // weights are replaced by renaming, never rewritten in place.
    let map = unsafe { Mmap::map(file.file()) }.map_err(|source| {
        std::io::Error::new(
            source.kind(),
            format!("failed to map `{}`: {source}", path.display()),
        )
    })?;
    Ok(map)
}

/// Lets go of the memory that holds these bytes of the map: whoever reads them again reads the file again.
pub(crate) fn let_go(map: &Mmap, bytes: Range<usize>) {
    #[expect(
        unsafe_code,
        reason = "advice that drops pages is unsafe in Rust; see SAFETY"
    )]
    // SAFETY: the map is of a file and never written to, so that pages come back as they were. What is refused is kept,
    // which does no harm.
    let _ =
        unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, bytes.start, bytes.len()) };
}

/// A tensor of its own on `device` in `kind` from the bytes of one stored in `stored`: copied, moved and converted at once.
///
/// # Errors
/// No memory on the device; `bytes` are not just as many as the shape takes.
pub(crate) fn tensor(
    bytes: &[u8],
    shape: &[i64],
    stored: Kind,
    device: Device,
    kind: Kind,
) -> Result<Tensor> {
    let count: i64 = shape.iter().product();
    let fills = bytes.len() == count as usize * stored.elt_size_in_bytes();
    let is_aligned = (bytes.as_ptr() as usize).is_multiple_of(stored.elt_size_in_bytes());
    if !fills || !is_aligned || bytes.is_empty() {
        // Old writers did not align their data; the library's own check speaks where the length is wrong.
        let copy = Tensor::f_from_data_size(bytes, shape, stored)?;
        return Ok(copy.f_to_device(device)?.f_to_kind(kind)?);
    }
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    #[expect(unsafe_code, reason = "a tensor over borrowed memory; see SAFETY")]
    // SAFETY: the bytes are as many as the shape takes and aligned for its elements, both checked above. The tensor is
    // only read, and it is dropped before this function returns, while `bytes` is still borrowed: what leaves is a copy.
    let seen =
        unsafe { Tensor::f_from_blob(bytes.as_ptr(), shape, &strides, stored, Device::Cpu) }?;
    Ok(seen.f_to_device_(device, kind, false, true)?)
}
