//! Latents of the samples: encoded once, kept on disk.

mod cache;
mod encode;

pub use cache::{LatentCache, Posterior};
pub(crate) use encode::ids;
pub use encode::{Unencoded, encode_missing, vae_identity};
