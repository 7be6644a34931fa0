//! The order of samples, repeats and batches of an epoch: a pure function of the index, the mix and the seed.
//!
//! Ratio first, fill after. Every train sample takes one place; the asked ratio says how many places anchors take; a
//! pool larger than that rotates through a seeded permutation over the epochs, a smaller one repeats evenly. Then
//! under-full batches are filled by repeats, which are counted apart as [`RoleMix::fill`] and never touch the ratio.
//!
//! Two shapes of batches: [`Shape::Square`] spreads anchors evenly over the whole epoch; [`Shape::Aspect`] keeps
//! every device batch within one bucket of equal width and height, and spreads anchors evenly over each bucket. All
//! arithmetic is on whole numbers, and all order comes from hashes of ids: the same samples in any order, on any
//! machine, give the same plan.

mod anchors;
mod aspect;
mod keys;
mod mix;
mod rules;
mod spread;
mod square;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, num::NonZeroU32};

use crate::{
    Error,
    ids::SampleId,
    ratio::{Ratio, nearest},
};
use anchors::Anchors;
use keys::Keys;

pub use crate::words::Role;
pub use mix::{ByRole, Mix, RoleMix, Usage, Window};
pub use rules::{CollectionRule, MixRules, Quota, collection_key};

/// The most places an epoch may have: 8 GiB of [`Place`]s. More is a slip in the settings.
pub const MAX_PLACES: u64 = 1 << 30;

/// What the plan needs to know of a row of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanSample {
    /// Its id, on which all order rests.
    pub sample_id: SampleId,
    /// Whether it is trained on or an anchor.
    pub role: Role,
    /// Its collection, by [`collection_key`].
    pub collection: u64,
    /// Columns of its pixels: with `height`, its bucket.
    pub width: u32,
    /// Rows of its pixels.
    pub height: u32,
}

/// How many anchors an epoch has, repeats counted, fill not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnchorRatio {
    /// Anchors over all samples of the epoch; below 1.
    ShareOfAll(Ratio),
    /// Anchors over train samples.
    RatioToTrain(Ratio),
}

impl AnchorRatio {
    /// Says whether an epoch can have this ratio, so that settings can be refused before any work.
    ///
    /// # Errors
    /// [`Error::Ratio`] for a share of 1 or more, which no number of anchors reaches.
    pub fn check(self) -> Result<(), Error> {
        match self {
            Self::ShareOfAll(share) if share.numerator() >= share.denominator() => {
                Err(Error::Ratio {
                    found: share.to_string(),
                    allowed: "a share of all samples is below 1",
                })
            }
            Self::ShareOfAll(_) | Self::RatioToTrain(_) => Ok(()),
        }
    }

    /// Anchor places beside `train` train samples: the nearest whole number, halves up.
    ///
    /// # Errors
    /// As [`AnchorRatio::check`].
    pub fn places(self, train: u64) -> Result<u128, Error> {
        self.check()?;
        Ok(match self {
            Self::RatioToTrain(ratio) => ratio.nearest_of(train),
            // train · r / (1 − r), with r = numerator / denominator
            Self::ShareOfAll(share) => nearest(
                u128::from(train) * u128::from(share.numerator()),
                u128::from(share.denominator() - share.numerator()),
            ),
        })
    }

    /// The ratio that `anchors` beside `train` samples have, measured as this one is; 0 if there are none.
    fn achieved(self, train: u64, anchors: u64) -> f64 {
        let whole = match self {
            Self::ShareOfAll(_) => train + anchors,
            Self::RatioToTrain(_) => train,
        };
        Ratio::new(anchors, whole).map_or(0.0, Ratio::as_f64)
    }
}

impl fmt::Display for AnchorRatio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShareOfAll(share) => write!(f, "{share} of all"),
            Self::RatioToTrain(ratio) => write!(f, "{ratio} to train"),
        }
    }
}

/// How batches are made up.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// All samples have one size; anchors are spread evenly.
    #[default]
    Square,
    /// A device batch holds samples of one size.
    Aspect,
}

/// All that a plan depends on besides the samples and the epoch.
#[derive(Clone, Debug)]
pub struct PlanSettings {
    /// The recipe's seed.
    pub seed: u64,
    /// How batches are made up.
    pub shape: Shape,
    /// The asked ratio; without one every anchor takes one place, as every train sample does.
    pub anchor: Option<AnchorRatio>,
    /// The most places that one sample may take before fill.
    pub max_repeats: Option<NonZeroU32>,
    /// How the collections of a role share its places, by [`collection_key`].
    pub collections: BTreeMap<u64, CollectionRule>,
    /// Samples that a device takes at once.
    pub device_batch: NonZeroU32,
    /// Devices that work side by side.
    pub devices: NonZeroU32,
    /// Batches that a device takes before the weights are updated.
    pub accumulation: NonZeroU32,
}

impl PlanSettings {
    /// Device batch 1, one device, accumulation 1: what a manifest's mix is computed for, so that a trainer's
    /// settings never change a manifest.
    pub fn of_manifest(seed: u64, shape: Shape, anchor: Option<AnchorRatio>) -> Self {
        Self {
            seed,
            shape,
            anchor,
            max_repeats: None,
            collections: BTreeMap::new(),
            device_batch: NonZeroU32::MIN,
            devices: NonZeroU32::MIN,
            accumulation: NonZeroU32::MIN,
        }
    }

    /// The same with a recipe's rules for its collections.
    #[must_use]
    pub fn with_rules(mut self, rules: &MixRules) -> Self {
        self.max_repeats = rules.max_repeats;
        let rules = rules.collections.iter();
        self.collections = rules
            .map(|(name, rule)| (collection_key(name), *rule))
            .collect();
        self
    }

    /// Device batches between two updates: devices · accumulation.
    pub fn batches_per_step(&self) -> u64 {
        u64::from(self.devices.get()) * u64::from(self.accumulation.get())
    }

    /// Samples between two updates, the effective batch: accumulation · devices · device batch.
    pub fn samples_per_step(&self) -> u128 {
        u128::from(self.batches_per_step()) * u128::from(self.device_batch.get())
    }
}

/// One use of a sample in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The sample's position in the slice that was planned.
    pub sample: u32,
    /// Whether it only fills a batch; the ratio is over places that do not.
    pub is_fill: bool,
}

/// An epoch: which sample is used when.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochPlan {
    epoch: u64,
    places: Vec<Place>,
    device_batch: usize,
    devices: usize,
    step_len: usize,
    mix: Mix,
    quotas: Vec<Quota>,
}

impl EpochPlan {
    /// The epoch's number, from 0.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Updates of the weights in this epoch.
    pub fn steps(&self) -> usize {
        self.places.len() / self.step_len
    }

    /// Every place in order; whole steps, each in the order accumulation, device, sample of the device batch.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The places of one step: accumulation · devices · device batch of them. None past the last step.
    pub fn step(&self, step: usize) -> Option<&[Place]> {
        self.places.chunks_exact(self.step_len).nth(step)
    }

    /// What one device takes in one accumulation round of a step. None if there is no such step, round or device.
    pub fn device_batch(&self, step: usize, round: usize, device: usize) -> Option<&[Place]> {
        if device >= self.devices {
            return None;
        }
        self.step(step)?
            .chunks_exact(self.device_batch)
            .nth(round * self.devices + device)
    }

    /// What was asked for and what came of it.
    pub fn mix(&self) -> &Mix {
        &self.mix
    }

    /// The part of every collection, train first, then by key.
    pub fn quotas(&self) -> &[Quota] {
        &self.quotas
    }

    /// How often each of `samples` samples is used, by its position in the slice that was planned.
    pub fn usage(&self, samples: usize) -> Vec<Usage> {
        mix::usage(&self.places, samples)
    }
}

/// The plan of epoch `epoch` (from 0) over the train split's `samples`, whose ids differ from each other.
///
/// The order of `samples` does not matter. Each train sample takes exactly one place that is not fill, unless rules for
/// collections ask for repeats; anchors take the nearest number of places to the asked ratio. [`Mix::shortfall`] says
/// how many places nothing could take, because there are no anchors or `max_repeats` allows no more. All steps are
/// full.
///
/// # Errors
/// [`Error::Ratio`] for a share of 1 or more; [`Error::PlanTooLarge`] past [`MAX_PLACES`].
pub fn plan(
    samples: &[PlanSample],
    settings: &PlanSettings,
    epoch: u64,
) -> Result<EpochPlan, Error> {
    let mut keys = Keys::new(settings.seed, epoch);
    let quotas_of = |role, total| {
        rules::quotas(
            samples,
            role,
            &settings.collections,
            settings.max_repeats,
            total,
        )
    };
    let places_of = |quotas: &[Quota]| quotas.iter().map(|quota| quota.places).sum::<u64>();
    let mut quotas = quotas_of(Role::Train, None);
    let train_places = places_of(&quotas);
    let asked = settings
        .anchor
        .map(|ratio| ratio.places(train_places))
        .transpose()?;
    fits(asked.unwrap_or(0) + samples.len() as u128 + settings.samples_per_step())?;
    fits(quotas.iter().map(|quota| u128::from(quota.asked)).sum())?;
    let anchor_quotas = quotas_of(Role::Anchor, asked.map(|asked| asked as u64));
    let available = places_of(&anchor_quotas);
    let asked = asked.unwrap_or_else(|| {
        anchor_quotas
            .iter()
            .map(|quota| u128::from(quota.asked))
            .sum()
    });
    fits(asked + u128::from(train_places))?;
    let train_short = quotas
        .iter()
        .map(|quota| quota.asked - quota.places)
        .sum::<u64>();
    let has_rules = anchor_quotas
        .iter()
        .any(|quota| settings.collections.contains_key(&quota.collection));
    let train = anchors::uses(samples, &quotas, epoch, &mut keys);
    let anchors = Anchors::new(samples, &anchor_quotas, has_rules, epoch, &mut keys);

    let places = match settings.shape {
        Shape::Square => square::places(samples, &train, &anchors, settings, &mut keys),
        Shape::Aspect => aspect::places(samples, &train, &anchors, settings, &mut keys)?,
    };
    quotas.extend(anchor_quotas);
    let step_len = settings.samples_per_step() as usize;
    let mix = mix::measure(
        samples,
        &places,
        step_len,
        settings.anchor,
        asked - u128::from(available) + u128::from(train_short),
    );
    Ok(EpochPlan {
        epoch,
        places,
        device_batch: settings.device_batch.get() as usize,
        devices: settings.devices.get() as usize,
        step_len,
        mix,
        quotas,
    })
}

/// Positions of the samples in this role, of one collection or of all.
fn positions(samples: &[PlanSample], role: Role, collection: Option<u64>) -> Vec<u32> {
    (0..)
        .zip(samples)
        .filter(|(_, sample)| {
            sample.role == role && collection.is_none_or(|key| sample.collection == key)
        })
        .map(|(position, _)| position)
        .collect()
}

/// Refuses an epoch that could not be held.
fn fits(places: u128) -> Result<(), Error> {
    if places > u128::from(MAX_PLACES) {
        return Err(Error::PlanTooLarge {
            places,
            limit: MAX_PLACES,
        });
    }
    Ok(())
}
