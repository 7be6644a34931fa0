//! A vision-language model that runs here.

use terminus_manifest::run::Cancel;

use super::batches::{Batches, each_batch};
use crate::{
    Error, Model,
    config::VlmConfig,
    picture::Pictures,
    speaker::{Ask, Reply, Speaker, Tell},
    vlm::Decoding,
};

/// The model with its batches.
#[derive(Debug)]
pub(crate) struct LocalModel {
    model: Model,
    pictures: Pictures,
    max_new_tokens: usize,
    batch_size: usize,
}

impl LocalModel {
    pub(crate) fn open(config: &VlmConfig, pictures: Pictures) -> Result<Self, Error> {
        Ok(Self {
            model: Model::open(&config.model, config)?,
            pictures,
            max_new_tokens: config.max_new_tokens.get() as usize,
            batch_size: config.batch_size.get() as usize,
        })
    }
}

impl Speaker for LocalModel {
    fn ask(&mut self, asks: &[Ask<'_>], cancel: &Cancel, tell: &mut Tell<'_>) -> Result<(), Error> {
        // Questions of one length stand together, so that few batches need padding.
        let mut order: Vec<usize> = (0..asks.len()).collect();
        order.sort_by_cached_key(|&at| {
            (
                self.model.question_length(asks[at].prompt),
                asks[at].prompt,
                at,
            )
        });
        let (model, max_new_tokens) = (&self.model, self.max_new_tokens);
        let mut work = |batch: &[(usize, &[f32])]| {
            let pixels: Vec<&[f32]> = batch.iter().map(|(_, pixels)| *pixels).collect();
            let prompts: Vec<&str> = batch.iter().map(|(at, _)| asks[*at].prompt).collect();
            let seeds: Vec<u64> = batch.iter().map(|(at, _)| asks[*at].seed).collect();
            let decoding = Decoding {
                max_new_tokens,
                sampling: batch.first().and_then(|(at, _)| asks[*at].sampling),
                stop: Vec::new(),
            };
            if pixels.is_empty() {
                return Ok(Vec::new());
            }
            let said = model.caption(&pixels, &prompts, &decoding, &seeds)?;
            Ok(said
                .into_iter()
                .map(|said| Reply::Said {
                    raw: said.text,
                    tokens: Some(said.ids.len() as u32),
                    finish: said.finish.as_str().to_owned(),
                })
                .collect())
        };
        let batches = Batches {
            asks,
            order: &order,
            pictures: &self.pictures,
            input: model.input(),
            cancel,
        };
        each_batch(&batches, &mut self.batch_size, tell, &mut work)
    }
}
