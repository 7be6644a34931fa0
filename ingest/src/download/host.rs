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
/// Requests without an answer, one after the other, before a host can be given up.
const SILENT_REQUESTS: u32 = 16;
/// How often a host that was given up is tried.
const TRIAL: Duration = Duration::from_mins(1);

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
    /// Requests without an answer since it last gave one, and since when.
    silent: u32,
    silent_since: Option<Instant>,
    /// When a host that was given up is tried next.
    next_trial: Option<Instant>,
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
                silent: 0,
                silent_since: None,
                next_trial: None,
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
        state.hear();
        drop(state);
        self.changed.notify_one();
    }

    /// It answered, if only to say no.
    pub(crate) fn answered(&self) {
        self.state().hear();
    }

    /// It did not answer.
    pub(crate) fn was_silent(&self) {
        let mut state = self.state();
        state.silent += 1;
        state.silent_since.get_or_insert_with(Instant::now);
    }

    /// Whether it has been silent for longer than is waited for, however often it was asked: a list of a million addresses
    /// of a host that is gone would else be a million waits. One request in a while tries whether it is back.
    pub(crate) fn is_given_up(&self, longest: Duration) -> bool {
        let mut state = self.state();
        let now = Instant::now();
        let is_over = state.silent >= SILENT_REQUESTS
            && state
                .silent_since
                .is_some_and(|since| now.duration_since(since) > longest);
        if !is_over {
            return false;
        }
        let is_trial = state.next_trial.is_some_and(|moment| moment <= now);
        if is_trial || state.next_trial.is_none() {
            state.next_trial = Some(now + TRIAL);
        }
        !is_trial
    }

    /// It asked for less, or did not answer in time.
    pub(crate) fn slow_down(&self, wait: Duration) {
        let mut state = self.state();
        state.limit = (state.limit / 2.0).max(1.0);
        state.not_before = state.not_before.max(Instant::now() + wait);
    }
}

impl State {
    fn hear(&mut self) {
        (self.silent, self.silent_since, self.next_trial) = (0, None, None);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.state().active -= 1;
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(host: &Host) -> f64 {
        host.state().limit
    }

    #[test]
    fn a_host_is_asked_more_while_it_answers_and_half_as_much_when_it_asks_for_less() {
        let host = Host::new(6);
        assert!((limit(&host) - FIRST_LIMIT).abs() < f64::EPSILON);
        for _ in 0..5 {
            host.went_well();
        }
        assert!(
            (limit(&host) - 6.0).abs() < f64::EPSILON,
            "never over `per_host`"
        );
        host.slow_down(Duration::ZERO);
        assert!((limit(&host) - 3.0).abs() < f64::EPSILON);
        for _ in 0..5 {
            host.slow_down(Duration::ZERO);
        }
        assert!(
            (limit(&host) - 1.0).abs() < f64::EPSILON,
            "it is asked still"
        );
    }

    #[test]
    fn a_host_that_is_silent_for_long_is_given_up_until_it_answers() {
        let host = Host::new(6);
        for _ in 0..SILENT_REQUESTS {
            assert!(!host.is_given_up(Duration::ZERO));
            host.was_silent();
        }
        assert!(!host.is_given_up(Duration::from_mins(1)), "not so soon");
        assert!(host.is_given_up(Duration::ZERO));
        host.answered();
        assert!(!host.is_given_up(Duration::ZERO));
    }
}
