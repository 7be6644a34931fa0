//! What can be wrong with files of the contract.

/// A fact about a file or a value that breaks the contract.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Text that should be an id is not.
    #[error("`{found}` is not a {what}: lower-case hex digits are expected")]
    NotAnId {
        /// The type of id.
        what: &'static str,
        /// The text.
        found: String,
    },
}
