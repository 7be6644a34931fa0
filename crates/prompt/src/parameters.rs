//! The parameters of a prompt, typed.

use std::ops::RangeInclusive;

use crate::flag::Flag;
use crate::parameter::Parameter;
use crate::reading::{Aspect, Reference, Seed, Style, Version};
use crate::value::Value;

/// Versions that Midjourney has had, as (major, minor).
const MIDJOURNEY: [(u8, u8); 10] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 0),
    (5, 1),
    (5, 2),
    (6, 0),
    (6, 1),
    (7, 0),
];
/// Versions that Niji has had.
const NIJI: [(u8, u8); 4] = [(4, 0), (5, 0), (6, 0), (7, 0)];

/// What the flags of a prompt set. Where a flag of one value stands twice, the last one counts.
///
/// `None` and an empty list mean that the flag is not there; a flag that lacks its value has a [`Value`] with
/// [`Fault::Missing`](crate::Fault::Missing).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters {
    /// `--ar`.
    pub aspect: Option<Value<Aspect>>,
    /// `--w`, in pixels, where `--h` stands too.
    pub width_px: Option<Value<i64>>,
    /// `--h`, in pixels.
    pub height_px: Option<Value<i64>>,
    /// `--v`: 1 to 7, with 5.1, 5.2 and 6.1.
    pub version: Option<Value<Version>>,
    /// `--niji`: bare, or 4 to 7.
    pub niji: Option<Value<Version>>,
    /// `--style`.
    pub style: Option<Value<Style>>,
    /// `--stylize`: 0 to 1000.
    pub stylize: Option<Value<i64>>,
    /// `--chaos`: 0 to 100.
    pub chaos: Option<Value<i64>>,
    /// `--weird`: 0 to 3000.
    pub weird: Option<Value<i64>>,
    /// `--quality`: 0.25 to 4.
    pub quality: Option<Value<f64>>,
    /// `--stop`, in percent: 10 to 100.
    pub stop: Option<Value<i64>>,
    /// `--seed`.
    pub seed: Option<Value<Seed>>,
    /// `--sameseed`.
    pub same_seed: Option<Value<Seed>>,
    /// `--no`: what the picture should lack, one entry between commas, of all such flags.
    pub no: Vec<String>,
    /// `--iw`: 0 to 3.
    pub image_weight: Option<Value<f64>>,
    /// `--cref`: links.
    pub character_references: Vec<Value<Reference>>,
    /// `--cw`: 0 to 100.
    pub character_weight: Option<Value<i64>>,
    /// `--sref`: links, codes, `random`.
    pub style_references: Vec<Value<Reference>>,
    /// `--sw`: 0 to 1000.
    pub style_weight: Option<Value<i64>>,
    /// `--sv`: 1 to 6.
    pub style_version: Option<Value<i64>>,
    /// `--oref`: links.
    pub omni_references: Vec<Value<Reference>>,
    /// `--ow`: 0 to 1000.
    pub omni_weight: Option<Value<i64>>,
    /// `--profile`: codes; a bare one is the user's own.
    pub profiles: Vec<Value<String>>,
    /// `--repeat`: 1 to 40.
    pub repeat: Option<Value<i64>>,
    /// `--exp`: bare, or 0 to 100.
    pub exp: Option<Value<i64>>,
    /// `--tile`, `--video` and the other switches, in the order found.
    pub switches: Vec<Parameter>,
    /// Flags that are not known, in the order found.
    pub extra: Vec<Flag>,
}

impl Parameters {
    /// Whether a switch is there.
    pub fn is_on(&self, switch: Parameter) -> bool {
        self.switches.contains(&switch)
    }

    pub(crate) fn read(flags: &[Flag]) -> Self {
        let mut parameters = Self::default();
        for flag in flags {
            match flag.parameter() {
                Some(parameter) => parameters.set(parameter, flag.value()),
                None => parameters.extra.push(flag.clone()),
            }
        }
        parameters
    }

    fn set(&mut self, parameter: Parameter, text: Option<&str>) {
        use Parameter as P;
        match parameter {
            P::Aspect => self.aspect = Some(Value::new(text, Aspect::read, Aspect::is_allowed)),
            P::Width => self.width_px = Some(number(text, 1..=i64::MAX)),
            P::Height => self.height_px = Some(number(text, 1..=i64::MAX)),
            P::Version => self.version = Some(version(text, &MIDJOURNEY)),
            P::Niji => self.niji = Some(version(text, &NIJI).allow_missing()),
            P::Style => self.style = Some(Value::new(text, Style::read, Style::is_allowed)),
            P::Stylize => self.stylize = Some(number(text, 0..=1000)),
            P::Chaos => self.chaos = Some(number(text, 0..=100)),
            P::Weird => self.weird = Some(number(text, 0..=3000)),
            P::Quality => self.quality = Some(number(text, 0.25..=4.0)),
            P::Stop => self.stop = Some(number(text, 10..=100)),
            P::Seed => self.seed = Some(Value::new(text, Seed::read, Seed::is_allowed)),
            P::SameSeed => self.same_seed = Some(Value::new(text, Seed::read, Seed::is_allowed)),
            P::No => {
                let things = text.unwrap_or_default().split(',').map(str::trim);
                self.no
                    .extend(things.filter(|thing| !thing.is_empty()).map(str::to_owned));
            }
            P::ImageWeight => self.image_weight = Some(number(text, 0.0..=3.0)),
            P::CharacterReference => {
                self.character_references
                    .extend(each(text, Reference::read, Reference::is_link));
            }
            P::CharacterWeight => self.character_weight = Some(number(text, 0..=100)),
            P::StyleReference => {
                self.style_references
                    .extend(each(text, Reference::read, |_| true));
            }
            P::StyleWeight => self.style_weight = Some(number(text, 0..=1000)),
            P::StyleVersion => self.style_version = Some(number(text, 1..=6)),
            P::OmniReference => {
                self.omni_references
                    .extend(each(text, Reference::read, Reference::is_link));
            }
            P::OmniWeight => self.omni_weight = Some(number(text, 0..=1000)),
            P::Profile => {
                let codes = each(text, profile_code, |_| true);
                self.profiles
                    .extend(codes.into_iter().map(Value::allow_missing));
            }
            P::Repeat => self.repeat = Some(number(text, 1..=40)),
            P::Exp => self.exp = Some(number(text, 0..=100).allow_missing()),
            P::Tile
            | P::Video
            | P::Hd
            | P::Draft
            | P::Test
            | P::Testp
            | P::Creative
            | P::Uplight
            | P::Upbeta
            | P::Fast
            | P::Relax
            | P::Turbo
            | P::Stealth
            | P::Public => self.switches.push(parameter),
        }
    }
}

fn number<T: std::str::FromStr + PartialOrd>(
    text: Option<&str>,
    range: RangeInclusive<T>,
) -> Value<T> {
    Value::new(
        text,
        |text| text.parse().ok(),
        |number| range.contains(number),
    )
}

fn version(text: Option<&str>, known: &[(u8, u8)]) -> Value<Version> {
    Value::new(text, Version::read, |version| {
        known.contains(&(version.major, version.minor))
    })
}

fn profile_code(text: &str) -> Option<String> {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric())
        .then(|| text.to_owned())
}

/// A value for each word; one that is missing if there are none, and one for a whole permutation.
fn each<T>(
    text: Option<&str>,
    read: impl Fn(&str) -> Option<T>,
    is_allowed: impl Fn(&T) -> bool,
) -> Vec<Value<T>> {
    match text {
        Some(words) if !words.starts_with('{') => words
            .split_whitespace()
            .map(|word| Value::new(Some(word), &read, &is_allowed))
            .collect(),
        _ => vec![Value::new(text, read, is_allowed)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fault, Prompt};

    fn read(prompt: &str) -> Parameters {
        Prompt::parse(prompt).parameters()
    }

    #[test]
    fn values_are_typed() {
        let found = read(
            "x --ar 16 : 9 --niji 5 --style scenic --s 750 --q .5 --seed random --iw 1.5 --no hands, text \
             --sref <https://x.y/z.png>::2 1234 random --p 31dqpqy --tile --fast",
        );
        assert_eq!(
            found.aspect.unwrap().valid(),
            Some(&Aspect {
                width: 16,
                height: 9
            })
        );
        assert_eq!(
            found.niji.unwrap().valid(),
            Some(&Version { major: 5, minor: 0 })
        );
        assert_eq!(found.style.unwrap().valid(), Some(&Style::Scenic));
        assert_eq!(found.stylize.unwrap().valid(), Some(&750));
        assert_eq!(found.quality.unwrap().valid(), Some(&0.5));
        assert_eq!(found.seed.unwrap().valid(), Some(&Seed::Random));
        assert_eq!(found.image_weight.unwrap().valid(), Some(&1.5));
        assert_eq!(found.no, ["hands", "text"]);
        let references: Vec<_> = found
            .style_references
            .iter()
            .filter_map(Value::valid)
            .collect();
        assert_eq!(
            references,
            [
                &Reference::Link {
                    url: "https://x.y/z.png".to_owned(),
                    weight: Some(2.0)
                },
                &Reference::Code {
                    code: 1234,
                    weight: None
                },
                &Reference::Random
            ]
        );
        assert_eq!(found.profiles[0].valid().unwrap(), "31dqpqy");
        assert_eq!(found.switches, [Parameter::Tile, Parameter::Fast]);
        assert_eq!(found.version, None);
    }

    #[test]
    fn seeds_styles_and_references_of_every_kind_are_typed() {
        let found = read(
            "x --sameseed 7 --style random-32 --oref https://x.y/o.png --ow 400 --cref https://x.y/c.png --cw 50 --tile",
        );
        assert_eq!(
            found.same_seed.as_ref().unwrap().valid(),
            Some(&Seed::Number(7))
        );
        assert_eq!(
            found.style.as_ref().unwrap().valid(),
            Some(&Style::Random(Some(32)))
        );
        assert_eq!(found.omni_references.len(), 1);
        assert_eq!(found.omni_weight.as_ref().unwrap().valid(), Some(&400));
        assert!(found.is_on(Parameter::Tile) && !found.is_on(Parameter::Video));
        assert_eq!(read("x --style random-20").style.unwrap().valid(), None);
    }

    #[test]
    fn a_wrong_value_is_kept_with_its_fault() {
        let found = read("x --ar wide --v 9 --s 5000 --seed 4294967296 --c --q {1, 2} --stop 5x");
        let aspect = found.aspect.unwrap();
        assert_eq!(
            (aspect.found(), aspect.fault()),
            ("wide", Some(Fault::Malformed))
        );
        let version = found.version.unwrap();
        assert_eq!((version.valid(), version.read().unwrap().major), (None, 9));
        let stylize = found.stylize.unwrap();
        assert_eq!(
            (stylize.read(), stylize.fault()),
            (Some(&5000), Some(Fault::OutOfRange))
        );
        assert_eq!(found.seed.unwrap().fault(), Some(Fault::OutOfRange));
        assert_eq!(found.chaos.unwrap().fault(), Some(Fault::Missing));
        assert_eq!(found.quality.unwrap().fault(), Some(Fault::Permutation));
        assert_eq!(found.stop.unwrap().found(), "5x");
    }

    #[test]
    fn a_bare_niji_profile_and_exp_are_valid() {
        let found = read("x --niji --p --exp");
        assert!(found.niji.unwrap().is_valid());
        assert!(found.profiles[0].is_valid());
        assert!(found.exp.unwrap().is_valid());
    }

    #[test]
    fn w_is_a_width_only_beside_h() {
        let sized = read("x --w 640 --h 384");
        assert_eq!(sized.width_px.unwrap().valid(), Some(&640));
        assert_eq!(sized.weird, None);
        let weird = read("x --w 640");
        assert_eq!(weird.weird.unwrap().valid(), Some(&640));
        assert_eq!(weird.width_px, None);
    }

    #[test]
    fn unknown_flags_are_kept() {
        let extra = read("x --motion high --raw --Fluffy kitten on a mat").extra;
        let printed: Vec<String> = extra.iter().map(Flag::to_string).collect();
        assert_eq!(printed, ["--motion high", "--raw", "--Fluffy"]);
    }
}
