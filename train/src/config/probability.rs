//! Numbers from 0 to 1.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

impl Probability {
    /// Never.
    pub const ZERO: Self = Self(0.0);
    /// How often a caption is dropped unless a recipe says otherwise.
    pub const CAPTION_DROPOUT: Self = Self(0.1);
    /// How much of the guided answer is rescaled unless a recipe says otherwise.
    pub const GUIDANCE_RESCALE: Self = Self(0.7);
    pub(super) const ADAM_BETA1: Self = Self(0.9);
    pub(super) const ADAM_BETA2: Self = Self(0.999);
    pub(super) const EMA_DECAY: Self = Self(0.9999);

    /// The probability, if `value` is one.
    ///
    /// # Errors
    /// The value is not in 0 ..= 1.
    pub fn new(value: f64) -> Result<Self, ProbabilityError> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(ProbabilityError { value })
        }
    }

    /// The number, from 0 to 1.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// A number that is no probability.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{value} is not a number from 0 to 1")]
pub struct ProbabilityError {
    /// The number.
    pub value: f64,
}

impl TryFrom<f64> for Probability {
    type Error = ProbabilityError;

    fn try_from(value: f64) -> Result<Self, ProbabilityError> {
        Self::new(value)
    }
}

impl From<Probability> for f64 {
    fn from(probability: Probability) -> Self {
        probability.0
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl JsonSchema for Probability {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Probability".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_from_zero_to_one_are_probabilities() {
        for value in [0.0, 0.1, 1.0] {
            assert!(Probability::new(value).is_ok(), "{value}");
        }
        for value in [-0.1, 1.000_001, f64::NAN, f64::INFINITY] {
            assert!(Probability::new(value).is_err(), "{value}");
        }
    }
}
