//! Moments, as the tables hold them.

use jiff::Timestamp as Moment;

/// Microseconds since 1970 in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment.
    pub fn now() -> Self {
        Self(Moment::now().as_microsecond())
    }
}

impl std::fmt::Display for Timestamp {
    /// RFC 3339, as in `2024-07-15T14:03:11.2Z`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match Moment::from_microsecond(self.0) {
            Ok(moment) => write!(f, "{moment}"),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}
