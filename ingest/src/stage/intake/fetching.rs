//! Fetching: requests are made as the walk goes on, and their results read as they come.

use std::{collections::HashMap, time::Duration};

use rayon::prelude::*;

use super::{BATCH_ITEMS, HALF_BATCH, Intake, Work, commit_meanwhile, missed, restated};
use crate::{
    Error,
    download::{Body, Done, Downloads, Fetched, Request},
    facts::{self, Taken},
};

/// Fetched items that are read, or committed, together: those that are committed, those that are read and what is being fetched
/// meanwhile, 32 at most, are no more than one batch, which is the most that a kill fetches twice.
const FETCHED_BATCH: usize = HALF_BATCH / 2;
/// Requests that are made before results are read.
const REQUESTED_AHEAD: usize = 2 * BATCH_ITEMS;
/// How long a result is waited for while others of its batch are read.
const NEXT_RESULT: Duration = Duration::from_millis(100);

impl Intake<'_, '_> {
    /// Submits a download, taking results while there is no room.
    pub(super) fn request(&mut self, work: Work, address: String) -> Result<(), Error> {
        if self.downloads.is_none() {
            let plan = self.state.plan;
            let collections = plan.collections.iter();
            let max_bytes = collections.map(|c| c.max_file_bytes).max().unwrap_or(0);
            self.downloads = Some(Downloads::start(&plan.download, max_bytes)?);
        }
        while self
            .downloads
            .as_ref()
            .is_some_and(|downloads| !downloads.has_room())
        {
            self.check_cancel()?;
            self.take_fetched(Duration::from_millis(200))?;
        }
        let before = self.state.ledger.get(&work.found.item_id);
        let known = before.filter(|row| row.sha256.is_some() && row.fault.is_none());
        let request = Request {
            address,
            etag: known.and_then(|row| row.etag.clone()),
            last_modified: known.and_then(|row| row.last_modified.clone()),
        };
        let number = self.next_number;
        self.next_number += 1;
        if let Some(downloads) = &mut self.downloads {
            downloads.submit(number, request)?;
        }
        self.requested.insert(number, work);
        // Not before enough is on its way: while results are read, nothing is asked for.
        let pending = self.downloads.as_ref().map_or(0, Downloads::pending);
        if pending < REQUESTED_AHEAD {
            return Ok(());
        }
        self.take_fetched(Duration::ZERO)
    }

    /// Reads what was fetched, as it comes, while the rows of the batch before are committed; if nothing comes within `wait`,
    /// does nothing.
    pub(super) fn take_fetched(&mut self, wait: Duration) -> Result<(), Error> {
        let Some(downloads) = self.downloads.as_mut() else {
            return Ok(());
        };
        let Some(first) = downloads.take(wait)? else {
            return Ok(());
        };
        let is_full = self.ready.len() >= FETCHED_BATCH;
        let ready = if is_full {
            std::mem::take(&mut self.ready)
        } else {
            Vec::new()
        };
        let arrivals = Arrivals {
            first: Some(first),
            left: FETCHED_BATCH - self.ready.len(),
            downloads,
            requested: &mut self.requested,
            others: Vec::new(),
            fault: None,
        };
        let plan = self.state.plan;
        let read = |(work, body): (Work, Body)| {
            let collection = &plan.collections[work.order];
            let mut row = facts::blank(&work.found, collection);
            (row.etag, row.last_modified) = (body.etag, body.last_modified);
            facts::of_bytes(&body.bytes, row, &work.found, collection)
        };
        let (committed, (mut taken, others, fault)) =
            commit_meanwhile(self.state, ready, || arrivals.read_all(read));
        let summary = &mut self.state.summary;
        summary.fetched += taken.len() as u64;
        summary.decoded += taken.len() as u64;
        self.progress.advance((taken.len() + others.len()) as u64);
        taken.sort_by(|a, b| a.rows[0].source_id.cmp(&b.rows[0].source_id));
        self.ready.extend(taken);
        committed?;
        for (work, fetched) in others {
            match fetched {
                Fetched::NotModified => {
                    self.state.summary.not_modified += 1;
                    self.ready.push(restated(self.state, &work));
                }
                Fetched::Nothing { reason, detail } => {
                    self.ready.extend(missed(self.state, &work, reason, detail));
                }
                Fetched::Bytes(_) => {}
            }
        }
        fault.map_or(Ok(()), Err)
    }
}

/// Results of one batch, as they come.
struct Arrivals<'i> {
    first: Option<Done>,
    /// How many more there may be.
    left: usize,
    downloads: &'i mut Downloads,
    requested: &'i mut HashMap<u64, Work>,
    /// Those that brought no bytes.
    others: Vec<(Work, Fetched)>,
    fault: Option<Error>,
}

impl Arrivals<'_> {
    /// What `read` makes of those with bytes: workers take what comes while the others still read.
    fn read_all(
        mut self,
        read: impl Fn((Work, Body)) -> Taken + Send + Sync,
    ) -> (Vec<Taken>, Vec<(Work, Fetched)>, Option<Error>) {
        let taken = self.by_ref().par_bridge().map(read).collect();
        (taken, self.others, self.fault)
    }

    fn next_done(&mut self) -> Option<Done> {
        self.left = self.left.checked_sub(1)?;
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        if self.downloads.pending() == 0 {
            return None;
        }
        match self.downloads.take(NEXT_RESULT) {
            Ok(done) => done,
            Err(error) => {
                self.fault = Some(error);
                None
            }
        }
    }
}

impl Iterator for Arrivals<'_> {
    type Item = (Work, Body);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(done) = self.next_done() else {
                // Asked again, it waits for nothing more.
                self.left = 0;
                return None;
            };
            let Some(work) = self.requested.remove(&done.number) else {
                continue;
            };
            match done.fetched {
                Fetched::Bytes(body) => return Some((work, body)),
                fetched => self.others.push((work, fetched)),
            }
        }
    }
}
