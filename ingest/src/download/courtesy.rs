//! What sites ask of programs: `X-Robots-Tag`, robots.txt, `Retry-After`.

use std::time::Duration;

use jiff::Timestamp as Moment;
use reqwest::header::HeaderMap;

/// The name that robots.txt may speak to, and that starts the user agent.
pub(crate) const AGENT: &str = "terminus";

/// The user agent of every request.
pub(crate) const USER_AGENT: &str = concat!(
    "terminus/",
    env!("CARGO_PKG_VERSION"),
    " (+",
    env!("CARGO_PKG_REPOSITORY"),
    ")"
);

/// Words of `X-Robots-Tag` that keep a picture from being trained on; `none` is `noindex, nofollow`.
const OPT_OUTS: [&str; 6] = [
    "noai",
    "noimageai",
    "noindex",
    "noimageindex",
    "noml",
    "none",
];

/// The word by which a response opts out, if it does; one that speaks to another agent does not count.
pub(crate) fn opt_out(headers: &HeaderMap) -> Option<&'static str> {
    headers.get_all("x-robots-tag").iter().find_map(|value| {
        let value = value.to_str().ok()?.to_lowercase();
        let rules = match value.split_once(':') {
            Some((agent, rules)) if !agent.contains(',') => {
                let agent = agent.trim();
                // `unavailable_after: date` has a colon too, and no agent.
                (agent == AGENT || agent == "*" || agent == "unavailable_after").then_some(rules)?
            }
            _ => value.as_str(),
        };
        let words: Vec<&str> = rules.split([',', ' ']).map(str::trim).collect();
        OPT_OUTS.into_iter().find(|out| words.contains(out))
    })
}

/// How long a response asks to wait: seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let seconds = until.as_second() - Moment::now().as_second();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// Whether a robots.txt lets this program fetch an address.
pub(crate) fn is_allowed(robots_txt: &str, address: &str) -> bool {
    robotstxt::DefaultMatcher::default().one_agent_allowed_by_robots(robots_txt, AGENT, address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn opt_outs_are_heard_unless_they_speak_to_others() {
        let out = |value| opt_out(&headers("x-robots-tag", value));
        assert_eq!(out("noai"), Some("noai"));
        assert_eq!(out("NoImageAI, nofollow"), Some("noimageai"));
        assert_eq!(out("terminus: noml"), Some("noml"));
        assert_eq!(out("googlebot: noindex"), None);
        assert_eq!(out("none"), Some("none"));
        assert_eq!(out("all"), None);
    }

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let wait = |value: &str| retry_after(&headers("retry-after", value));
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert!(wait("Wed, 21 Oct 2099 07:28:00 GMT").unwrap().as_secs() > 1_000_000);
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn robots_txt_speaks_to_this_program_or_to_all() {
        let rules = "User-agent: terminus\nDisallow: /private/\n\nUser-agent: *\nDisallow: /\n";
        assert!(is_allowed(rules, "https://x.org/a.png"));
        assert!(!is_allowed(rules, "https://x.org/private/a.png"));
        assert!(!is_allowed(
            "User-agent: *\nDisallow: /",
            "https://x.org/a.png"
        ));
    }
}
