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
pub use error::{Error, TensorFault};
