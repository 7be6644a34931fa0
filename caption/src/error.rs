//! What ends captioning. What is wrong with one item is a verdict, never one of these.

use std::path::PathBuf;

/// Why captioning could not run or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A model is asked for, and this program was built without libtorch.
    #[error(
        "captioner `{name}`: {pictures} pictures need its model, and this program was built without libtorch\nhint: build with the feature `torch`, or serve the model elsewhere and use `kind = \"http\"`"
    )]
    WithoutTorch {
        /// The captioner.
        name: String,
        /// How many pictures wait.
        pictures: usize,
    },
    /// A folder without a model.
    #[error(
        "`{}` holds no `config.json`\nhint: `model` is a folder in the layout of Hugging Face: config.json, safetensors, tokenizer", folder.display()
    )]
    NoModel {
        /// The folder.
        folder: PathBuf,
    },
    /// A model of another family.
    #[error(
        "`{}` is of the architecture `{found}`, which is not known\nhint: CogVLMForCausalLM (versions 1 and 2) and LlavaForConditionalGeneration (JoyCaption) run here; others can be served and used with `kind = \"http\"`", path.display()
    )]
    UnknownArchitecture {
        /// Its `config.json`.
        path: PathBuf,
        /// What that says.
        found: String,
    },
    /// A key of `config.json` that is missing or of another type.
    #[error("`{}`: `{key}` is {found}, expected {expected}", path.display())]
    ModelConfig {
        /// The file.
        path: PathBuf,
        /// The key, with its table.
        key: String,
        /// Its value.
        found: String,
        /// What would do.
        expected: &'static str,
    },
    /// A file that is not JSON.
    #[error("`{}` is not valid JSON: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What the parser found.
        source: serde_json::Error,
    },
    /// A tokenizer with more tokens than the model has rows for.
    #[error(
        "the tokenizer in `{}` has {tokens} tokens, and the model's table of embeddings has {rows} rows\nhint: tokenizer and weights must be of the same model", folder.display()
    )]
    VocabularyTooSmall {
        /// The folder.
        folder: PathBuf,
        /// Tokens.
        tokens: usize,
        /// Rows.
        rows: usize,
    },
    /// A file of tags that is not what a tagger needs.
    #[error("`{}`: {fault}\nhint: the file of the tagger's own folder has the columns tag_id, name, category, count", path.display())]
    Tags {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// Not even one picture fits the device's memory.
    #[error(
        "the device has no memory for one picture\nhint: `precision = \"bf16\"` halves the weights; fewer `max_new_tokens` shrink the past"
    )]
    OutOfMemory,
    /// libtorch stopped in the middle of a computation.
    #[error("the model could not be computed: {message}")]
    Computing {
        /// What libtorch says.
        message: String,
    },
    /// A file that is no picture.
    #[error("`{}`: {source}", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: terminus_pixels::Error,
    },
    /// An endpoint that cannot be used at all.
    #[error("captioner `{name}`: {fault}")]
    Endpoint {
        /// The captioner.
        name: String,
        /// What is wrong, with a hint.
        fault: String,
    },
    /// A gate that names a captioner of tags that the collection does not have before it.
    #[error(
        "captioner `{name}`: its gate asks for the tags of `{tags}`, which does not caption collection `{collection}`\nhint: add `{tags}` to the collection's `more_captioners`"
    )]
    NoTags {
        /// The captioner.
        name: String,
        /// The captioner of tags.
        tags: String,
        /// The collection.
        collection: String,
    },
    /// A prompt that asks for the hint of a tagger that the collection does not have.
    #[error(
        "captioner `{name}`: a prompt asks for `{{{hint}}}`, and no captioner `{hint}` of kind `tagger` captions collection `{collection}`\nhint: `{{prompt}}` stands for the picture's own prompt, the name of a tagger among `more_captioners` for its tags"
    )]
    NoHint {
        /// The captioner.
        name: String,
        /// The name in braces.
        hint: String,
        /// The collection.
        collection: String,
    },
    /// A file cannot be read or written; the message names it.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Weights, a device or libtorch.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Nn(#[from] terminus_nn::Error),
    /// A file of the contract cannot be read or written.
    #[error(transparent)]
    Manifest(#[from] terminus_manifest::Error),
    /// A tokenizer cannot be read.
    #[error(transparent)]
    Tokens(#[from] terminus_tokens::TokenError),
    /// Someone asked to stop. Everything finished so far is saved.
    #[error("interrupted")]
    Interrupted,
}
