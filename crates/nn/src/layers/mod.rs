//! Layers with PyTorch's parameters, names and default initialisation. Each computes in the kind of its input.

mod activation;
mod attention;
mod conv;
mod embedding;
mod linear;
mod norm;
mod rms_norm;
mod rotary;
mod sinusoid;

pub use activation::Activation;
pub use attention::{
    Mask, attention, causal_attention, merge_heads, scaled_dot_product_attention, split_heads,
};
pub use conv::{Conv2d, channels_last};
pub use embedding::Embedding;
pub use linear::Linear;
pub use norm::{GroupNorm, LayerNorm};
pub use rms_norm::{CastOrder, RmsNorm};
pub use rotary::{LongContext, Rotary, Rotation};
pub use sinusoid::Sinusoid;
