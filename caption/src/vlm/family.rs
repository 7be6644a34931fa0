//! The families of models: what each brings to a [`Model`](super::Model).

use std::path::Path;

use tch::{Device, Kind, Tensor};
use terminus_nn::{Builder, Checkpoint};
use terminus_pixels::PillowFilter;
use terminus_tokens::TextTokenizer;

use super::{
    cogvlm::{self, CogVlm, CogVlmShape},
    config::Config,
    decoder::Decoder,
    held::Layers,
    llava::{self, Llava, LlavaShape},
    preprocess::{CLIP_MEAN, CLIP_STD, Fit, ImageInput},
    session::Opening,
    template::Template,
    trace::Trace,
};
use crate::{Error, config::VlmConfig};

/// A network that sees and speaks, and how many tokens a picture becomes.
#[derive(Debug)]
pub(super) enum Network {
    CogVlm { network: CogVlm, tokens: i64 },
    Llava { network: Llava, tokens: i64 },
}

impl Network {
    pub(super) fn decoder(&self) -> &Decoder {
        match self {
            Self::CogVlm { network, .. } => &network.decoder,
            Self::Llava { network, .. } => &network.decoder,
        }
    }

    /// Pictures `[B, 3, H, W]` behind the tokens `before`, as the decoder takes them.
    pub(super) fn opening(
        &self,
        before: &[i64],
        pixels: &Tensor,
        trace: &mut Trace<'_>,
    ) -> Opening {
        let start = before.len() as i64;
        let ids = Tensor::from_slice(before).to_device(pixels.device());
        let batch = pixels.size()[0];
        let embedded = self
            .decoder()
            .embed(&ids)
            .unsqueeze(0)
            .expand([batch, -1, -1], false);
        match self {
            Self::CogVlm { network, tokens } => {
                let seen = network.see(pixels, trace);
                // All patches stand at one place between the two marks.
                let mut positions: Vec<i64> = (0..=start).collect();
                positions.extend(std::iter::repeat_n(start + 1, *tokens as usize - 2));
                positions.push(start + 2);
                Opening {
                    tokens: Tensor::cat(&[embedded, seen], 1),
                    positions,
                    // The mark of the picture's end belongs to language.
                    vision: (start, tokens - 1),
                }
            }
            Self::Llava { network, tokens } => {
                let seen = network.see(pixels, trace);
                Opening {
                    tokens: Tensor::cat(&[embedded, seen], 1),
                    positions: (0..start + tokens).collect(),
                    vision: (0, 0),
                }
            }
        }
    }
}

/// Where a network is put.
pub(super) struct Place<'a> {
    pub device: Device,
    pub kind: Kind,
    pub settings: &'a VlmConfig,
}

/// What a family brings to a model.
pub(super) struct Family {
    pub network: Network,
    pub input: ImageInput,
    pub template: Template,
    /// Rows of the table of embeddings.
    pub vocabulary: i64,
    pub architecture: &'static str,
}

impl Family {
    pub(super) fn cogvlm(
        config: &Config,
        checkpoint: &Checkpoint,
        place: &Place<'_>,
        rope_tables: Kind,
    ) -> Result<Self, Error> {
        let shape = CogVlmShape::read(config, checkpoint)?;
        let rotary = cogvlm::rotary(checkpoint, &shape, rope_tables)?.on(place.device);
        let layers = Layers {
            prefix: "model.layers.",
            shape: shape.decoder,
            image_tokens: shape.image_tokens(),
        };
        let on_device = layers.on(place.device, place.kind, checkpoint, place.settings);
        let mut builder = Builder::from_checkpoint(checkpoint)
            .kind(place.kind)
            .device(place.device)
            .holding(|name| layers.is_held(name, on_device))
            .ignoring("inv_freq");
        for layer in 0..shape.decoder.layers {
            let name = format!("model.layers.{layer}.self_attn.rotary_emb.inv_freq");
            builder = builder.ignoring(&name);
        }
        let (mut network, _) = builder.build(|root| CogVlm::new(root, &shape, rotary))?;
        network.fuse(on_device)?;
        Ok(Self {
            network: Network::CogVlm {
                network,
                tokens: shape.image_tokens(),
            },
            input: ImageInput {
                side_px: shape.side_px as u32,
                filter: PillowFilter::Bicubic,
                fit: Fit::Squash,
                is_bgr: false,
                mean: CLIP_MEAN,
                std: CLIP_STD,
            },
            template: Template::cogvlm(config)?,
            vocabulary: shape.decoder.vocabulary,
            architecture: "cogvlm",
        })
    }

    pub(super) fn llava(
        folder: &Path,
        config: &Config,
        checkpoint: Checkpoint,
        place: &Place<'_>,
        tokenizer: &TextTokenizer,
    ) -> Result<Self, Error> {
        let shape = LlavaShape::read(config)?;
        let checkpoint = llava::renamed(checkpoint, &shape);
        let rotary = llava::rotary(&shape).on(place.device);
        let layers = Layers {
            prefix: "language_model.model.layers.",
            shape: shape.decoder,
            image_tokens: shape.image_tokens(),
        };
        let on_device = layers.on(place.device, place.kind, &checkpoint, place.settings);
        let builder = Builder::from_checkpoint(&checkpoint)
            .kind(place.kind)
            .device(place.device)
            .holding(|name| layers.is_held(name, on_device));
        let (mut network, _) = builder.build(|root| Llava::new(root, &shape, rotary))?;
        network.fuse(on_device)?;
        Ok(Self {
            network: Network::Llava {
                network,
                tokens: shape.image_tokens(),
            },
            input: ImageInput::from_folder(folder, shape.side_px as u32)?,
            template: Template::llava(config, tokenizer),
            vocabulary: shape.decoder.vocabulary,
            architecture: "llava",
        })
    }
}
