//! A large file, hashed and brought to the disk by other threads while it is written.

use std::{
    io::{self, Write},
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use fs_err as fs;
use sha2::{Digest as _, Sha256};

use super::{Temporary, Written, sync_folder};
use crate::ids::Sha256Digest;

/// Bytes that are written, and hashed, at once.
const CHUNK: usize = 1 << 20;

/// Chunks that may wait to be hashed.
const WAITING: usize = 4;

/// Chunks after which what was written is sent to the disk: 64 MiB.
const SYNC_AFTER: usize = 64;

/// A file that is being written. Dropped before [`LargeFile::commit`], it leaves nothing behind.
///
/// Its bytes go to the disk while more of them are written, so that the sync at the end waits for the last ones alone.
#[derive(Debug)]
pub(crate) struct LargeFile {
    file: fs::File,
    temporary: Temporary,
    chunk: Vec<u8>,
    chunks: usize,
    size_bytes: u64,
    hasher: Aside<Arc<Vec<u8>>, Sha256Digest>,
    /// Chunks that were hashed: their memory is used again.
    hashed: Receiver<Arc<Vec<u8>>>,
    syncer: Aside<(), io::Result<()>>,
}

/// A thread that is told things, and what it gives at the end.
#[derive(Debug)]
struct Aside<T, R> {
    sender: SyncSender<T>,
    thread: JoinHandle<R>,
}

impl<T, R> Aside<T, R> {
    fn finish(self) -> R {
        drop(self.sender);
        self.thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl LargeFile {
    /// Begins `target`; makes its folder if it is missing.
    ///
    /// # Errors
    /// The folder or the temporary file cannot be made.
    pub(crate) fn create(target: &Path) -> io::Result<Self> {
        let (temporary, file) = Temporary::create(target)?;
        let synced = file.try_clone()?;
        let (sender, told) = sync_channel::<()>(1);
        let thread = thread::spawn(move || told.iter().try_for_each(|()| synced.sync_data()));
        let syncer = Aside { sender, thread };
        let (sender, chunks) = sync_channel::<Arc<Vec<u8>>>(WAITING);
        let (back, hashed) = sync_channel(WAITING + 2);
        let thread = thread::spawn(move || {
            let mut hasher = Sha256::new();
            for chunk in chunks {
                hasher.update(chunk.as_slice());
                // Where none is wanted any more, its memory is given back.
                let _ = back.try_send(chunk);
            }
            Sha256Digest(hasher.finalize().into())
        });
        let hasher = Aside { sender, thread };
        Ok(Self {
            file,
            temporary,
            chunk: Vec::with_capacity(CHUNK),
            chunks: 0,
            size_bytes: 0,
            hasher,
            hashed,
            syncer,
        })
    }

    fn write_chunk(&mut self) -> io::Result<()> {
        let spare = self.hashed.try_recv().ok().and_then(Arc::into_inner);
        let mut spare = spare.unwrap_or_else(|| Vec::with_capacity(CHUNK));
        spare.clear();
        let chunk = Arc::new(std::mem::replace(&mut self.chunk, spare));
        let ended = |_| io::Error::other("the thread that hashes has ended");
        self.hasher.sender.send(Arc::clone(&chunk)).map_err(ended)?;
        self.file.write_all(&chunk)?;
        self.size_bytes += chunk.len() as u64;
        self.chunks += 1;
        if self.chunks.is_multiple_of(SYNC_AFTER) {
            // If it is at work still, what it leaves is left to the next one; if a sync has failed, `commit` says how.
            let _ = self.syncer.sender.try_send(());
        }
        Ok(())
    }

    /// Syncs the bytes and gives them their name, replacing what bore it.
    ///
    /// # Errors
    /// The bytes cannot be written, as on a full disk; then the target is untouched.
    pub(crate) fn commit(mut self) -> io::Result<Written> {
        self.write_chunk()?;
        self.syncer.finish()?;
        self.file.sync_all()?;
        let sha256 = self.hasher.finish();
        let target = self.temporary.target.clone();
        fs::rename(&self.temporary.path, &target)?;
        sync_folder(&target)?;
        Ok(Written {
            sha256,
            size_bytes: self.size_bytes,
        })
    }
}

impl Write for LargeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fitting = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..fitting]);
        if self.chunk.len() == CHUNK {
            self.write_chunk()?;
        }
        Ok(fitting)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_was_written_and_knows_its_digest() {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..CHUNK * 5 / 2).map(|n| (n * n % 251) as u8).collect();
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, bytes.len()] {
            let target = folder.path().join(format!("a/{size}"));
            let mut file = LargeFile::create(&target).unwrap();
            for part in bytes[..size].chunks(700_001) {
                file.write_all(part).unwrap();
            }
            assert!(!target.exists());
            let written = file.commit().unwrap();
            assert_eq!(fs::read(&target).unwrap(), bytes[..size]);
            assert_eq!(written.sha256, Sha256Digest::of(&bytes[..size]));
            assert_eq!(written.size_bytes, size as u64);
        }
    }

    #[test]
    fn dropped_it_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = LargeFile::create(&folder.path().join("a")).unwrap();
        file.write_all(&vec![1; 3 * CHUNK]).unwrap();
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
