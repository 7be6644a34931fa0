//! SDXL networks, objective, loop, checkpoints and sampler: from a generation to a model and its pictures.
//!
//! [`config`] is what a recipe says; it compiles without libtorch. `plan::TrainPlan` is what will be done, and
//! `train::train` does it:
//!
//! ```text
//! manifest ── dataset ── latents (once a picture and VAE, on disk)
//!                           │
//! index ── plan() ── draws ─┴─ loader (threads, plain numbers) ── trainer ── checkpoints · metrics · pictures
//! ```
//!
//! Nothing has a hidden state. The order of samples is a function of the generation, the seed and the epoch; captions,
//! timesteps and noise are functions of the seed and of what they are for (`draws`, `noise`); the learning rate is a
//! function of the position in the run (`lr`). A checkpoint is therefore weights, the optimizer's averages and a few
//! numbers, and a run that was stopped goes on as if it had not been.
//!
//! Everything that knows about noise reads one table, `schedule::NoiseSchedule`. A checkpoint is a diffusers folder
//! (`export`) that says how it must be sampled; `sampler` samples it the same way.

pub mod config;

#[cfg(feature = "torch")]
pub mod base;
#[cfg(feature = "torch")]
pub mod checkpoint;
#[cfg(feature = "torch")]
pub mod convert;
#[cfg(feature = "torch")]
pub mod dataset;
#[cfg(feature = "torch")]
pub mod draw;
#[cfg(feature = "torch")]
pub mod draws;
#[cfg(feature = "torch")]
pub mod ema;
#[cfg(feature = "torch")]
mod error;
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
pub mod hash;
#[cfg(feature = "torch")]
pub mod held_out;
#[cfg(feature = "torch")]
pub mod latents;
#[cfg(feature = "torch")]
pub mod loader;
#[cfg(feature = "torch")]
pub mod lr;
#[cfg(feature = "torch")]
pub mod metrics;
#[cfg(feature = "torch")]
pub mod model;
#[cfg(feature = "torch")]
pub mod networks;
#[cfg(feature = "torch")]
pub mod noise;
#[cfg(feature = "torch")]
pub mod objective;
#[cfg(feature = "torch")]
pub mod optimizer;
#[cfg(feature = "torch")]
pub mod pictures;
#[cfg(feature = "torch")]
pub mod plan;
#[cfg(feature = "torch")]
pub mod prompt;
#[cfg(feature = "torch")]
pub mod sampler;
#[cfg(feature = "torch")]
pub mod sampling;
#[cfg(feature = "torch")]
pub mod schedule;
#[cfg(feature = "torch")]
pub mod single_file;
#[cfg(feature = "torch")]
pub mod source;
#[cfg(feature = "torch")]
pub mod tensorboard;
#[cfg(feature = "torch")]
pub mod time_ids;
#[cfg(feature = "torch")]
pub mod train;

#[cfg(feature = "torch")]
pub use error::{Error, TensorFault};
