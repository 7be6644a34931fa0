//! Which weights a model's folder holds, without reading all of them.

use std::{
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use fs_err as fs;
use sha2::{Digest as _, Sha256};

use crate::Error;

/// Files up to this size are hashed whole.
const WHOLE_BYTES: u64 = 64 << 20;
/// Of larger ones: their start, where safetensors keep names and shapes, and blocks spread evenly over the rest.
const START_BYTES: u64 = 8 << 20;
const BLOCKS: u64 = 256;
const BLOCK_BYTES: u64 = 4096;

/// What tells files of a model: the weights, and all that changes an answer.
const EXTENSIONS: [&str; 4] = ["safetensors", "json", "model", "csv"];

/// A hash of the files of a model's folder: of names, sizes and bytes; of files over 64 MiB, the first 8 MiB and a
/// megabyte spread evenly over the rest.
///
/// # Errors
/// A file cannot be read. None if there is no such folder.
pub(crate) fn fingerprint(folder: &Path) -> Result<Option<String>, Error> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        let extension = path.extension().unwrap_or_default();
        if path.is_file() && EXTENSIONS.iter().any(|known| *known == extension) {
            paths.push(path);
        }
    }
    paths.sort();
    let mut hash = Sha256::new();
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let size = fs::metadata(path)?.len();
        hash.update(format!("{name}\n{size}\n"));
        let mut file = fs::File::open(path)?;
        if size <= WHOLE_BYTES {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            hash.update(&bytes);
            continue;
        }
        let mut start = vec![0; START_BYTES as usize];
        file.read_exact(&mut start)?;
        hash.update(&start);
        let mut block = vec![0; BLOCK_BYTES as usize];
        let rest = size - START_BYTES - BLOCK_BYTES;
        for at in 0..BLOCKS {
            file.seek(SeekFrom::Start(START_BYTES + rest / BLOCKS * at))?;
            file.read_exact(&mut block)?;
            hash.update(&block);
        }
    }
    Ok((!paths.is_empty()).then(|| hex::encode(hash.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_weights_and_another_tokenizer_have_another_fingerprint() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let print = || fingerprint(folder.path()).unwrap();
        assert_eq!(fingerprint(&folder.path().join("none")).unwrap(), None);
        write("model.safetensors", "a");
        let first = print();
        write("README.md", "no part of the model");
        assert_eq!(print(), first);
        write("model.safetensors", "b");
        let second = print();
        assert_ne!(second, first);
        write("tokenizer.json", "{}");
        assert_ne!(print(), second);
    }
}
