//! The plan of an epoch as a table, for whoever wants to see or replay it.

use crate::{
    ids::SampleId,
    index::IndexRow,
    plan::{EpochPlan, PlanSettings},
    table::table,
    words::{Role, Split},
};

table! {
    /// One use of a sample in an epoch, in the order of use.
    #[derive(Clone, Debug, PartialEq)]
    pub struct PlaceRow as "plan" {
        /// The epoch, from 0.
        epoch: u64,
        /// The update of the weights in the epoch, from 0.
        step: u64,
        /// The batch that the device takes within the step, from 0.
        round: u32,
        /// The device, from 0.
        rank: u32,
        /// The place in the device's batch, from 0.
        place: u32,
        /// The sample.
        sample_id: SampleId,
        /// The sample's collection.
        collection: String,
        /// `train` or `anchor`.
        role: Role,
        /// The sample's size, `1216x832`.
        bucket: String,
        /// How many uses of the sample in this epoch come before this one.
        repeat: u32,
        /// Whether it only fills a batch; the ratio is over places that do not.
        is_fill: bool,
    }
}

/// The places of an epoch, in order. `index` is the whole index that the epoch was planned from.
pub fn place_rows(index: &[IndexRow], settings: &PlanSettings, epoch: &EpochPlan) -> Vec<PlaceRow> {
    let samples: Vec<&IndexRow> = trained(index).collect();
    let device_batch = settings.device_batch.get() as usize;
    let devices = settings.devices.get() as usize;
    let step_len = settings.samples_per_step() as usize;
    let mut uses = vec![0; samples.len()];
    (0..)
        .zip(epoch.places())
        .map(|(number, place): (usize, _)| {
            let sample = samples[place.sample as usize];
            let repeat = uses[place.sample as usize];
            uses[place.sample as usize] += 1;
            let batch = number % step_len / device_batch;
            PlaceRow {
                epoch: epoch.epoch(),
                step: (number / step_len) as u64,
                round: (batch / devices) as u32,
                rank: (batch % devices) as u32,
                place: (number % device_batch) as u32,
                sample_id: sample.sample_id,
                collection: sample.collection.clone(),
                role: sample.role,
                bucket: format!("{}x{}", sample.width, sample.height),
                repeat,
                is_fill: place.is_fill,
            }
        })
        .collect()
}

/// The rows of an index that are trained on, in its order: positions in a plan count these.
pub fn trained(index: &[IndexRow]) -> impl Iterator<Item = &IndexRow> {
    index.iter().filter(|row| row.split == Split::Train)
}
