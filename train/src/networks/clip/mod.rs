//! CLIP's text encoder (Radford et al. 2021, arXiv:2103.00020), as SDXL uses it twice: ViT-L and OpenCLIP's bigG.
// B batch, S tokens (77), D hidden size, P size of the pooled text

mod config;
mod layer;

use tch::{Kind, Tensor};
use terminus_nn::{Checkpoint, Embedding, Init, LayerNorm, Linear, Path};

use layer::EncoderLayer;

pub use config::{Activation, ClipTextConfig, Pooling};

/// A buffer of positions that files of older versions hold.
pub(super) const POSITION_IDS: &str = "text_model.embeddings.position_ids";

/// Standard deviation of fresh embeddings.
const EMBEDDING_STD: f64 = 0.02;

/// Turns token ids into vectors: one for each token, and one for the whole text.
#[derive(Debug)]
pub struct ClipTextModel {
    token_embedding: Embedding,
    position_embedding: Embedding,
    layers: Vec<EncoderLayer>,
    final_layer_norm: LayerNorm,
    text_projection: Option<Linear>,
    pooling: Pooling,
}

/// What the encoder makes of a batch of texts.
#[derive(Debug)]
pub struct ClipTextOutput {
    /// The states before the last layer, not normed, `[B, S, D]`: `hidden_states[-2]`, what SDXL's UNet looks at.
    pub penultimate: Tensor,
    /// The states after the last layer and the final norm, `[B, S, D]`.
    pub last_hidden_state: Tensor,
    /// The last state at the mark of end, `[B, P]`; projected, if the model has a projection.
    pub pooled: Tensor,
}

impl ClipTextModel {
    /// The network whose parameters lie at `path`.
    pub fn new(path: &Path, config: &ClipTextConfig) -> Self {
        let model = path / "text_model";
        let embeddings = &model / "embeddings";
        let embedding = |name, count| {
            let init = Init::Normal { std: EMBEDDING_STD };
            Embedding::with_init(&(&embeddings / name), count, config.hidden_size, init)
        };
        let layers = &model / "encoder" / "layers";
        let projection = |size| {
            let std = (config.hidden_size as f64).powf(-0.5);
            let path = path / "text_projection";
            Linear::with_init(&path, config.hidden_size, size, Init::Normal { std }, None)
        };
        Self {
            token_embedding: embedding("token_embedding", config.vocab_size),
            position_embedding: embedding("position_embedding", config.max_position_embeddings),
            layers: (0..config.num_hidden_layers)
                .map(|layer| EncoderLayer::new(&(&layers / layer), config))
                .collect(),
            final_layer_norm: LayerNorm::new(
                &(&model / "final_layer_norm"),
                config.hidden_size,
                config.layer_norm_eps,
            ),
            text_projection: config.projection_dim.map(projection),
            pooling: config.pooling,
        }
    }

    /// Ids `[B, S]` i64, each below [`ClipTextConfig::vocab_size`] and `S` at most
    /// [`ClipTextConfig::max_position_embeddings`], to their vectors. Computes in `kind`.
    pub fn forward(&self, ids: &Tensor, kind: Kind) -> ClipTextOutput {
        let penultimate = self.penultimate(ids, kind);
        let mut last = penultimate.shallow_clone();
        if let Some(layer) = self.layers.last() {
            last = layer.forward(&last);
        }
        let last_hidden_state = self.final_layer_norm.forward(&last); // [B, S, D]
        let pooled = self.pool(ids, &last_hidden_state); // [B, D]
        ClipTextOutput {
            pooled: match &self.text_projection {
                Some(projection) => projection.forward(&pooled), // [B, P]
                None => pooled,
            },
            penultimate,
            last_hidden_state,
        }
    }

    /// [`ClipTextOutput::penultimate`] alone, without the last layer's work.
    pub fn penultimate(&self, ids: &Tensor, kind: Kind) -> Tensor {
        let positions = Tensor::arange(ids.size()[1], (Kind::Int64, ids.device())); // [S]
        let tokens = self.token_embedding.forward(ids, kind); // [B, S, D]
        let mut hidden = tokens + self.position_embedding.forward(&positions, kind);
        for layer in self.layers.iter().rev().skip(1).rev() {
            hidden = layer.forward(&hidden);
        }
        hidden
    }

    /// The state at the mark of end: `[B, S, D]` to `[B, D]`.
    fn pool(&self, ids: &Tensor, states: &Tensor) -> Tensor {
        let ends = match self.pooling {
            Pooling::LargestId => ids.argmax(-1, false),
            Pooling::FirstOf(id) => ids.eq(id).to_kind(Kind::Int).argmax(-1, false),
        }; // [B]
        let rows = Tensor::arange(ids.size()[0], (Kind::Int64, ids.device()));
        states.index(&[Some(rows), Some(ends)])
    }
}

/// A checkpoint under the published names: transformers 5 writes a model without a projection without `text_model.`.
pub(super) fn with_published_names(checkpoint: Checkpoint) -> Checkpoint {
    const PREFIX: &str = "text_model.";
    if checkpoint.names().any(|name| name.starts_with(PREFIX)) {
        return checkpoint;
    }
    checkpoint.renamed(|name| Some(format!("{PREFIX}{name}")))
}
