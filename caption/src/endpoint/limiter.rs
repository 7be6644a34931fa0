//! How many requests may be in flight: halved when the endpoint is busy, one more for every full round of answers.

use std::sync::Mutex;

/// Shared by the requests in flight.
#[derive(Debug)]
pub(super) struct Limiter {
    most: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: u32,
    /// Answers since the last change.
    answered: u32,
}

impl Limiter {
    pub(super) fn new(most: u32) -> Self {
        Self {
            most,
            state: Mutex::new(State {
                now: most,
                answered: 0,
            }),
        }
    }

    pub(super) fn most(&self) -> u32 {
        self.most
    }

    pub(super) fn now(&self) -> u32 {
        self.lock().now
    }

    /// The endpoint answered.
    pub(super) fn answered(&self) {
        let mut state = self.lock();
        state.answered += 1;
        if state.answered >= state.now && state.now < self.most {
            state.now += 1;
            state.answered = 0;
        }
    }

    /// The endpoint had too much to do, or did not answer in time.
    pub(super) fn is_busy(&self) {
        let mut state = self.lock();
        // A burst of refusals is one sign: at most one halving for each round.
        if state.answered > 0 || state.now == self.most {
            state.now = (state.now / 2).max(1);
            state.answered = 0;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_endpoint_halves_the_flight_and_answers_bring_it_back() {
        let limiter = Limiter::new(16);
        limiter.is_busy();
        limiter.is_busy();
        assert_eq!(limiter.now(), 8, "one burst, one halving");
        for _ in 0..8 {
            limiter.answered();
        }
        assert_eq!(limiter.now(), 9);
        for _ in 0..1000 {
            limiter.answered();
        }
        assert_eq!(limiter.now(), 16);
        limiter.is_busy();
        for _ in 0..20 {
            limiter.answered();
            limiter.is_busy();
        }
        assert!(limiter.now() <= 2, "answers and refusals in turn");
    }
}
