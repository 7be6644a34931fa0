//! The layout of the first SDXL checkpoints: one file, with the names of the program that trained them.
//!
//! ComfyUI, A1111 and the model sites know this layout; diffusers' folders hold the same tensors under other names. The
//! map is a function from diffusers' names to the original ones (`unet`, `vae`, `open_clip`), used in both directions:
//! a file is read by asking for each of the network's parameters where it lies.

mod infer;
mod open_clip;
mod unet;
mod vae;

use terminus_nn::{Checkpoint, View, Weights};

use crate::networks::{ClipTextConfig, UNetConfig, VaeConfig};

pub(crate) use infer::infer;

/// What the names of a part begin with.
const UNET: &str = "model.diffusion_model.";
const VAE: &str = "first_stage_model.";
const TEXT: [&str; 2] = [
    "conditioner.embedders.0.transformer.",
    "conditioner.embedders.1.model.",
];

/// Tensors that say how a model is to be sampled, by being there (`ComfyUI`).
pub(crate) const V_PREDICTION: &str = "v_pred";
pub(crate) const ZERO_TERMINAL_SNR: &str = "ztsnr";

/// What training programs leave in their files and no network here has: buffers, averages, what other losses learnt.
const LEFTOVERS: [&str; 11] = [
    "model_ema.",
    "denoiser.",
    "alphas_cumprod",
    "betas",
    "sqrt_",
    "log_one_minus_",
    "posterior_",
    "logvar",
    "loss.",
    V_PREDICTION,
    ZERO_TERMINAL_SNR,
];

/// The sizes of all networks of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Configs {
    /// The UNet's.
    pub unet: UNetConfig,
    /// The VAE's.
    pub vae: VaeConfig,
    /// The two text encoders'.
    pub text: [ClipTextConfig; 2],
}

/// A network of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What is trained.
    UNet,
    /// Pictures to latents and back.
    Vae,
    /// The first text encoder (CLIP ViT-L).
    Text,
    /// The second text encoder (`OpenCLIP` bigG).
    Text2,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 4] = [Self::UNet, Self::Vae, Self::Text, Self::Text2];

    /// Its folder in diffusers' layout.
    pub fn folder(self) -> &'static str {
        match self {
            Self::UNet => "unet",
            Self::Vae => "vae",
            Self::Text => "text_encoder",
            Self::Text2 => "text_encoder_2",
        }
    }

    /// Where a parameter of diffusers' name lies in a single file.
    pub fn original(self, name: &str, configs: &Configs) -> Option<(String, View)> {
        let (prefix, place) = match self {
            Self::UNet => {
                let name = unet::original(name, &configs.unet)?;
                (UNET, (name, View::Whole))
            }
            Self::Vae => (VAE, vae::original(name, &configs.vae)?),
            Self::Text => (TEXT[0], (name.to_owned(), View::Whole)),
            Self::Text2 => (TEXT[1], open_clip::original(name)?),
        };
        Some((format!("{prefix}{}", place.0), place.1))
    }

    /// The part's tensors of a single file under diffusers' names; `weights` says which there should be.
    pub(crate) fn of_file(
        self,
        file: &Checkpoint,
        weights: &Weights,
        configs: &Configs,
    ) -> Checkpoint {
        let places: Vec<(String, (String, View))> = weights
            .iter()
            .filter_map(|(name, _)| Some((name.to_owned(), self.original(name, configs)?)))
            .collect();
        let views = places
            .iter()
            .map(|(name, (original, view))| (name.clone(), original.as_str(), *view));
        file.seen_as(views)
    }
}

/// Whether a tensor of a single file may be left aside.
pub(crate) fn is_leftover(name: &str) -> bool {
    LEFTOVERS.iter().any(|leftover| name.starts_with(leftover))
        || name.ends_with(".position_ids")
        || name.ends_with(".logit_scale")
        || name.ends_with(".attn_mask")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use terminus_nn::Builder;

    use super::*;
    use crate::networks::{AutoencoderKl, ClipTextModel, UNet2DCondition};

    fn configs() -> Configs {
        infer::sdxl(4)
    }

    /// Every original name with the parameters that lie in it.
    fn originals() -> BTreeMap<String, Vec<(Part, String)>> {
        let configs = configs();
        let mut all: BTreeMap<String, Vec<(Part, String)>> = BTreeMap::new();
        for part in Part::ALL {
            let builder = Builder::shapes();
            let weights = match part {
                Part::UNet => builder.build(|p| drop(UNet2DCondition::new(p, &configs.unet))),
                Part::Vae => builder.build(|p| drop(AutoencoderKl::new(p, &configs.vae))),
                Part::Text => builder.build(|p| drop(ClipTextModel::new(p, &configs.text[0]))),
                Part::Text2 => builder.build(|p| drop(ClipTextModel::new(p, &configs.text[1]))),
            };
            for (name, _) in weights.unwrap().1.iter() {
                let (original, _) = part.original(name, &configs).unwrap_or_else(|| {
                    panic!("{part:?} has no place for {name}");
                });
                let place = all.entry(original).or_default();
                place.push((part, name.to_owned()));
            }
        }
        all
    }

    #[test]
    fn every_parameter_of_full_sdxl_has_a_place_of_its_own_but_for_fused_projections() {
        let all = originals();
        let shared: Vec<&String> = all
            .iter()
            .filter(|(_, names)| names.len() > 1)
            .map(|(original, _)| original)
            .collect();
        assert_eq!(shared.len(), 64, "32 layers with a fused weight and bias");
        assert!(shared.iter().all(|name| name.contains(".in_proj_")));
        // 1680 of the UNet, 248 of the VAE, 196 and 517 of the text encoders; 4 tensors fewer a fused layer.
        assert_eq!(all.len(), 1680 + 248 + 196 + 517 - 4 * 32);
    }

    #[test]
    fn places_are_those_of_the_published_file() {
        let configs = configs();
        for (part, name, original) in [
            (
                Part::UNet,
                "down_blocks.1.resnets.0.conv_shortcut.weight",
                "model.diffusion_model.input_blocks.4.0.skip_connection.weight",
            ),
            (
                Part::UNet,
                "down_blocks.0.downsamplers.0.conv.bias",
                "model.diffusion_model.input_blocks.3.0.op.bias",
            ),
            (
                Part::UNet,
                "mid_block.attentions.0.transformer_blocks.9.ff.net.0.proj.weight",
                "model.diffusion_model.middle_block.1.transformer_blocks.9.ff.net.0.proj.weight",
            ),
            (
                Part::UNet,
                "up_blocks.0.upsamplers.0.conv.weight",
                "model.diffusion_model.output_blocks.2.2.conv.weight",
            ),
            (
                Part::UNet,
                "up_blocks.2.resnets.2.time_emb_proj.weight",
                "model.diffusion_model.output_blocks.8.0.emb_layers.1.weight",
            ),
            (
                Part::UNet,
                "add_embedding.linear_2.bias",
                "model.diffusion_model.label_emb.0.2.bias",
            ),
            (
                Part::Vae,
                "decoder.up_blocks.2.resnets.0.conv_shortcut.weight",
                "first_stage_model.decoder.up.1.block.0.nin_shortcut.weight",
            ),
            (
                Part::Vae,
                "encoder.mid_block.attentions.0.to_out.0.weight",
                "first_stage_model.encoder.mid.attn_1.proj_out.weight",
            ),
            (
                Part::Text,
                "text_model.final_layer_norm.bias",
                "conditioner.embedders.0.transformer.text_model.final_layer_norm.bias",
            ),
            (
                Part::Text2,
                "text_model.encoder.layers.31.mlp.fc1.weight",
                "conditioner.embedders.1.model.transformer.resblocks.31.mlp.c_fc.weight",
            ),
            (
                Part::Text2,
                "text_projection.weight",
                "conditioner.embedders.1.model.text_projection",
            ),
        ] {
            let place = part.original(name, &configs).unwrap();
            assert_eq!(place.0, original);
        }
    }
}
