//! The networks of SDXL (Podell et al. 2023, arXiv:2307.01952), tensor for tensor those of diffusers.
//!
//! Every size comes from a diffusers `config.json`: a model for tests and the full one are the same code with other
//! numbers. Parameter names are diffusers' names, so that its files are read and written without a map.

mod config;
mod resampling;
mod resnet;
mod transformer;
mod unet;
mod vae;

pub use config::ConfigFault;
pub use unet::{AddedConditions, UNet2DCondition, UNetConfig};
pub use vae::{AutoencoderKl, Posterior, VaeConfig};
