//! CLIP's tokenizer: normalise, split, encode each piece by byte pairs, frame with the marks of start and end.

mod added;
mod alphabet;
mod bpe;
mod lexicon;
mod normalize;
mod read;
mod special;
mod split;
mod write;

use std::sync::Arc;

pub(crate) use alphabet::CHAR_OF_BYTE;

use crate::TokenError;
use added::{AddedToken, AddedTokens, Part};
use lexicon::Lexicon;

/// Positions of CLIP's text encoders: the mark of start, up to 75 tokens, the mark of end.
const CONTEXT: usize = 77;
const START: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";

/// A CLIP tokenizer: the vocabulary, its special tokens, and how a text is padded.
///
/// Cheap to clone and shared between threads.
#[derive(Debug, Clone)]
pub struct ClipTokenizer {
    lexicon: Arc<Lexicon>,
    special: SpecialTokens,
    added: AddedTokens,
    context: usize,
}

/// The ids that frame and fill a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SpecialTokens {
    bos: u32,
    eos: u32,
    unk: u32,
    pad: u32,
}

/// The ids of one text at the full length of the text encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaddedIds {
    /// Start, tokens, end, padding: always as many as the encoder has positions (77).
    pub ids: Vec<i64>,
    /// Tokens that did not fit and were cut from the end of the text.
    pub dropped: usize,
}

impl ClipTokenizer {
    /// SDXL's two tokenizers, built in: the first pads with the mark of end, the second with id 0 (`!`).
    ///
    /// # Errors
    /// Only if the vocabulary inside the program is damaged.
    pub fn sdxl() -> Result<(Self, Self), TokenError> {
        let lexicon = Arc::new(Lexicon::openai()?);
        let id = |role, token: &str| lexicon.special(role, token);
        let (bos, eos, bang) = (id("bos", START)?, id("eos", END)?, id("pad", "!")?);
        let marks = [
            AddedToken {
                content: START.to_owned(),
                id: bos,
                is_normalized: true,
            },
            AddedToken {
                content: END.to_owned(),
                id: eos,
                is_normalized: false,
            },
        ];
        let first = Self {
            special: SpecialTokens {
                bos,
                eos,
                unk: eos,
                pad: eos,
            },
            added: AddedTokens::new(marks.clone()),
            lexicon: Arc::clone(&lexicon),
            context: CONTEXT,
        };
        // As a special token of the second tokenizer, `!` becomes id 0 wherever it stands in a text.
        let padding = AddedToken {
            content: "!".to_owned(),
            id: bang,
            is_normalized: false,
        };
        let second = Self {
            special: SpecialTokens {
                pad: bang,
                ..first.special
            },
            added: AddedTokens::new(marks.into_iter().chain([padding])),
            lexicon,
            context: CONTEXT,
        };
        Ok((first, second))
    }

    /// The tokens of a text, without marks, padding or limit.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len() / 4 + 2);
        let mut encoder = self.lexicon.encoder(self.special.unk);
        self.added.for_each_part(text, |part| match part {
            Part::Token(id) => ids.push(id),
            Part::Text(text) => {
                split::for_each_piece(text, |piece| encoder.encode(piece, &mut ids));
            }
        });
        ids
    }

    /// How many tokens a text has; [`ClipTokenizer::max_tokens`] of them fit.
    pub fn count(&self, text: &str) -> usize {
        self.encode(text).len()
    }

    /// How many tokens of a text fit between the marks of start and end: 75 for SDXL.
    pub fn max_tokens(&self) -> usize {
        self.context - 2
    }

    /// The ids of a text as the text encoder takes them, and how many tokens were cut to fit.
    pub fn encode_padded(&self, text: &str) -> PaddedIds {
        let tokens = self.encode(text);
        let kept = tokens.len().min(self.max_tokens());
        PaddedIds {
            ids: self.frame(&tokens[..kept]),
            dropped: tokens.len() - kept,
        }
    }

    /// Tokens between the marks of start and end, padded; what is over [`ClipTokenizer::max_tokens`] is cut off.
    pub fn frame(&self, tokens: &[u32]) -> Vec<i64> {
        let kept = tokens.len().min(self.max_tokens());
        let mut ids = Vec::with_capacity(self.context);
        ids.push(i64::from(self.special.bos));
        ids.extend(tokens[..kept].iter().copied().map(i64::from));
        ids.push(i64::from(self.special.eos));
        ids.resize(self.context, i64::from(self.special.pad));
        ids
    }

    /// The length of a padded sequence: 77 for SDXL.
    pub fn context(&self) -> usize {
        self.context
    }

    /// The id of the mark of end, where the pooled embedding is taken.
    pub fn eos_id(&self) -> u32 {
        self.special.eos
    }

    /// The id that fills a sequence behind the mark of end.
    pub fn pad_id(&self) -> u32 {
        self.special.pad
    }

    /// How many ids there are: the rows that an embedding table must have.
    pub fn vocabulary_size(&self) -> usize {
        self.lexicon.len()
    }
}
