//! Filling the cache: pictures are decoded on every core ahead of the device, which encodes them one by one.

use std::{
    collections::HashSet,
    io,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use tch::{Device, Tensor, no_grad};
use terminus_manifest::{
    ids::{SampleId, Sha256Digest},
    index::IndexRow,
    run::{Cancel, Progress},
};
use terminus_nn::{Weights, guard, write_safetensors};
use terminus_pixels::RgbImage;

use super::{LatentCache, Posterior};
use crate::{Error, dataset::Dataset, networks::AutoencoderKl, pictures};

/// Pictures that are decoded at once, and chunks of them that may wait for the device.
const CHUNK: usize = 32;
const CHUNKS_AHEAD: usize = 2;

/// A sample that has no latents, and why.
#[derive(Debug)]
pub struct Unencoded {
    /// The sample.
    pub sample: SampleId,
    /// What stood in the way.
    pub error: Error,
}

/// The identity of a VAE: 32 hex digits of a hash of its weights, whatever file they came from.
///
/// # Errors
/// Out of memory.
pub fn vae_identity(weights: &Weights) -> Result<String, Error> {
    let mut hasher = HashWriter(Sha256::new());
    write_safetensors(
        &mut hasher,
        weights.iter(),
        Some(tch::Kind::Float),
        &terminus_nn::Metadata::new(),
    )?;
    let mut text = Sha256Digest(hasher.0.finalize().into()).to_string();
    text.truncate(32);
    Ok(text)
}

struct HashWriter(Sha256);

impl io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Encodes every sample of `dataset` that the cache lacks, and gives back those that could not be.
///
/// One picture at a time goes through the network, so that its latents do not depend on its neighbours and memory
/// does not depend on the collection.
///
/// # Errors
/// [`Error::Cancelled`], after what is done was saved; a full disk; out of memory.
pub fn encode_missing(
    dataset: &Dataset,
    cache: &mut LatentCache,
    vae: &AutoencoderKl,
    device: Device,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Vec<Unencoded>, Error> {
    let mut missing: Vec<&IndexRow> = dataset
        .rows()
        .filter(|row| !cache.contains(row.sample_id))
        .collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    missing.sort_by(|a, b| (&a.shard, a.row).cmp(&(&b.shard, b.row)));
    progress.start("encoding latents", Some(missing.len() as u64), "images");
    let (sender, receiver) = sync_channel(CHUNKS_AHEAD);
    let done = thread::scope(|scope| {
        scope.spawn(|| decode_all(dataset, &missing, sender));
        guard(|| encode_all(receiver, cache, vae, device, progress, cancel))
    });
    // What is encoded is kept, whatever came after it.
    cache.flush()?;
    progress.finish();
    done
}

type Decoded = (SampleId, Result<RgbImage, Error>);

fn decode_all(dataset: &Dataset, rows: &[&IndexRow], sender: SyncSender<Vec<Decoded>>) {
    for chunk in rows.chunks(CHUNK) {
        let decoded = chunk
            .par_iter()
            .map(|row| (row.sample_id, dataset.pixels(row)))
            .collect();
        // The encoder has stopped: nobody wants the rest.
        if sender.send(decoded).is_err() {
            return;
        }
    }
    drop(sender);
}

fn encode_all(
    receiver: Receiver<Vec<Decoded>>,
    cache: &mut LatentCache,
    vae: &AutoencoderKl,
    device: Device,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Vec<Unencoded>, Error> {
    let mut failed = Vec::new();
    for (sample, image) in receiver.into_iter().flatten() {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        match image {
            Ok(image) => match encode(vae, &image, device)? {
                Some(posterior) => cache.push(sample, posterior)?,
                None => failed.push(Unencoded {
                    sample,
                    error: Error::LatentsNotFinite { sample },
                }),
            },
            Err(error) => failed.push(Unencoded { sample, error }),
        }
        progress.advance(1);
    }
    Ok(failed)
}

/// The posterior of one picture; none if it is infinite or no number somewhere.
fn encode(
    vae: &AutoencoderKl,
    image: &RgbImage,
    device: Device,
) -> Result<Option<Posterior>, Error> {
    no_grad(|| {
        let posterior = vae.encode(&pictures::to_tensor(image, device)?); // [1, C, h, w]
        let (_, channels, height, width) = posterior.mean.size4()?;
        let mean = values(&posterior.mean)?;
        let logvar = values(&posterior.logvar)?;
        let is_finite = mean.iter().chain(&logvar).all(|value| value.is_finite());
        Ok(is_finite.then_some(Posterior {
            shape: [channels as usize, height as usize, width as usize],
            mean,
            logvar: Some(logvar),
        }))
    })
}

fn values(tensor: &Tensor) -> Result<Vec<f32>, Error> {
    Ok(Vec::try_from(
        tensor.f_reshape([-1])?.f_to_kind(tch::Kind::Float)?,
    )?)
}

/// The samples of `failed`.
pub(crate) fn ids(failed: &[Unencoded]) -> HashSet<SampleId> {
    failed.iter().map(|unencoded| unencoded.sample).collect()
}
