//! Encoder and decoder of the VAE.
// B batch, C channels, H W sides, L = H·W

use tch::Tensor;
use terminus_nn::{
    Conv2d, GroupNorm, Linear, Path, merge_heads, scaled_dot_product_attention, split_heads,
};

use super::VaeConfig;
use crate::networks::{
    resampling::{Downsample, Padding, Upsample},
    resnet::{ResnetBlock, ResnetOptions},
};

/// Epsilon of every norm.
const EPS: f64 = 1e-6;

/// Pictures to moments of latents.
#[derive(Debug)]
pub(super) struct Encoder {
    conv_in: Conv2d,
    down_blocks: Vec<(Vec<ResnetBlock>, Option<Downsample>)>,
    mid_block: MidBlock,
    out: Out,
}

impl Encoder {
    pub fn new(path: &Path, config: &VaeConfig) -> Self {
        let channels = &config.block_out_channels;
        let last = channels.len() - 1;
        let block = |index: usize| {
            let path = path / "down_blocks" / index;
            let (inputs, outputs) = (channels[index.saturating_sub(1)], channels[index]);
            let resnets = resnets(&path, inputs, outputs, config.layers_per_block, config);
            let downsample = (index != last).then(|| {
                Downsample::new(
                    &(path / "downsamplers" / 0),
                    outputs,
                    Padding::RightAndBottom,
                )
            });
            (resnets, downsample)
        };
        Self {
            conv_in: Conv2d::new(&(path / "conv_in"), 3, channels[0], 3),
            down_blocks: (0..=last).map(block).collect(),
            mid_block: MidBlock::new(&(path / "mid_block"), channels[last], config),
            out: Out::new(path, channels[last], 2 * config.latent_channels, config),
        }
    }

    /// `[B, 3, H, W]` to `[B, 2·C, h, w]`.
    pub fn forward(&self, pixels: &Tensor) -> Tensor {
        let mut hidden = self.conv_in.forward(pixels);
        for (resnets, downsample) in &self.down_blocks {
            hidden = resnets
                .iter()
                .fold(hidden, |xs, resnet| resnet.forward(&xs, None));
            if let Some(downsample) = downsample {
                hidden = downsample.forward(&hidden);
            }
        }
        self.out.forward(&self.mid_block.forward(&hidden))
    }
}

/// Latents to pictures.
#[derive(Debug)]
pub(super) struct Decoder {
    conv_in: Conv2d,
    mid_block: MidBlock,
    up_blocks: Vec<(Vec<ResnetBlock>, Option<Upsample>)>,
    out: Out,
}

impl Decoder {
    pub fn new(path: &Path, config: &VaeConfig) -> Self {
        let channels: Vec<i64> = config.block_out_channels.iter().rev().copied().collect();
        let last = channels.len() - 1;
        let block = |index: usize| {
            let path = path / "up_blocks" / index;
            let (inputs, outputs) = (channels[index.saturating_sub(1)], channels[index]);
            let resnets = resnets(&path, inputs, outputs, config.layers_per_block + 1, config);
            let upsample =
                (index != last).then(|| Upsample::new(&(path / "upsamplers" / 0), outputs));
            (resnets, upsample)
        };
        Self {
            conv_in: Conv2d::new(&(path / "conv_in"), config.latent_channels, channels[0], 3),
            mid_block: MidBlock::new(&(path / "mid_block"), channels[0], config),
            up_blocks: (0..=last).map(block).collect(),
            out: Out::new(path, channels[last], 3, config),
        }
    }

    /// `[B, C, h, w]` to `[B, 3, H, W]`.
    pub fn forward(&self, latents: &Tensor) -> Tensor {
        let mut hidden = self.mid_block.forward(&self.conv_in.forward(latents));
        for (resnets, upsample) in &self.up_blocks {
            hidden = resnets
                .iter()
                .fold(hidden, |xs, resnet| resnet.forward(&xs, None));
            if let Some(upsample) = upsample {
                hidden = upsample.doubled(&hidden);
            }
        }
        self.out.forward(&hidden)
    }
}

/// Two residual blocks around an attention over all places.
#[derive(Debug)]
struct MidBlock {
    first: ResnetBlock,
    attention: SpatialAttention,
    last: ResnetBlock,
}

impl MidBlock {
    fn new(path: &Path, channels: i64, config: &VaeConfig) -> Self {
        let resnet = |index: i64| {
            ResnetBlock::new(
                &(path / "resnets" / index),
                channels,
                channels,
                options(config),
            )
        };
        Self {
            first: resnet(0),
            attention: SpatialAttention::new(&(path / "attentions" / 0), channels, config),
            last: resnet(1),
        }
    }

    fn forward(&self, xs: &Tensor) -> Tensor {
        let hidden = self.attention.forward(&self.first.forward(xs, None));
        self.last.forward(&hidden, None)
    }
}

/// One head of attention of every place on every other, around a shortcut.
#[derive(Debug)]
struct SpatialAttention {
    group_norm: GroupNorm,
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
}

impl SpatialAttention {
    fn new(path: &Path, channels: i64, config: &VaeConfig) -> Self {
        let linear = |path: Path| Linear::new(&path, channels, channels);
        Self {
            group_norm: GroupNorm::new(
                &(path / "group_norm"),
                config.norm_num_groups,
                channels,
                EPS,
            ),
            to_q: linear(path / "to_q"),
            to_k: linear(path / "to_k"),
            to_v: linear(path / "to_v"),
            to_out: linear(path / "to_out" / 0),
        }
    }

    fn forward(&self, xs: &Tensor) -> Tensor {
        let size = xs.size(); // [B, C, H, W]
        let tokens = self.group_norm.forward(xs).flatten(2, 3).transpose(1, 2); // [B, L, C]
        let head = |linear: &Linear| split_heads(&linear.forward(&tokens), 1); // [B, 1, L, C]
        let seen =
            scaled_dot_product_attention(&head(&self.to_q), &head(&self.to_k), &head(&self.to_v));
        let out = self.to_out.forward(&merge_heads(&seen)); // [B, L, C]
        out.transpose(1, 2).reshape(&size) + xs
    }
}

/// Norm, activation and the last convolution.
#[derive(Debug)]
struct Out {
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Out {
    fn new(path: &Path, inputs: i64, outputs: i64, config: &VaeConfig) -> Self {
        let groups = config.norm_num_groups;
        Self {
            conv_norm_out: GroupNorm::new(&(path / "conv_norm_out"), groups, inputs, EPS),
            conv_out: Conv2d::new(&(path / "conv_out"), inputs, outputs, 3),
        }
    }

    fn forward(&self, xs: &Tensor) -> Tensor {
        self.conv_out
            .forward(&self.conv_norm_out.forward(xs).silu())
    }
}

fn resnets(
    path: &Path,
    inputs: i64,
    outputs: i64,
    count: i64,
    config: &VaeConfig,
) -> Vec<ResnetBlock> {
    (0..count)
        .map(|index| {
            let inputs = if index == 0 { inputs } else { outputs };
            ResnetBlock::new(
                &(path / "resnets" / index),
                inputs,
                outputs,
                options(config),
            )
        })
        .collect()
}

fn options(config: &VaeConfig) -> ResnetOptions {
    ResnetOptions {
        groups: config.norm_num_groups,
        eps: EPS,
        time_embedding: None,
    }
}
