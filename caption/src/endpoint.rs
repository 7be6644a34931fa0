//! A model behind an OpenAI-compatible endpoint: vLLM, SGLang, LMDeploy, or a service.
//!
//! Threads decode, shrink and encode pictures; one network thread keeps as many requests in flight as the endpoint
//! bears. Between them lies one bounded channel.

mod body;
mod chat;
mod limiter;
mod retry;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rayon::prelude::*;
use terminus_manifest::{run::Cancel, words::Reason};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    Error,
    config::HttpConfig,
    picture::Pictures,
    speaker::{Ask, Reply, Speaker, Tell},
};
use chat::{Chat, Outcome};
use limiter::Limiter;

/// Pictures given up one after the other, none answered between them, after which the endpoint is taken for dead.
const DEAD_AFTER: u32 = 8;
/// How often someone who waits looks whether to stop.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A key that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The endpoint, found to be there.
pub(crate) struct Endpoint {
    name: String,
    chat: Arc<Chat>,
    limiter: Arc<Limiter>,
    pictures: Pictures,
    max_side_px: u32,
    runtime: tokio::runtime::Runtime,
    given_up: u32,
}

impl Endpoint {
    /// Asks the endpoint for its models.
    ///
    /// # Errors
    /// It is not there, does not take the key, or does not know the model.
    pub(crate) fn open(
        name: &str,
        config: &HttpConfig,
        key: Option<&Secret>,
        pictures: Pictures,
    ) -> Result<Self, Error> {
        let fault = |fault: String| Error::Endpoint {
            name: name.to_owned(),
            fault,
        };
        if let (Some(variable), None) = (&config.key_env, key) {
            return Err(fault(format!(
                "its key is to come from the environment variable `{variable}`, which is not set"
            )));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let chat = runtime.block_on(Chat::open(config, key)).map_err(fault)?;
        Ok(Self {
            name: name.to_owned(),
            chat: Arc::new(chat),
            limiter: Arc::new(Limiter::new(config.concurrency.get())),
            pictures,
            max_side_px: config.max_side_px.get(),
            runtime,
            given_up: 0,
        })
    }
}

/// A request that is ready to be sent, or why it cannot be.
type Ready = (usize, Result<Vec<u8>, Reply>);

impl Speaker for Endpoint {
    fn ask<'a>(
        &mut self,
        asks: &[Ask<'a>],
        cancel: &Cancel,
        tell: &mut Tell<'_, 'a>,
    ) -> Result<(), Error> {
        let (sender, receiver) = mpsc::channel(self.limiter.most() as usize);
        let (pictures, max_side_px) = (self.pictures.clone(), self.max_side_px);
        let chat = Arc::clone(&self.chat);
        std::thread::scope(|scope| {
            scope.spawn(move || prepare(asks, &pictures, max_side_px, &chat, cancel, &sender));
            let flight = Flight {
                name: &self.name,
                chat: &self.chat,
                limiter: &self.limiter,
                given_up: &mut self.given_up,
                cancel,
                tell,
            };
            self.runtime.block_on(flight.fly(receiver))
        })
    }
}

/// Prepares the requests in their order, a few at a time.
fn prepare(
    asks: &[Ask<'_>],
    pictures: &Pictures,
    max_side_px: u32,
    chat: &Chat,
    cancel: &Cancel,
    sender: &mpsc::Sender<Ready>,
) {
    let at_once = rayon::current_num_threads().max(1) * 2;
    for (start, part) in asks.chunks(at_once).enumerate() {
        let ready: Vec<Ready> = part
            .par_iter()
            .enumerate()
            .map(|(at, ask)| {
                let body = pictures.load(ask.row, ask.crop).and_then(|image| {
                    body::picture(&image, max_side_px).map_err(|error| Reply::Fault {
                        reason: Reason::Unreadable,
                        detail: error.to_string(),
                    })
                });
                let body = body.map(|picture| chat.body(ask, &picture));
                (start * at_once + at, body)
            })
            .collect();
        for one in ready {
            if cancel.is_cancelled() || sender.blocking_send(one).is_err() {
                return;
            }
        }
    }
}

/// All requests of one call.
struct Flight<'f, 't, 'a> {
    name: &'f str,
    chat: &'f Arc<Chat>,
    limiter: &'f Arc<Limiter>,
    given_up: &'f mut u32,
    cancel: &'f Cancel,
    tell: &'f mut Tell<'t, 'a>,
}

impl Flight<'_, '_, '_> {
    /// Keeps requests in flight until all are answered. Those in flight when something ends it are dropped.
    async fn fly(mut self, mut receiver: mpsc::Receiver<Ready>) -> Result<(), Error> {
        let mut flying: JoinSet<(usize, Outcome)> = JoinSet::new();
        let mut is_open = true;
        let mut looked = Instant::now();
        while is_open || !flying.is_empty() {
            let has_room = flying.len() < self.limiter.now() as usize;
            tokio::select! {
                next = receiver.recv(), if is_open && has_room => match next {
                    Some((at, Ok(body))) => {
                        let (chat, limiter) = (Arc::clone(self.chat), Arc::clone(self.limiter));
                        flying.spawn(async move { (at, chat.ask(body, &limiter).await) });
                    }
                    Some((at, Err(reply))) => self.tell(at, reply)?,
                    None => is_open = false,
                },
                Some(done) = flying.join_next(), if !flying.is_empty() => {
                    if let Ok((at, outcome)) = done {
                        self.land(at, outcome)?;
                    }
                }
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if looked.elapsed() >= LOOK_EVERY {
                looked = Instant::now();
                if self.cancel.is_cancelled() {
                    return Err(Error::Interrupted);
                }
            }
        }
        Ok(())
    }

    /// What is asked next of a picture comes in a later call: here that costs no more.
    fn tell(&mut self, at: usize, reply: Reply) -> Result<(), Error> {
        (self.tell)(at, reply).map(drop)
    }

    fn land(&mut self, at: usize, outcome: Outcome) -> Result<(), Error> {
        match outcome {
            Outcome::Said(reply) => {
                *self.given_up = 0;
                self.tell(at, reply)
            }
            Outcome::Refused(detail) => self.tell(at, fault(detail)),
            Outcome::GaveUp(detail) => {
                *self.given_up += 1;
                self.tell(at, fault(detail.clone()))?;
                if *self.given_up >= DEAD_AFTER {
                    return Err(self.dead(format!(
                        "{DEAD_AFTER} pictures one after the other got no answer; the last: {detail}\n\
                         hint: what was answered is kept; see to the endpoint and run again"
                    )));
                }
                Ok(())
            }
            Outcome::Hopeless(fault) => Err(self.dead(fault)),
        }
    }

    fn dead(&self, fault: String) -> Error {
        Error::Endpoint {
            name: self.name.to_owned(),
            fault,
        }
    }
}

fn fault(detail: String) -> Reply {
    Reply::Fault {
        reason: Reason::CaptionFailed,
        detail,
    }
}
