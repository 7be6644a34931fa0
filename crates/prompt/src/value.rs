//! What stands behind a flag, valid or not.

use std::fmt;

/// A value as it was found, what it says, and whether a generator would take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value<T> {
    found: String,
    read: Option<T>,
    fault: Option<Fault>,
}

/// Why a generator would not take a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A value is needed, and none is there.
    Missing,
    /// The text is not what the parameter takes.
    Malformed,
    /// The text is a number or version that the parameter does not allow.
    OutOfRange,
    /// `{1:1, 16:9}`: several values, one for each prompt that the generator makes of this one.
    Permutation,
}

impl<T> Value<T> {
    /// The value that `read` makes of a flag's text; `is_allowed` tells whether it is in range.
    pub(crate) fn new(
        found: Option<&str>,
        read: impl FnOnce(&str) -> Option<T>,
        is_allowed: impl FnOnce(&T) -> bool,
    ) -> Self {
        let text = found.unwrap_or_default();
        let read = found.and_then(|text| read(crate::shape::trim_value(text)));
        let fault = match &read {
            Some(value) => (!is_allowed(value)).then_some(Fault::OutOfRange),
            None if found.is_none() => Some(Fault::Missing),
            None if text.starts_with('{') => Some(Fault::Permutation),
            None => Some(Fault::Malformed),
        };
        Self {
            found: text.to_owned(),
            read,
            fault,
        }
    }

    /// A value that may be left out, as in a bare `--niji`: then it says nothing, and nothing is wrong.
    pub(crate) fn allow_missing(mut self) -> Self {
        if self.fault == Some(Fault::Missing) {
            self.fault = None;
        }
        self
    }

    /// The text as it was found; empty where there is none.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What the text says, even if it is out of range; `None` if it is nothing of this kind.
    pub fn read(&self) -> Option<&T> {
        self.read.as_ref()
    }

    /// The value, if it is one that the generator takes.
    pub fn valid(&self) -> Option<&T> {
        if self.is_valid() { self.read() } else { None }
    }

    /// Whether the generator takes it.
    pub fn is_valid(&self) -> bool {
        self.fault.is_none()
    }

    /// What is wrong with it, if anything is.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }
}

impl<T> fmt::Display for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.found)
    }
}
