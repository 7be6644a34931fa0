//! What ends captioning. What is wrong with one item is a verdict, never one of these.

/// Why captioning could not run or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A kind of captioner that this version does not run.
    #[error(
        "captioner `{name}`: captioners of kind `{kind}` are not run by this version\nhint: caption these pictures elsewhere into `.txt` sidecars and use `captioner = \"prompt\"`, or give a fixed text"
    )]
    CaptionerKind {
        /// The captioner.
        name: String,
        /// Its kind.
        kind: &'static str,
    },
    /// A file of the contract cannot be read or written.
    #[error(transparent)]
    Manifest(#[from] terminus_manifest::Error),
    /// The vocabulary that tokens are counted with cannot be read.
    #[error(transparent)]
    Tokens(#[from] terminus_tokens::TokenError),
    /// Someone asked to stop. Everything finished so far is saved.
    #[error("interrupted")]
    Interrupted,
}
