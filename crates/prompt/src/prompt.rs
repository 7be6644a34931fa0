//! The prompt: pictures, weighted parts of text, flags.

use std::fmt;

use crate::caption::caption;
use crate::flag::{Flag, take_flags};
use crate::parameter::Parameter;
use crate::parameters::Parameters;
use crate::reading::Version;
use crate::token::tokens;
use crate::value::Value;
use crate::weights::{ImagePrompt, Part, parts, take_images, write_parts};

/// A prompt as Midjourney and Niji read it.
///
/// Two prompts are equal if they mean the same: spaces, spellings of flags (`--aspect`, `—ar`) and where a
/// flag stands among the text make no difference. Printing gives an equal prompt back.
#[derive(Debug, Clone)]
pub struct Prompt {
    raw: String,
    images: Vec<ImagePrompt>,
    parts: Vec<Part>,
    flags: Vec<Flag>,
}

impl Prompt {
    /// Reads a prompt. Any text is one: what is no picture and no flag is text.
    pub fn parse(raw: &str) -> Self {
        let (text, flags) = take_flags(&tokens(raw));
        let (images, text) = take_images(&text);
        Self {
            raw: raw.to_owned(),
            images,
            parts: parts(text),
            flags,
        }
    }

    /// The prompt as it was given.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The pictures at its start.
    pub fn images(&self) -> &[ImagePrompt] {
        &self.images
    }

    /// The weighted parts of its text; one part if it has no `::`, none if it has no text.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Its flags in the order found, known and unknown.
    pub fn flags(&self) -> &[Flag] {
        &self.flags
    }

    /// The text without leading pictures, weights and parameters, in one line with single spaces.
    /// Permutations stand as they are.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self
            .parts
            .iter()
            .map(Part::text)
            .filter(|t| !t.is_empty())
            .collect();
        texts.join(" ")
    }

    /// The parameters as Midjourney itself prints them: `--ar 16:9 --stylize 750 --v 5.2`, in the order found.
    pub fn args(&self) -> String {
        let flags: Vec<String> = self.flags.iter().map(Flag::to_string).collect();
        flags.join(" ")
    }

    /// The text as a caption: no links, weights, parameters or braces; every word of style is kept.
    ///
    /// Parts of a weight of 0 or less are left out: like `--no`, they name what the picture should lack.
    pub fn to_caption(&self) -> String {
        caption(&self.parts)
    }

    /// The parameters that its flags set, typed.
    pub fn parameters(&self) -> Parameters {
        Parameters::read(&self.flags)
    }

    /// What made the picture, as far as the flags tell: `("niji", Some("5"))`, `("midjourney", Some("5.2"))`,
    /// `("midjourney", Some("testp"))`, `("niji", None)` for a bare `--niji`; `None` if no flag tells.
    ///
    /// A version that no generator has had is given as found; `6.0` is `6`.
    pub fn generator_and_version(&self) -> Option<(String, Option<String>)> {
        let parameters = self.parameters();
        let name = |version: &Value<Version>| version.read().map(Version::to_string);
        if let Some(niji) = &parameters.niji {
            return Some(("niji".to_owned(), name(niji)));
        }
        let version = if let Some(version) = &parameters.version {
            name(version)
        } else {
            let tests = [Parameter::Test, Parameter::Testp];
            let test = parameters
                .switches
                .iter()
                .rfind(|switch| tests.contains(switch))?;
            Some(test.name().to_owned())
        };
        Some(("midjourney".to_owned(), version))
    }
}

impl PartialEq for Prompt {
    fn eq(&self, other: &Self) -> bool {
        self.images == other.images && self.parts == other.parts && self.flags == other.flags
    }
}

impl fmt::Display for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for image in &self.images {
            write!(f, "{gap}{image}")?;
            gap = " ";
        }
        if !self.parts.is_empty() {
            f.write_str(gap)?;
            write_parts(&self.parts, f)?;
            gap = " ";
        }
        for flag in &self.flags {
            write!(f, "{gap}{flag}")?;
            gap = " ";
        }
        Ok(())
    }
}
