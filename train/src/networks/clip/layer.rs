//! One layer of the encoder: causal self-attention, then two linear maps; each after a norm and around a shortcut.
// B batch, S tokens, D hidden size, N heads

use tch::Tensor;
use terminus_nn::{Init, LayerNorm, Linear, Path, causal_attention, merge_heads, split_heads};

use super::config::{Activation, ClipTextConfig};

/// `CLIPEncoderLayer`.
#[derive(Debug)]
pub(super) struct EncoderLayer {
    layer_norm1: LayerNorm,
    self_attn: Attention,
    layer_norm2: LayerNorm,
    mlp: Mlp,
}

impl EncoderLayer {
    pub(super) fn new(path: &Path, config: &ClipTextConfig) -> Self {
        let norm = |name| LayerNorm::new(&(path / name), config.hidden_size, config.layer_norm_eps);
        Self {
            layer_norm1: norm("layer_norm1"),
            self_attn: Attention::new(&(path / "self_attn"), config),
            layer_norm2: norm("layer_norm2"),
            mlp: Mlp::new(&(path / "mlp"), config),
        }
    }

    /// `[B, S, D]` to `[B, S, D]`.
    pub(super) fn forward(&self, xs: &Tensor) -> Tensor {
        let xs = self.self_attn.forward(&self.layer_norm1.forward(xs)) + xs;
        self.mlp.forward(&self.layer_norm2.forward(&xs)) + xs
    }
}

/// A linear map with a bias, drawn as CLIP draws its own: normal weights, biases of zero.
fn linear(path: &Path, inputs: i64, outputs: i64, std: f64) -> Linear {
    Linear::with_init(
        path,
        inputs,
        outputs,
        Init::Normal { std },
        Some(Init::ZEROS),
    )
}

#[derive(Debug)]
struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    out_proj: Linear,
    heads: i64,
}

impl Attention {
    fn new(path: &Path, config: &ClipTextConfig) -> Self {
        let size = config.hidden_size;
        let proj = |name, std| linear(&(path / name), size, size, std);
        let std = (size as f64).powf(-0.5);
        Self {
            q_proj: proj("q_proj", std * config.depth_scale()),
            k_proj: proj("k_proj", std * config.depth_scale()),
            v_proj: proj("v_proj", std * config.depth_scale()),
            out_proj: proj("out_proj", std),
            heads: config.num_attention_heads,
        }
    }

    /// `[B, S, D]` to `[B, S, D]`; a token sees itself and those before it.
    fn forward(&self, xs: &Tensor) -> Tensor {
        let heads = |proj: &Linear| split_heads(&proj.forward(xs), self.heads); // [B, N, S, D / N]
        let seen = causal_attention(
            &heads(&self.q_proj),
            &heads(&self.k_proj),
            &heads(&self.v_proj),
        );
        self.out_proj.forward(&merge_heads(&seen))
    }
}

#[derive(Debug)]
struct Mlp {
    fc1: Linear,
    fc2: Linear,
    activation: Activation,
}

impl Mlp {
    fn new(path: &Path, config: &ClipTextConfig) -> Self {
        let (size, inner) = (config.hidden_size, config.intermediate_size);
        let std = (size as f64).powf(-0.5);
        Self {
            fc1: linear(&(path / "fc1"), size, inner, std * 0.5_f64.sqrt()),
            fc2: linear(&(path / "fc2"), inner, size, std * config.depth_scale()),
            activation: config.hidden_act,
        }
    }

    /// `[B, S, D]` to `[B, S, D]`.
    fn forward(&self, xs: &Tensor) -> Tensor {
        let inner = self.fc1.forward(xs);
        let bent = match self.activation {
            Activation::Gelu => inner.gelu("none"),
            Activation::QuickGelu => (&inner * 1.702).sigmoid() * inner,
        };
        self.fc2.forward(&bent)
    }
}
