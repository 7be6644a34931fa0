//! Waiting before the next try.

use std::time::Duration;

use terminus_manifest::ids;

/// Tries of one request.
pub(super) const TRIES: u32 = 5;
/// The first wait, doubled each time, and the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_mins(1);

/// Statuses that may be another another time.
pub(super) fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 409 | 425 | 429) || status >= 500
}

/// Statuses that say that there is too much to do.
pub(super) fn is_busy(status: u16) -> bool {
    matches!(status, 429 | 503)
}

/// How long to wait before try `number` (from 2): what the endpoint asks for, else doubled each time, with a jitter that
/// keeps requests that failed together from coming back together.
pub(super) fn wait(number: u32, asked_for: Option<Duration>, salt: u64) -> Duration {
    let bits = ids::hash_u64("wait", &[&number.to_string(), &salt.to_string()]);
    let jitter = 0.5 + (bits >> 11) as f64 / (1_u64 << 53) as f64;
    let own = FIRST.mul_f64(f64::from(1_u32 << (number - 2).min(16)) * jitter);
    own.max(asked_for.unwrap_or_default()).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_differ_and_respect_what_was_asked_for() {
        let plain = |number, salt| wait(number, None, salt);
        assert!(plain(2, 1) >= FIRST / 2 && plain(2, 1) <= FIRST * 3 / 2);
        assert!(plain(5, 1) > plain(2, 1));
        assert_ne!(plain(2, 1), plain(2, 2));
        assert!(wait(2, Some(Duration::from_secs(7)), 1) >= Duration::from_secs(7));
        assert_eq!(wait(2, Some(Duration::from_secs(7000)), 1), LONGEST);
    }

    #[test]
    fn what_will_not_change_is_not_tried_again() {
        assert!(
            [408, 409, 425, 429, 500, 502, 503]
                .into_iter()
                .all(is_passing)
        );
        assert!(![400, 401, 403, 404, 413, 422].into_iter().any(is_passing));
    }
}
