//! Text to token ids, as CLIP and its relatives do it.
//!
//! SDXL reads a caption twice, by two tokenizers that share one vocabulary and differ in their padding;
//! both come built in, so that counting the tokens of a caption needs no download:
//!
//! ```
//! # fn main() -> Result<(), terminus_tokens::TokenError> {
//! use terminus_tokens::ClipTokenizer;
//!
//! let (first, second) = ClipTokenizer::sdxl()?;
//! let caption = first.encode_padded("a photo of a cat");
//! assert_eq!(caption.ids[..7], [49406, 320, 1125, 539, 320, 2368, 49407]);
//! assert_eq!(caption.ids.len(), 77);
//! assert_eq!(caption.dropped, 0);
//! assert_eq!(second.encode_padded("").ids[..4], [49406, 49407, 0, 0]);
//! # Ok(())
//! # }
//! ```
//!
//! The ids equal those of the `CLIPTokenizer` of Hugging Face transformers, token for token.

mod clip;
mod error;
mod text;

pub use clip::{ClipTokenizer, PaddedIds};
pub use error::TokenError;
pub use text::TextTokenizer;
