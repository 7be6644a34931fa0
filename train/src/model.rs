//! A whole SDXL model in memory: the network that is trained and those that are frozen.
//!
//! `B` batch, `S` text tokens, `h w` latent sides.

use std::path::Path;

use tch::{Device, Kind, Tensor};
use terminus_nn::{Builder, Checkpoint, Weights, device};

use crate::{
    Error,
    config::{self, Precision},
    networks::{
        AddedConditions, AutoencoderKl, ConfigFault, TextConditioner, TextConditions,
        UNet2DCondition, UNetConfig, VaeConfig,
    },
};

/// UNet, VAE and text encoders of one diffusers folder, on one device.
#[derive(Debug)]
pub struct Model {
    /// Predicts from noisy latents.
    pub unet: UNet2DCondition,
    /// Sizes of the UNet.
    pub unet_config: UNetConfig,
    /// Weights of the UNet, f32.
    pub unet_weights: Weights,
    /// Turns pictures into latents and back; frozen, f32.
    pub vae: AutoencoderKl,
    /// Sizes of the VAE, and the scale of its latents.
    pub vae_config: VaeConfig,
    /// Weights of the VAE, f32.
    pub vae_weights: Weights,
    /// Turns captions into what the UNet takes; frozen.
    pub text: TextConditioner,
    /// Where all of it lies.
    pub device: Device,
    /// What the UNet computes in.
    pub kind: Kind,
}

impl Model {
    /// The model of a diffusers folder with weights.
    ///
    /// # Errors
    /// A file is missing or damaged; the parts do not go together.
    pub fn open(folder: &Path, device: Device, precision: Precision) -> Result<Self, Error> {
        let kind = kind_of(precision);
        let text = TextConditioner::from_folder(folder, device, kind)?;
        let vae_folder = folder.join("vae");
        let vae_config = VaeConfig::read(&vae_folder)?;
        let checkpoint = Checkpoint::open(&vae_folder)?;
        let (vae, vae_weights) = Builder::from_checkpoint(&checkpoint)
            .device(device)
            .build(|root| AutoencoderKl::new(root, &vae_config))?;
        let unet_folder = folder.join("unet");
        let unet_config = UNetConfig::read(&unet_folder)?;
        check_sizes(&unet_folder, &unet_config, &vae_config, &text)?;
        let checkpoint = Checkpoint::open(&unet_folder)?;
        let (unet, unet_weights) = Builder::from_checkpoint(&checkpoint)
            .device(device)
            .build(|root| UNet2DCondition::new(root, &unet_config))?;
        Ok(Self {
            unet,
            unet_config,
            unet_weights,
            vae,
            vae_config,
            vae_weights,
            text,
            device,
            kind,
        })
    }

    /// The UNet's answer, `[B, C, h, w]` f32, to noisy latents of that shape, f32, at `timesteps` `[B]` int64.
    ///
    /// `time_ids` is `[B, 6]` f32.
    pub fn predict(
        &self,
        latents: &Tensor,
        timesteps: &Tensor,
        text: &TextConditions,
        time_ids: &Tensor,
    ) -> Tensor {
        let added = AddedConditions {
            text_embeds: text.text_embeds.shallow_clone(),
            time_ids: time_ids.shallow_clone(),
        };
        let latents = latents.to_kind(self.kind);
        self.unet
            .forward(&latents, timesteps, &text.encoder_hidden_states, &added)
            .to_kind(Kind::Float)
    }

    /// What a sample's sides must be multiples of, in pixels: every halving of the VAE and of the UNet.
    pub fn side_multiple(&self) -> u32 {
        let unet_halvings = self.unet_config.block_out_channels.len().saturating_sub(1);
        self.vae_config.downsampling() << unet_halvings
    }

    /// The UNet's weights by name, in name order; they share their memory with the network.
    pub fn unet_parameters(&self) -> Vec<(String, Tensor)> {
        self.unet_weights
            .iter()
            .map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()))
            .collect()
    }
}

/// The device that the settings name, proven to be there.
///
/// # Errors
/// CUDA is asked for and not there.
pub fn open_device(setting: config::Device) -> Result<Device, Error> {
    Ok(match setting {
        config::Device::Cpu => Device::Cpu,
        config::Device::Cuda => device::open("cuda")?,
        config::Device::Auto => device::open("cuda").unwrap_or(Device::Cpu),
    })
}

/// The kind that the networks compute in.
fn kind_of(precision: Precision) -> Kind {
    match precision {
        Precision::F32 => Kind::Float,
        Precision::Bf16 => Kind::BFloat16,
    }
}

/// Refuses parts of different models in one folder.
fn check_sizes(
    folder: &Path,
    unet: &UNetConfig,
    vae: &VaeConfig,
    text: &TextConditioner,
) -> Result<(), Error> {
    let faults: Vec<ConfigFault> = [
        (
            "in_channels",
            unet.in_channels,
            vae.latent_channels,
            "the VAE's latents have",
        ),
        (
            "out_channels",
            unet.out_channels,
            vae.latent_channels,
            "the VAE's latents have",
        ),
        (
            "cross_attention_dim",
            unet.cross_attention_dim,
            text.hidden_size(),
            "the text encoders' states have together",
        ),
        (
            "projection_class_embeddings_input_dim",
            unet.projection_class_embeddings_input_dim,
            text.pooled_size() + unet.projection_class_embeddings_input_dim - unet.pooled_size(),
            "six sinusoids and the pooled text have together",
        ),
    ]
    .into_iter()
    .filter(|(_, found, expected, _)| found != expected)
    .map(|(key, found, expected, why)| ConfigFault::Unsupported {
        key,
        found: found.to_string(),
        expected: format!("{expected}, which {why}"),
    })
    .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Error::ModelConfig {
            path: folder.join("config.json"),
            faults,
        })
    }
}
