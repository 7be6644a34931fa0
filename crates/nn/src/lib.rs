//! Layers, attention, weights and device start-up on libtorch.
//!
//! A network asks a [`Path`] for its parameters by diffusers' names; a [`Builder`] decides where they come from: random
//! numbers of a seed, a safetensors [`Checkpoint`], or nowhere (shapes alone). What it gave out is the network's
//! [`Weights`]: named tensors in name order, for an optimizer, an EMA, a checkpoint or an export.
//!
//! ```no_run
//! use terminus_nn::{Builder, Checkpoint, Linear};
//!
//! let checkpoint = Checkpoint::open("models/base/unet".as_ref())?;
//! let (layer, weights) = Builder::from_checkpoint(&checkpoint)
//!     .build(|root| Linear::new(&(root / "time_embedding" / "linear_1"), 320, 1280))?;
//! # let _ = (layer, weights);
//! # Ok::<(), terminus_nn::Error>(())
//! ```
//!
//! **Mixed precision.** Parameters keep the kind of their store (f32 master weights, say); every layer computes in the kind
//! of its input, and autograd brings the gradients back in the parameters' kind. Statistics of norms and sinusoids are f32.

mod builder;
mod checkpoint;
pub mod device;
mod error;
mod ext;
mod guard;
mod init;
mod kv_cache;
mod layers;
mod mmap;
mod save;
mod view;
mod weights;

pub use builder::{Builder, Path};
pub use checkpoint::Checkpoint;
pub use error::{Error, Misshaped, Result};
pub use ext::exit_at_once;
pub use guard::guard;
pub use init::Init;
pub use kv_cache::{KvCache, KvCacheShape};
pub use layers::{
    Activation, CastOrder, Conv2d, Embedding, GroupNorm, LayerNorm, Linear, LongContext, Mask,
    RmsNorm, Rotary, Rotation, Sinusoid, attention, causal_attention, channels_last, merge_heads,
    scaled_dot_product_attention, split_heads,
};
pub use save::{Metadata, Unread, save_safetensors, save_unread, write_safetensors};
pub use view::View;
pub use weights::{Differences, Weights};
