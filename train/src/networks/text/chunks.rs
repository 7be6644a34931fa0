//! Long prompts and weighted words.
//!
//! A text encoder has 77 places. A longer prompt is cut into chunks of 75 tokens, each between its own marks; their
//! states stand one behind the other, and the UNet looks at all of them. A word's weight stretches the way from the
//! states of the empty prompt to its own.
// B batch, S places of a chunk (77), n chunks, D1 D2 hidden sizes, P size of the pooled text

use tch::{Kind, Tensor};

use super::{TextConditioner, TextConditions, TextEncoder};
use crate::{Error, prompt::Prompt};

/// Ids and weights of a prompt's chunks, for one encoder: `[chunk][place]`.
struct Chunks {
    ids: Vec<Vec<i64>>,
    weights: Vec<Vec<f32>>,
}

impl TextConditioner {
    /// What the UNet takes of these prompts, however long; all have the states of the longest, `[B, S·n, D1 + D2]`.
    ///
    /// At least `least` chunks are made, so that two batches can be made alike: see [`TextConditioner::chunks`].
    ///
    /// # Errors
    /// The device has no memory.
    pub fn encode_prompts(
        &self,
        prompts: &[Prompt],
        least: usize,
    ) -> Result<TextConditions, Error> {
        let count = self.chunks(prompts).max(least);
        let (first, _) = self.encode_chunks(&self.first, prompts, count)?;
        let (second, pooled) = self.encode_chunks(&self.second, prompts, count)?;
        Ok(TextConditions {
            encoder_hidden_states: Tensor::f_cat(&[first, second], -1)?, // [B, S·n, D1 + D2]
            text_embeds: pooled,                                         // [B, P]
            dropped_tokens: vec![0; prompts.len()],
        })
    }

    /// Chunks that the longest of these prompts needs, at least one.
    pub fn chunks(&self, prompts: &[Prompt]) -> usize {
        let encoders = self.encoders();
        let needed = encoders.iter().flat_map(|encoder| {
            prompts.iter().map(|prompt| {
                let tokens = encoder.tokens(prompt).len();
                tokens.div_ceil(encoder.tokenizer.max_tokens())
            })
        });
        needed.max().unwrap_or(0).max(1)
    }

    /// The states of `count` chunks of each prompt, `[B, S·count, D]`, and the first chunk's pooled state.
    fn encode_chunks(
        &self,
        encoder: &TextEncoder,
        prompts: &[Prompt],
        count: usize,
    ) -> Result<(Tensor, Tensor), Error> {
        let chunked: Vec<Chunks> = prompts.iter().map(|p| encoder.chunk(p, count)).collect();
        let empty = if prompts.iter().any(Prompt::has_weights) {
            let ids = self.ids(&encoder.tokenizer.frame(&[]), 1)?;
            Some(encoder.model.penultimate(&ids, self.kind)) // [1, S, D]
        } else {
            None
        };
        let mut states = Vec::with_capacity(count);
        let mut pooled = None;
        for chunk in 0..count {
            let ids: Vec<i64> = chunked.iter().flat_map(|c| c.ids[chunk].clone()).collect();
            let ids = self.ids(&ids, prompts.len())?; // [B, S]
            let output = if pooled.is_none() && encoder.config.projection_dim.is_some() {
                let output = encoder.model.forward(&ids, self.kind);
                pooled = Some(output.pooled);
                output.penultimate
            } else {
                encoder.model.penultimate(&ids, self.kind)
            }; // [B, S, D]
            states.push(match &empty {
                Some(empty) => {
                    let weights: Vec<f32> = chunked
                        .iter()
                        .flat_map(|c| c.weights[chunk].clone())
                        .collect();
                    let weights = Tensor::f_from_slice(&weights)?
                        .f_view([prompts.len() as i64, -1, 1])? // [B, S, 1]
                        .f_to_device(self.device)?;
                    let way = (output - empty).f_to_kind(Kind::Float)? * weights;
                    (empty + way).f_to_kind(self.kind)?
                }
                None => output,
            });
        }
        let states = Tensor::f_cat(&states, 1)?; // [B, S·count, D]
        let nothing = || Tensor::zeros([prompts.len() as i64, 0], (self.kind, self.device));
        Ok((states, pooled.unwrap_or_else(nothing)))
    }

    fn ids(&self, ids: &[i64], batch: usize) -> Result<Tensor, Error> {
        Ok(Tensor::f_from_slice(ids)?
            .f_view([batch as i64, -1])?
            .f_to_device(self.device)?)
    }
}

impl TextEncoder {
    /// The prompt's tokens with their weights.
    fn tokens(&self, prompt: &Prompt) -> Vec<(u32, f32)> {
        let tokens = prompt.pieces.iter().flat_map(|piece| {
            let ids = self.tokenizer.encode(&piece.text);
            ids.into_iter().map(|id| (id, piece.weight as f32))
        });
        tokens.collect()
    }

    fn chunk(&self, prompt: &Prompt, count: usize) -> Chunks {
        let tokens = self.tokens(prompt);
        let size = self.tokenizer.max_tokens();
        let mut chunks = Chunks {
            ids: Vec::with_capacity(count),
            weights: Vec::with_capacity(count),
        };
        for index in 0..count {
            let from = (index * size).min(tokens.len());
            let part = &tokens[from..(from + size).min(tokens.len())];
            let ids: Vec<u32> = part.iter().map(|(id, _)| *id).collect();
            let mut weights = vec![1.0]; // the mark of start
            weights.extend(part.iter().map(|(_, weight)| *weight));
            weights.resize(self.tokenizer.context(), 1.0);
            chunks.ids.push(self.tokenizer.frame(&ids));
            chunks.weights.push(weights);
        }
        chunks
    }
}
