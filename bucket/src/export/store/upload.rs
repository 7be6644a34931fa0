//! Files go out while the next are written: one network thread behind one bounded channel.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use fs_err as fs;
use terminus_manifest::run::{Cancel, Progress};
use tokio::{sync::mpsc, task::JoinSet};

use super::{Object, Store, Uploaded, send::File};
use crate::Error;

/// Finished files that may wait for the network.
const WAITING: usize = 32;
/// Files that are sent side by side.
const AT_ONCE: usize = 8;
/// How often someone who waits looks whether to stop.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Takes finished files.
pub(in crate::export) struct Upload {
    folder: PathBuf,
    sender: mpsc::Sender<File>,
}

impl Upload {
    /// Hands files below the folder of the export over; whether anyone still takes them.
    pub(in crate::export) fn hand_over(&self, files: Vec<PathBuf>) -> bool {
        files.into_iter().all(|here| {
            let path = relative(&self.folder, &here);
            self.sender.blocking_send(File { here, path }).is_ok()
        })
    }
}

/// Sends what `work` hands over while it works, in the folder `folder`, and once all of that is gone every file that is
/// left there. A file is removed when it is sent.
///
/// # Errors
/// Those of `work` and of the network; [`Error::Interrupted`].
pub(in crate::export) fn upload_while<T>(
    store: &Store,
    folder: &Path,
    may_be_there: bool,
    progress: &dyn Progress,
    cancel: &Cancel,
    work: impl FnOnce(&Upload) -> Result<T, Error>,
) -> Result<(T, Vec<Object>, Uploaded), Error> {
    let (done, mut objects, mut uploaded) =
        phase(store, folder, may_be_there, progress, cancel, work)?;
    let ((), more, rest) = phase(store, folder, may_be_there, progress, cancel, |upload| {
        upload.hand_over(files_below(folder)?);
        Ok(())
    })?;
    objects.extend(more);
    uploaded.objects += rest.objects;
    uploaded.sent += rest.sent;
    uploaded.sent_bytes += rest.sent_bytes;
    Ok((done, objects.into_iter().collect(), uploaded))
}

fn phase<T>(
    store: &Store,
    folder: &Path,
    may_be_there: bool,
    progress: &dyn Progress,
    cancel: &Cancel,
    work: impl FnOnce(&Upload) -> Result<T, Error>,
) -> Result<(T, BTreeSet<Object>, Uploaded), Error> {
    let (sender, receiver) = mpsc::channel(WAITING);
    std::thread::scope(|scope| {
        let network = scope.spawn(move || {
            let flight = fly(store, may_be_there, receiver, progress, cancel);
            store.runtime.block_on(flight)
        });
        let upload = Upload {
            folder: folder.to_owned(),
            sender,
        };
        let worked = work(&upload);
        drop(upload);
        let sent = network.join();
        // If the network failed, work ended for want of a taker: its own word is no news.
        let (objects, uploaded) =
            sent.map_err(|_| std::io::Error::other("the network thread ended"))??;
        Ok((worked?, objects, uploaded))
    })
}

async fn fly(
    store: &Store,
    may_be_there: bool,
    mut receiver: mpsc::Receiver<File>,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<(BTreeSet<Object>, Uploaded), Error> {
    let mut flying: JoinSet<Result<(Object, bool), Error>> = JoinSet::new();
    let (mut objects, mut uploaded, mut is_open) = (BTreeSet::new(), Uploaded::default(), true);
    while is_open || !flying.is_empty() {
        tokio::select! {
            next = receiver.recv(), if is_open && flying.len() < AT_ONCE => match next {
                Some(file) => {
                    let place = store.place.clone();
                    flying.spawn(async move {
                        let sent = place.send(&file, may_be_there).await;
                        if sent.is_ok() {
                            fs::remove_file(&file.here)?;
                        }
                        sent
                    });
                }
                None => is_open = false,
            },
            Some(done) = flying.join_next(), if !flying.is_empty() => {
                let (object, is_sent) = done.map_err(std::io::Error::other)??;
                uploaded.objects += 1;
                uploaded.sent += u64::from(is_sent);
                uploaded.sent_bytes += if is_sent { object.size_bytes } else { 0 };
                objects.insert(object);
                progress.status(&format!(
                    "{} files sent, {:.1} MB; {} were there",
                    uploaded.sent,
                    uploaded.sent_bytes as f64 / 1e6,
                    uploaded.objects - uploaded.sent
                ));
            }
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if cancel.is_cancelled() {
            return Err(Error::Interrupted);
        }
    }
    Ok((objects, uploaded))
}

/// A path below a folder, its parts joined by `/`.
fn relative(folder: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(folder).unwrap_or(path).components();
    let parts: Vec<_> = parts
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

/// Every file below a folder, by name.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
