//! The parameters that Midjourney and Niji know, how each is spelt, and what its value looks like.

use crate::token::{Token, is_url, join, split_weight};

/// A parameter of the two generators, whatever its spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Parameter {
    /// `--ar 16:9`, `--aspect`.
    Aspect,
    /// `--w 640`, of the first versions; only where `--h` stands too.
    Width,
    /// `--h 640`, of the first versions.
    Height,
    /// `--v 5.2`, `--version`.
    Version,
    /// `--niji`, `--niji 6`.
    Niji,
    /// `--style raw`.
    Style,
    /// `--stylize 750`, `--s`.
    Stylize,
    /// `--chaos 20`, `--c`.
    Chaos,
    /// `--weird 500`, and `--w` without `--h`.
    Weird,
    /// `--quality .5`, `--q`.
    Quality,
    /// `--stop 80`.
    Stop,
    /// `--seed 7`.
    Seed,
    /// `--sameseed 7`.
    SameSeed,
    /// `--no hands, text`.
    No,
    /// `--iw 1.5`: how much the leading images count.
    ImageWeight,
    /// `--cref URL …`: a character to keep.
    CharacterReference,
    /// `--cw 50`.
    CharacterWeight,
    /// `--sref URL | code | random …`: a style to keep.
    StyleReference,
    /// `--sw 200`.
    StyleWeight,
    /// `--sv 4`: which version of style references.
    StyleVersion,
    /// `--oref URL`: an object or person to keep.
    OmniReference,
    /// `--ow 100`.
    OmniWeight,
    /// `--profile code …`, `--p`: a personal taste.
    Profile,
    /// `--repeat 4`, `--r`.
    Repeat,
    /// `--exp 10`.
    Exp,
    /// `--tile`.
    Tile,
    /// `--video`.
    Video,
    /// `--hd`.
    Hd,
    /// `--draft`.
    Draft,
    /// `--test`: the artistic test model of 2022.
    Test,
    /// `--testp`: the photographic test model of 2022.
    Testp,
    /// `--creative`.
    Creative,
    /// `--uplight`.
    Uplight,
    /// `--upbeta`.
    Upbeta,
    /// `--fast`.
    Fast,
    /// `--relax`.
    Relax,
    /// `--turbo`.
    Turbo,
    /// `--stealth`.
    Stealth,
    /// `--public`.
    Public,
}

/// What the value of a parameter looks like, by which it is told from prompt text that follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// No value.
    Switch,
    /// `16:9`, spaces allowed.
    Ratio,
    /// One number.
    Number,
    /// One number, or nothing.
    NumberOrBare,
    /// A number, or `random`.
    Seed,
    /// The name or code of a style.
    Style,
    /// Links, codes and `random`, each perhaps with a weight.
    References,
    /// Codes of profiles.
    Profiles,
    /// Everything up to the next flag.
    Rest,
    /// The value of a flag that nobody knows.
    Unknown,
}

/// (parameter, spelling that is printed, other spellings, shape of the value)
type Row = (Parameter, &'static str, &'static [&'static str], Shape);

const TABLE: &[Row] = &[
    (Parameter::Aspect, "ar", &["aspect"], Shape::Ratio),
    (Parameter::Width, "w", &[], Shape::Number),
    (Parameter::Height, "h", &[], Shape::Number),
    (Parameter::Version, "v", &["version"], Shape::Number),
    (Parameter::Niji, "niji", &[], Shape::NumberOrBare),
    (Parameter::Style, "style", &[], Shape::Style),
    (
        Parameter::Stylize,
        "stylize",
        &["s", "stylise"],
        Shape::Number,
    ),
    (Parameter::Chaos, "chaos", &["c"], Shape::Number),
    (Parameter::Weird, "weird", &[], Shape::Number),
    (Parameter::Quality, "quality", &["q"], Shape::Number),
    (Parameter::Stop, "stop", &[], Shape::Number),
    (Parameter::Seed, "seed", &[], Shape::Seed),
    (Parameter::SameSeed, "sameseed", &[], Shape::Seed),
    (Parameter::No, "no", &[], Shape::Rest),
    (Parameter::ImageWeight, "iw", &[], Shape::Number),
    (
        Parameter::CharacterReference,
        "cref",
        &[],
        Shape::References,
    ),
    (Parameter::CharacterWeight, "cw", &[], Shape::Number),
    (Parameter::StyleReference, "sref", &[], Shape::References),
    (Parameter::StyleWeight, "sw", &[], Shape::Number),
    (Parameter::StyleVersion, "sv", &[], Shape::Number),
    (Parameter::OmniReference, "oref", &[], Shape::References),
    (Parameter::OmniWeight, "ow", &[], Shape::Number),
    (Parameter::Profile, "profile", &["p"], Shape::Profiles),
    (Parameter::Repeat, "repeat", &["r"], Shape::Number),
    (Parameter::Exp, "exp", &[], Shape::NumberOrBare),
    (Parameter::Tile, "tile", &[], Shape::Switch),
    (Parameter::Video, "video", &[], Shape::Switch),
    (Parameter::Hd, "hd", &[], Shape::Switch),
    (Parameter::Draft, "draft", &[], Shape::Switch),
    (Parameter::Test, "test", &[], Shape::Switch),
    (Parameter::Testp, "testp", &[], Shape::Switch),
    (Parameter::Creative, "creative", &[], Shape::Switch),
    (Parameter::Uplight, "uplight", &[], Shape::Switch),
    (Parameter::Upbeta, "upbeta", &[], Shape::Switch),
    (Parameter::Fast, "fast", &[], Shape::Switch),
    (Parameter::Relax, "relax", &[], Shape::Switch),
    (Parameter::Turbo, "turbo", &[], Shape::Switch),
    (Parameter::Stealth, "stealth", &[], Shape::Switch),
    (Parameter::Public, "public", &[], Shape::Switch),
];

impl Parameter {
    /// The parameter of this spelling (without dashes, in any case), if there is one.
    ///
    /// `w` is [`Parameter::Width`] here; a whole prompt decides whether it is a weirdness instead.
    pub fn from_name(name: &str) -> Option<Self> {
        let is = |spelling: &&str| spelling.eq_ignore_ascii_case(name);
        TABLE
            .iter()
            .find(|(_, printed, others, _)| is(printed) || others.iter().any(|other| is(other)))
            .map(|row| row.0)
    }

    /// The spelling that is printed, without dashes: the one that Midjourney itself prints.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |row| row.1)
    }

    /// Whether the parameter is a mere switch, without a value.
    pub fn is_switch(self) -> bool {
        self.shape() == Shape::Switch
    }

    pub(crate) fn shape(self) -> Shape {
        self.row().map_or(Shape::Unknown, |row| row.3)
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.0 == self)
    }
}

impl Shape {
    /// Whether a value of this shape is sure enough to make a flag of carelessly written dashes.
    pub(crate) fn is_telling(self) -> bool {
        matches!(
            self,
            Self::Ratio | Self::Number | Self::NumberOrBare | Self::Seed | Self::References
        )
    }

    /// How many of the tokens that follow a flag are its value; the others are prompt text.
    ///
    /// Taking again from just the tokens that were taken takes them all: printing relies on it.
    pub(crate) fn take(self, tokens: &[Token<'_>]) -> usize {
        let Some(first) = tokens.first() else {
            return 0;
        };
        if !matches!(self, Self::Switch | Self::Rest)
            && let Some(taken) = take_braces(tokens)
        {
            return taken;
        }
        let count = |is: fn(&str) -> bool| tokens.iter().take_while(|token| is(token.text)).count();
        match self {
            Self::Switch => 0,
            Self::Rest => tokens.len(),
            Self::Ratio => take_ratio(tokens),
            Self::Number | Self::NumberOrBare => usize::from(is_number(first.text)),
            Self::Seed => usize::from(is_number(first.text) || is_random(first.text)),
            Self::Style => usize::from(is_style(first.text)),
            Self::References => count(is_reference),
            Self::Profiles => count(is_code),
            Self::Unknown => usize::from(first.text.starts_with(|c: char| c.is_ascii_digit())),
        }
    }

    /// Whether a single word that follows is the value even if it does not look like one, rather than text.
    pub(crate) fn takes_any_word(self) -> bool {
        !matches!(self, Self::Switch | Self::NumberOrBare)
    }
}

/// A value without the punctuation that prose puts behind it.
pub(crate) fn trim_value(value: &str) -> &str {
    value.trim_end_matches([',', ';', '.'])
}

/// `{1:1, 16:9}`: the tokens of a permutation in braces, if one starts here and ends on a token.
fn take_braces(tokens: &[Token<'_>]) -> Option<usize> {
    if !tokens.first()?.text.starts_with('{') {
        return None;
    }
    let mut depth = 0_i64;
    for (index, token) in tokens.iter().enumerate() {
        depth += token.text.matches('{').count() as i64 - token.text.matches('}').count() as i64;
        if depth <= 0 {
            return Some(index + 1);
        }
    }
    None
}

/// `16:9`, `16 : 9` and the like; else a word that starts as a number does.
fn take_ratio(tokens: &[Token<'_>]) -> usize {
    for end in 1..=tokens.len().min(3) {
        let text = join(&tokens[..end]);
        let text: String = text.split(' ').collect();
        if let Some((width, height)) = trim_value(&text).split_once([':', '/', 'x', '×', '：'])
            && is_number(width)
            && is_number(height)
        {
            return end;
        }
    }
    usize::from(
        tokens
            .first()
            .is_some_and(|t| t.text.starts_with(|c: char| c.is_ascii_digit())),
    )
}

fn is_number(word: &str) -> bool {
    let word = trim_value(word);
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    digits.contains(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && digits.matches('.').count() <= 1
}

fn is_random(word: &str) -> bool {
    trim_value(word).eq_ignore_ascii_case("random")
}

/// Letters and digits, some of them digits, joined by hyphens.
pub(crate) fn is_code(word: &str) -> bool {
    let word = trim_value(word);
    let word = split_weight(word).map_or(word, |(code, _)| code);
    word.contains(|c: char| c.is_ascii_digit())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && word.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_style(word: &str) -> bool {
    const NAMES: [&str; 6] = ["raw", "cute", "expressive", "original", "scenic", "random"];
    let name = trim_value(word);
    NAMES.iter().any(|style| style.eq_ignore_ascii_case(name)) || is_code(word)
}

fn is_reference(word: &str) -> bool {
    let name = split_weight(word).map_or(word, |(name, _)| name);
    is_url(word) || is_random(name) || is_number(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tokens;

    fn taken(shape: Shape, text: &str) -> usize {
        shape.take(&tokens(text))
    }

    #[test]
    fn every_parameter_is_found_by_its_name() {
        for (parameter, name, others, _) in TABLE {
            assert_eq!(parameter.name(), *name);
            assert_eq!(Parameter::from_name(&name.to_uppercase()), Some(*parameter));
            for other in *others {
                assert_eq!(Parameter::from_name(other), Some(*parameter));
            }
        }
        assert_eq!(Parameter::from_name("fluffy"), None);
    }

    #[test]
    fn a_value_ends_where_text_begins() {
        assert_eq!(taken(Shape::Ratio, "16 : 9 on a mat"), 3);
        assert_eq!(taken(Shape::Ratio, "16:9, 2 cats"), 1);
        assert_eq!(taken(Shape::Ratio, "on a mat"), 0);
        assert_eq!(taken(Shape::Number, "750 cats"), 1);
        assert_eq!(
            taken(Shape::References, "https://x.png::2 1234 random a cat"),
            3
        );
        assert_eq!(taken(Shape::Style, "cute cat"), 1);
        assert_eq!(taken(Shape::Profiles, "31dqpqy m77 cats"), 2);
        assert_eq!(taken(Shape::Rest, "hands, feet"), 2);
    }

    #[test]
    fn a_permutation_is_one_value() {
        assert_eq!(taken(Shape::Ratio, "{1:1, {16:9, 9:16}} cat"), 3);
        assert_eq!(taken(Shape::Number, "{1, 2"), 0);
    }
}
