//! The way down, the middle and the way up (`DownBlock2D`, `CrossAttnDownBlock2D`, `UNetMidBlock2DCrossAttn`,
//! `UpBlock2D`, `CrossAttnUpBlock2D`).
// B batch, C channels, H W sides

use tch::Tensor;
use terminus_nn::Path;

use super::{UNetConfig, config::BlockKind};
use crate::networks::{
    resampling::{Downsample, Padding, Upsample},
    resnet::{ResnetBlock, ResnetOptions},
    transformer::{Transformer2D, TransformerOptions},
};

/// What every layer may look at.
pub(super) struct Conditions {
    /// Timestep, sizes and pooled text, activated, `[B, E]`.
    pub time: Tensor,
    /// The text's tokens, `[B, S, D]`.
    pub text: Tensor,
}

/// A residual block and, where the text is looked at, a transformer.
#[derive(Debug)]
struct Layer {
    resnet: ResnetBlock,
    attention: Option<Transformer2D>,
}

impl Layer {
    fn forward(&self, xs: &Tensor, conditions: &Conditions) -> Tensor {
        let xs = self.resnet.forward(xs, Some(&conditions.time));
        match &self.attention {
            Some(attention) => attention.forward(&xs, &conditions.text),
            None => xs,
        }
    }
}

/// Layers at one size, then half of it.
#[derive(Debug)]
pub(super) struct DownBlock {
    layers: Vec<Layer>,
    downsample: Option<Downsample>,
}

impl DownBlock {
    pub fn new(path: &Path, config: &UNetConfig, block: usize) -> Self {
        let outputs = config.block_out_channels[block];
        let inputs = config.block_out_channels[block.saturating_sub(1)];
        let layer = |index: i64| Layer {
            resnet: ResnetBlock::new(
                &(path / "resnets" / index),
                if index == 0 { inputs } else { outputs },
                outputs,
                resnet_options(config),
            ),
            attention: attention(path, config, config.down_block_types[block], block, index),
        };
        let is_last = block + 1 == config.block_out_channels.len();
        Self {
            layers: (0..config.layers_per_block[block]).map(layer).collect(),
            downsample: (!is_last)
                .then(|| Downsample::new(&(path / "downsamplers" / 0), outputs, Padding::Around)),
        }
    }

    /// `[B, C, H, W]` to `[B, C', H/2, W/2]`; what every layer gave is pushed on `skips`.
    pub fn forward(&self, xs: &Tensor, conditions: &Conditions, skips: &mut Vec<Tensor>) -> Tensor {
        let mut hidden = xs.shallow_clone();
        for layer in &self.layers {
            hidden = layer.forward(&hidden, conditions);
            skips.push(hidden.shallow_clone());
        }
        if let Some(downsample) = &self.downsample {
            hidden = downsample.forward(&hidden);
            skips.push(hidden.shallow_clone());
        }
        hidden
    }
}

/// A residual block, a transformer and another residual block at the smallest size.
#[derive(Debug)]
pub(super) struct MidBlock {
    first: Layer,
    last: ResnetBlock,
}

impl MidBlock {
    pub fn new(path: &Path, config: &UNetConfig) -> Self {
        let block = config.block_out_channels.len() - 1;
        let channels = config.block_out_channels[block];
        let resnet = |index: i64| {
            let path = path / "resnets" / index;
            ResnetBlock::new(&path, channels, channels, resnet_options(config))
        };
        Self {
            first: Layer {
                resnet: resnet(0),
                attention: attention(path, config, BlockKind::CrossAttention, block, 0),
            },
            last: resnet(1),
        }
    }

    /// `[B, C, H, W]` to the same.
    pub fn forward(&self, xs: &Tensor, conditions: &Conditions) -> Tensor {
        self.last
            .forward(&self.first.forward(xs, conditions), Some(&conditions.time))
    }
}

/// Layers at one size, each fed a skip connection, then twice that size.
#[derive(Debug)]
pub(super) struct UpBlock {
    layers: Vec<Layer>,
    upsample: Option<Upsample>,
}

impl UpBlock {
    /// `block` counts from the middle upwards.
    pub fn new(path: &Path, config: &UNetConfig, block: usize) -> Self {
        let last = config.block_out_channels.len() - 1;
        let mirrored = last - block;
        let outputs = config.block_out_channels[mirrored];
        let below = config.block_out_channels[(mirrored + 1).min(last)];
        let above = config.block_out_channels[mirrored.saturating_sub(1)];
        let layers = config.layers_per_block[mirrored] + 1;
        let layer = |index: i64| {
            let inputs = if index == 0 { below } else { outputs };
            let skip = if index == layers - 1 { above } else { outputs };
            Layer {
                resnet: ResnetBlock::new(
                    &(path / "resnets" / index),
                    inputs + skip,
                    outputs,
                    resnet_options(config),
                ),
                attention: attention(path, config, config.up_block_types[block], mirrored, index),
            }
        };
        Self {
            layers: (0..layers).map(layer).collect(),
            upsample: (block != last).then(|| Upsample::new(&(path / "upsamplers" / 0), outputs)),
        }
    }

    /// `[B, C, H, W]` to `[B, C', 2·H, 2·W]`; as many of `skips` as there are layers are popped.
    pub fn forward(&self, xs: &Tensor, conditions: &Conditions, skips: &mut Vec<Tensor>) -> Tensor {
        let mut hidden = xs.shallow_clone();
        for layer in &self.layers {
            if let Some(skip) = skips.pop() {
                hidden = Tensor::cat(&[hidden, skip], 1); // [B, C + skip's C, H, W]
            }
            hidden = layer.forward(&hidden, conditions);
        }
        match (&self.upsample, skips.last()) {
            (Some(upsample), Some(skip)) => {
                let size = skip.size();
                upsample.to_size(&hidden, [size[2], size[3]])
            }
            _ => hidden,
        }
    }
}

fn resnet_options(config: &UNetConfig) -> ResnetOptions {
    ResnetOptions {
        groups: config.norm_num_groups,
        eps: config.norm_eps,
        time_embedding: Some(config.time_embedding_size()),
    }
}

/// The transformer of layer `index`, with the sizes of `block` (counted from the top), if its kind has one.
fn attention(
    path: &Path,
    config: &UNetConfig,
    kind: BlockKind,
    block: usize,
    index: i64,
) -> Option<Transformer2D> {
    (kind == BlockKind::CrossAttention).then(|| {
        let options = TransformerOptions {
            layers: config.transformer_layers_per_block[block],
            heads: config.attention_heads[block],
            cross_attention_dim: config.cross_attention_dim,
            groups: config.norm_num_groups,
        };
        let channels = config.block_out_channels[block];
        Transformer2D::new(&(path / "attentions" / index), channels, options)
    })
}
