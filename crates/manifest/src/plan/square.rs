//! Batches of samples of one size, with the anchors spread evenly.

use crate::plan::{
    Place, PlanSample, PlanSettings,
    anchors::{Anchors, Use},
    keys::{Keys, order_uses},
    spread::spread,
};

/// The places of the epoch: train samples and anchors, filled up to whole steps, the anchors spread evenly over all.
pub(super) fn places(
    samples: &[PlanSample],
    train: &[Use],
    anchors: &Anchors,
    settings: &PlanSettings,
    keys: &mut Keys,
) -> Vec<Place> {
    let train = order_uses(samples, train, keys);
    let train_places = train.len() as u64;
    let before_fill = train_places + anchors.places();
    let total = before_fill.next_multiple_of(settings.samples_per_step() as u64);
    let anchor_total =
        anchors.places() + anchor_part_of_fill(total - before_fill, train_places, anchors.places());

    let mut anchors = fill_after(anchors.places(), anchors.walk());
    let mut train = fill_after(train_places, train.iter().copied().cycle());
    spread(total, anchor_total)
        .filter_map(|is_anchor| {
            if is_anchor {
                anchors.next()
            } else {
                train.next()
            }
        })
        .collect()
}

/// The fill that goes to anchors when it is divided as the places are, by largest remainder; a tie goes to train.
fn anchor_part_of_fill(fill: u64, train: u64, anchors: u64) -> u64 {
    let whole = u128::from(train) + u128::from(anchors);
    if whole == 0 {
        return 0;
    }
    let (quota, rest) = (
        u128::from(fill) * u128::from(anchors) / whole,
        u128::from(fill) * u128::from(anchors) % whole,
    );
    // The two remainders add up to `whole`, or are both 0.
    quota as u64 + u64::from(rest * 2 > whole)
}

/// Places for an endless walk; those past `count` are fill.
fn fill_after(count: u64, walk: impl Iterator<Item = u32>) -> impl Iterator<Item = Place> {
    (0..).zip(walk).map(move |(taken, sample)| Place {
        sample,
        is_fill: taken >= count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fill_is_divided_by_largest_remainder() {
        assert_eq!(anchor_part_of_fill(0, 9, 1), 0);
        assert_eq!(anchor_part_of_fill(10, 9, 1), 1);
        assert_eq!(anchor_part_of_fill(14, 9, 1), 1);
        assert_eq!(anchor_part_of_fill(15, 9, 1), 1, "a tie goes to train");
        assert_eq!(anchor_part_of_fill(16, 9, 1), 2);
        assert_eq!(anchor_part_of_fill(7, 0, 3), 7);
        assert_eq!(anchor_part_of_fill(7, 0, 0), 0);
    }
}
