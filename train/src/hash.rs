//! Hashes of model files, as model sites name them.

use std::{io, path::Path};

use sha2::{Digest as _, Sha256};

use crate::Error;

/// The sha256 of a file, 64 lower-case hex digits.
///
/// # Errors
/// The file cannot be read.
pub fn sha256(path: &Path) -> Result<String, Error> {
    let mut hasher = Sha256::new();
    let mut file = fs_err::File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = io::Read::read(&mut file, &mut buffer)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
    }
    let digest = hasher.finalize();
    Ok(terminus_manifest::ids::Sha256Digest(digest.into()).to_string())
}

/// `AutoV2`: the first ten digits of the sha256, in capitals.
///
/// # Errors
/// The file cannot be read.
pub fn auto_v2(path: &Path) -> Result<String, Error> {
    let mut digits = sha256(path)?;
    digits.truncate(10);
    Ok(digits.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_hash_is_the_beginning_of_the_long_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), b"abc").unwrap();
        assert!(
            sha256(file.path())
                .unwrap()
                .starts_with("ba7816bf8f01cfea4141")
        );
        assert_eq!(auto_v2(file.path()).unwrap(), "BA7816BF8F");
    }
}
