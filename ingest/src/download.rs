//! Fetches addresses: politely, bounded in every direction, and never from a private network.
//!
//! The network runs on tokio in a thread of its own and meets the rest at two channels. At most `concurrency` results
//! are fetched and not yet taken, which is the back-pressure, and the most that a kill costs.

mod address;
mod courtesy;
mod fetch;
mod host;
mod robots;

use std::{sync::Arc, thread, time::Duration};

use tokio::sync::{Semaphore, mpsc};

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
}

/// Downloads that are going on.
pub(crate) struct Downloads {
    requests: Option<mpsc::Sender<(u64, Request)>>,
    results: mpsc::Receiver<Done>,
    pending: usize,
}

impl Downloads {
    /// Starts the thread that fetches.
    ///
    /// # Errors
    /// No connection can be set up, as without certificates of authorities.
    pub(crate) fn start(config: &DownloadConfig, max_bytes: u64) -> Result<Self, Error> {
        let fetcher = Arc::new(Fetcher::new(config, max_bytes)?);
        let (requests, inbox) = mpsc::channel(QUEUED);
        let (outbox, results) = mpsc::channel(1);
        let slots = Arc::new(Semaphore::new(config.concurrency.get() as usize));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::Builder::new()
            .name("download".to_owned())
            .spawn(move || runtime.block_on(serve(fetcher, slots, inbox, outbox)))?;
        Ok(Self {
            requests: Some(requests),
            results,
            pending: 0,
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

    /// A result, if one is there.
    pub(crate) fn try_take(&mut self) -> Option<Done> {
        let done = self.results.try_recv().ok()?;
        self.pending -= 1;
        Some(done)
    }

    /// The next result; none for now if `wait` passes first.
    ///
    /// # Errors
    /// The downloads have ended although results are to come.
    pub(crate) fn take(&mut self, wait: Duration) -> Result<Option<Done>, Error> {
        // A poll every few milliseconds lets a signal be heard; results come in hundreds a second at most.
        let step = Duration::from_millis(2);
        let mut waited = Duration::ZERO;
        loop {
            match self.results.try_recv() {
                Ok(done) => {
                    self.pending -= 1;
                    return Ok(Some(done));
                }
                Err(mpsc::error::TryRecvError::Disconnected) => return Err(Error::DownloadsEnded),
                Err(mpsc::error::TryRecvError::Empty) if waited >= wait => return Ok(None),
                Err(mpsc::error::TryRecvError::Empty) => {
                    thread::sleep(step);
                    waited += step;
                }
            }
        }
    }
}

/// Starts a task a request; each waits for its host and for a slot, which it holds until its result is taken.
async fn serve(
    fetcher: Arc<Fetcher>,
    slots: Arc<Semaphore>,
    mut inbox: mpsc::Receiver<(u64, Request)>,
    outbox: mpsc::Sender<Done>,
) {
    while let Some((number, request)) = inbox.recv().await {
        let (fetcher, slots, outbox) = (Arc::clone(&fetcher), Arc::clone(&slots), outbox.clone());
        tokio::spawn(async move {
            let (fetched, slot) = fetcher.fetch(&request, &slots).await;
            // The receiver is gone when the run was interrupted: then nobody waits for the result.
            let _ = outbox.send(Done { number, fetched }).await;
            drop(slot);
        });
    }
    // The runtime ends with this future and every task with it: stay while results are awaited.
    outbox.closed().await;
}
