//! Where bytes are, and how they are read from there.

use std::{
    fs::Metadata,
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use flate2::{Crc, read::DeflateDecoder};
use fs_err as fs;
use terminus_manifest::words::Reason;

/// Where the bytes of an item or sidecar are.
#[derive(Clone, Debug)]
pub enum Place {
    /// A file of its own.
    File(PathBuf),
    /// A part of a file, as in a tar.
    Span {
        /// The file; its members share the name.
        path: Arc<Path>,
        /// Bytes before it.
        offset: u64,
        /// Bytes of it.
        len: u64,
    },
    /// A part of a file, deflated, as in a zip.
    Deflated {
        /// The file.
        path: Arc<Path>,
        /// Bytes before it.
        offset: u64,
        /// Deflated bytes.
        len: u64,
        /// Bytes when inflated.
        size: u64,
        /// Their CRC-32.
        crc32: u32,
    },
    /// In memory, handed over by a source that reads in blocks.
    Held(Bytes),
    /// At an address.
    Url(String),
    /// Nowhere.
    Nothing {
        /// Why.
        reason: Reason,
        /// That in words.
        detail: String,
    },
}

/// What tells a file that was not touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Change time, nanoseconds since 1970.
    pub ctime_ns: i64,
}

impl Stat {
    /// Size and times of a file.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            mtime_ns: metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec(),
            ctime_ns: metadata.ctime() * 1_000_000_000 + metadata.ctime_nsec(),
        }
    }
}

impl Place {
    /// How many bytes there are, where that is known before reading.
    pub fn size(&self, stat: Option<Stat>) -> Option<u64> {
        match self {
            Self::File(_) => stat.map(|stat| stat.size),
            Self::Span { len, .. } => Some(*len),
            Self::Deflated { size, .. } => Some(*size),
            Self::Held(bytes) => Some(bytes.len() as u64),
            Self::Url(_) | Self::Nothing { .. } => None,
        }
    }

    /// Whether the bytes lie in a file of their own, which can be read again at any time.
    pub fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// The bytes.
    ///
    /// # Errors
    /// They cannot be read, or are not what the archive says. An address is never read here.
    pub fn read(&self) -> io::Result<Bytes> {
        match self {
            Self::File(path) => fs::read(path).map(Into::into),
            Self::Span { path, offset, len } => span(path, *offset, *len).map(Into::into),
            Self::Deflated {
                path,
                offset,
                len,
                size,
                crc32,
            } => {
                let deflated = span(path, *offset, *len)?;
                let mut bytes = Vec::new();
                // One byte more than is promised tells a lie without unpacking a bomb.
                DeflateDecoder::new(&deflated[..])
                    .take(size + 1)
                    .read_to_end(&mut bytes)?;
                let mut crc = Crc::new();
                crc.update(&bytes);
                if bytes.len() as u64 != *size || crc.sum() != *crc32 {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        format!(
                            "`{}` holds other bytes than its directory says",
                            path.display()
                        ),
                    ));
                }
                Ok(bytes.into())
            }
            Self::Held(bytes) => Ok(bytes.clone()),
            Self::Nothing { detail, .. } => Err(io::Error::other(detail.clone())),
            Self::Url(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

fn span(path: &Path, offset: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut file = fs::File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(len).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == len {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
