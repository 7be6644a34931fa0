//! The transformer between residual blocks (`Transformer2DModel` with `BasicTransformerBlock`s).
// B batch, C channels, H W sides, L = H·W tokens of the picture, S tokens of the text, D size of the text's vectors

use tch::Tensor;
use terminus_nn::{
    GroupNorm, LayerNorm, Linear, Path, merge_heads, scaled_dot_product_attention, split_heads,
};

/// Epsilon of the group norm at the door, whatever the network's `norm_eps`.
const DOOR_EPS: f64 = 1e-6;
/// Epsilon of the layer norms.
const LAYER_EPS: f64 = 1e-5;
/// How much wider a feed-forward layer is inside.
const EXPANSION: i64 = 4;

/// Lets the picture's tokens look at each other and at the text.
#[derive(Debug)]
pub(crate) struct Transformer2D {
    norm: GroupNorm,
    proj_in: Linear,
    blocks: Vec<Block>,
    proj_out: Linear,
}

/// Sizes of a [`Transformer2D`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct TransformerOptions {
    /// How many blocks.
    pub layers: i64,
    /// Heads of an attention, which share the channels.
    pub heads: i64,
    /// Size of the text's vectors.
    pub cross_attention_dim: i64,
    /// Groups of the norm at the door.
    pub groups: i64,
}

impl Transformer2D {
    pub fn new(path: &Path, channels: i64, options: TransformerOptions) -> Self {
        let blocks = path / "transformer_blocks";
        Self {
            norm: GroupNorm::new(&(path / "norm"), options.groups, channels, DOOR_EPS),
            proj_in: Linear::new(&(path / "proj_in"), channels, channels),
            blocks: (0..options.layers)
                .map(|layer| Block::new(&(&blocks / layer), channels, options))
                .collect(),
            proj_out: Linear::new(&(path / "proj_out"), channels, channels),
        }
    }

    /// `[B, C, H, W]` and `text` `[B, S, D]` to `[B, C, H, W]`.
    pub fn forward(&self, xs: &Tensor, text: &Tensor) -> Tensor {
        let size = xs.size(); // [B, C, H, W]
        let mut tokens = self.norm.forward(xs).flatten(2, 3).transpose(1, 2); // [B, L, C]
        tokens = self.proj_in.forward(&tokens);
        for block in &self.blocks {
            tokens = block.forward(&tokens, text);
        }
        let picture = self
            .proj_out
            .forward(&tokens)
            .transpose(1, 2)
            .reshape(&size); // [B, C, H, W]
        picture + xs
    }
}

/// Self-attention, cross-attention, feed-forward; each after a norm and around a shortcut.
#[derive(Debug)]
struct Block {
    norm1: LayerNorm,
    attn1: Attention,
    norm2: LayerNorm,
    attn2: Attention,
    norm3: LayerNorm,
    ff: FeedForward,
}

impl Block {
    fn new(path: &Path, channels: i64, options: TransformerOptions) -> Self {
        let TransformerOptions {
            heads,
            cross_attention_dim,
            ..
        } = options;
        let norm = |name| LayerNorm::new(&(path / name), channels, LAYER_EPS);
        Self {
            norm1: norm("norm1"),
            attn1: Attention::new(&(path / "attn1"), channels, channels, heads),
            norm2: norm("norm2"),
            attn2: Attention::new(&(path / "attn2"), channels, cross_attention_dim, heads),
            norm3: norm("norm3"),
            ff: FeedForward::new(&(path / "ff"), channels),
        }
    }

    fn forward(&self, xs: &Tensor, text: &Tensor) -> Tensor {
        let normed = self.norm1.forward(xs);
        let xs = self.attn1.forward(&normed, &normed) + xs;
        let xs = self.attn2.forward(&self.norm2.forward(&xs), text) + xs;
        self.ff.forward(&self.norm3.forward(&xs)) + xs
    }
}

/// Attention of `queries` tokens on `context` tokens.
#[derive(Debug)]
struct Attention {
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
    heads: i64,
}

impl Attention {
    fn new(path: &Path, channels: i64, context_size: i64, heads: i64) -> Self {
        Self {
            to_q: Linear::without_bias(&(path / "to_q"), channels, channels),
            to_k: Linear::without_bias(&(path / "to_k"), context_size, channels),
            to_v: Linear::without_bias(&(path / "to_v"), context_size, channels),
            to_out: Linear::new(&(path / "to_out" / 0), channels, channels),
            heads,
        }
    }

    /// `[B, L, C]` and `[B, S, D]` to `[B, L, C]`.
    fn forward(&self, queries: &Tensor, context: &Tensor) -> Tensor {
        let query = split_heads(&self.to_q.forward(queries), self.heads); // [B, heads, L, C/heads]
        let key = split_heads(&self.to_k.forward(context), self.heads); // [B, heads, S, C/heads]
        let value = split_heads(&self.to_v.forward(context), self.heads);
        let seen = scaled_dot_product_attention(&query, &key, &value); // [B, heads, L, C/heads]
        self.to_out.forward(&merge_heads(&seen))
    }
}

/// A gated feed-forward layer (GEGLU: Shazeer 2020, arXiv:2002.05202).
#[derive(Debug)]
struct FeedForward {
    proj: Linear,
    out: Linear,
}

impl FeedForward {
    fn new(path: &Path, channels: i64) -> Self {
        let inner = EXPANSION * channels;
        Self {
            proj: Linear::new(&(path / "net" / 0 / "proj"), channels, 2 * inner),
            out: Linear::new(&(path / "net" / 2), inner, channels),
        }
    }

    fn forward(&self, xs: &Tensor) -> Tensor {
        let halves = self.proj.forward(xs).chunk(2, -1); // 2 × [B, L, 4·C]
        self.out.forward(&(&halves[0] * halves[1].gelu("none")))
    }
}
