//! What the UNet is told of the pictures of a request.
// N pictures, S places of the longest prompt, D size of the states, P size of the pooled text

use std::ops::Range;

use tch::{Device, Tensor};

use super::{Compute, DrawRequest};
use crate::{
    Error,
    networks::TextConditions,
    source::ModelSource,
    time_ids::{CropOrder, SampleGeometry},
};

/// Prompts, encoded; the encoders are gone.
#[derive(Debug)]
pub(super) struct Conditions {
    /// Of each picture: `[N, S, D]` and `[N, P]`.
    positive: TextConditions,
    /// Of the negative prompt: `[1, S, D]` and `[1, P]`.
    negative: TextConditions,
    geometry: Option<SampleGeometry>,
    /// Channels that the UNet takes.
    pub in_channels: i64,
}

impl Conditions {
    /// Loads the text encoders, encodes all prompts, and drops the encoders.
    pub fn encode(
        source: &ModelSource,
        request: &DrawRequest,
        compute: Compute,
    ) -> Result<Self, Error> {
        let text = source.load_text(compute.device, compute.kind)?;
        let negative: Vec<_> = request.negative.iter().cloned().collect();
        let chunks = text.chunks(&request.prompts).max(text.chunks(&negative));
        // Few prompts mostly stand for many pictures.
        let mut distinct = request.prompts.clone();
        distinct.dedup();
        let encoded = text.encode_prompts(&distinct, chunks)?;
        let mut row = 0;
        let rows: Vec<i64> = request
            .prompts
            .iter()
            .map(|prompt| {
                if *prompt != distinct[row] {
                    row += 1;
                }
                row as i64
            })
            .collect();
        let rows = Tensor::f_from_slice(&rows)?.f_to_device(compute.device)?;
        let positive = TextConditions {
            encoder_hidden_states: encoded.encoder_hidden_states.f_index_select(0, &rows)?,
            text_embeds: encoded.text_embeds.f_index_select(0, &rows)?,
            dropped_tokens: Vec::new(),
        };
        let negative = if request.negative.is_none() && source.has_zeros_for_no_prompt {
            TextConditions {
                encoder_hidden_states: positive
                    .encoder_hidden_states
                    .f_narrow(0, 0, 1)?
                    .zeros_like(),
                text_embeds: positive.text_embeds.f_narrow(0, 0, 1)?.zeros_like(),
                dropped_tokens: Vec::new(),
            }
        } else {
            let prompt = request.negative.clone();
            let prompt = prompt.unwrap_or_else(|| crate::prompt::Prompt::literal(""));
            text.encode_prompts(&[prompt], chunks)?
        };
        Ok(Self {
            positive,
            negative,
            geometry: request.geometry,
            in_channels: source.configs.unet.in_channels,
        })
    }

    /// States and pooled text of the pictures `batch`, behind those of the negative prompt if guidance needs them.
    pub fn of(&self, batch: &Range<usize>, is_guided: bool) -> Result<(Tensor, Tensor), Error> {
        let (start, count) = (batch.start as i64, batch.len() as i64);
        let of = |positive: &Tensor, negative: &Tensor| -> Result<Tensor, Error> {
            let positive = positive.f_narrow(0, start, count)?;
            if !is_guided {
                return Ok(positive);
            }
            let mut size = negative.size();
            size[0] = count;
            Ok(Tensor::f_cat(
                &[negative.f_expand(&size, false)?, positive],
                0,
            )?)
        };
        Ok((
            of(
                &self.positive.encoder_hidden_states,
                &self.negative.encoder_hidden_states,
            )?,
            of(&self.positive.text_embeds, &self.negative.text_embeds)?,
        ))
    }

    /// `[rows, 6]` f32.
    pub fn time_ids(&self, size: (u32, u32), rows: i64, device: Device) -> Result<Tensor, Error> {
        let geometry = self
            .geometry
            .unwrap_or_else(|| SampleGeometry::uncropped(size.0, size.1));
        let ids = geometry.time_ids(CropOrder::TopLeft).repeat(rows as usize);
        Ok(Tensor::f_from_slice(&ids)?
            .f_view([rows, 6])?
            .f_to_device(device)?)
    }
}
