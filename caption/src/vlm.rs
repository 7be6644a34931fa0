//! Vision-language models on libtorch: a tower that sees, a decoder that speaks.
//!
//! [`Model`] opens a folder in the layout of Hugging Face. `cogvlm` and `llava` put a model together from `encoder`,
//! `decoder` and `block`; `session` is a batch of pictures with what was said about them; `generate` lets it speak.

mod block;
mod cogvlm;
mod config;
mod decoder;
mod encoder;
mod experts;
mod generate;
mod held;
mod llava;
mod model;
mod preprocess;
mod sampling;
mod session;
mod tagger;
mod template;
#[cfg(test)]
mod tests;
mod trace;

pub use generate::{Decoding, Finish};
pub use model::{Model, Said};
#[cfg(test)]
pub(crate) use preprocess::Fit;
pub(crate) use preprocess::ImageInput;
pub(crate) use tagger::Tagger;
