//! What a plan amounts to: the ratio, the repeats and the fill.

use crate::plan::{AnchorRatio, Place, PlanSample, Role};

/// How often a sample is used in an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Places before fill.
    pub places: u32,
    /// Places that only fill batches.
    pub fill: u32,
}

/// What was asked of an epoch, and what came of it. All counts but `fill` are of places before fill.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Mix {
    /// The ratio of the recipe.
    pub asked: Option<AnchorRatio>,
    /// The ratio of the places, measured as `asked` is; as a share of all if none was asked for.
    pub achieved: f64,
    /// Different samples.
    pub unique: u64,
    /// Places beyond one for each sample.
    pub repeats: u64,
    /// Places that only fill batches.
    pub fill: u64,
    /// Anchor places that were asked for and that nothing could take, because the pool of anchors is empty.
    pub shortfall: u64,
    /// The same for each role.
    pub by_role: ByRole,
    /// The step whose share of anchors is furthest from the epoch's; none in an epoch without steps.
    pub worst_window: Option<Window>,
}

/// One [`RoleMix`] for each [`Role`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ByRole {
    /// Train samples.
    pub train: RoleMix,
    /// Anchors.
    pub anchor: RoleMix,
}

impl ByRole {
    fn of(&mut self, role: Role) -> &mut RoleMix {
        match role {
            Role::Train => &mut self.train,
            Role::Anchor => &mut self.anchor,
        }
    }
}

/// What a part of the samples takes of an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RoleMix {
    /// Samples to choose from.
    pub available: u64,
    /// Places before fill.
    pub places: u64,
    /// Different samples in them.
    pub unique: u64,
    /// Places beyond one for each of those.
    pub repeats: u64,
    /// Places that only fill batches.
    pub fill: u64,
}

impl RoleMix {
    /// Counts one more sample of this part.
    pub fn add(&mut self, usage: Usage) {
        let places = u64::from(usage.places);
        let used = u64::from(usage.places > 0);
        self.available += 1;
        self.places += places;
        self.unique += used;
        self.repeats += places - used;
        self.fill += u64::from(usage.fill);
    }
}

/// A step, as a window on the mix; fill counts.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Window {
    /// The step's number in the epoch, from 0.
    pub step: u64,
    /// Samples in it: the effective batch.
    pub samples: u64,
    /// Anchors among them.
    pub anchors: u64,
    /// Anchors in it beyond (or, negative, below) the epoch's mean, in samples.
    pub deviation: f64,
}

/// How often each of `samples` samples stands in `places`.
pub(super) fn usage(places: &[Place], samples: usize) -> Vec<Usage> {
    let mut usage = vec![Usage::default(); samples];
    for place in places {
        if let Some(usage) = usage.get_mut(place.sample as usize) {
            if place.is_fill {
                usage.fill += 1;
            } else {
                usage.places += 1;
            }
        }
    }
    usage
}

/// Counts what stands in `places`.
pub(super) fn measure(
    samples: &[PlanSample],
    places: &[Place],
    step_len: usize,
    asked: Option<AnchorRatio>,
    shortfall: u128,
) -> Mix {
    let mut by_role = ByRole::default();
    for (sample, usage) in samples.iter().zip(usage(places, samples.len())) {
        by_role.of(sample.role).add(usage);
    }
    let ByRole { train, anchor } = by_role;
    let measure = asked.unwrap_or(AnchorRatio::ShareOfAll(crate::ratio::Ratio::ZERO));
    Mix {
        asked,
        achieved: measure.achieved(train.places, anchor.places),
        unique: train.unique + anchor.unique,
        repeats: train.repeats + anchor.repeats,
        fill: train.fill + anchor.fill,
        shortfall: u64::try_from(shortfall).unwrap_or(u64::MAX),
        by_role,
        worst_window: worst_window(samples, places, step_len),
    }
}

/// The first step whose number of anchors is furthest from the mean over all steps.
fn worst_window(samples: &[PlanSample], places: &[Place], step_len: usize) -> Option<Window> {
    let anchors_in = |places: &[Place]| {
        let is_anchor = |place: &&Place| samples[place.sample as usize].role == Role::Anchor;
        places.iter().filter(is_anchor).count()
    };
    let steps = places.len() / step_len;
    let all = anchors_in(places) as i128;
    // Deviations times the number of steps, to stay with whole numbers.
    let mut worst: Option<(i128, usize, usize)> = None;
    for (step, window) in places.chunks_exact(step_len).enumerate() {
        let anchors = anchors_in(window);
        let deviation = anchors as i128 * steps as i128 - all;
        if worst.is_none_or(|(largest, ..)| deviation.abs() > largest.abs()) {
            worst = Some((deviation, step, anchors));
        }
    }
    worst.map(|(deviation, step, anchors)| Window {
        step: step as u64,
        samples: step_len as u64,
        anchors: anchors as u64,
        deviation: deviation as f64 / steps as f64,
    })
}
