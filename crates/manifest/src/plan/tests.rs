use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    num::NonZeroU32,
};

use proptest::prelude::*;

use super::*;
use crate::ids::hash;

const SIZES: [(u32, u32); 4] = [(1024, 1024), (1216, 832), (832, 1216), (896, 1152)];

fn pool(role: Role, count: u32, sizes: usize) -> Vec<PlanSample> {
    (0..count)
        .map(|n| {
            let id = hash("sample", &[role.as_str(), &n.to_string()]);
            // The bucket is drawn from the id, unevenly.
            let (width, height) = SIZES[usize::from(id[0]) * usize::from(id[1]) % sizes];
            PlanSample {
                sample_id: SampleId(id),
                role,
                collection: 0,
                width,
                height,
            }
        })
        .collect()
}

fn samples(train: u32, anchors: u32) -> Vec<PlanSample> {
    let mut samples = pool(Role::Train, train, SIZES.len());
    samples.extend(pool(Role::Anchor, anchors, SIZES.len()));
    samples
}

fn ratio(number: f64) -> Ratio {
    Ratio::from_f64(number).unwrap()
}

fn settings(shape: Shape, anchor: Option<AnchorRatio>, batch: [u32; 3]) -> PlanSettings {
    let [device_batch, devices, accumulation] = batch.map(|n| NonZeroU32::new(n).unwrap());
    PlanSettings {
        seed: 42,
        shape,
        anchor,
        max_repeats: None,
        collections: BTreeMap::new(),
        device_batch,
        devices,
        accumulation,
    }
}

fn share(share: f64) -> AnchorRatio {
    AnchorRatio::ShareOfAll(ratio(share))
}

/// Ids and fill flags in order: what must not depend on the order of the input.
fn ids(samples: &[PlanSample], plan: &EpochPlan) -> Vec<(SampleId, bool)> {
    plan.places()
        .iter()
        .map(|place| (samples[place.sample as usize].sample_id, place.is_fill))
        .collect()
}

fn anchors_in(samples: &[PlanSample], places: &[Place]) -> u64 {
    let is_anchor = |place: &&Place| samples[place.sample as usize].role == Role::Anchor;
    places.iter().filter(is_anchor).count() as u64
}

/// Places before fill of every anchor.
fn anchor_counts(samples: &[PlanSample], plan: &EpochPlan) -> Vec<u32> {
    samples
        .iter()
        .zip(plan.usage(samples.len()))
        .filter(|(sample, _)| sample.role == Role::Anchor)
        .map(|(_, usage)| usage.places)
        .collect()
}

#[test]
fn ten_percent_of_all_beside_170_train_samples_is_19_of_189() {
    let samples = samples(170, 7);
    for shape in [Shape::Square, Shape::Aspect] {
        let settings = PlanSettings::of_manifest(42, shape, Some(share(0.1)));
        let plan = plan(&samples, &settings, 0).unwrap();
        let mix = plan.mix();
        assert_eq!(plan.places().len(), 189);
        assert_eq!(mix.by_role.train.places, 170);
        assert_eq!(mix.by_role.anchor.places, 19);
        assert_eq!((mix.unique, mix.repeats, mix.fill), (177, 12, 0));
        assert!((mix.achieved - 19.0 / 189.0).abs() < 1e-15);
        let mut counts = anchor_counts(&samples, &plan);
        counts.sort_unstable();
        assert_eq!(counts, [2, 2, 3, 3, 3, 3, 3]);
    }
}

#[test]
fn ten_percent_of_train_beside_170_train_samples_is_17() {
    let samples = samples(170, 40);
    let asked = Some(AnchorRatio::RatioToTrain(ratio(0.1)));
    let plan = plan(&samples, &settings(Shape::Square, asked, [12, 8, 1]), 0).unwrap();
    let mix = plan.mix();
    assert_eq!(mix.by_role.anchor.places, 17);
    assert!((mix.achieved - 0.1).abs() < 1e-15);
    // 187 places are filled up to 2 · 96: 5 more, of which 5 · 17 / 187 = 0.45 are anchors.
    assert_eq!(
        (mix.fill, mix.by_role.train.fill, mix.by_role.anchor.fill),
        (5, 5, 0)
    );
    assert_eq!(plan.steps(), 2);
}

#[test]
fn without_a_ratio_everything_is_used_once() {
    let samples = samples(30, 11);
    let plan = plan(&samples, &settings(Shape::Square, None, [1, 1, 1]), 5).unwrap();
    assert!(
        plan.usage(41)
            .iter()
            .all(|usage| (usage.places, usage.fill) == (1, 0))
    );
    assert!((plan.mix().achieved - 11.0 / 41.0).abs() < 1e-15);
}

#[test]
fn a_missing_pool_is_a_shortfall_and_no_failure() {
    let samples = samples(90, 0);
    let plan = plan(
        &samples,
        &settings(Shape::Square, Some(share(0.1)), [4, 1, 1]),
        0,
    )
    .unwrap();
    assert_eq!(plan.mix().shortfall, 10);
    assert_eq!(plan.mix().by_role.anchor, RoleMix::default());
    assert!(plan.mix().achieved.abs() < f64::EPSILON);
}

#[test]
fn no_samples_give_no_steps() {
    for shape in [Shape::Square, Shape::Aspect] {
        let plan = plan(&[], &settings(shape, Some(share(0.1)), [4, 2, 1]), 0).unwrap();
        assert_eq!(plan.steps(), 0);
        assert_eq!(plan.step(0), None);
        assert_eq!(plan.mix().worst_window, None);
    }
}

#[test]
fn a_share_of_one_is_refused_before_any_work() {
    let one = AnchorRatio::ShareOfAll(ratio(1.0));
    assert!(matches!(one.check(), Err(Error::Ratio { .. })));
    let samples = samples(3, 3);
    assert!(plan(&samples, &settings(Shape::Square, Some(one), [1, 1, 1]), 0).is_err());
    assert!(AnchorRatio::RatioToTrain(ratio(1.5)).check().is_ok());
}

#[test]
fn an_epoch_that_no_machine_holds_is_refused() {
    let samples = samples(100, 1);
    let asked = Some(share(0.999_999_999_999));
    for shape in [Shape::Square, Shape::Aspect] {
        assert!(matches!(
            plan(&samples, &settings(shape, asked, [1, 1, 1]), 0),
            Err(Error::PlanTooLarge { .. })
        ));
        assert!(matches!(
            plan(&samples, &settings(shape, None, [u32::MAX; 3]), 0),
            Err(Error::PlanTooLarge { .. })
        ));
    }
}

#[test]
fn a_ratio_reads_as_a_recipe_writes_it() {
    let asked: AnchorRatio = serde_json::from_str(r#"{"share_of_all": 0.10}"#).unwrap();
    assert_eq!(asked, share(0.1));
    assert_eq!(
        serde_json::to_string(&asked).unwrap(),
        r#"{"share_of_all":0.1}"#
    );
    assert!(serde_json::from_str::<AnchorRatio>(r#"{"share_of_al": 0.1}"#).is_err());
}

#[test]
fn places_of_a_square_epoch_are_those_of_the_definitions() {
    // Written out once more, with sorted strings and f64-free arithmetic, for a pool larger than the places.
    let samples = samples(50, 20);
    let epoch = 3;
    let plan = plan(
        &samples,
        &settings(Shape::Square, Some(share(0.2)), [4, 2, 1]),
        epoch,
    )
    .unwrap();
    let sorted = |role: Role, key: &dyn Fn(&str) -> [u8; 16]| {
        let mut ids: Vec<String> = samples
            .iter()
            .filter(|sample| sample.role == role)
            .map(|sample| sample.sample_id.to_string())
            .collect();
        ids.sort_by_key(|id| (key(id), id.clone()));
        ids
    };
    let train = sorted(Role::Train, &|id| hash("order", &["42", "3", id]));
    let anchors = sorted(Role::Anchor, &|id| hash("anchor", &["42", id]));
    // a = 50 · 0.2 / 0.8 = 12.5, so 13; 63 places, filled to 64; the one more is a train sample.
    let (mut t, mut j) = (0, 0);
    let expected: Vec<String> = (0..64)
        .map(|k| {
            if (k + 1) * 13 / 64 > k * 13 / 64 {
                j += 1;
                anchors[(3 * 13 + j - 1) % 20].clone()
            } else {
                t += 1;
                train[(t - 1) % 50].clone()
            }
        })
        .collect();
    let found: Vec<String> = ids(&samples, &plan)
        .iter()
        .map(|(id, _)| id.to_string())
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn repeats_of_anchors_fill_batches_first() {
    // Two buckets: 6 train + 1 anchor and 7 train + 1 anchor at a device batch of 4. Three anchor places: each anchor
    // once, and the third where it fills: both buckets then hold 8.
    let bucket = |name: &str, role: Role, count: u32, width: u32| {
        (0..count)
            .map(|n| PlanSample {
                sample_id: SampleId(hash("sample", &[name, &n.to_string()])),
                role,
                collection: 0,
                width,
                height: 1024,
            })
            .collect::<Vec<_>>()
    };
    let samples = [
        bucket("a", Role::Train, 6, 1024),
        bucket("b", Role::Anchor, 1, 1024),
        bucket("c", Role::Train, 7, 832),
        bucket("d", Role::Anchor, 1, 832),
    ]
    .concat();
    let asked = Some(AnchorRatio::RatioToTrain(Ratio::new(3, 13).unwrap()));
    for epoch in 0..8 {
        let plan = plan(&samples, &settings(Shape::Aspect, asked, [4, 1, 1]), epoch).unwrap();
        assert_eq!(anchor_counts(&samples, &plan), [2, 1], "epoch {epoch}");
        assert_eq!(plan.mix().fill, 0);
    }
}

#[test]
fn anchors_of_a_bucket_are_spread_over_its_batches() {
    // 900 + 100 in one bucket and 450 + 50 in another: each batch of 10 has its anchor, as in `square`.
    let samples: Vec<PlanSample> = (0..1500_u32)
        .map(|n| PlanSample {
            sample_id: SampleId(hash("sample", &[&n.to_string()])),
            collection: 0,
            role: if n % 10 == 3 {
                Role::Anchor
            } else {
                Role::Train
            },
            width: if n % 3 == 0 { 832 } else { 1216 },
            height: 1024,
        })
        .collect();
    let plan = plan(&samples, &settings(Shape::Aspect, None, [10, 2, 1]), 0).unwrap();
    for step in 0..plan.steps() {
        assert_eq!(anchors_in(&samples, plan.step(step).unwrap()), 2);
    }
}

#[test]
fn epochs_differ_and_the_same_epoch_does_not() {
    let samples = samples(40, 10);
    for shape in [Shape::Square, Shape::Aspect] {
        let settings = settings(shape, Some(share(0.1)), [4, 1, 1]);
        let epoch = |epoch| plan(&samples, &settings, epoch).unwrap();
        assert_eq!(epoch(1), epoch(1));
        assert_ne!(epoch(1).places(), epoch(2).places());
    }
}

/// Train samples of collections 0 and 1, anchors of 2 and 3.
fn collections(counts: [u32; 4]) -> Vec<PlanSample> {
    let mut samples = Vec::new();
    for (collection, count) in (0..).zip(counts) {
        let role = if collection < 2 {
            Role::Train
        } else {
            Role::Anchor
        };
        samples.extend(pool(role, count, SIZES.len()).into_iter().map(|sample| {
            let id = hash(
                "sample",
                &[&collection.to_string(), &sample.sample_id.to_string()],
            );
            PlanSample {
                sample_id: SampleId(id),
                collection,
                ..sample
            }
        }));
    }
    samples
}

#[test]
fn shares_of_collections_are_exact_in_both_shapes_and_over_the_epochs() {
    let samples = collections([30, 50, 4, 20]);
    let rules = [
        (0, CollectionRule::Share(ratio(0.5))),
        (2, CollectionRule::Share(ratio(0.25))),
    ];
    for shape in [Shape::Square, Shape::Aspect] {
        let settings = PlanSettings {
            collections: rules.into(),
            ..settings(
                shape,
                Some(AnchorRatio::RatioToTrain(ratio(0.2))),
                [1, 1, 1],
            )
        };
        let mut uses = vec![0; samples.len()];
        for epoch in 0..4 {
            let plan = plan(&samples, &settings, epoch).unwrap();
            let usage = plan.usage(samples.len());
            let places = |collection: u64| -> u32 {
                let of = samples.iter().zip(&usage);
                of.filter(|(sample, _)| sample.collection == collection)
                    .map(|(_, usage)| usage.places)
                    .sum()
            };
            assert_eq!(
                [0, 1, 2, 3].map(places),
                [50, 50, 5, 15],
                "{shape:?} {epoch}"
            );
            assert!(usage[..80].iter().all(|usage| usage.places > 0));
            assert_eq!(plan.mix().shortfall, 0);
            for (uses, usage) in uses.iter_mut().zip(usage) {
                *uses += usage.places;
            }
        }
        // 200 uses of 30 samples: what comes once more rotates.
        assert!(
            uses[..30].iter().all(|uses| (6..=7).contains(uses)),
            "{uses:?}"
        );
    }
}

#[test]
fn a_sample_never_comes_more_often_than_it_may() {
    let samples = collections([30, 50, 4, 0]);
    let settings = PlanSettings {
        max_repeats: NonZeroU32::new(3),
        ..settings(Shape::Square, Some(share(0.5)), [1, 1, 1])
    };
    let plan = plan(&samples, &settings, 0).unwrap();
    assert_eq!(plan.mix().by_role.anchor.places, 12);
    assert_eq!(plan.mix().shortfall, 68);
    assert!(
        plan.usage(samples.len())
            .iter()
            .all(|usage| usage.places <= 3)
    );
    let quota = plan
        .quotas()
        .iter()
        .find(|quota| quota.role == Role::Anchor)
        .unwrap();
    assert_eq!((quota.asked, quota.places), (80, 12));
}

fn any_ratio() -> impl Strategy<Value = Option<AnchorRatio>> {
    prop_oneof![
        Just(None),
        (0..900_u64).prop_map(|n| Some(AnchorRatio::ShareOfAll(Ratio::new(n, 1000).unwrap()))),
        (0..2000_u64).prop_map(|n| Some(AnchorRatio::RatioToTrain(Ratio::new(n, 1000).unwrap()))),
    ]
}

fn any_shape() -> impl Strategy<Value = Shape> {
    prop_oneof![Just(Shape::Square), Just(Shape::Aspect)]
}

fn any_batch() -> impl Strategy<Value = [u32; 3]> {
    [1..9_u32, 1..4_u32, 1..4_u32]
}

proptest! {
    #[test]
    fn the_ratio_is_the_nearest_that_whole_samples_allow(
        train in 0..300_u32, anchors in 1..60_u32, asked in any_ratio(), shape in any_shape(), batch in any_batch(),
    ) {
        let samples = samples(train, anchors);
        let plan = plan(&samples, &settings(shape, asked, batch), 1).unwrap();
        let (train, places) = (i128::from(train), i128::from(plan.mix().by_role.anchor.places));
        // |a − T · p / q| ≤ 1/2 in whole numbers.
        let (upper, lower) = match asked {
            None => (i128::from(anchors), 1),
            Some(AnchorRatio::RatioToTrain(r)) => (train * i128::from(r.numerator()), i128::from(r.denominator())),
            Some(AnchorRatio::ShareOfAll(r)) => (
                train * i128::from(r.numerator()),
                i128::from(r.denominator()) - i128::from(r.numerator()),
            ),
        };
        prop_assert!((2 * (places * lower - upper)).abs() <= lower);
    }

    #[test]
    fn every_train_sample_stands_once_before_fill_and_anchors_differ_by_one_at_most(
        train in 0..300_u32, anchors in 0..60_u32, asked in any_ratio(), shape in any_shape(), batch in any_batch(),
        epoch in 0..50_u64,
    ) {
        let samples = samples(train, anchors);
        let plan = plan(&samples, &settings(shape, asked, batch), epoch).unwrap();
        for (sample, usage) in samples.iter().zip(plan.usage(samples.len())) {
            prop_assert!(sample.role == Role::Anchor || usage.places == 1);
        }
        let counts = anchor_counts(&samples, &plan);
        let (least, most) = (counts.iter().min(), counts.iter().max());
        prop_assert!(most.unwrap_or(&0) - least.unwrap_or(&0) <= 1);
    }

    #[test]
    fn all_steps_are_full_and_fill_is_counted(
        train in 0..300_u32, anchors in 0..60_u32, asked in any_ratio(), shape in any_shape(), batch in any_batch(),
    ) {
        let samples = samples(train, anchors);
        let settings = settings(shape, asked, batch);
        let plan = plan(&samples, &settings, 2).unwrap();
        let mix = plan.mix();
        prop_assert_eq!(plan.places().len() % settings.samples_per_step() as usize, 0);
        prop_assert_eq!(plan.steps() * settings.samples_per_step() as usize, plan.places().len());
        let fill = plan.places().iter().filter(|place| place.is_fill).count();
        prop_assert_eq!(mix.fill, fill as u64);
        prop_assert_eq!(mix.unique + mix.repeats + mix.fill, plan.places().len() as u64);
        let ByRole { train, anchor } = mix.by_role;
        prop_assert_eq!(train.places + anchor.places, mix.unique + mix.repeats);
        prop_assert_eq!(train.fill + anchor.fill, mix.fill);
    }

    #[test]
    fn fill_stays_below_a_step_in_square_and_below_a_batch_a_bucket_in_aspect(
        train in 1..300_u32, anchors in 0..60_u32, asked in any_ratio(), batch in any_batch(),
    ) {
        let samples = samples(train, anchors);
        let of = |shape| {
            let settings = settings(shape, asked, batch);
            (plan(&samples, &settings, 2).unwrap().mix().fill, settings.samples_per_step() as u64)
        };
        let (fill, step) = of(Shape::Square);
        prop_assert!(fill < step);
        let (fill, step) = of(Shape::Aspect);
        prop_assert!(fill < step + SIZES.len() as u64 * u64::from(batch[0]));
    }

    #[test]
    fn every_aligned_window_of_a_square_epoch_has_its_anchors_within_one(
        train in 1..300_u32, anchors in 1..60_u32, asked in any_ratio(), batch in any_batch(),
    ) {
        let samples = samples(train, anchors);
        let plan = plan(&samples, &settings(Shape::Square, asked, batch), 4).unwrap();
        let all = i128::from(anchors_in(&samples, plan.places()));
        let steps = plan.steps() as i128;
        let mut furthest = 0;
        for step in 0..plan.steps() {
            let here = i128::from(anchors_in(&samples, plan.step(step).unwrap()));
            let deviation = (here * steps - all).abs();
            prop_assert!(deviation < steps, "step {}: {} anchors, {}/{} expected", step, here, all, steps);
            furthest = furthest.max(deviation);
        }
        let reported = plan.mix().worst_window.unwrap();
        prop_assert!((reported.deviation.abs() - furthest as f64 / steps as f64).abs() < 1e-9);
        prop_assert_eq!(reported.anchors, anchors_in(&samples, plan.step(reported.step as usize).unwrap()));
    }

    #[test]
    fn a_pool_larger_than_an_epoch_is_gone_through_before_any_anchor_comes_again(
        train in 20..200_u32, anchors in 1..60_u32, shape in any_shape(), batch in any_batch(),
    ) {
        let samples = samples(train, anchors);
        let settings = settings(shape, Some(share(0.05)), batch);
        let mut seen: HashMap<SampleId, u32> = HashMap::new();
        for epoch in 0..30 {
            let plan = plan(&samples, &settings, epoch).unwrap();
            let places = plan.mix().by_role.anchor.places;
            prop_assume!(places <= u64::from(anchors) && places > 0);
            for (id, is_fill) in ids(&samples, &plan) {
                if !is_fill {
                    *seen.entry(id).or_default() += 1;
                }
            }
            let counts: Vec<u32> = samples[train as usize..]
                .iter()
                .map(|sample| seen.get(&sample.sample_id).copied().unwrap_or(0))
                .collect();
            let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
            prop_assert!(most - least <= 1, "epoch {}: {:?}", epoch, counts);
        }
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(
        train in 0..120_u32, anchors in 0..40_u32, asked in any_ratio(), shape in any_shape(), batch in any_batch(),
        order in any::<u64>(),
    ) {
        let samples = samples(train, anchors);
        let mut shuffled = samples.clone();
        shuffled.sort_by_key(|sample| hash("order", &[&order.to_string(), &sample.sample_id.to_string()]));
        let settings = settings(shape, asked, batch);
        let (one, two) = (plan(&samples, &settings, 6).unwrap(), plan(&shuffled, &settings, 6).unwrap());
        prop_assert_eq!(ids(&samples, &one), ids(&shuffled, &two));
        prop_assert_eq!(one.mix(), two.mix());
    }

    #[test]
    fn a_device_batch_of_an_aspect_epoch_is_one_bucket(
        train in 1..300_u32, anchors in 0..60_u32, asked in any_ratio(), batch in any_batch(),
    ) {
        let samples = samples(train, anchors);
        let settings = settings(Shape::Aspect, asked, batch);
        let plan = plan(&samples, &settings, 0).unwrap();
        let mut batches = Vec::new();
        for step in 0..plan.steps() {
            for round in 0..batch[2] as usize {
                for device in 0..batch[1] as usize {
                    batches.push(plan.device_batch(step, round, device).unwrap());
                }
            }
            prop_assert_eq!(plan.device_batch(step, 0, batch[1] as usize), None);
            prop_assert_eq!(plan.device_batch(step, batch[2] as usize, 0), None);
        }
        prop_assert_eq!(batches.concat(), plan.places());
        let mut buckets: BTreeMap<(u32, u32), BTreeSet<u32>> = BTreeMap::new();
        for device_batch in batches {
            prop_assert_eq!(device_batch.len(), batch[0] as usize);
            let bucket = |place: &Place| bucket_of(&samples, *place);
            prop_assert!(device_batch.iter().all(|place| bucket(place) == bucket(&device_batch[0])));
            buckets.entry(bucket(&device_batch[0])).or_default().extend(device_batch.iter().map(|place| place.sample));
        }
        let used: usize = buckets.values().map(BTreeSet::len).sum();
        prop_assert_eq!(used as u64, plan.mix().unique);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn any_pools_and_shares_give_exact_counts_bounded_windows_every_sample_and_the_same_plan_again(
        pools in prop::collection::vec((1..16_u32, 0..3_u32, 1..9_u64), 1..4), anchors in 0..12_u32,
        asked in any_ratio(), shape in any_shape(), batch in any_batch(), seed: u64, epoch in 0..9_u64,
    ) {
        let mut samples = pool(Role::Anchor, anchors, SIZES.len());
        let mut rules = BTreeMap::new();
        for (collection, &(count, kind, part)) in (1..).zip(&pools) {
            samples.extend((0..count).map(|n| PlanSample {
                sample_id: SampleId(hash("sample", &[&collection.to_string(), &n.to_string()])),
                role: Role::Train,
                collection,
                ..pool(Role::Train, n + 1, SIZES.len())[n as usize]
            }));
            let rule = match kind {
                0 => continue,
                1 => CollectionRule::Share(Ratio::new(part, 30).unwrap()),
                _ => CollectionRule::Weight(Ratio::new(part, 3).unwrap()),
            };
            rules.insert(collection, rule);
        }
        let settings = PlanSettings { seed, collections: rules, ..settings(shape, asked, batch) };
        let epoch_plan = plan(&samples, &settings, epoch).unwrap();
        let mix = epoch_plan.mix();

        // Counts: the anchors are the nearest whole number to what is asked of the train places.
        let (train, places) = (i128::from(mix.by_role.train.places), i128::from(mix.by_role.anchor.places));
        let exact = match asked {
            _ if anchors == 0 => (0, 1),
            None => (i128::from(anchors), 1),
            Some(AnchorRatio::RatioToTrain(r)) => (train * i128::from(r.numerator()), i128::from(r.denominator())),
            Some(AnchorRatio::ShareOfAll(r)) => (
                train * i128::from(r.numerator()),
                i128::from(r.denominator()) - i128::from(r.numerator()),
            ),
        };
        prop_assert!((2 * (places * exact.1 - exact.0)).abs() <= exact.1, "{} for {:?}", places, exact);
        let counted = epoch_plan.places().iter().filter(|place| !place.is_fill).count() as i128;
        prop_assert_eq!(counted, train + places);
        for quota in epoch_plan.quotas() {
            prop_assert_eq!(quota.asked, quota.places, "without a cap nothing is short");
        }

        // Every train sample is seen, and a collection's samples as often as each other, within one.
        let usage = epoch_plan.usage(samples.len());
        for collection in 1..=pools.len() as u64 {
            let of_it = samples.iter().zip(usage.iter()).filter(|(sample, _)| sample.collection == collection);
            let counts: Vec<u32> = of_it.map(|(_, usage)| usage.places).collect();
            let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
            prop_assert!(*least >= 1 && most - least <= 1, "{:?}", counts);
        }

        // Windows: every step of a square epoch has its part of the anchors, within one.
        if shape == Shape::Square {
            let (all, steps) = (i128::from(anchors_in(&samples, epoch_plan.places())), epoch_plan.steps() as i128);
            for step in 0..epoch_plan.steps() {
                let here = i128::from(anchors_in(&samples, epoch_plan.step(step).unwrap()));
                prop_assert!((here * steps - all).abs() < steps);
            }
        }

        // Determinism, whatever the order of the input.
        let mut turned = samples.clone();
        turned.reverse();
        let again = plan(&turned, &settings, epoch).unwrap();
        prop_assert_eq!(ids(&samples, &epoch_plan), ids(&turned, &again));
        prop_assert_eq!(mix, again.mix());
    }
}

fn bucket_of(samples: &[PlanSample], place: Place) -> (u32, u32) {
    let sample = samples[place.sample as usize];
    (sample.width, sample.height)
}
