//! A vision-language model that runs here.

use terminus_manifest::run::Cancel;

use super::batches::{Batches, Shown, each_batch, showings};
use crate::{
    Error, Model,
    config::VlmConfig,
    picture::Pictures,
    speaker::{Ask, Reply, Speaker, Tell},
    vlm::{Decoding, Question},
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
}

impl Speaker for LocalModel {
    fn ask<'a>(
        &mut self,
        asks: &[Ask<'a>],
        cancel: &Cancel,
        tell: &mut Tell<'_, 'a>,
    ) -> Result<(), Error> {
        let model = &self.model;
        // Questions of one length stand together, so that few batches need padding.
        let mut showings = showings(asks);
        showings.sort_by_cached_key(|of_one| {
            let prompts = of_one.iter().map(|&at| asks[at].prompt);
            let words: Vec<(usize, &str)> = prompts
                .map(|prompt| (model.question_length(prompt), prompt))
                .collect();
            (words, of_one.first().copied())
        });
        let mut work = |batch: &[Shown<'_>], tell: &mut Tell<'_, 'a>| {
            caption(model, asks, batch, cancel, tell)
        };
        let batches = Batches {
            asks,
            showings: &showings,
            pictures: &self.pictures,
            input: model.input(),
            cancel,
        };
        each_batch(&batches, &mut self.batch_size, tell, &mut work)
    }
}

/// Shows a batch of pictures and asks all questions about them; and those that are refused again from where the pictures
/// end, if they are half of them or more: a step takes nearly as long for few rows as for many, so that fewer are better
/// shown again in a full batch.
fn caption<'a>(
    model: &Model,
    asks: &[Ask<'a>],
    batch: &[Shown<'_>],
    cancel: &Cancel,
    tell: &mut Tell<'_, 'a>,
) -> Result<(), Error> {
    let pixels: Vec<&[f32]> = batch.iter().map(|shown| shown.pixels).collect();
    let (mut places, mut questions) = (Vec::new(), Vec::new());
    for (picture, shown) in batch.iter().enumerate() {
        for &at in shown.asks {
            places.push(at);
            questions.push(question(picture, &asks[at]));
        }
    }
    let all = questions.len();
    let mut sitting = model.show(&pixels, model.room(&questions))?;
    let mut answers = sitting.ask(&questions)?;
    loop {
        let (mut places_again, mut again) = (Vec::new(), Vec::new());
        for ((&at, asked), said) in places.iter().zip(&questions).zip(answers) {
            let reply = Reply::Said {
                raw: said.text,
                tokens: Some(said.ids.len() as u32),
                finish: said.finish.as_str().to_owned(),
            };
            if let Some(next) = tell(at, reply)? {
                places_again.push(at);
                again.push(question(asked.picture, &next));
            }
        }
        if again.len() * 2 < all || again.is_empty() || !sitting.has_room(&again) {
            return Ok(());
        }
        if cancel.is_cancelled() {
            return Err(Error::Interrupted);
        }
        (places, questions) = (places_again, again);
        answers = match sitting.ask(&questions) {
            Ok(answers) => answers,
            // What was told stays told; these come again in a later batch.
            Err(Error::OutOfMemory) => return Ok(()),
            Err(error) => return Err(error),
        };
    }
}

fn question<'a>(picture: usize, ask: &Ask<'a>) -> Question<'a> {
    Question {
        picture,
        prompt: ask.prompt,
        decoding: Decoding {
            max_new_tokens: ask.max_new_tokens as usize,
            sampling: ask.sampling,
            seed: ask.seed,
        },
    }
}
