//! A vision-language model that runs here.

use std::borrow::Cow;

use terminus_manifest::run::Cancel;

use super::batches::{Preparing, ahead, showings};
use crate::{
    Error, Model,
    config::VlmConfig,
    picture::Pictures,
    speaker::{Ask, Reply, Speaker, Tell},
    vlm::{Decoding, Request, Requests, Said, Showing, answer_all},
};

/// The model with its batches.
#[derive(Debug)]
pub(crate) struct LocalModel {
    model: Model,
    pictures: Pictures,
    batch_size: usize,
}

impl LocalModel {
    pub(crate) fn open(config: &VlmConfig, pictures: Pictures) -> Result<Self, Error> {
        Ok(Self {
            model: Model::open(&config.model, config)?,
            pictures,
            batch_size: config.batch_size.get() as usize,
        })
    }

    /// The places of the asks that are open, those about one picture together, in the order in which they are answered:
    /// questions of one length stand together, so that few batches need padding.
    fn order(&self, asks: &[Ask<'_>], is_open: &[bool]) -> Vec<Vec<usize>> {
        let mut showings = showings(asks);
        for of_one in &mut showings {
            of_one.retain(|&at| is_open[at]);
        }
        showings.retain(|of_one| !of_one.is_empty());
        showings.sort_by_cached_key(|of_one| {
            let prompts = of_one.iter().map(|&at| asks[at].prompt);
            let words: Vec<(usize, &str)> = prompts
                .map(|prompt| (self.model.question_length(prompt), prompt))
                .collect();
            (words, of_one.first().copied())
        });
        showings
    }

    /// Answers the open asks; what was refused and not asked again, or not told at all, stays open.
    fn answer<'a>(
        &self,
        asks: &mut [Ask<'a>],
        is_open: &mut [bool],
        cancel: &Cancel,
        tell: &mut Tell<'_, 'a>,
    ) -> Result<(), Error> {
        let showings = self.order(asks, is_open);
        let requests = asks.iter().enumerate();
        let requests: Vec<Request<'_>> = requests.map(|(at, ask)| request(at, ask)).collect();
        let size = self.model.batch_size(self.batch_size, &requests);
        let preparing = Preparing {
            pictures: &self.pictures,
            input: self.model.input(),
            at_once: self.batch_size,
        };
        std::thread::scope(|scope| {
            let sights = showings.iter().map(|asked| asks[asked[0]].sight());
            let sights = sights.collect();
            let mut asked = Asked {
                prepared: showings.iter().zip(ahead(scope, preparing, sights)),
                asks,
                is_open,
                cancel,
                tell,
            };
            answer_all(&self.model, &mut asked, size)
        })
    }
}

impl Speaker for LocalModel {
    fn ask<'a>(
        &mut self,
        asks: &[Ask<'a>],
        cancel: &Cancel,
        tell: &mut Tell<'_, 'a>,
    ) -> Result<(), Error> {
        let mut asks = asks.to_vec();
        let mut is_open = vec![true; asks.len()];
        loop {
            match self.answer(&mut asks, &mut is_open, cancel, tell) {
                Err(Error::OutOfMemory) if self.batch_size > 1 => {
                    self.batch_size = self.batch_size.div_ceil(2);
                }
                Ok(()) if cancel.is_cancelled() && is_open.contains(&true) => {
                    return Err(Error::Interrupted);
                }
                answered => return answered,
            }
        }
    }
}

/// The asks of a call as they stand, and their pictures as they come.
struct Asked<'s, 'a, 't, I> {
    prepared: I,
    asks: &'s mut [Ask<'a>],
    is_open: &'s mut [bool],
    cancel: &'s Cancel,
    tell: &'s mut Tell<'t, 'a>,
}

impl<'s, 'a, I> Requests<'a> for Asked<'_, 'a, '_, I>
where
    I: Iterator<Item = (&'s Vec<usize>, Result<Vec<f32>, Reply>)>,
{
    fn next(&mut self) -> Result<Option<Showing<'a>>, Error> {
        while !self.cancel.is_cancelled()
            && let Some((places, pixels)) = self.prepared.next()
        {
            match pixels {
                Ok(pixels) => {
                    let requests = places.iter().map(|&at| request(at, &self.asks[at]));
                    return Ok(Some(Showing {
                        pixels: Cow::Owned(pixels),
                        requests: requests.collect(),
                    }));
                }
                Err(fault) => {
                    for &at in places {
                        (self.tell)(at, fault.clone())?;
                        self.is_open[at] = false;
                    }
                }
            }
        }
        Ok(None)
    }

    fn tell(&mut self, number: usize, said: Said) -> Result<Option<Request<'a>>, Error> {
        let reply = Reply::Said {
            raw: said.text,
            tokens: Some(said.ids.len() as u32),
            finish: said.finish.as_str().to_owned(),
        };
        let Some(next) = (self.tell)(number, reply)? else {
            self.is_open[number] = false;
            return Ok(None);
        };
        let request = request(number, &next);
        self.asks[number] = next;
        Ok((!self.cancel.is_cancelled()).then_some(request))
    }
}

fn request<'a>(number: usize, ask: &Ask<'a>) -> Request<'a> {
    Request {
        number,
        prompt: ask.prompt,
        decoding: Decoding {
            max_new_tokens: ask.max_new_tokens as usize,
            sampling: ask.sampling,
            seed: ask.seed,
        },
    }
}
