//! Files as bytes in memory without reading them first.

use std::path::Path;

use memmap2::Mmap;

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
