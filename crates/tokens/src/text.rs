//! The tokenizers of language models: text to ids and back.

mod hugging_face;
mod merge;
mod proto;
mod sentencepiece;
mod split;

use std::path::Path;

use hugging_face::HuggingFace;
use sentencepiece::SentencePiece;

use crate::TokenError;

/// The tokenizer of a language model's folder: `tokenizer.json` (byte-pair encoding over bytes, as Llama 3, or over
/// characters with a fallback to bytes, as Llama 2) or SentencePiece's `tokenizer.model`.
#[derive(Debug)]
pub struct TextTokenizer {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    SentencePiece(SentencePiece),
    HuggingFace(HuggingFace),
}

/// The file of SentencePiece.
const MODEL: &str = "tokenizer.model";
/// The file of Hugging Face.
const JSON: &str = "tokenizer.json";

impl TextTokenizer {
    /// Reads `tokenizer.json`, else `tokenizer.model`.
    ///
    /// # Errors
    /// Neither is there; the file is damaged, or of a family that is not read.
    pub fn from_folder(folder: &Path) -> Result<Self, TokenError> {
        let (model, json) = (folder.join(MODEL), folder.join(JSON));
        let kind = if json.exists() {
            Kind::HuggingFace(HuggingFace::read(&json)?)
        } else if model.exists() {
            Kind::SentencePiece(SentencePiece::read(&model)?)
        } else {
            return Err(TokenError::NoTextTokenizer {
                folder: folder.to_owned(),
            });
        };
        Ok(Self { kind })
    }

    /// The ids of a text, no mark of start or end added. Special tokens that `tokenizer.json` lists are found in the text.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        match &self.kind {
            Kind::SentencePiece(tokenizer) => tokenizer.encode(text),
            Kind::HuggingFace(tokenizer) => tokenizer.encode(text),
        }
    }

    /// The text of ids, special tokens left out; bytes that are no UTF-8 become `U+FFFD`.
    pub fn decode(&self, ids: &[u32]) -> String {
        match &self.kind {
            Kind::SentencePiece(tokenizer) => tokenizer.decode(ids),
            Kind::HuggingFace(tokenizer) => tokenizer.decode(ids),
        }
    }

    /// The id of a token, special ones included.
    pub fn id(&self, token: &str) -> Option<u32> {
        match &self.kind {
            Kind::SentencePiece(tokenizer) => tokenizer.id(token),
            Kind::HuggingFace(tokenizer) => tokenizer.id(token),
        }
    }

    /// How many ids there are: the rows that an embedding table must have at least.
    pub fn vocabulary_size(&self) -> usize {
        match &self.kind {
            Kind::SentencePiece(tokenizer) => tokenizer.len(),
            Kind::HuggingFace(tokenizer) => tokenizer.len(),
        }
    }
}
