//! The autoencoder between pictures and latents (`AutoencoderKL`; Kingma & Welling 2013, arXiv:1312.6114).
// B batch, H W sides of the picture, h w sides of the latents

mod blocks;
mod config;
mod posterior;

use tch::Tensor;
use terminus_nn::{Conv2d, Path, channels_last};

use blocks::{Decoder, Encoder};

pub use config::VaeConfig;
pub use posterior::Posterior;

/// Turns pictures into latents and latents into pictures.
#[derive(Debug)]
pub struct AutoencoderKl {
    encoder: Encoder,
    quant_conv: Conv2d,
    post_quant_conv: Conv2d,
    decoder: Decoder,
}

impl AutoencoderKl {
    /// The network whose parameters lie at `path`.
    pub fn new(path: &Path, config: &VaeConfig) -> Self {
        let latent = config.latent_channels;
        Self {
            encoder: Encoder::new(&(path / "encoder"), config),
            quant_conv: Conv2d::new(&(path / "quant_conv"), 2 * latent, 2 * latent, 1),
            post_quant_conv: Conv2d::new(&(path / "post_quant_conv"), latent, latent, 1),
            decoder: Decoder::new(&(path / "decoder"), config),
        }
    }

    /// Pixels `[B, 3, H, W]` in −1..1 to a distribution over latents, not yet scaled. Computes in the kind of `pixels`; the
    /// weights of SDXL's own VAE overflow in f16 (`force_upcast`).
    pub fn encode(&self, pixels: &Tensor) -> Posterior {
        Posterior::from_moments(
            &self
                .quant_conv
                .forward(&self.encoder.forward(&channels_last(pixels))),
        )
    }

    /// Latents `[B, C, h, w]`, divided by [`VaeConfig::scaling_factor`], to pixels `[B, 3, H, W]`, about −1..1.
    pub fn decode(&self, latents: &Tensor) -> Tensor {
        let latents = self.post_quant_conv.forward(&channels_last(latents));
        self.decoder.forward(&latents)
    }
}
