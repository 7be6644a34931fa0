//! One question, one answer, and the patience between them.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use reqwest::{Client, Response, header::RETRY_AFTER};
use serde_json::Value;

use super::{
    Secret, body,
    limiter::Limiter,
    retry::{TRIES, is_busy, is_passing, wait},
};
use crate::{
    config::HttpConfig,
    speaker::{Ask, Reply},
};

/// The endpoint as requests see it.
pub(super) struct Chat {
    client: Client,
    url: String,
    key: Option<Secret>,
    model: String,
    give_up_after: Duration,
    requests: AtomicU64,
}

/// What became of a request.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// There is an answer.
    Said(Reply),
    /// The endpoint does not take this very picture.
    Refused(String),
    /// No answer after all tries.
    GaveUp(String),
    /// No request will ever be answered.
    Hopeless(String),
}

/// What one try gave.
enum Try {
    Done(Outcome),
    /// Why not, whether the endpoint is busy, and how long it asks to wait.
    Again(String, bool, Option<Duration>),
}

/// A proxy that the environment names knows nothing of servers on this machine.
fn is_on_this_machine(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl Chat {
    /// Finds the endpoint and the model's name.
    pub(super) async fn open(config: &HttpConfig, key: Option<&Secret>) -> Result<Self, String> {
        // Whoever installed one before chose the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder();
        if is_on_this_machine(&config.url) {
            builder = builder.no_proxy();
        }
        let client = builder
            .timeout(Duration::from_secs(u64::from(config.timeout_s.get())))
            .connect_timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("no client could be made: {error}"))?;
        let mut chat = Self {
            client,
            url: config.url.trim_end_matches('/').to_owned(),
            key: key.cloned(),
            model: config.model.clone().unwrap_or_default(),
            give_up_after: Duration::from_secs(u64::from(config.give_up_after_s.get())),
            requests: AtomicU64::new(0),
        };
        let models = chat.models().await?;
        if chat.model.is_empty() {
            chat.model = match models.as_deref() {
                Some([only]) => only.clone(),
                Some(all) => {
                    let names = all.join("`, `");
                    return Err(format!(
                        "`{}/models` lists {} models: `{names}`\nhint: name one with `model`",
                        chat.url,
                        all.len()
                    ));
                }
                None => {
                    return Err(format!(
                        "`{}/models` lists no models\nhint: name the model with `model`",
                        chat.url
                    ));
                }
            };
        } else if let Some(models) = models.filter(|models| !models.contains(&chat.model)) {
            return Err(format!(
                "the endpoint does not know the model `{}`\nhint: it has `{}`",
                chat.model,
                models.join("`, `")
            ));
        }
        Ok(chat)
    }

    /// The models that the endpoint lists; none if it keeps no list.
    async fn models(&self) -> Result<Option<Vec<String>>, String> {
        let url = format!("{}/models", self.url);
        let (started, mut why) = (Instant::now(), String::new());
        for number in 1..=TRIES {
            if number > 1 {
                let pause = wait(number, None, 0);
                if started.elapsed() + pause >= self.give_up_after {
                    break;
                }
                tokio::time::sleep(pause).await;
            }
            let left = self.give_up_after.saturating_sub(started.elapsed());
            let request = self.with_key(self.client.get(&url)).timeout(left);
            let response = match request.send().await {
                Ok(response) => response,
                Err(error) if error.is_connect() => {
                    return Err(format!(
                        "nobody answers at `{url}`: {}\nhint: is the server running, and `url` right up to `/v1`?",
                        root_cause(&error)
                    ));
                }
                Err(error) => {
                    why = root_cause(&error);
                    continue;
                }
            };
            let status = response.status().as_u16();
            match status {
                200 => {
                    let text = response.text().await.map_err(|error| root_cause(&error))?;
                    let Ok(list) = serde_json::from_str::<Value>(&text) else {
                        return Err(format!(
                            "`{url}` answers with {}, not with JSON\nhint: is `url` right up to `/v1`?",
                            start_of(&text)
                        ));
                    };
                    let names = list["data"].as_array().map(|models| {
                        let ids = models.iter().filter_map(|model| model["id"].as_str());
                        ids.map(str::to_owned).collect()
                    });
                    return Ok(names);
                }
                401 | 403 => return Err(self.wrong_key(status)),
                _ if is_passing(status) => why = format!("HTTP status {status}"),
                _ => return Ok(None),
            }
        }
        Err(format!(
            "`{url}` gives no answer: {why}\nhint: is the server well, and a proxy that the environment names?"
        ))
    }

    /// The body of a request.
    pub(super) fn body(&self, ask: &Ask<'_>, picture: &str) -> Vec<u8> {
        let body = body::request(&self.model, ask, picture);
        body.to_string().into_bytes()
    }

    /// Asks until there is an answer or no hope of one.
    pub(super) async fn ask(&self, body: Vec<u8>, limiter: &Limiter) -> Outcome {
        let started = Instant::now();
        let salt = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut why = String::new();
        for number in 1..=TRIES {
            match self.once(body.clone(), started).await {
                Try::Done(outcome) => {
                    limiter.answered();
                    return outcome;
                }
                Try::Again(reason, was_busy, asked_for) => {
                    if was_busy {
                        limiter.is_busy();
                    }
                    why = reason;
                    let pause = wait(number + 1, asked_for, salt);
                    if number == TRIES || started.elapsed() + pause >= self.give_up_after {
                        let seconds = started.elapsed().as_secs();
                        return Outcome::GaveUp(format!("{why}, {number} tries in {seconds} s"));
                    }
                    tokio::time::sleep(pause).await;
                }
            }
        }
        Outcome::GaveUp(why)
    }

    async fn once(&self, body: Vec<u8>, started: Instant) -> Try {
        let left = self.give_up_after.saturating_sub(started.elapsed());
        let request = self
            .client
            .post(format!("{}/chat/completions", self.url))
            .header("content-type", "application/json")
            .body(body);
        let sent = tokio::time::timeout(left, self.with_key(request).send()).await;
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Try::Again(root_cause(&error), error.is_timeout(), None),
            Err(_) => return Try::Again("no answer in time".to_owned(), true, None),
        };
        let status = response.status().as_u16();
        let asked_for = retry_after(&response);
        let text = match tokio::time::timeout(left, response.text()).await {
            Ok(Ok(text)) => text,
            Ok(Err(error)) => return Try::Again(root_cause(&error), error.is_timeout(), None),
            Err(_) => return Try::Again("no answer in time".to_owned(), true, None),
        };
        match status {
            200 => match answer(&text) {
                Some(reply) => Try::Done(Outcome::Said(reply)),
                None if text.trim().is_empty() => {
                    Try::Again("an empty answer".to_owned(), false, None)
                }
                None => Try::Again(
                    format!("an answer that is no completion: {}", start_of(&text)),
                    false,
                    None,
                ),
            },
            401 | 403 => Try::Done(Outcome::Hopeless(self.wrong_key(status))),
            404 => Try::Done(Outcome::Hopeless(format!(
                "`{}/chat/completions` is not there (HTTP status 404): {}\nhint: is `url` right up to `/v1`, and `model` one that it serves?",
                self.url,
                start_of(&text)
            ))),
            _ if is_passing(status) => {
                Try::Again(format!("HTTP status {status}"), is_busy(status), asked_for)
            }
            _ => Try::Done(Outcome::Refused(format!(
                "HTTP status {status}: {}",
                start_of(&text)
            ))),
        }
    }

    fn with_key(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.key {
            Some(Secret(key)) => request.bearer_auth(key),
            None => request,
        }
    }

    fn wrong_key(&self, status: u16) -> String {
        let what = match self.key {
            Some(_) => "does not take the key",
            None => "wants a key",
        };
        format!(
            "the endpoint {what} (HTTP status {status})\nhint: `key_env` names the environment variable that holds it"
        )
    }
}

/// The answer in a completion; none if the text is no completion.
fn answer(text: &str) -> Option<Reply> {
    let json: Value = serde_json::from_str(text).ok()?;
    let choice = json["choices"].as_array()?.first()?;
    let content = &choice["message"]["content"];
    Some(Reply::Said {
        raw: match content {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            _ => return None,
        },
        tokens: json["usage"]["completion_tokens"]
            .as_u64()
            .map(|count| count as u32),
        finish: choice["finish_reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    })
}

fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs_f64(
        text.trim()
            .parse()
            .ok()
            .filter(|s| (0.0..1e6).contains(s))?,
    ))
}

/// The last cause of an error: the first ones only name the address.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if error.is_timeout() {
        "no answer in time".to_owned()
    } else {
        cause.to_string()
    }
}

/// The first words of a text, for messages.
fn start_of(text: &str) -> String {
    let start: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let start: String = start.chars().take(80).collect();
    format!("`{start}`")
}
