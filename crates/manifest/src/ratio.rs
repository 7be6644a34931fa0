//! Ratios as exact fractions, so that 0.1 means one tenth and counts come out the same on every machine.

use std::{fmt, str::FromStr};

use crate::Error;

/// Digits behind the decimal point that a ratio may have: what fits a 64-bit denominator.
const MAX_DECIMALS: usize = 18;
const ALLOWED: &str =
    "a decimal number from 0 up, of at most 18 digits behind the point, is expected";

/// A fraction of whole numbers in lowest terms, ≥ 0; written and read as a decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: u64,
    denominator: u64,
}

impl Ratio {
    /// Nothing of anything.
    pub const ZERO: Self = Self {
        numerator: 0,
        denominator: 1,
    };

    /// `numerator / denominator` in lowest terms; none if `denominator` is 0.
    pub fn new(numerator: u64, denominator: u64) -> Option<Self> {
        let divisor = greatest_common_divisor(numerator, denominator);
        (denominator != 0).then(|| Self {
            numerator: numerator / divisor,
            denominator: denominator / divisor,
        })
    }

    /// The ratio whose decimal text is the shortest that reads back as `number`: 0.1 is one tenth.
    ///
    /// # Errors
    /// [`Error::Ratio`] if it is negative, not finite, or needs more than 18 digits behind the point.
    pub fn from_f64(number: f64) -> Result<Self, Error> {
        number.to_string().parse()
    }

    /// The upper part of the fraction.
    pub fn numerator(self) -> u64 {
        self.numerator
    }

    /// The lower part of the fraction; never 0.
    pub fn denominator(self) -> u64 {
        self.denominator
    }

    /// The nearest float.
    pub fn as_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    /// The whole number nearest to `count` × this ratio, halves up.
    pub fn nearest_of(self, count: u64) -> u128 {
        nearest(
            u128::from(count) * u128::from(self.numerator),
            u128::from(self.denominator),
        )
    }
}

/// The whole number nearest to `numerator / denominator`, halves up. `denominator` is not 0.
pub(crate) fn nearest(numerator: u128, denominator: u128) -> u128 {
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    whole + u128::from(rest >= denominator - rest)
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 {
        a.max(1)
    } else {
        greatest_common_divisor(b, a % b)
    }
}

impl FromStr for Ratio {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fault = || Error::Ratio {
            found: text.to_owned(),
            allowed: ALLOWED,
        };
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let decimals = decimals.trim_end_matches('0');
        let digits = [whole, decimals].concat();
        if whole.is_empty()
            || decimals.len() > MAX_DECIMALS
            || !digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(fault());
        }
        let numerator = digits.parse().map_err(|_| fault())?;
        Self::new(numerator, 10_u64.pow(decimals.len() as u32)).ok_or_else(fault)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_f64().fmt(f)
    }
}

impl serde::Serialize for Ratio {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}

impl<'de> serde::Deserialize<'de> for Ratio {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RatioVisitor)
    }
}

/// Takes whole numbers as well: `1` and `1.0` are one ratio.
struct RatioVisitor;

impl serde::de::Visitor<'_> for RatioVisitor {
    type Value = Ratio;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a ratio, such as 0.1")
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Ratio, E> {
        Ratio::from_f64(number).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Ratio, E> {
        Ok(Ratio {
            numerator: number,
            denominator: 1,
        })
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Ratio, E> {
        number.to_string().parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_number_means_the_fraction_that_it_spells() {
        assert_eq!(Ratio::from_f64(0.1).unwrap(), Ratio::new(1, 10).unwrap());
        assert_eq!("0.10".parse::<Ratio>().unwrap(), Ratio::new(1, 10).unwrap());
        assert_eq!(Ratio::from_f64(2.5).unwrap(), Ratio::new(5, 2).unwrap());
        assert_eq!(Ratio::from_f64(0.0).unwrap(), Ratio::ZERO);
    }

    #[test]
    fn what_is_no_ratio_is_refused() {
        for number in [-0.1, f64::NAN, f64::INFINITY, 1e-30] {
            assert!(Ratio::from_f64(number).is_err(), "{number}");
        }
        for text in ["", ".5", "1/2", "1e-3", "+1", "0.1234567890123456789"] {
            assert!(text.parse::<Ratio>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_ratio_is_a_number_in_json() {
        assert_eq!(
            serde_json::to_string(&Ratio::from_f64(0.1).unwrap()).unwrap(),
            "0.1"
        );
        assert_eq!(
            serde_json::from_str::<Ratio>("1").unwrap(),
            serde_json::from_str::<Ratio>("1.0").unwrap()
        );
        assert!(serde_json::from_str::<Ratio>("-1").is_err());
        assert!(serde_json::from_str::<Ratio>("\"0.1\"").is_err());
    }

    #[test]
    fn halves_are_rounded_up() {
        let tenth = Ratio::new(1, 10).unwrap();
        assert_eq!(tenth.nearest_of(4), 0);
        assert_eq!(tenth.nearest_of(5), 1);
        assert_eq!(tenth.nearest_of(14), 1);
        assert_eq!(tenth.nearest_of(15), 2);
    }

    proptest::proptest! {
        #[test]
        fn a_ratio_reads_back_what_it_prints(thousandths in 0_u64..100_000) {
            let ratio = Ratio::new(thousandths, 1000).unwrap();
            proptest::prop_assert_eq!(ratio.to_string().parse::<Ratio>().unwrap(), ratio);
        }
    }
}
