//! How much one host is asked at once: more while it answers, half as much when it asks for less.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// Requests at once that a new host is trusted with.
const FIRST_LIMIT: f64 = 4.0;

/// The gate of one host.
pub(crate) struct Host {
    most: f64,
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    limit: f64,
    active: u32,
    not_before: Instant,
}

/// A place at a host; given back when dropped.
pub(crate) struct Place<'a>(&'a Host);

impl Host {
    pub(crate) fn new(most: u32) -> Self {
        Self {
            most: f64::from(most),
            state: Mutex::new(State {
                limit: FIRST_LIMIT.min(f64::from(most)),
                active: 0,
                not_before: Instant::now(),
            }),
            changed: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is three numbers: whole whatever panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place.
    pub(crate) async fn enter(&self) -> Place<'_> {
        loop {
            let changed = self.changed.notified();
            let not_before = {
                let mut state = self.state();
                let is_open = Instant::now() >= state.not_before;
                if is_open && f64::from(state.active) < state.limit.floor().max(1.0) {
                    state.active += 1;
                    return Place(self);
                }
                (!is_open).then_some(state.not_before)
            };
            match not_before {
                Some(moment) => sleep_until(moment).await,
                None => changed.await,
            }
        }
    }

    /// It answered.
    pub(crate) fn went_well(&self) {
        let mut state = self.state();
        state.limit = (state.limit + 1.0).min(self.most);
        drop(state);
        self.changed.notify_one();
    }

    /// It asked for less, or did not answer in time.
    pub(crate) fn slow_down(&self, wait: Duration) {
        let mut state = self.state();
        state.limit = (state.limit / 2.0).max(1.0);
        state.not_before = state.not_before.max(Instant::now() + wait);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.state().active -= 1;
        self.0.changed.notify_one();
    }
}
