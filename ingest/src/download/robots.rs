//! The robots.txt of each site: fetched once, and again after a while where it could not be had.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::{StatusCode, Url};
use terminus_manifest::words::Reason;
use tokio::{sync::Mutex as AsyncMutex, time::Instant};

use super::{
    courtesy,
    fetch::{Fault, Fetcher, body, site_of},
};

const MAX_ROBOTS_BYTES: u64 = 512 << 10;
/// How long a robots.txt that could not be had is not asked for again; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The robots.txt of a site.
enum Robots {
    Text(String),
    /// There is none.
    AllowAll,
    /// The site fails to show it, which forbids for now (RFC 9309, 2.3.1.4).
    Unreachable {
        why: String,
        /// Whether the site did not answer at all.
        is_silent: bool,
        until: Instant,
        pause: Duration,
    },
}

/// What is known of sites.
#[derive(Default)]
pub(super) struct Sites(Mutex<HashMap<String, Arc<AsyncMutex<Option<Robots>>>>>);

impl Sites {
    fn of(&self, url: &Url) -> Arc<AsyncMutex<Option<Robots>>> {
        let mut sites = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sites.entry(site_of(url)).or_default())
    }
}

impl Fetcher {
    /// Asks the robots.txt of the site. One that cannot be had may be another time.
    pub(super) async fn check_robots(&self, url: &Url) -> Result<(), Fault> {
        let site = self.robots.of(url);
        let mut robots = site.lock().await;
        let pause = match robots.as_ref() {
            None => Some(FIRST_PAUSE),
            Some(Robots::Unreachable { until, pause, .. }) if *until <= Instant::now() => {
                Some((*pause * 2).min(LONGEST_PAUSE))
            }
            Some(_) => None,
        };
        if let Some(pause) = pause {
            *robots = Some(self.robots_of(url, pause).await);
        }
        let is_allowed = match robots.as_ref() {
            None | Some(Robots::AllowAll) => true,
            Some(Robots::Text(text)) => courtesy::is_allowed(text, url.as_str()),
            Some(Robots::Unreachable { why, is_silent, .. }) => {
                let detail = format!("the site's robots.txt cannot be read: {why}");
                return Err(Fault {
                    is_silent: *is_silent,
                    ..Fault::passing(Reason::Network, detail)
                });
            }
        };
        if is_allowed {
            Ok(())
        } else {
            let detail = format!("`{}/robots.txt` asks programs to stay away", site_of(url));
            Err(Fault::last(Reason::Robots, detail))
        }
    }

    async fn robots_of(&self, url: &Url, pause: Duration) -> Robots {
        let unreachable = |why: String, is_silent: bool| Robots::Unreachable {
            why,
            is_silent,
            until: Instant::now() + pause,
            pause,
        };
        let Ok(address) = url.join("/robots.txt") else {
            return Robots::AllowAll;
        };
        // Boxed, because following redirects asks for robots.txt in its turn.
        let response = match Box::pin(self.follow(&address, None)).await {
            Ok(response) => response,
            // An address that is refused for robots.txt is refused for the picture too, which says so better.
            Err(fault) if fault.reason == Reason::AddressRefused => return Robots::AllowAll,
            Err(fault) => return unreachable(fault.detail, fault.is_silent),
        };
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return unreachable(format!("the server says {status}"), false);
        }
        if !status.is_success() {
            return Robots::AllowAll;
        }
        match body(response, MAX_ROBOTS_BYTES).await {
            Ok(bytes) => Robots::Text(String::from_utf8_lossy(&bytes).into_owned()),
            Err(fault) if fault.reason == Reason::TooLarge => Robots::AllowAll,
            Err(fault) => unreachable(fault.detail, fault.is_silent),
        }
    }
}
