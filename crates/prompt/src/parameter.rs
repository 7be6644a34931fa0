//! The parameters that Midjourney and Niji know, and how each is spelt.

use crate::shape::Shape;

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
            .find(|(_, printed, others, _)| is(printed) || others.iter().any(is))
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
