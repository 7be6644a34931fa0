//! Width to height.

use std::{borrow::Cow, cmp::Ordering, fmt, num::NonZeroU32, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Width to height, written `16:9`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Aspect {
    width: NonZeroU32,
    height: NonZeroU32,
}

impl Aspect {
    /// 1:3, the narrowest unless a recipe says otherwise.
    pub const ONE_TO_THREE: Self = Self {
        width: NonZeroU32::MIN,
        height: const { NonZeroU32::new(3).unwrap() },
    };
    /// 3:1, the widest unless a recipe says otherwise.
    pub const THREE_TO_ONE: Self = Self {
        width: const { NonZeroU32::new(3).unwrap() },
        height: NonZeroU32::MIN,
    };

    /// The aspect of a width and a height.
    pub fn new(width: NonZeroU32, height: NonZeroU32) -> Self {
        Self { width, height }
    }

    /// Whether a picture or bucket of this size is narrower, wider or of just this aspect, without rounding.
    pub fn compare_size(self, width_px: u32, height_px: u32) -> Ordering {
        let size = u64::from(width_px) * u64::from(self.height.get());
        let bound = u64::from(height_px) * u64::from(self.width.get());
        size.cmp(&bound)
    }
}

impl PartialEq for Aspect {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Aspect {}

impl PartialOrd for Aspect {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Aspect {
    fn cmp(&self, other: &Self) -> Ordering {
        other.compare_size(self.width.get(), self.height.get())
    }
}

/// Text that is no aspect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an aspect: two whole numbers such as `16:9` are expected")]
pub struct AspectError {
    /// The text.
    pub text: String,
}

impl FromStr for Aspect {
    type Err = AspectError;

    fn from_str(text: &str) -> Result<Self, AspectError> {
        let side = |side: &str| side.trim().parse().ok();
        text.split_once(':')
            .and_then(|(width, height)| Some(Self::new(side(width)?, side(height)?)))
            .ok_or_else(|| AspectError {
                text: text.to_owned(),
            })
    }
}

impl TryFrom<String> for Aspect {
    type Error = AspectError;

    fn try_from(text: String) -> Result<Self, AspectError> {
        text.parse()
    }
}

impl From<Aspect> for String {
    fn from(aspect: Aspect) -> Self {
        aspect.to_string()
    }
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.width, self.height)
    }
}

impl JsonSchema for Aspect {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Aspect".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "aspect" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aspect_is_two_whole_numbers() {
        assert_eq!("16:9".parse::<Aspect>().unwrap().to_string(), "16:9");
        for text in ["", "16", "16:0", "16/9", "1.5:1", "-1:1", "1:2:3"] {
            assert!(text.parse::<Aspect>().is_err(), "{text}");
        }
    }

    #[test]
    fn aspects_are_ordered_by_their_ratio() {
        let aspect = |text: &str| text.parse::<Aspect>().unwrap();
        assert_eq!(aspect("1:2"), aspect("2:4"));
        assert!(aspect("1:3") < aspect("9:16"));
        assert_eq!(aspect("3:1").compare_size(1536, 512), Ordering::Equal);
        assert_eq!(aspect("3:1").compare_size(1600, 512), Ordering::Greater);
    }
}
