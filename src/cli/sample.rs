//! Arguments of `terminus sample`: diffusers' names.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::CommonArgs;

/// `terminus sample`.
#[derive(Args, Clone, Debug)]
pub struct SampleArgs {
    /// What to draw: where the model lies and what is asked of it.
    #[command(flatten)]
    pub what: WhatArgs,
    /// How the walk goes.
    #[command(flatten)]
    pub walk: WalkArgs,
    /// Pictures to begin with.
    #[command(flatten)]
    pub picture: PictureArgs,
    /// Files that come out, and raw latents.
    #[command(flatten)]
    pub files: FileArgs,
    /// Device and memory.
    #[command(flatten)]
    pub machine: MachineArgs,
    /// How.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What to draw.
#[derive(Args, Clone, Debug)]
pub struct WhatArgs {
    /// The model: a diffusers folder or a single safetensors file
    #[arg(long, value_name = "PATH")]
    pub model: PathBuf,
    /// A diffusers folder with the configurations and tokenizers of a single file
    #[arg(long, value_name = "FOLDER")]
    pub config: Option<PathBuf>,
    /// Take the UNet's average over its training, `unet_ema/`, in the place of its last weights
    #[arg(long)]
    pub ema: bool,
    /// What to draw; give it again for more pictures. `(word:1.2)` counts more, `[word]` less
    #[arg(long, value_name = "TEXT", required = true)]
    pub prompt: Vec<String>,
    /// What to stay away from
    #[arg(long, value_name = "TEXT")]
    pub negative_prompt: Option<String>,
    /// Take brackets in prompts as text, not as weights
    #[arg(long)]
    pub literal_prompts: bool,
    /// Pictures of each prompt, each with a seed of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub num_images_per_prompt: u32,
    /// Width in pixels, a multiple of 8; that of the picture to begin with, or the model's own
    #[arg(long, value_name = "PX")]
    pub width: Option<u32>,
    /// Height in pixels, a multiple of 8
    #[arg(long, value_name = "PX")]
    pub height: Option<u32>,
    /// Seed of the first picture; the next ones have the next seeds
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub seed: u64,
}

/// How the walk from noise to a picture goes.
#[derive(Args, Clone, Debug)]
pub struct WalkArgs {
    /// The solver; the model's own unless set
    #[arg(long, value_enum)]
    pub scheduler: Option<Scheduler>,
    /// Steps of the walk
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub num_inference_steps: u32,
    /// How strongly the prompt is followed; 1 is without guidance
    #[arg(long, value_name = "X", default_value_t = 7.5)]
    pub guidance_scale: f64,
    /// How much of the guided answer is brought back to the spread of the plain one; 0.7 for a model with zero terminal
    /// SNR, else 0
    #[arg(long, value_name = "0..1")]
    pub guidance_rescale: Option<f64>,
    /// What the network predicts; as the model says unless set
    #[arg(long, value_enum)]
    pub prediction_type: Option<Prediction>,
    /// Whether the schedule ends in pure noise; as the model says unless set
    #[arg(long, value_name = "BOOL")]
    pub rescale_betas_zero_snr: Option<bool>,
    /// The size that the networks are told the picture had before it was cut: `WIDTHxHEIGHT`
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub original_size: Option<(u32, u32)>,
    /// The place that the networks are told it was cut from: `TOP,LEFT`
    #[arg(long, value_name = "TOP,LEFT", value_parser = place)]
    pub crops_coords_top_left: Option<(u32, u32)>,
    /// The size that the networks are told it was cut to: `WIDTHxHEIGHT`
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub target_size: Option<(u32, u32)>,
    /// Draw it again this much larger, from the enlarged latents
    #[arg(long, value_name = "FACTOR", conflicts_with = "mask_image")]
    pub upscale: Option<f64>,
    /// How much of the enlarged picture is drawn anew
    #[arg(long, value_name = "0..1", default_value_t = 0.5, requires = "upscale")]
    pub upscale_strength: f64,
}

/// Pictures to begin with.
#[derive(Args, Clone, Debug)]
pub struct PictureArgs {
    /// A picture to begin with
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
    /// What of the picture is drawn anew: white is, black stays to the byte. Without it, what is transparent in the picture
    #[arg(long, value_name = "FILE", requires = "image")]
    pub mask_image: Option<PathBuf>,
    /// How much is drawn anew; 0.3 unless set, 1 inside a mask
    #[arg(long, value_name = "0..1", requires = "image")]
    pub strength: Option<f64>,
    /// Mix old and new pixels over so many pixels inside the mask's edge
    #[arg(long, value_name = "PX", default_value_t = 4)]
    pub mask_blur: u32,
    /// Draw only the mask and so many pixels around it, at the full size, and put it back
    #[arg(long, value_name = "PX", requires = "image")]
    pub padding_mask_crop: Option<u32>,
}

/// Files that come out.
#[derive(Args, Clone, Debug)]
pub struct FileArgs {
    /// A folder for the pictures, or a `.png` file for one
    #[arg(long, short, value_name = "PATH", default_value = "pictures")]
    pub output: PathBuf,
    /// Begin with this noise: a safetensors file with the tensor `latents`
    #[arg(long, value_name = "FILE")]
    pub latents: Option<PathBuf>,
    /// Write the finished latents: a safetensors file with the tensor `latents`
    #[arg(long, value_name = "FILE")]
    pub save_latents: Option<PathBuf>,
    /// Make no pictures of the latents
    #[arg(long, requires = "save_latents")]
    pub no_decode: bool,
}

/// Device and memory.
#[derive(Args, Clone, Debug)]
pub struct MachineArgs {
    /// Where to compute: `auto`, `cpu`, `cuda`, `cuda:N`
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// What to compute in; f32 on the CPU, bf16 elsewhere unless set
    #[arg(long, value_enum)]
    pub precision: Option<Precision>,
    /// Pictures that go through the UNet at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub batch_size: u32,
    /// Decode large pictures tile by tile: less memory, tones may differ slightly from tile to tile
    #[arg(long)]
    pub vae_tiling: bool,
    /// Memory that may be used, in GiB; what is free on the CPU unless set
    #[arg(long, value_name = "GIB")]
    pub memory_limit: Option<f64>,
}

/// Solvers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scheduler {
    /// DDIM
    #[value(alias = "DDIMScheduler")]
    Ddim,
    /// Euler
    #[value(alias = "EulerDiscreteScheduler")]
    Euler,
    /// Euler with fresh noise in every step
    #[value(alias = "EulerAncestralDiscreteScheduler", alias = "euler_ancestral")]
    EulerAncestral,
    /// DPM++ 2M
    #[value(
        name = "dpmpp-2m",
        alias = "DPMSolverMultistepScheduler",
        alias = "dpmpp_2m"
    )]
    DpmPlusPlus2m,
    /// Unified predictor and corrector
    #[value(name = "unipc", alias = "UniPCMultistepScheduler")]
    UniPc,
}

/// What a network predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Prediction {
    /// The noise
    Epsilon,
    /// The velocity
    #[value(name = "v_prediction", alias = "v-prediction", alias = "v")]
    VPrediction,
}

/// What networks compute in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// 32 bits
    F32,
    /// 16 bits with the range of 32
    Bf16,
    /// 16 bits
    F16,
}

/// Reads `WIDTHxHEIGHT`.
fn size(text: &str) -> Result<(u32, u32), String> {
    pair(text, 'x').ok_or_else(|| "a size is `WIDTHxHEIGHT`, such as `1216x832`".to_owned())
}

/// Reads `TOP,LEFT`.
fn place(text: &str) -> Result<(u32, u32), String> {
    pair(text, ',').ok_or_else(|| "a place is `TOP,LEFT`, such as `0,128`".to_owned())
}

fn pair(text: &str, separator: char) -> Option<(u32, u32)> {
    let (first, second) = text.split_once(separator)?;
    Some((first.trim().parse().ok()?, second.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_places_are_pairs() {
        assert_eq!(size("1216x832"), Ok((1216, 832)));
        assert_eq!(place("0, 128"), Ok((0, 128)));
        assert!(size("1216").is_err() && place("a,b").is_err());
    }
}
