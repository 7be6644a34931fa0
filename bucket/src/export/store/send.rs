//! One file on its way into the store.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use fs_err as fs;
use object_store::{
    Attribute, Attributes, GetOptions, MultipartUpload, PutMultipartOptions, PutOptions,
    path::Path as Location,
};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;

use super::{Object, Place};
use crate::Error;

/// What is sent in one piece; larger files go in parts of this size, or in larger ones if they would be too many.
const PART_BYTES: u64 = 8 << 20;
/// The most parts that S3 takes.
const MOST_PARTS: u64 = 9_000;
/// Parts of one file that are on their way together.
const PARTS_AT_ONCE: usize = 4;
/// The name of an object's checksum in its metadata.
const CHECKSUM: &str = "sha256";

/// A file that is finished.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Where it lies here.
    pub here: PathBuf,
    /// Its path below the prefix.
    pub path: String,
}

impl Place {
    /// Sends a file, unless `may_be_there` and an object of its size and checksum is. Gives the object, and whether it
    /// was sent.
    pub(super) async fn send(
        &self,
        file: &File,
        may_be_there: bool,
    ) -> Result<(Object, bool), Error> {
        let (size_bytes, sha256) = measure(&file.here)?;
        let object = Object {
            path: file.path.clone(),
            size_bytes,
            sha256,
        };
        let location = self.at(&file.path);
        if may_be_there && self.is_there(&location, &object).await? {
            return Ok((object, false));
        }
        let mut attributes = Attributes::new();
        attributes.insert(
            Attribute::Metadata(CHECKSUM.into()),
            object.sha256.clone().into(),
        );
        let sent = if size_bytes <= PART_BYTES {
            let options = PutOptions {
                attributes,
                ..PutOptions::default()
            };
            let bytes = fs::read(&file.here)?;
            self.store
                .put_opts(&location, bytes.into(), options)
                .await
                .map(|_| ())
        } else {
            let options = PutMultipartOptions {
                attributes,
                ..PutMultipartOptions::default()
            };
            self.send_parts(&file.here, size_bytes, &location, options)
                .await?
        };
        sent.map_err(|error| self.fault(&format!("sending `{}`", file.path), &error))?;
        Ok((object, true))
    }

    async fn is_there(&self, location: &Location, object: &Object) -> Result<bool, Error> {
        let head = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        match self.store.get_opts(location, head).await {
            Ok(found) => {
                let known = found.attributes.get(&Attribute::Metadata(CHECKSUM.into()));
                let is_same = known.is_some_and(|known| known.as_ref() == object.sha256);
                Ok(found.meta.size == object.size_bytes && is_same)
            }
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.fault(&format!("looking for `{}`", object.path), &error)),
        }
    }

    /// The inner result is the store's.
    async fn send_parts(
        &self,
        here: &Path,
        size_bytes: u64,
        location: &Location,
        options: PutMultipartOptions,
    ) -> Result<object_store::Result<()>, Error> {
        let mut upload = match self.store.put_multipart_opts(location, options).await {
            Ok(upload) => upload,
            Err(error) => return Ok(Err(error)),
        };
        let sent = parts(here, size_bytes, upload.as_mut()).await;
        let done = match sent {
            Ok(Ok(())) => upload.complete().await.map(|_| ()),
            Ok(Err(error)) => Err(error),
            Err(error) => {
                // What is left of the parts costs money; a store that cannot be reached keeps them anyway.
                let _ = upload.abort().await;
                return Err(error);
            }
        };
        if done.is_err() {
            let _ = upload.abort().await;
        }
        Ok(done)
    }
}

async fn parts(
    here: &Path,
    size_bytes: u64,
    upload: &mut dyn MultipartUpload,
) -> Result<object_store::Result<()>, Error> {
    let part_bytes = PART_BYTES.max(size_bytes.div_ceil(MOST_PARTS).next_multiple_of(1 << 20));
    let mut file = fs::File::open(here)?;
    let mut flying: JoinSet<object_store::Result<()>> = JoinSet::new();
    let mut left = size_bytes;
    loop {
        while flying.len() < PARTS_AT_ONCE && left > 0 {
            let mut part = vec![0; part_bytes.min(left) as usize];
            file.read_exact(&mut part)?;
            left -= part.len() as u64;
            flying.spawn(upload.put_part(part.into()));
        }
        match flying.join_next().await {
            None => return Ok(Ok(())),
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => return Ok(Err(error)),
            Some(Err(error)) => return Err(std::io::Error::other(error).into()),
        }
    }
}

/// The size and the SHA-256 of a file.
fn measure(path: &Path) -> Result<(u64, String), Error> {
    let mut file = fs::File::open(path)?;
    let (mut hasher, mut size, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            let digest = hasher.finalize();
            let text = digest
                .iter()
                .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
            return Ok((size, text));
        }
        hasher.update(&buffer[..read]);
        size += read as u64;
    }
}
