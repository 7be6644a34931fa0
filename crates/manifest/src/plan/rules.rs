//! How the collections of one role share its places.

use std::{collections::BTreeMap, num::NonZeroU32};

use serde::{Deserialize, Serialize};

use crate::{
    ids::hash_u64,
    plan::{PlanSample, Role},
    ratio::Ratio,
};

/// What a recipe says of its collections' parts in an epoch; nothing means that every sample counts alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MixRules {
    /// The most places that one sample may take in an epoch before fill.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_repeats: Option<NonZeroU32>,
    /// Rules by the collection's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub collections: BTreeMap<String, CollectionRule>,
}

impl MixRules {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How large a part a collection takes of its role's places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollectionRule {
    /// This share of the places of its role.
    Share(Ratio),
    /// What is left, by samples times this weight; 1 where nothing is said.
    Weight(Ratio),
}

/// What a plan knows a collection by.
pub fn collection_key(name: &str) -> u64 {
    hash_u64("collection", &[name])
}

/// The part that a collection has in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The collection, by [`collection_key`].
    pub collection: u64,
    /// Its role.
    pub role: Role,
    /// Samples to choose from.
    pub available: u64,
    /// Places that the rules ask for.
    pub asked: u64,
    /// Places that it gets: fewer where a sample may not come again.
    pub places: u64,
}

/// Rules are in millionths, so that shares are exact and their products fit.
const UNIT: u128 = 1_000_000;

/// The parts of a role's collections in `total` places; without a total in as few as give every sample one.
///
/// Shares come first, what is left goes by samples × weight; whole numbers by largest remainder, ties to the smaller
/// key. Then `max_repeats` cuts off.
pub(super) fn quotas(
    samples: &[PlanSample],
    role: Role,
    rules: &BTreeMap<u64, CollectionRule>,
    max_repeats: Option<NonZeroU32>,
    total: Option<u64>,
) -> Vec<Quota> {
    let mut available: BTreeMap<u64, u64> = BTreeMap::new();
    for sample in samples.iter().filter(|sample| sample.role == role) {
        *available.entry(sample.collection).or_default() += 1;
    }
    let parts = parts(&available, rules);
    let whole: u128 = parts.iter().sum();
    let total = total.map_or_else(|| least_total(&available, &parts, whole, rules), u128::from);
    let asked = by_largest_remainder(&parts, whole, total);
    available
        .into_iter()
        .zip(asked)
        .map(|((collection, available), asked)| {
            let most = max_repeats.map_or(u64::MAX, |most| {
                available.saturating_mul(u64::from(most.get()))
            });
            Quota {
                collection,
                role,
                available,
                asked,
                places: asked.min(most),
            }
        })
        .collect()
}

/// The relative size of each collection's part, in one measure.
fn parts(available: &BTreeMap<u64, u64>, rules: &BTreeMap<u64, CollectionRule>) -> Vec<u128> {
    let millionths = |ratio: Ratio| ratio.nearest_of(UNIT as u64);
    let weighted: Vec<Result<u128, u128>> = available
        .iter()
        .map(|(collection, count)| match rules.get(collection) {
            Some(CollectionRule::Share(share)) => Ok(millionths(*share)),
            Some(CollectionRule::Weight(weight)) => Err(millionths(*weight) * u128::from(*count)),
            None => Err(UNIT * u128::from(*count)),
        })
        .collect();
    let shared: u128 = weighted.iter().filter_map(|part| part.ok()).sum();
    let left: u128 = weighted.iter().filter_map(|part| part.err()).sum();
    weighted
        .into_iter()
        .map(|part| match part {
            // Without others the shares alone count, whatever they add up to.
            Ok(share) => share * left.max(1),
            Err(part) => part * UNIT.saturating_sub(shared),
        })
        .collect()
}

/// The fewest places in which every sample has one and every part its size.
fn least_total(
    available: &BTreeMap<u64, u64>,
    parts: &[u128],
    whole: u128,
    rules: &BTreeMap<u64, CollectionRule>,
) -> u128 {
    if available
        .keys()
        .all(|collection| !rules.contains_key(collection))
    {
        return available.values().map(|count| u128::from(*count)).sum();
    }
    available
        .values()
        .zip(parts)
        .filter(|(_, part)| **part > 0)
        .map(|(count, part)| (u128::from(*count) * whole).div_ceil(*part))
        .max()
        .unwrap_or(0)
}

/// `total` in whole numbers as `parts` of `whole`.
fn by_largest_remainder(parts: &[u128], whole: u128, total: u128) -> Vec<u64> {
    if whole == 0 {
        return vec![0; parts.len()];
    }
    // Reduced, so that products stay within 128 bits for any epoch that a machine holds.
    let mut counts: Vec<u64> = parts
        .iter()
        .map(|part| (part * total / whole) as u64)
        .collect();
    let given: u128 = counts.iter().map(|count| u128::from(*count)).sum();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&at| (std::cmp::Reverse(parts[at] * total % whole), at));
    for at in order.into_iter().take((total - given) as usize) {
        counts[at] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{SampleId, hash};
    use proptest::prelude::*;

    fn pool(counts: &[u32]) -> Vec<PlanSample> {
        let of = |(collection, count): (u64, &u32)| {
            (0..*count).map(move |n| PlanSample {
                sample_id: SampleId(hash("sample", &[&collection.to_string(), &n.to_string()])),
                role: Role::Train,
                collection,
                width: 64,
                height: 64,
            })
        };
        (0..).zip(counts).flat_map(of).collect()
    }

    fn ratio(text: &str) -> Ratio {
        text.parse().unwrap()
    }

    fn places(
        counts: &[u32],
        rules: &[(u64, CollectionRule)],
        most: u32,
        total: Option<u64>,
    ) -> Vec<u64> {
        let rules = rules.iter().copied().collect();
        quotas(
            &pool(counts),
            Role::Train,
            &rules,
            NonZeroU32::new(most),
            total,
        )
        .iter()
        .map(|quota| quota.places)
        .collect()
    }

    #[test]
    fn without_rules_every_sample_has_one_place() {
        assert_eq!(places(&[3, 50], &[], 0, None), [3, 50]);
        assert_eq!(places(&[], &[], 0, None), [] as [u64; 0]);
    }

    #[test]
    fn a_share_repeats_the_smaller_collection_and_drops_nothing() {
        // 10 samples as 40 %: 60 others are the rest of 100.
        let share = CollectionRule::Share(ratio("0.4"));
        assert_eq!(places(&[10, 60], &[(0, share)], 0, None), [40, 60]);
        // 90 samples as 40 %: the others must repeat.
        assert_eq!(places(&[90, 60], &[(0, share)], 0, None), [90, 135]);
    }

    #[test]
    fn a_weight_counts_samples_more_often() {
        let twice = CollectionRule::Weight(ratio("2"));
        assert_eq!(places(&[10, 60], &[(0, twice)], 0, None), [20, 60]);
        let half = CollectionRule::Weight(ratio("0.5"));
        assert_eq!(places(&[10, 60], &[(0, half)], 0, None), [10, 120]);
    }

    #[test]
    fn a_cap_cuts_off_and_says_what_was_asked() {
        let share = CollectionRule::Share(ratio("0.4"));
        assert_eq!(places(&[10, 60], &[(0, share)], 3, None), [30, 60]);
        let rules = [(0, share)].into();
        let quotas = quotas(
            &pool(&[10, 60]),
            Role::Train,
            &rules,
            NonZeroU32::new(3),
            None,
        );
        assert_eq!((quotas[0].asked, quotas[0].places), (40, 30));
    }

    #[test]
    fn a_total_is_divided_by_largest_remainder() {
        let share = |text| CollectionRule::Share(ratio(text));
        let rules = [(0, share("0.5")), (1, share("0.3")), (2, share("0.2"))];
        assert_eq!(places(&[5, 5, 5], &rules, 0, Some(17)), [9, 5, 3]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn counts_are_exact_for_any_pools_and_shares(
            counts in prop::collection::vec(1_u32..40, 1..5),
            shares in prop::collection::vec(1_u64..200_000, 1..5),
            weights in prop::collection::vec(100_000_u64..9_000_000, 1..5),
            is_share in prop::collection::vec(any::<bool>(), 5),
            total in prop::option::of(0_u64..5000),
        ) {
            let rules: BTreeMap<u64, CollectionRule> = (0..counts.len())
                .map(|at| {
                    let ratio = |n| Ratio::new(n, 1_000_000).unwrap();
                    let rule = if is_share[at] {
                        CollectionRule::Share(ratio(shares[at % shares.len()]))
                    } else {
                        CollectionRule::Weight(ratio(weights[at % weights.len()]))
                    };
                    (at as u64, rule)
                })
                .collect();
            let samples = pool(&counts);
            let quotas = quotas(&samples, Role::Train, &rules, None, total);
            let sum: u64 = quotas.iter().map(|quota| quota.places).sum();
            match total {
                Some(total) => prop_assert_eq!(sum, total),
                None => for quota in &quotas {
                    prop_assert!(quota.places >= quota.available, "every sample is seen: {:?}", quota);
                },
            }
            let has_others = rules.values().any(|rule| matches!(rule, CollectionRule::Weight(_)));
            for (quota, rule) in quotas.iter().zip(rules.values()) {
                if let CollectionRule::Share(share) = rule && has_others {
                    let exact = share.as_f64() * sum as f64;
                    prop_assert!((quota.places as f64 - exact).abs() < 1.0, "{} for {exact}", quota.places);
                }
            }
        }
    }
}
