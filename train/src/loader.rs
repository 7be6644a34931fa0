//! Batches ahead of the device: made on every core, in the order of the plan, as plain numbers.

use std::{
    collections::HashMap,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::Scope,
};

use rayon::prelude::*;
use tch::{Device, Tensor};
use terminus_manifest::{
    index::IndexRow,
    plan::{EpochPlan, Place, Role},
};

use crate::{
    Error,
    draws::SampleDraws,
    examples::{Example, ExampleOptions},
    latents::LatentCache,
};

/// Batches that may wait for the device.
const BATCHES_AHEAD: usize = 4;

/// An epoch as it is to be loaded.
#[derive(Clone, Copy, Debug)]
pub struct Epoch<'a> {
    /// The samples that were planned.
    pub rows: &'a [IndexRow],
    /// Their order.
    pub plan: &'a EpochPlan,
    /// Samples of one batch.
    pub batch_size: usize,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// Updates of this epoch that are done already.
    pub done: usize,
}

/// A batch as plain numbers.
#[derive(Debug)]
pub struct Batch {
    /// `[B, C, h, w]` of latents and noise.
    pub shape: [usize; 4],
    /// Scaled latents.
    pub latents: Vec<f32>,
    /// Standard normal noise.
    pub noise: Vec<f32>,
    /// `[B]`
    pub timesteps: Vec<i64>,
    /// `[B, 6]`
    pub time_ids: Vec<f32>,
    /// One for each sample.
    pub captions: Vec<String>,
    /// How many of the samples are anchors.
    pub anchors: u64,
}

/// A batch on the device.
#[derive(Debug)]
pub struct DeviceBatch {
    /// Scaled latents, `[B, C, h, w]` f32.
    pub latents: Tensor,
    /// Standard normal noise, `[B, C, h, w]` f32.
    pub noise: Tensor,
    /// `[B]` int64.
    pub timesteps: Tensor,
    /// `[B, 6]` f32.
    pub time_ids: Tensor,
}

/// Makes the batches that are left of `epoch` on a thread of `scope`.
///
/// The thread ends with the epoch, after the first error, or once the receiver is dropped.
pub fn spawn<'scope, 'env: 'scope>(
    scope: &'scope Scope<'scope, 'env>,
    epoch: Epoch<'env>,
    options: ExampleOptions,
    cache: &'env LatentCache,
) -> Receiver<Result<Batch, Error>> {
    let (sender, receiver) = sync_channel(BATCHES_AHEAD);
    scope.spawn(move || make_all(epoch, &options, cache, &sender));
    receiver
}

fn make_all(
    epoch: Epoch<'_>,
    options: &ExampleOptions,
    cache: &LatentCache,
    sender: &SyncSender<Result<Batch, Error>>,
) {
    let places = epoch.plan.places();
    let step_len = places.len() / epoch.plan.steps().max(1);
    let repeats = repeats(places);
    let left = places.iter().zip(&repeats).skip(epoch.done * step_len);
    let left: Vec<(&Place, &u32)> = left.collect();
    for batch in left.chunks(epoch.batch_size) {
        let examples: Result<Vec<Example>, Error> = batch
            .par_iter()
            .map(|(place, repeat)| {
                let row = &epoch.rows[place.sample as usize];
                let draws =
                    SampleDraws::new(epoch.seed, epoch.plan.epoch(), row.sample_id, **repeat);
                options.example(row, &draws, cache)
            })
            .collect();
        let anchors = batch
            .iter()
            .filter(|(place, _)| epoch.rows[place.sample as usize].role == Role::Anchor)
            .count();
        let batch = examples.and_then(|examples| Batch::new(examples, anchors as u64));
        let is_last = batch.is_err();
        // The trainer has stopped: nobody wants the rest.
        if sender.send(batch).is_err() || is_last {
            return;
        }
    }
}

/// For each place, how often its sample stood before.
fn repeats(places: &[Place]) -> Vec<u32> {
    let mut seen: HashMap<u32, u32> = HashMap::new();
    places
        .iter()
        .map(|place| {
            let count = seen.entry(place.sample).or_default();
            *count += 1;
            *count - 1
        })
        .collect()
}

impl Batch {
    /// Puts `examples` together.
    ///
    /// # Errors
    /// They differ in size, or there is none.
    pub fn new(examples: Vec<Example>, anchors: u64) -> Result<Self, Error> {
        let [channels, height, width] = examples.first().map_or([0; 3], |first| first.shape);
        let mut batch = Self {
            shape: [examples.len(), channels, height, width],
            latents: Vec::with_capacity(examples.len() * channels * height * width),
            noise: Vec::with_capacity(examples.len() * channels * height * width),
            timesteps: Vec::with_capacity(examples.len()),
            time_ids: Vec::with_capacity(examples.len() * 6),
            captions: Vec::with_capacity(examples.len()),
            anchors,
        };
        for example in examples {
            if example.shape != [channels, height, width] {
                return Err(Error::MixedSizes {
                    first: [channels, height, width],
                    other: example.shape,
                });
            }
            batch.latents.extend(example.latents);
            batch.noise.extend(example.noise);
            batch.timesteps.push(example.timestep);
            batch.time_ids.extend(example.time_ids);
            batch.captions.push(example.caption);
        }
        Ok(batch)
    }

    /// The same on the device.
    ///
    /// # Errors
    /// Out of memory.
    pub fn to_device(&self, device: Device) -> Result<DeviceBatch, Error> {
        let shape = self.shape.map(|side| side as i64);
        Ok(DeviceBatch {
            latents: Tensor::f_from_slice(&self.latents)?
                .f_view(shape)?
                .f_to_device(device)?,
            noise: Tensor::f_from_slice(&self.noise)?
                .f_view(shape)?
                .f_to_device(device)?,
            timesteps: Tensor::f_from_slice(&self.timesteps)?.f_to_device(device)?,
            time_ids: Tensor::f_from_slice(&self.time_ids)?
                .f_view([shape[0], 6])?
                .f_to_device(device)?,
        })
    }
}
