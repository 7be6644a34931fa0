//! Which groups of duplicates are held out for validation.

use crate::{
    ids::{GroupId, hash},
    ratio::Ratio,
};

pub use crate::words::Split;

/// The split of a duplicate group that no parent generation has decided yet.
///
/// `share` of all groups are [`Split::Validation`]: those with H("split", seed, `group_id`), as a 128-bit number,
/// below share · 2^128. 0 holds out none, 1 and more hold out all. Raising the share only moves groups from train to
/// validation. Whoever has a parent generation asks that first, so that a sample never changes sides.
pub fn split_of(seed: u64, group: GroupId, share: Ratio) -> Split {
    let place = hash("split", &[&seed.to_string(), &group.to_string()]);
    if is_below(u128::from_be_bytes(place), share) {
        Split::Validation
    } else {
        Split::Train
    }
}

/// Whether `number < share · 2^128`, exactly.
fn is_below(number: u128, share: Ratio) -> bool {
    if share.numerator() >= share.denominator() {
        return true;
    }
    // Long division of numerator · 2^128 by denominator, 64 bits at a time; each quotient is below 2^64 because each
    // remainder is below the denominator.
    let denominator = u128::from(share.denominator());
    let dividend = u128::from(share.numerator()) << 64;
    let (high, rest) = (dividend / denominator, dividend % denominator);
    let dividend = rest << 64;
    let (low, rest) = (dividend / denominator, dividend % denominator);
    let threshold = (high << 64) | low;
    number < threshold || (number == threshold && rest != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ItemId;

    fn ratio(text: &str) -> Ratio {
        text.parse().unwrap()
    }

    fn held_out(seed: u64, share: &str) -> Vec<u32> {
        let share = ratio(share);
        (0..10_000)
            .filter(|n| {
                let group = GroupId::new(ItemId::new("niji:a.png", *n));
                split_of(seed, group, share) == Split::Validation
            })
            .collect()
    }

    #[test]
    fn the_threshold_is_exact() {
        assert!(is_below((1 << 127) - 1, ratio("0.5")));
        assert!(!is_below(1 << 127, ratio("0.5")));
        // 2^128 / 3 lies between two whole numbers.
        let third = Ratio::new(1, 3).unwrap();
        assert!(is_below(u128::MAX / 3, third));
        assert!(!is_below(u128::MAX / 3 + 1, third));
        assert!(!is_below(0, Ratio::ZERO));
        assert!(is_below(u128::MAX, ratio("1")));
    }

    #[test]
    fn a_share_holds_out_about_that_many_groups() {
        let count = held_out(42, "0.02").len();
        // 200 expected, standard deviation 14.
        assert!((144..=256).contains(&count), "{count}");
        assert!(held_out(42, "0").is_empty());
        assert_eq!(held_out(42, "1").len(), 10_000);
    }

    #[test]
    fn a_larger_share_only_adds_to_the_held_out_groups() {
        let small = held_out(7, "0.02");
        let large = held_out(7, "0.05");
        assert!(small.iter().all(|group| large.contains(group)));
        assert_ne!(held_out(8, "0.02"), small, "the seed decides");
    }
}
