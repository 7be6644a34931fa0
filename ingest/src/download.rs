//! Fetches addresses: politely, bounded in every direction, and never from a private network.
//!
//! The network runs on tokio in a thread of its own and meets the rest at two channels. At most `concurrency` results
//! are fetched and not yet taken, which is the back-pressure, and the most that a kill costs: each holds its slot until it is taken.

mod address;
mod courtesy;
mod fetch;
mod host;
mod robots;

use std::{
    sync::{
        Arc,
        mpsc::{self as results, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};

use crate::{Error, config::DownloadConfig};

use fetch::Fetcher;
pub(crate) use fetch::{Body, Fetched, Request};

/// Requests that wait for their turn at most.
const QUEUED: usize = 1024;

/// What became of a request.
pub(crate) struct Done {
    /// The number that it was submitted with.
    pub number: u64,
    /// What it brought.
    pub fetched: Fetched,
    slot: Option<OwnedSemaphorePermit>,
}

/// Downloads that are going on.
pub(crate) struct Downloads {
    requests: Option<mpsc::Sender<(u64, Request)>>,
    results: results::Receiver<Done>,
    pending: usize,
    /// Lets the thread end when nobody waits for results any more.
    ended: Arc<Notify>,
}

impl Downloads {
    /// Starts the thread that fetches.
    ///
    /// # Errors
    /// No connection can be set up, as without certificates of authorities.
    pub(crate) fn start(config: &DownloadConfig, max_bytes: u64) -> Result<Self, Error> {
        let fetcher = Arc::new(Fetcher::new(config, max_bytes)?);
        let (requests, inbox) = mpsc::channel(QUEUED);
        let (outbox, results) = results::channel();
        let ended = Arc::new(Notify::new());
        let end = Arc::clone(&ended);
        let slots = Arc::new(Semaphore::new(config.concurrency.get() as usize));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::Builder::new()
            .name("download".to_owned())
            .spawn(move || runtime.block_on(serve(fetcher, slots, inbox, outbox, &end)))?;
        Ok(Self {
            requests: Some(requests),
            results,
            pending: 0,
            ended,
        })
    }

    /// How many results are still to come.
    pub(crate) fn pending(&self) -> usize {
        self.pending
    }

    /// Whether a request can be submitted without waiting.
    pub(crate) fn has_room(&self) -> bool {
        self.pending < QUEUED
    }

    /// Queues a request.
    ///
    /// # Errors
    /// The downloads have ended.
    pub(crate) fn submit(&mut self, number: u64, request: Request) -> Result<(), Error> {
        let sender = self.requests.as_ref().ok_or(Error::DownloadsEnded)?;
        sender
            .blocking_send((number, request))
            .map_err(|_| Error::DownloadsEnded)?;
        self.pending += 1;
        Ok(())
    }

    /// The next result; none for now if `wait` passes first.
    ///
    /// # Errors
    /// The downloads have ended although results are to come.
    pub(crate) fn take(&mut self, wait: Duration) -> Result<Option<Done>, Error> {
        match self.results.recv_timeout(wait) {
            Ok(mut done) => {
                self.pending -= 1;
                done.slot = None;
                Ok(Some(done))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Error::DownloadsEnded),
        }
    }
}

impl Drop for Downloads {
    fn drop(&mut self) {
        self.ended.notify_one();
    }
}

/// Starts a task a request; each waits for its host and for a slot, which it holds until its result is taken.
async fn serve(
    fetcher: Arc<Fetcher>,
    slots: Arc<Semaphore>,
    mut inbox: mpsc::Receiver<(u64, Request)>,
    outbox: results::Sender<Done>,
    ended: &Notify,
) {
    while let Some((number, request)) = inbox.recv().await {
        let (fetcher, slots, outbox) = (Arc::clone(&fetcher), Arc::clone(&slots), outbox.clone());
        tokio::spawn(async move {
            let (fetched, slot) = fetcher.fetch(&request, &slots).await;
            // The receiver is gone when the run was interrupted: then nobody waits for the result.
            let _ = outbox.send(Done {
                number,
                fetched,
                slot,
            });
        });
    }
    // The runtime ends with this future and every task with it: stay while results are awaited.
    ended.notified().await;
}
