//! One address, from the first attempt to bytes or a reason.

use std::{
    collections::HashMap,
    error::Error as StdError,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp as Moment;
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION},
    redirect::Policy,
};
use terminus_manifest::{ids::hash_u64, words::Reason};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use super::{
    address::{Allowed, RefusedAddress},
    courtesy::{self, USER_AGENT},
    host::Host,
    robots::Sites,
};
use crate::{
    Error,
    config::{Courtesy, DownloadConfig},
    source::is_discord_cdn,
    url::expires_at_s,
};

const MAX_REDIRECTS: usize = 5;
/// The wait before the second attempt; doubled with each, and drawn from its upper half.
const FIRST_BACK_OFF: Duration = Duration::from_millis(500);

/// What is to be fetched.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The address.
    pub address: String,
    /// The `ETag` that it had.
    pub etag: Option<String>,
    /// The `Last-Modified` that it had.
    pub last_modified: Option<String>,
}

/// What it brought.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// Bytes.
    Bytes(Body),
    /// The bytes are those that were fetched before.
    NotModified,
    /// Nothing.
    Nothing {
        /// Why.
        reason: Reason,
        /// That in words.
        detail: String,
    },
}

/// What a server gave.
#[derive(Debug)]
pub(crate) struct Body {
    /// All of its bytes.
    pub bytes: Bytes,
    /// The `ETag` of the response.
    pub etag: Option<String>,
    /// The `Last-Modified` of the response.
    pub last_modified: Option<String>,
}

/// Why an attempt brought nothing.
pub(super) struct Fault {
    pub reason: Reason,
    pub detail: String,
    /// Whether another attempt may bring something.
    pub may_pass: bool,
    /// Whether the host did not answer at all.
    pub is_silent: bool,
    /// The wait that the server named.
    pub wait: Option<Duration>,
}

impl Fault {
    pub fn last(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            may_pass: false,
            is_silent: false,
            wait: None,
        }
    }

    pub fn passing(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            may_pass: true,
            ..Self::last(reason, detail)
        }
    }
}

/// Fetches with one set of settings.
pub(crate) struct Fetcher {
    client: Client,
    allowed: Allowed,
    config: DownloadConfig,
    max_bytes: u64,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
    pub(super) robots: Sites,
}

impl Fetcher {
    pub(crate) fn new(config: &DownloadConfig, max_bytes: u64) -> Result<Self, Error> {
        // Another part of the process may have chosen a provider already; then that one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let allowed = Allowed::new(&config.allow_private_hosts);
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(allowed.clone()))
            .connect_timeout(
                Duration::from_secs(u64::from(config.timeout_s.get())).min(Duration::from_secs(20)),
            )
            .build()
            .map_err(|source| Error::Downloads { source })?;
        Ok(Self {
            client,
            allowed,
            config: config.clone(),
            max_bytes,
            hosts: Mutex::default(),
            robots: Sites::default(),
        })
    }

    /// Fetches an address, with attempts as the settings say. The slot is held until the result is taken.
    pub(crate) async fn fetch(
        &self,
        request: &Request,
        slots: &Arc<Semaphore>,
    ) -> (Fetched, Option<OwnedSemaphorePermit>) {
        let url = match Url::parse(&request.address) {
            Ok(url) => url,
            Err(error) => {
                return (
                    nothing(Reason::BadRow, format!("the address is none: {error}")),
                    None,
                );
            }
        };
        let name = url.host_str().unwrap_or_default();
        let now_s = Moment::now().as_second();
        if is_discord_cdn(name) && expires_at_s(&request.address).is_some_and(|at| at < now_s) {
            let detail = "its signature has expired\nhint: export the channel again";
            return (nothing(Reason::LinkExpired, detail), None);
        }
        let host = self.host(&url);
        let longest = Duration::from_secs(u64::from(self.config.max_wait_s));
        let mut attempt = 0;
        loop {
            attempt += 1;
            let place = host.enter().await;
            if host.is_given_up(longest) {
                let detail = "the host has not answered for a while, and is not asked any more\nhint: the next ingest asks again";
                return (nothing(Reason::Network, detail), None);
            }
            let slot = Arc::clone(slots).acquire_owned().await.ok();
            let seconds = u64::from(self.config.timeout_s.get());
            let result =
                match timeout(Duration::from_secs(seconds), self.attempt(request, &url)).await {
                    Ok(result) => result,
                    Err(_) => Err(Fault {
                        is_silent: true,
                        ..Fault::passing(
                            Reason::Timeout,
                            format!("it was not there after {seconds} s"),
                        )
                    }),
                };
            drop(place);
            let fault = match result {
                Ok(fetched) => {
                    host.went_well();
                    return (fetched, slot);
                }
                Err(fault) => fault,
            };
            let named = fault.wait;
            if fault.is_silent {
                host.was_silent();
            } else {
                host.answered();
            }
            if matches!(fault.reason, Reason::RateLimited | Reason::Timeout) {
                host.slow_down(named.unwrap_or(FIRST_BACK_OFF).min(longest));
            }
            let is_over = !fault.may_pass
                || attempt >= self.config.attempts.get()
                || named.is_some_and(|wait| wait > longest);
            if is_over {
                let detail = match attempt {
                    1 => fault.detail,
                    n => format!("{} ({n} attempts)", fault.detail),
                };
                return (nothing(fault.reason, detail), slot);
            }
            drop(slot);
            sleep(named.unwrap_or_else(|| back_off(&request.address, attempt))).await;
        }
    }

    fn host(&self, url: &Url) -> Arc<Host> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let host = hosts
            .entry(site_of(url))
            .or_insert_with(|| Arc::new(Host::new(self.config.per_host.get())));
        Arc::clone(host)
    }

    /// One attempt: redirects followed, every address on the way checked.
    async fn attempt(&self, request: &Request, url: &Url) -> Result<Fetched, Fault> {
        let response = self.follow(url, Some(request)).await?;
        let status = response.status();
        let url = response.url().clone();
        if status == StatusCode::NOT_MODIFIED {
            return Ok(Fetched::NotModified);
        }
        if status != StatusCode::OK {
            return Err(status_fault(status, &url, response.headers()));
        }
        if self.config.opt_out == Courtesy::Honour
            && let Some(word) = courtesy::opt_out(response.headers())
        {
            let detail = format!("its `X-Robots-Tag` says `{word}`");
            return Err(Fault::last(Reason::OptedOut, detail));
        }
        let text = |name| {
            let value: Option<&reqwest::header::HeaderValue> = response.headers().get(name);
            value
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let (etag, last_modified) = (text(ETAG), text(LAST_MODIFIED));
        let bytes = body(response, self.max_bytes).await?;
        Ok(Fetched::Bytes(Body {
            bytes: bytes.into(),
            etag,
            last_modified,
        }))
    }

    /// The response at the end of the redirects; `request` is none for robots.txt itself.
    pub(super) async fn follow(
        &self,
        url: &Url,
        request: Option<&Request>,
    ) -> Result<Response, Fault> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            if !matches!(url.scheme(), "http" | "https") {
                let detail = format!("`{url}` is neither http nor https");
                return Err(Fault::last(Reason::AddressRefused, detail));
            }
            self.allowed
                .check(&url)
                .map_err(|refused| Fault::last(Reason::AddressRefused, refused.to_string()))?;
            if request.is_some() && self.config.robots_txt == Courtesy::Honour {
                self.check_robots(&url).await?;
            }
            let mut sent = self.client.get(url.clone());
            if let Some(etag) = request.and_then(|request| request.etag.as_ref()) {
                sent = sent.header(IF_NONE_MATCH, etag);
            }
            if let Some(moment) = request.and_then(|request| request.last_modified.as_ref()) {
                sent = sent.header(IF_MODIFIED_SINCE, moment);
            }
            let response = sent.send().await.map_err(|error| network_fault(&error))?;
            let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            if !is_redirect {
                return Ok(response);
            }
            let target = response
                .headers()
                .get(LOCATION)
                .and_then(|value| value.to_str().ok());
            let next = target.and_then(|target| url.join(target).ok());
            url =
                next.ok_or_else(|| Fault::last(Reason::Redirects, "a redirect names no address"))?;
        }
        let detail = format!("more than {MAX_REDIRECTS} redirects");
        Err(Fault::last(Reason::Redirects, detail))
    }
}

fn nothing(reason: Reason, detail: impl Into<String>) -> Fetched {
    Fetched::Nothing {
        reason,
        detail: detail.into(),
    }
}

/// `https://example.org:8080`.
pub(super) fn site_of(url: &Url) -> String {
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    format!(
        "{}://{}{port}",
        url.scheme(),
        url.host_str().unwrap_or_default()
    )
}

/// The body, if it has at most `max_bytes` bytes: neither a promise nor a lie makes it longer.
pub(super) async fn body(mut response: Response, max_bytes: u64) -> Result<Vec<u8>, Fault> {
    let too_large = |size: u64| {
        let detail = format!("it has {size} bytes or more, at most {max_bytes} are read");
        Fault::last(Reason::TooLarge, detail)
    };
    let promised = response.content_length();
    if let Some(size) = promised.filter(|&size| size > max_bytes) {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(promised.unwrap_or(0).min(1 << 20) as usize);
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| network_fault(&error))?
    {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > max_bytes {
            return Err(too_large(bytes.len() as u64));
        }
    }
    Ok(bytes)
}

/// What a status other than 200 means.
fn status_fault(status: StatusCode, url: &Url, headers: &HeaderMap) -> Fault {
    let detail = format!("the server says {status}");
    let is_discord = is_discord_cdn(url.host_str().unwrap_or_default());
    match status.as_u16() {
        403 | 404 if is_discord => Fault::last(
            Reason::LinkExpired,
            format!("{detail}\nhint: export the channel again"),
        ),
        429 | 503 => Fault {
            wait: courtesy::retry_after(headers),
            ..Fault::passing(Reason::RateLimited, detail)
        },
        408 | 425 | 500.. => Fault::passing(Reason::Network, detail),
        _ => Fault::last(Reason::HttpStatus, detail),
    }
}

/// What a connection that failed means; a refused address is found behind the layers that wrap it.
fn network_fault(error: &reqwest::Error) -> Fault {
    let mut causes = Vec::new();
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(refused) = cause.downcast_ref::<RefusedAddress>() {
            return Fault::last(Reason::AddressRefused, refused.to_string());
        }
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.dedup();
    Fault {
        is_silent: true,
        ..Fault::passing(Reason::Network, causes.join(": "))
    }
}

/// Doubled with each attempt; where in its upper half depends on the address, so that a crowd does not come back at once.
fn back_off(address: &str, attempt: u32) -> Duration {
    let most = FIRST_BACK_OFF * 2_u32.saturating_pow(attempt.min(8) - 1);
    let share = hash_u64("back_off", &[address, &attempt.to_string()]) as f64 / u64::MAX as f64;
    most.mul_f64(0.5 + share / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(status: u16, address: &str) -> Fault {
        let status = StatusCode::from_u16(status).unwrap();
        status_fault(status, &Url::parse(address).unwrap(), &HeaderMap::new())
    }

    #[test]
    fn a_discord_link_that_is_not_found_has_expired() {
        let fault = fault(404, "https://cdn.discordapp.com/attachments/1/2/a.png");
        assert_eq!(fault.reason, Reason::LinkExpired);
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        let again = |status| fault(status, "https://x.org/a.png").may_pass;
        assert!([408, 425, 429, 500, 502, 503, 504].into_iter().all(again));
        assert!(![400, 401, 403, 404, 410, 451].into_iter().any(again));
    }

    #[test]
    fn attempts_wait_longer_and_longer() {
        let waits = [1, 2, 3].map(|attempt| back_off("https://x.org/a.png", attempt));
        for (wait, most) in waits.iter().zip([500, 1000, 2000]) {
            assert!(
                wait.as_millis() >= most / 2 && wait.as_millis() <= most,
                "{wait:?}"
            );
        }
    }
}
