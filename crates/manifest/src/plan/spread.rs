//! Where anchors stand among train samples.

/// For each of `total` places whether it is one of the `anchors` that are spread evenly over them.
///
/// Place k is if ⌊(k+1)A/N⌋ > ⌊kA/N⌋: any stretch of places has its share of the anchors within one.
pub(super) fn spread(total: u64, anchors: u64) -> impl Iterator<Item = bool> {
    let (total, anchors) = (u128::from(total), u128::from(anchors));
    (0..total).map(move |k| (k + 1) * anchors / total > k * anchors / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_stretch_has_its_share_of_anchors_within_one(
            total in 1..400_u64, per_mille in 0..=1000_u64, start in 0..400_usize, length in 0..400_usize,
        ) {
            let anchors = total * per_mille / 1000;
            let places: Vec<bool> = spread(total, anchors).collect();
            let count = |places: &[bool]| places.iter().filter(|is_anchor| **is_anchor).count() as u64;
            proptest::prop_assert_eq!(count(&places), anchors);
            let start = start.min(places.len());
            let stretch = &places[start..(start + length).min(places.len())];
            proptest::prop_assert!((count(stretch) * total).abs_diff(stretch.len() as u64 * anchors) <= total);
        }
    }
}
