//! Timestep, sizes and pooled text as one vector.
// B batch, P size of the pooled text, E size of the time embedding

use tch::{Kind, Tensor};
use terminus_nn::{Linear, Path, Sinusoid};

use super::{AddedConditions, UNetConfig};

/// Two linear layers with SiLU between (`TimestepEmbedding`).
#[derive(Debug)]
struct Mlp {
    linear_1: Linear,
    linear_2: Linear,
}

impl Mlp {
    fn new(path: &Path, inputs: i64, outputs: i64) -> Self {
        Self {
            linear_1: Linear::new(&(path / "linear_1"), inputs, outputs),
            linear_2: Linear::new(&(path / "linear_2"), outputs, outputs),
        }
    }

    fn forward(&self, xs: &Tensor) -> Tensor {
        self.linear_2.forward(&self.linear_1.forward(xs).silu())
    }
}

/// The timestep.
#[derive(Debug)]
pub(super) struct TimeEmbedding {
    sinusoid: Sinusoid,
    mlp: Mlp,
}

impl TimeEmbedding {
    pub fn new(path: &Path, config: &UNetConfig) -> Self {
        let size = config.block_out_channels[0];
        Self {
            sinusoid: config.sinusoid(size),
            mlp: Mlp::new(path, size, config.time_embedding_size()),
        }
    }

    /// `[B]` to `[B, E]`.
    pub fn forward(&self, timesteps: &Tensor, kind: Kind) -> Tensor {
        self.mlp
            .forward(&self.sinusoid.forward(timesteps).to_kind(kind))
    }
}

/// The pooled text and the six sizes.
#[derive(Debug)]
pub(super) struct AddedEmbedding {
    sinusoid: Sinusoid,
    mlp: Mlp,
}

impl AddedEmbedding {
    pub fn new(path: &Path, config: &UNetConfig) -> Self {
        let inputs = config.projection_class_embeddings_input_dim;
        Self {
            sinusoid: config.sinusoid(config.addition_time_embed_dim),
            mlp: Mlp::new(path, inputs, config.time_embedding_size()),
        }
    }

    /// `[B, P]` and `[B, 6]` to `[B, E]`.
    pub fn forward(&self, added: &AddedConditions, kind: Kind) -> Tensor {
        let batch = added.time_ids.size()[0];
        let sizes = self.sinusoid.forward(&added.time_ids.flatten(0, 1)); // [6·B, size]
        let sizes = sizes.reshape([batch, -1]).to_kind(kind); // [B, 6·size]
        let text = added.text_embeds.to_kind(kind);
        self.mlp.forward(&Tensor::cat(&[text, sizes], -1))
    }
}
