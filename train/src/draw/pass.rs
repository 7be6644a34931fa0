//! One walk of a batch of pictures.
// B batch, C latent channels, h w latent sides

use std::ops::Range;

use tch::{Kind, Tensor};
use terminus_manifest::run::{Cancel, Progress};

use super::{Compute, DrawRequest, conditions::Conditions, noise_of, suspicion};
use crate::{
    Error,
    networks::{AddedConditions, UNet2DCondition},
    sampler::Walk,
};

/// What a walk needs of the picture that it begins with.
#[derive(Debug)]
pub(super) struct Pictures {
    /// The picture, `[1 or B, C, h, w]`; none for a walk from noise.
    pub latents: Option<Tensor>,
    /// What is drawn anew.
    pub inpaint: Option<Inpaint>,
    /// The share of the walk that is taken.
    pub strength: f64,
}

/// What is drawn anew.
#[derive(Debug)]
pub(super) struct Inpaint {
    /// 1 where it is drawn anew, `[1, 1, h, w]`.
    pub mask: Tensor,
    /// The picture with grey in the place of what is drawn anew, `[1, C, h, w]`.
    pub masked_latents: Tensor,
}

impl Pictures {
    /// For a walk from noise.
    pub fn none() -> Self {
        Self {
            latents: None,
            inpaint: None,
            strength: 1.0,
        }
    }
}

/// What all walks of a request have in common.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    pub unet: &'a UNet2DCondition,
    pub request: &'a DrawRequest,
    pub conditions: &'a Conditions,
    pub compute: Compute,
    pub cancel: &'a Cancel,
}

/// Where a walk ended.
#[derive(Debug)]
pub(super) struct Walked {
    /// `[B, C, h, w]` f32.
    pub latents: Tensor,
    pub suspicion: Option<String>,
}

impl Pass<'_> {
    /// Walks the pictures `batch` from `noise` `[B, C, h, w]`, or from their picture with it.
    pub fn walk(
        &self,
        batch: &Range<usize>,
        noise: &Tensor,
        pictures: &Pictures,
        size: (u32, u32),
        progress: &dyn Progress,
    ) -> Result<Walked, Error> {
        let request = self.request;
        let schedule = request.sampling.schedule();
        let options = request.sampling.options(request.solver, request.steps);
        let mut walk = Walk::new(&schedule, options);
        let timesteps = walk.timesteps().to_vec();
        let begin = walk.start_for(pictures.strength);
        let mut latents = match &pictures.latents {
            Some(picture) if begin > 0 => walk.noised(picture, noise, begin),
            _ => walk.from_noise(noise),
        };
        // A UNet that is made for inpainting sees mask and picture; another one has the picture laid round its own.
        let sees_mask = self.unet_sees_mask(latents.size()[1]);
        let asker = Asker::new(self, batch, size)?;
        let mut suspicion = None;
        progress.advance(begin as u64);
        for (i, &timestep) in timesteps.iter().enumerate().skip(begin) {
            if self.cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let input = match &pictures.inpaint {
                Some(inpaint) if sees_mask => inpaint.beside(&latents)?,
                _ => latents.shallow_clone(),
            };
            let answer = asker.answer(&input, timestep)?;
            if i == 0 {
                let kind = request.sampling.scheduler.prediction_type;
                suspicion = suspicion::look(&latents, &answer.plain, kind, timestep)?;
            }
            let fresh = || {
                let purpose = format!("picture step {i}");
                let noise = noise_of(&request.seeds[batch.clone()], &purpose, &latents.size())?;
                Ok(noise.f_to_device(self.compute.device)?)
            };
            let next = walk.step(i, &latents, &answer.guided, fresh)?;
            latents = match (&pictures.inpaint, &pictures.latents) {
                (Some(inpaint), Some(picture)) if !sees_mask => {
                    let around = walk.noised(picture, noise, i + 1);
                    &inpaint.mask * next + (1.0 - &inpaint.mask) * around
                }
                _ => next,
            };
            progress.advance(1);
        }
        Ok(Walked { latents, suspicion })
    }

    fn unet_sees_mask(&self, channels: i64) -> bool {
        self.conditions.in_channels > channels
    }
}

impl Inpaint {
    /// `[B, 2·C + 1, h, w]`: latents, mask, picture.
    fn beside(&self, latents: &Tensor) -> Result<Tensor, Error> {
        let size = latents.size();
        let like = |tensor: &Tensor| -> Result<Tensor, Error> {
            let channels = tensor.size()[1];
            Ok(tensor.f_expand([size[0], channels, size[2], size[3]], false)?)
        };
        let parts = [
            latents.shallow_clone(),
            like(&self.mask)?,
            like(&self.masked_latents)?,
        ];
        Ok(Tensor::f_cat(&parts, 1)?)
    }
}

/// Asks the network with and without the prompt.
struct Asker<'a> {
    pass: &'a Pass<'a>,
    /// States of the negative prompts, then of the prompts, or of the prompts alone.
    states: Tensor,
    added: AddedConditions,
    is_guided: bool,
}

/// What the network says.
struct Answer {
    /// To the prompt, `[B, C, h, w]` f32.
    plain: Tensor,
    /// Away from the negative prompt.
    guided: Tensor,
}

impl<'a> Asker<'a> {
    fn new(pass: &'a Pass<'a>, batch: &Range<usize>, size: (u32, u32)) -> Result<Self, Error> {
        let is_guided = pass.request.guidance.needs_negative();
        let (states, text_embeds) = pass.conditions.of(batch, is_guided)?;
        let rows = states.size()[0];
        Ok(Self {
            pass,
            added: AddedConditions {
                text_embeds,
                time_ids: pass.conditions.time_ids(size, rows, pass.compute.device)?,
            },
            states,
            is_guided,
        })
    }

    fn answer(&self, input: &Tensor, timestep: usize) -> Result<Answer, Error> {
        let Compute { device, kind } = self.pass.compute;
        let input = if self.is_guided {
            Tensor::f_cat(&[input, input], 0)?
        } else {
            input.shallow_clone()
        };
        let rows = input.size()[0];
        let timesteps = Tensor::f_full([rows], timestep as i64, (Kind::Int64, device))?;
        let answer = self
            .pass
            .unet
            .forward(
                &input.f_to_kind(kind)?,
                &timesteps,
                &self.states,
                &self.added,
            )
            .f_to_kind(Kind::Float)?;
        if !self.is_guided {
            return Ok(Answer {
                guided: answer.shallow_clone(),
                plain: answer,
            });
        }
        let halves = answer.f_chunk(2, 0)?;
        let [negative, plain] = &halves[..] else {
            return Err(Error::NothingDrawn);
        };
        Ok(Answer {
            guided: self.pass.request.guidance.apply(plain, negative),
            plain: plain.shallow_clone(),
        })
    }
}
