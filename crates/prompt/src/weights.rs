//! The weighted parts of a multi-prompt, and the pictures that stand before them.

use std::fmt;

use crate::token::{Token, is_url, join, link_url, split_weight};
use crate::value::Value;

/// A picture that is given as part of the prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct ImagePrompt {
    url: String,
    weight: Option<Value<f64>>,
}

/// One part of a multi-prompt: `still life::2`.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    text: String,
    weight: Option<Value<f64>>,
}

impl ImagePrompt {
    /// Its address, without the angle brackets of Discord.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The weight behind it, as the first versions had it.
    pub fn weight(&self) -> Option<&Value<f64>> {
        self.weight.as_ref()
    }

    fn parse(token: &str) -> Self {
        let (link, weight) = split_weight(token).unwrap_or((token, ""));
        Self {
            url: link_url(link).to_owned(),
            weight: read_weight(weight),
        }
    }
}

impl fmt::Display for ImagePrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)?;
        match &self.weight {
            Some(weight) => write!(f, "::{weight}"),
            None => Ok(()),
        }
    }
}

impl Part {
    /// The text, with single spaces and without the weight.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How much it counts among the parts; 1 where no number stands. Below 0 it is what the picture lacks.
    pub fn weight(&self) -> f64 {
        self.weight
            .as_ref()
            .and_then(Value::valid)
            .copied()
            .unwrap_or(1.0)
    }

    /// The weight as found; `None` where no number stands.
    pub fn weight_found(&self) -> Option<&Value<f64>> {
        self.weight.as_ref()
    }
}

/// The leading pictures of the text, and the tokens after them.
pub(crate) fn take_images<'t, 'a>(text: &'t [Token<'a>]) -> (Vec<ImagePrompt>, &'t [Token<'a>]) {
    // A `::` with no text before it separates nothing.
    let is_before_text = |token: &&Token<'_>| is_url(token.text) || token.text == "::";
    let count = text.iter().take_while(is_before_text).count();
    let (links, rest) = text.split_at(count);
    let links = links.iter().filter(|token| is_url(token.text));
    (
        links.map(|link| ImagePrompt::parse(link.text)).collect(),
        rest,
    )
}

/// The parts of a text: each ends with its weight, the last one with the text.
pub(crate) fn parts(text: &[Token<'_>]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut words: Vec<Token<'_>> = Vec::new();
    for token in text {
        let Some((word, weight)) = split_weight(token.text) else {
            words.push(*token);
            continue;
        };
        if !word.is_empty() {
            words.push(Token {
                text: word,
                ..*token
            });
        }
        let part = Part {
            text: join(&words),
            weight: read_weight(weight),
        };
        words.clear();
        if !part.text.is_empty() || part.weight.is_some() {
            parts.push(part);
        }
    }
    if !words.is_empty() {
        parts.push(Part {
            text: join(&words),
            weight: None,
        });
    }
    parts
}

/// Writes parts so that they are read again as the same.
pub(crate) fn write_parts(parts: &[Part], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(" ")?;
        }
        f.write_str(&part.text)?;
        let is_last = index + 1 == parts.len();
        if part.weight.is_some() || !is_last {
            f.write_str(if part.text.ends_with(':') {
                " ::"
            } else {
                "::"
            })?;
        }
        if let Some(weight) = &part.weight {
            write!(f, "{weight}")?;
        }
    }
    Ok(())
}

fn read_weight(text: &str) -> Option<Value<f64>> {
    let read = |text: &str| text.parse().ok();
    (!text.is_empty()).then(|| Value::new(Some(text), read, |weight: &f64| weight.is_finite()))
}
