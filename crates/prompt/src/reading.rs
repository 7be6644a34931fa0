//! What the values of parameters say: aspects, versions, styles, seeds, references.

use std::fmt;

use crate::shape::is_code;
use crate::token::{is_url, link_url, split_weight};

/// A shape of picture, width to height, as in `--ar 16:9`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aspect {
    /// The part of the width.
    pub width: u32,
    /// The part of the height.
    pub height: u32,
}

/// A version of a generator: 5.2 is major 5, minor 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The number before the point.
    pub major: u8,
    /// The number after it; 0 in `6` and `6.0`.
    pub minor: u8,
}

/// The value of `--style`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Style {
    /// `raw`.
    Raw,
    /// `4a`, of version 4.
    FourA,
    /// `4b`, of version 4.
    FourB,
    /// `4c`, of version 4.
    FourC,
    /// `cute`, of Niji 5.
    Cute,
    /// `expressive`, of Niji 5.
    Expressive,
    /// `original`, of Niji 5.
    Original,
    /// `scenic`, of Niji 5.
    Scenic,
    /// `random`, or `random-16` to `random-128`.
    Random(Option<u32>),
    /// A code of the style tuner.
    Code(String),
}

/// The value of `--seed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// 0 to 4294967295.
    Number(i64),
    /// `random`.
    Random,
}

/// One entry of `--cref`, `--sref` or `--oref`. Its weight is as in `1234::2`; `None` where no number stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Reference {
    /// A picture.
    Link {
        /// Its address, without the angle brackets of Discord.
        url: String,
        /// How much it counts among the references.
        weight: Option<f64>,
    },
    /// A style by its number.
    Code {
        /// The number.
        code: u64,
        /// How much it counts among the references.
        weight: Option<f64>,
    },
    /// `random`.
    Random,
}

impl Aspect {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (width, height) = text.split_once(':')?;
        let number = |text: &str| text.trim().parse().ok();
        Some(Self {
            width: number(width)?,
            height: number(height)?,
        })
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "it is passed as a test of a reference"
    )]
    pub(crate) fn is_allowed(&self) -> bool {
        self.width > 0 && self.height > 0
    }
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.width, self.height)
    }
}

impl Version {
    /// `5.2`, `6`, `6.0`; no generator has had a minor number of two digits.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        let minor = match minor.trim_end_matches('0') {
            "" => "0",
            minor => minor,
        };
        let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if minor.len() != 1 || !is_digits(major) || !is_digits(minor) {
            return None;
        }
        Some(Self {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minor {
            0 => write!(f, "{}", self.major),
            minor => write!(f, "{}.{minor}", self.major),
        }
    }
}

impl Style {
    pub(crate) fn read(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "raw" => Self::Raw,
            "4a" => Self::FourA,
            "4b" => Self::FourB,
            "4c" => Self::FourC,
            "cute" => Self::Cute,
            "expressive" => Self::Expressive,
            "original" => Self::Original,
            "scenic" => Self::Scenic,
            "random" => Self::Random(None),
            name => match name.strip_prefix("random-") {
                Some(size) => Self::Random(Some(size.parse().ok()?)),
                None if is_code(text) => Self::Code(text.to_owned()),
                None => return None,
            },
        })
    }

    pub(crate) fn is_allowed(&self) -> bool {
        match self {
            Self::Random(Some(size)) => matches!(size, 16 | 32 | 64 | 128),
            _ => true,
        }
    }
}

impl Seed {
    pub(crate) fn read(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("random") {
            return Some(Self::Random);
        }
        text.parse().ok().map(Self::Number)
    }

    pub(crate) fn is_allowed(&self) -> bool {
        match self {
            Self::Number(seed) => u32::try_from(*seed).is_ok(),
            Self::Random => true,
        }
    }
}

impl Reference {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (name, weight) = split_weight(text).unwrap_or((text, ""));
        let weight = weight.parse().ok();
        if is_url(name) {
            return Some(Self::Link {
                url: link_url(name).to_owned(),
                weight,
            });
        }
        if name.eq_ignore_ascii_case("random") {
            return Some(Self::Random);
        }
        name.parse().ok().map(|code| Self::Code { code, weight })
    }

    pub(crate) fn is_link(&self) -> bool {
        matches!(self, Self::Link { .. })
    }
}
