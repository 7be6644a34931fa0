//! SDXL networks, objective, loop, checkpoints and sampler.

pub mod config;
#[cfg(feature = "torch")]
pub mod draws;
#[cfg(feature = "torch")]
pub mod ema;
#[cfg(feature = "torch")]
mod error;
#[cfg(feature = "torch")]
pub mod latents;
#[cfg(feature = "torch")]
pub mod lr;
#[cfg(feature = "torch")]
pub mod metrics;
#[cfg(feature = "torch")]
pub mod networks;
#[cfg(feature = "torch")]
pub mod noise;
#[cfg(feature = "torch")]
pub mod objective;
#[cfg(feature = "torch")]
pub mod optimizer;
#[cfg(feature = "torch")]
pub mod sampler;
#[cfg(feature = "torch")]
pub mod schedule;
#[cfg(feature = "torch")]
pub mod tensorboard;
#[cfg(feature = "torch")]
pub mod time_ids;

#[cfg(feature = "torch")]
pub mod base;
#[cfg(feature = "torch")]
pub mod checkpoint;
#[cfg(feature = "torch")]
pub mod dataset;
#[cfg(feature = "torch")]
pub mod evaluate;
#[cfg(feature = "torch")]
pub mod examples;
#[cfg(feature = "torch")]
pub mod export;
#[cfg(feature = "torch")]
mod files;
#[cfg(feature = "torch")]
pub mod gallery;
#[cfg(feature = "torch")]
pub mod held_out;
#[cfg(feature = "torch")]
pub mod loader;
#[cfg(feature = "torch")]
pub mod model;
#[cfg(feature = "torch")]
pub mod pictures;
#[cfg(feature = "torch")]
pub mod plan;
#[cfg(feature = "torch")]
pub mod train;
#[cfg(feature = "torch")]
pub use error::{Error, TensorFault};
