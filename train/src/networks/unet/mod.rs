//! The denoising network (`UNet2DConditionModel`).
// B batch, H W latent sides, S tokens of the text, D size of the text's vectors, P size of the pooled text,
// E size of the time embedding

mod blocks;
mod config;
mod embedding;

use tch::Tensor;
use terminus_nn::{Conv2d, GroupNorm, Path, channels_last};

use blocks::{Conditions, DownBlock, MidBlock, UpBlock};
use embedding::{AddedEmbedding, TimeEmbedding};

pub use config::UNetConfig;

/// What SDXL knows of a picture besides its caption's tokens.
#[derive(Debug)]
pub struct AddedConditions {
    /// The caption as one vector, `[B, P]`.
    pub text_embeds: Tensor,
    /// `[original_h, original_w, crop_top, crop_left, target_h, target_w]`, `[B, 6]` f32: bf16 cannot tell 1024 from 1025.
    pub time_ids: Tensor,
}

/// Predicts from noisy latents and a caption what the objective asks for.
#[derive(Debug)]
pub struct UNet2DCondition {
    conv_in: Conv2d,
    time_embedding: TimeEmbedding,
    add_embedding: AddedEmbedding,
    down_blocks: Vec<DownBlock>,
    mid_block: MidBlock,
    up_blocks: Vec<UpBlock>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl UNet2DCondition {
    /// The network whose parameters lie at `path`.
    pub fn new(path: &Path, config: &UNetConfig) -> Self {
        let channels = &config.block_out_channels;
        let first = channels[0];
        let down_path = path / "down_blocks";
        let up_path = path / "up_blocks";
        Self {
            conv_in: Conv2d::new(&(path / "conv_in"), config.in_channels, first, 3),
            time_embedding: TimeEmbedding::new(&(path / "time_embedding"), config),
            add_embedding: AddedEmbedding::new(&(path / "add_embedding"), config),
            down_blocks: (0..channels.len())
                .map(|block| DownBlock::new(&(&down_path / block), config, block))
                .collect(),
            mid_block: MidBlock::new(&(path / "mid_block"), config),
            up_blocks: (0..channels.len())
                .map(|block| UpBlock::new(&(&up_path / block), config, block))
                .collect(),
            conv_norm_out: GroupNorm::new(
                &(path / "conv_norm_out"),
                config.norm_num_groups,
                first,
                config.norm_eps,
            ),
            conv_out: Conv2d::new(&(path / "conv_out"), first, config.out_channels, 3),
        }
    }

    /// `latents` `[B, 4, H, W]` at `timesteps` `[B]` (i64 or f32), seen with `encoder_hidden_states` `[B, S, D]` and
    /// `added`, to `[B, 4, H, W]`. Computes in the kind of `latents`; sinusoids are f32 whatever it is.
    pub fn forward(
        &self,
        latents: &Tensor,
        timesteps: &Tensor,
        encoder_hidden_states: &Tensor,
        added: &AddedConditions,
    ) -> Tensor {
        let kind = latents.kind();
        let time = self.time_embedding.forward(timesteps, kind); // [B, E]
        let time = time + self.add_embedding.forward(added, kind);
        let conditions = Conditions {
            time: time.silu(),
            text: encoder_hidden_states.to_kind(kind),
        };

        let mut hidden = self.conv_in.forward(&channels_last(latents));
        let mut skips = vec![hidden.shallow_clone()];
        for block in &self.down_blocks {
            hidden = block.forward(&hidden, &conditions, &mut skips);
        }
        hidden = self.mid_block.forward(&hidden, &conditions);
        for block in &self.up_blocks {
            hidden = block.forward(&hidden, &conditions, &mut skips);
        }
        self.conv_out
            .forward(&self.conv_norm_out.forward(&hidden).silu())
    }
}
