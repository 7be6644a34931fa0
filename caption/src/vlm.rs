//! Vision-language models on libtorch: a tower that sees, a decoder that speaks.
//!
//! [`Model`] opens a folder in the layout of Hugging Face. `cogvlm` and `llava` put a network together from `encoder`,
//! `decoder` and `block`, `family` what goes with it. `batch` lets it speak of many pictures at a time: `session` holds the
//! tensors, and `generate` chooses the tokens.

mod batch;
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
mod tagger;
mod template;
#[cfg(test)]
mod tests;
mod trace;

pub use batch::Said;
pub(crate) use batch::{BatchSize, Request, Requests, Showing, answer_all};
pub use generate::{Decoding, Finish};
pub use model::{Model, Question};
#[cfg(test)]
pub(crate) use preprocess::Fit;
pub(crate) use preprocess::ImageInput;
pub(crate) use tagger::Tagger;
