//! Vision-language models on libtorch: a tower that sees, a decoder that speaks.
//!
//! [`Model`] opens a folder in the layout of Hugging Face. `cogvlm` and `llava` put a network together from `encoder`,
//! `decoder` and `block`, `family` what goes with it. [`Sitting`] is a batch of pictures that questions are asked about:
//! `session` holds its tensors, and `generate` lets the model speak.

mod block;
mod cogvlm;
mod config;
mod decoder;
mod encoder;
mod experts;
mod family;
mod generate;
mod held;
mod llava;
mod model;
mod place;
mod preprocess;
mod sampling;
mod session;
mod sitting;
mod tagger;
mod template;
#[cfg(test)]
mod tests;
mod trace;

pub use generate::{Decoding, Finish};
pub use model::Model;
#[cfg(test)]
pub(crate) use preprocess::Fit;
pub(crate) use preprocess::ImageInput;
pub use sitting::{Question, Said, Sitting};
pub(crate) use tagger::Tagger;
