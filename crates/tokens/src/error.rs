//! Why a tokenizer could not be made.

use std::path::PathBuf;

/// A tokenizer that could not be read, understood or written.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// A file could not be read or written; the source names its path.
    #[error("a tokenizer file could not be read or written")]
    Io(#[from] std::io::Error),
    /// A JSON file does not have the shape of its kind.
    #[error("`{path}` is not a valid tokenizer file", path = path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What the parser found.
        source: serde_json::Error,
    },
    /// A folder without `tokenizer.json` and without `vocab.json` + `merges.txt`.
    #[error(
        "`{folder}` holds no tokenizer\nhint: expected `vocab.json` and `merges.txt`, or `tokenizer.json`",
        folder = folder.display()
    )]
    NoTokenizer {
        /// The folder that was searched.
        folder: PathBuf,
    },
    /// A `tokenizer.json` of another family.
    #[error(
        "`{path}` is not a CLIP tokenizer: `{key}` is {found}, expected {expected}\nhint: \
         SDXL's `tokenizer/` and `tokenizer_2/` are CLIP byte-pair tokenizers",
        path = path.display()
    )]
    NotClip {
        /// The file.
        path: PathBuf,
        /// The key that tells.
        key: &'static str,
        /// Its value.
        found: String,
        /// CLIP's value.
        expected: &'static str,
    },
    /// A line of the merges that is not two symbols.
    #[error("merge {number} is `{line}`, expected two symbols with a space between")]
    BadMerge {
        /// Its place, from 1.
        number: usize,
        /// The line as it stands.
        line: String,
    },
    /// A merge whose part or result is no token of the vocabulary.
    #[error("merge {number} needs the token `{token}`, which the vocabulary lacks")]
    MergeOutsideVocabulary {
        /// Its place, from 1.
        number: usize,
        /// The token that is missing.
        token: String,
    },
    /// A special token that has no id.
    #[error(
        "the {role} token `{token}` is not in the vocabulary\nhint: compare `special_tokens_map.json` with `vocab.json`"
    )]
    MissingSpecial {
        /// `bos`, `eos`, `unk` or `pad`.
        role: &'static str,
        /// The token as the configuration writes it.
        token: String,
    },
    /// An added token that asks for a kind of matching which CLIP's tokenizers do not use.
    #[error(
        "the added token `{token}` sets `{flag}`, which this tokenizer cannot honour\nhint: set `{flag}` to false"
    )]
    UnsupportedFlag {
        /// The token.
        token: String,
        /// `lstrip`, `rstrip` or `single_word`.
        flag: &'static str,
    },
    /// A context too short for the marks of start and end.
    #[error("`model_max_length` is {found}, expected 3 or more")]
    ContextTooShort {
        /// The value of the configuration.
        found: usize,
    },
    /// A language model's folder without a tokenizer.
    #[error(
        "`{folder}` holds no tokenizer\nhint: expected `tokenizer.json` or `tokenizer.model`; fetch it from the model's page",
        folder = folder.display()
    )]
    NoTextTokenizer {
        /// The folder that was searched.
        folder: PathBuf,
    },
    /// A `tokenizer.json` of a family that is not read.
    #[error(
        "`{path}` is of a family that is not read: `{key}` is {found}\nhint: byte-pair tokenizers of Llama 2, Llama 3, GPT-2 and Qwen 2 are read",
        path = path.display()
    )]
    NotText {
        /// The file.
        path: PathBuf,
        /// The key that tells.
        key: &'static str,
        /// Its value.
        found: String,
    },
    /// A `tokenizer.model` that is not read.
    #[error(
        "`{path}` is not read: {what}\nhint: byte-pair models such as Llama 2's and Vicuna's are read; others need a `tokenizer.json`",
        path = path.display()
    )]
    SentencePiece {
        /// The file.
        path: PathBuf,
        /// What stands in the way.
        what: &'static str,
    },
}
