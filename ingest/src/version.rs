//! Which model drew a picture whose prompt has no version flag: the one that was the default on the day.

use jiff::civil::Date;
use terminus_manifest::time::Timestamp;

/// First day of each default on the Midjourney bot.
const MIDJOURNEY: &[(Date, &str)] = &[
    (jiff::civil::date(2022, 2, 1), "1"),
    (jiff::civil::date(2022, 4, 12), "2"),
    (jiff::civil::date(2022, 7, 25), "3"),
    (jiff::civil::date(2022, 11, 10), "4"),
    (jiff::civil::date(2023, 5, 4), "5.1"),
    (jiff::civil::date(2023, 6, 22), "5.2"),
    (jiff::civil::date(2024, 2, 14), "6"),
    (jiff::civil::date(2024, 7, 30), "6.1"),
    (jiff::civil::date(2025, 6, 17), "7"),
];

/// First day of each default on the Niji bot, and of a bare `--niji`.
const NIJI: &[(Date, &str)] = &[
    (jiff::civil::date(2022, 12, 20), "4"),
    (jiff::civil::date(2023, 4, 3), "5"),
    (jiff::civil::date(2024, 6, 7), "6"),
    (jiff::civil::date(2026, 1, 9), "7"),
];

/// The default version of a generator on the day of a message; none before its first day.
pub(crate) fn on_the_day(generator: &str, posted_at: Timestamp) -> Option<&'static str> {
    let days = match generator {
        "midjourney" => MIDJOURNEY,
        "niji" => NIJI,
        _ => return None,
    };
    let moment = jiff::Timestamp::from_microsecond(posted_at.0).ok()?;
    let day = moment.to_zoned(jiff::tz::TimeZone::UTC).date();
    let (_, version) = days.iter().rev().find(|(first, _)| *first <= day)?;
    Some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_tells_the_version() {
        let on = |generator, text: &str| {
            let moment: jiff::Timestamp = text.parse().unwrap();
            on_the_day(generator, Timestamp(moment.as_microsecond()))
        };
        assert_eq!(on("midjourney", "2023-06-21T23:59:59Z"), Some("5.1"));
        assert_eq!(on("midjourney", "2023-06-22T00:00:00Z"), Some("5.2"));
        assert_eq!(on("niji", "2024-01-01T00:00:00Z"), Some("5"));
        assert_eq!(on("midjourney", "2021-01-01T00:00:00Z"), None);
        assert_eq!(on("dall-e", "2024-01-01T00:00:00Z"), None);
    }
}
