//! A vision-language model that runs here.

use std::borrow::Cow;

use terminus_manifest::run::Cancel;

use super::batches::{Preparing, ahead, showings};
use crate::{
    Error, Model,
    config::VlmConfig,
    picture::Pictures,
    speaker::{Ask, Reply, Speaker, Tell},
    vlm::{BatchSize, Decoding, Request, Requests, Said, Showing, answer_all},
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

    fn request(&self, number: usize, ask: &Ask<'_>) -> Request {
        let decoding = Decoding {
            max_new_tokens: ask.max_new_tokens as usize,
            sampling: ask.sampling,
            seed: ask.seed,
        };
        self.model.request(number, &ask.prompt, decoding)
    }

    /// Answers the asks that are open, and closes those that are answered for good: what was refused and not asked again,
    /// or not told at all, stays open.
    fn answer<'a>(
        &self,
        asks: &[Ask<'a>],
        open: &mut [Option<Request>],
        cancel: &Cancel,
        tell: &mut Tell<'_, 'a>,
    ) -> Result<(), Error> {
        let showings = in_order(asks, open);
        let all: Vec<Request> = open.iter().flatten().cloned().collect();
        let preparing = Preparing {
            pictures: &self.pictures,
            input: self.model.input(),
            at_once: self.batch_size,
        };
        std::thread::scope(|scope| {
            let sights = showings.iter().map(|asked| asks[asked[0]].sight());
            let mut asked = Asked {
                speaker: self,
                prepared: showings
                    .iter()
                    .zip(ahead(scope, preparing, sights.collect())),
                open,
                cancel,
                tell,
            };
            let size = BatchSize::new(self.batch_size, &all);
            answer_all(&self.model, &mut asked, size)
        })
    }
}

/// The places of the asks that are open, those about one picture together, in the order in which they are answered:
/// questions of one length stand together, so that few batches need padding.
fn in_order(asks: &[Ask<'_>], open: &[Option<Request>]) -> Vec<Vec<usize>> {
    let mut showings = showings(asks);
    for of_one in &mut showings {
        of_one.retain(|&at| open[at].is_some());
    }
    showings.retain(|of_one| !of_one.is_empty());
    showings.sort_by_cached_key(|of_one| {
        let requests = of_one.iter().filter_map(|&at| open[at].as_ref());
        let questions: Vec<(usize, Vec<i64>)> = requests
            .map(|request| (request.question.len(), request.question.clone()))
            .collect();
        (questions, of_one.first().copied())
    });
    showings
}

impl Speaker for LocalModel {
    fn ask<'a>(
        &mut self,
        asks: &[Ask<'a>],
        cancel: &Cancel,
        tell: &mut Tell<'_, 'a>,
    ) -> Result<(), Error> {
        let requests = asks.iter().enumerate();
        let requests = requests.map(|(number, ask)| Some(self.request(number, ask)));
        let mut open: Vec<Option<Request>> = requests.collect();
        loop {
            match self.answer(asks, &mut open, cancel, tell) {
                Err(Error::OutOfMemory) if self.batch_size > 1 => {
                    self.batch_size = self.batch_size.div_ceil(2);
                }
                Ok(()) if cancel.is_cancelled() && open.iter().any(Option::is_some) => {
                    return Err(Error::Interrupted);
                }
                answered => return answered,
            }
        }
    }
}

/// The asks of a call as they stand, and their pictures as they come.
struct Asked<'s, 'a, 't, I> {
    speaker: &'s LocalModel,
    prepared: I,
    open: &'s mut [Option<Request>],
    cancel: &'s Cancel,
    tell: &'s mut Tell<'t, 'a>,
}

impl<'s, I> Requests<'s> for Asked<'_, '_, '_, I>
where
    I: Iterator<Item = (&'s Vec<usize>, Result<Vec<f32>, Reply>)>,
{
    fn next(&mut self) -> Result<Option<Showing<'s>>, Error> {
        while !self.cancel.is_cancelled()
            && let Some((places, pixels)) = self.prepared.next()
        {
            match pixels {
                Ok(pixels) => {
                    let requests = places.iter().filter_map(|&at| self.open[at].clone());
                    return Ok(Some(Showing {
                        pixels: Cow::Owned(pixels),
                        requests: requests.collect(),
                    }));
                }
                Err(fault) => {
                    for &at in places {
                        (self.tell)(at, fault.clone())?;
                        self.open[at] = None;
                    }
                }
            }
        }
        Ok(None)
    }

    fn tell(&mut self, number: usize, said: Said) -> Result<Option<Request>, Error> {
        let reply = Reply::Said {
            raw: said.text,
            tokens: Some(said.ids.len() as u32),
            finish: said.finish.as_str().to_owned(),
        };
        let next = (self.tell)(number, reply)?;
        self.open[number] = next.map(|ask| self.speaker.request(number, &ask));
        // Whoever was told to stop asks nothing more.
        let goes_on = !self.cancel.is_cancelled();
        Ok(self.open[number].clone().filter(|_| goes_on))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use terminus_manifest::{
        Root,
        ids::{ItemId, Sha256Digest},
        ledger::LedgerRow,
    };
    use terminus_pixels::{Limits, PixelPolicy};

    use super::*;

    #[test]
    fn a_lack_of_memory_in_the_middle_halves_the_batch_and_loses_no_answer() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cogvlm");
        let config =
            serde_json::json!({ "model": folder, "prompts": ["Describe."], "batch_size": 4 });
        let config: VlmConfig = serde_json::from_value(config).unwrap();
        let root = Root::new("nowhere");
        let pictures = Pictures::new(&root, PixelPolicy::default(), Limits::default());
        let mut model = LocalModel::open(&config, pictures).unwrap();
        let rows = [(0, 37, 29), (1, 45, 35)].map(|(at, width, height)| {
            let path = folder.join(format!("image-{at}.png"));
            let (item, origin) = (ItemId::new("image", at), path.display().to_string());
            let mut row = LedgerRow::found(item, at.to_string(), "all".to_owned(), origin);
            row.sha256 = Some(Sha256Digest::of(&fs_err::read(&path).unwrap()));
            row.format = Some("png".to_owned());
            (row.tile_top, row.tile_left) = (Some(0), Some(0));
            (row.tile_width, row.tile_height) = (Some(width), Some(height));
            row
        });
        let asks: Vec<Ask<'_>> = [0, 0, 1, 1, 1]
            .into_iter()
            .zip(2..)
            .map(|(row, max_new_tokens)| Ask {
                row: &rows[row],
                crop: None,
                prompt: "Describe.".to_owned(),
                sampling: None,
                seed: 0,
                max_new_tokens,
            })
            .collect();
        let (mut told, mut lacks) = (vec![0; asks.len()], vec![true, true]);
        let tell = &mut |at: usize, reply: Reply| {
            assert!(matches!(reply, Reply::Said { .. }), "{reply:?}");
            // The second answer is lost, and the one after the next.
            if told.iter().sum::<u32>() % 2 == 1 && lacks.pop().is_some() {
                return Err(Error::OutOfMemory);
            }
            told[at] += 1;
            Ok(None)
        };
        model.ask(&asks, &Cancel::new(), tell).unwrap();
        assert_eq!(told, [1; 5], "each is answered once");
        assert_eq!(model.batch_size, 1);
    }
}
