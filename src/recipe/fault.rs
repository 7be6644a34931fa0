//! What is wrong with a recipe, and where.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    string::FromUtf8Error,
};

use super::{document::Sources, key::KeyPath};

/// Why there is no recipe.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The file cannot be read.
    #[error("{0}")]
    Read(#[source] io::Error),
    /// The file is not text.
    #[error("{}:{line}: the recipe is not UTF-8 text", .file.display())]
    NotText {
        /// The recipe's file.
        file: PathBuf,
        /// The line that holds the first such byte.
        line: usize,
    },
    /// Everything that is wrong with what the recipe says.
    #[error("{}", Listing::of(.file, .faults))]
    Faults {
        /// The recipe's file.
        file: PathBuf,
        /// At least one, in the order of the file; those of `--set` come last.
        faults: Vec<Fault>,
    },
}

impl RecipeError {
    pub(super) fn not_text(file: &Path, error: &FromUtf8Error) -> Self {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        Self::NotText {
            file: file.to_owned(),
            line: good.split(|byte| *byte == b'\n').count(),
        }
    }

    /// The faults, if the recipe could be read at all.
    pub fn faults(&self) -> &[Fault] {
        match self {
            Self::Faults { faults, .. } => faults,
            Self::Read(_) | Self::NotText { .. } => &[],
        }
    }
}

/// Where a fault was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the recipe's file.
    File {
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
    },
    /// In an override.
    Set {
        /// As it was given: `key=value`.
        text: String,
    },
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it was written.
    pub place: Place,
    /// The key that it is about; empty where the text is no TOML.
    pub key: KeyPath,
    /// What is wrong: the value seen and the value allowed.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

/// A fault before its place in the text has been worked out.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub offset: usize,
    pub key: KeyPath,
    pub message: String,
    pub hint: Option<String>,
}

impl Draft {
    pub fn new(offset: usize, key: &KeyPath, message: impl Into<String>) -> Self {
        Self {
            offset,
            key: key.clone(),
            message: message.into(),
            hint: None,
        }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

/// The faults found so far.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Draft>);

impl Faults {
    pub fn push(&mut self, fault: Draft) {
        self.0.push(fault);
    }

    pub fn extend(&mut self, faults: impl IntoIterator<Item = Draft>) {
        self.0.extend(faults);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether what the recipe says at `key`, or below it, has been faulted.
    pub fn touch(&self, key: &KeyPath) -> bool {
        // a fault without a key is one of the text, not of a setting
        let mut keyed = self.0.iter().filter(|fault| !fault.key.is_empty());
        keyed.any(|fault| fault.key.touches(key))
    }

    pub fn into_error(mut self, file: &Path, sources: &Sources) -> RecipeError {
        self.0.sort_by_key(|fault| fault.offset);
        let faults = self.0.into_iter().map(|draft| Fault {
            place: sources.place(draft.offset),
            key: draft.key,
            message: draft.message,
            hint: draft.hint,
        });
        RecipeError::Faults {
            file: file.to_owned(),
            faults: faults.collect(),
        }
    }
}

struct Listing<'a> {
    file: &'a Path,
    faults: &'a [Fault],
}

impl<'a> Listing<'a> {
    fn of(file: &'a Path, faults: &'a [Fault]) -> Self {
        Self { file, faults }
    }
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match self.faults.len() {
            1 => write!(f, "`{file}` has a fault")?,
            n => write!(f, "`{file}` has {n} faults")?,
        }
        for fault in self.faults {
            match &fault.place {
                Place::File { line, column } if fault.key.is_empty() => {
                    write!(f, "\n{file}:{line}:{column}: ")?;
                }
                Place::File { line, .. } => write!(f, "\n{file}:{line}: ")?,
                Place::Set { text } => write!(f, "\n--set {text}: ")?,
            }
            if !fault.key.is_empty() {
                write!(f, "{}: ", fault.key)?;
            }
            f.write_str(&fault.message)?;
            if let Some(hint) = &fault.hint {
                write!(f, "\n  hint: {hint}")?;
            }
        }
        Ok(())
    }
}
