//! Flags, and how they are taken out of a prompt.

use std::fmt;

use crate::parameter::Parameter;
use crate::start::{Start, glued_start};
use crate::token::{Token, split_weight};

/// One `--name value` of a prompt, in the order found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    name: String,
    parameter: Option<Parameter>,
    value: Option<String>,
}

impl Flag {
    /// The name without dashes: the generator's own spelling, or what was found if the flag is unknown.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The parameter it sets; `None` for a flag that is not known.
    pub fn parameter(&self) -> Option<Parameter> {
        self.parameter
    }

    /// The text of its value as found, with single spaces; `None` if there is none.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// A flag that is not known, by the name found.
    pub(crate) fn unknown(name: String, value: Option<String>) -> Self {
        Self {
            name,
            parameter: None,
            value,
        }
    }

    pub(crate) fn known(parameter: Parameter, value: Option<String>) -> Self {
        Self {
            name: parameter.name().to_owned(),
            parameter: Some(parameter),
            value,
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--{}", self.name)?;
        match &self.value {
            Some(value) => write!(f, " {value}"),
            None => Ok(()),
        }
    }
}

/// Splits the tokens of a prompt into its text and its flags.
///
/// Taking a flag out of the middle can bring the halves of another together (`-- --tile ar 16:9`), so this
/// goes on until the text holds none.
pub(crate) fn take_flags<'a>(tokens: &[Token<'a>]) -> (Vec<Token<'a>>, Vec<Flag>) {
    let mut flags = Vec::new();
    let mut text = tokens.to_vec();
    loop {
        let (rest, found) = scan(&text);
        text = rest;
        let is_settled = found.is_empty() && !drop_last_separator(&mut text);
        flags.extend(found);
        if is_settled {
            break;
        }
    }
    // `--w` was a width only beside `--h`; later versions made it the short form of `--weird`.
    if !flags
        .iter()
        .any(|flag| flag.parameter == Some(Parameter::Height))
    {
        for flag in &mut flags {
            if flag.parameter == Some(Parameter::Width) {
                *flag = Flag::known(Parameter::Weird, flag.value.take());
            }
        }
    }
    (text, flags)
}

/// Drops each `::` that ends the text, and so separates nothing. Returns whether there was one.
fn drop_last_separator(text: &mut Vec<Token<'_>>) -> bool {
    let mut is_changed = false;
    while let Some(last) = text.last_mut()
        && let Some((word, "")) = split_weight(last.text)
    {
        last.text = word;
        is_changed = true;
        if !word.is_empty() {
            break;
        }
        text.pop();
    }
    is_changed
}

fn scan<'a>(tokens: &[Token<'a>]) -> (Vec<Token<'a>>, Vec<Flag>) {
    let tokens = split_glued(tokens);
    let mut text: Vec<Token<'a>> = Vec::new();
    let mut flags = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let Some(start) = Start::at(&tokens[at..]) else {
            text.push(tokens[at]);
            at += 1;
            continue;
        };
        at += start.tokens;
        let end = (at..tokens.len())
            .find(|next| Start::at(&tokens[*next..]).is_some())
            .unwrap_or(tokens.len());
        let (flag, rest) = start.with_value(&tokens[at..end]);
        flags.push(flag);
        let left_over = text.len();
        text.extend(rest);
        if let Some(first) = text.get_mut(left_over) {
            first.is_spaced = true;
        }
        at = end;
    }
    (text, flags)
}

/// Cuts tokens before a flag that lacks its space (`cat--ar 16:9`), if its value tells that it is one.
fn split_glued<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    // From the right, because each flag ends the value of the one before it.
    let mut reversed: Vec<Token<'a>> = Vec::with_capacity(tokens.len());
    for token in tokens.iter().rev() {
        let mut token = *token;
        while let Some(at) = glued_start(token.text, &reversed) {
            reversed.push(Token {
                text: &token.text[at..],
                is_spaced: false,
            });
            token.text = &token.text[..at];
        }
        reversed.push(token);
    }
    reversed.reverse();
    reversed
}
