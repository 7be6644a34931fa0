//! The networks of SDXL (Podell et al. 2023, arXiv:2307.01952), tensor for tensor those of diffusers.
//!
//! Every size comes from a diffusers `config.json`: a model for tests and the full one are the same code with other
//! numbers. Parameter names are diffusers' names, so that its files are read and written without a map.

mod clip;
mod config;
mod resampling;
mod resnet;
mod text;
mod transformer;
mod unet;
mod vae;

pub use clip::{Activation, ClipTextConfig, ClipTextModel, ClipTextOutput, Pooling};
pub use config::ConfigFault;
pub(crate) use config::ConfigFile;
pub use text::{TextConditioner, TextConditions, TextEncoder};
pub(crate) use text::{TextPart, published};
pub use unet::{AddedConditions, UNet2DCondition, UNetConfig};
pub use vae::{AutoencoderKl, Posterior, VaeConfig};
