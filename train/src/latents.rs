//! Latents of the samples: encoded once, kept on disk.

mod cache;

pub use cache::{LatentCache, Posterior};
