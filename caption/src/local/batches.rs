//! Batches of prepared pictures, ahead of the device, and smaller ones where its memory does not do.

use std::sync::mpsc::sync_channel;

use rayon::prelude::*;
use terminus_manifest::run::Cancel;

use crate::{
    Error,
    picture::Pictures,
    speaker::{Ask, Reply, Tell},
    vlm::ImageInput,
};

/// Batches that may stand ready while the device works.
const AHEAD: usize = 2;

/// A picture as numbers, with the place of its ask.
type Prepared = (usize, Vec<f32>);
/// What a batch becomes on the device.
pub(super) type Work<'w> = dyn FnMut(&[(usize, &[f32])]) -> Result<Vec<Reply>, Error> + 'w;

/// Asks in the order in which they are worked on, and where their pictures come from.
pub(super) struct Batches<'b> {
    pub asks: &'b [Ask<'b>],
    pub order: &'b [usize],
    pub pictures: &'b Pictures,
    pub input: ImageInput,
    pub cancel: &'b Cancel,
}

/// Gives `work` the asks in batches of at most `batch_size`, their pictures prepared; whoever
/// lacks memory gets half of the batch, and the size stays halved.
pub(super) fn each_batch(
    batches: &Batches<'_>,
    batch_size: &mut usize,
    tell: &mut Tell<'_>,
    work: &mut Work<'_>,
) -> Result<(), Error> {
    let Batches {
        asks,
        order,
        pictures,
        input,
        cancel,
    } = *batches;
    let (sender, receiver) = sync_channel(AHEAD);
    let at_once = *batch_size;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for batch in order.chunks(at_once) {
                let prepared: Vec<Result<Prepared, (usize, Reply)>> = batch
                    .par_iter()
                    .map(|&at| match pictures.load(asks[at].row, asks[at].crop) {
                        Ok(image) => Ok((at, input.prepare(&image))),
                        Err(fault) => Err((at, fault)),
                    })
                    .collect();
                // Nobody listens any more: the stage was stopped.
                if sender.send(prepared).is_err() {
                    return;
                }
            }
        });
        // Owned here: whoever prepares finds nobody listening once this loop is left, and ends too.
        for prepared in receiver {
            if cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            let mut batch = Vec::new();
            for one in prepared {
                match one {
                    Ok(one) => batch.push(one),
                    Err((at, fault)) => tell(at, fault)?,
                }
            }
            let batch: Vec<(usize, &[f32])> = batch
                .iter()
                .map(|(at, pixels)| (*at, pixels.as_slice()))
                .collect();
            halving(
                &batch,
                batch_size,
                &mut *work,
                |part, replies: Vec<Reply>| {
                    for ((at, _), reply) in part.iter().zip(replies) {
                        tell(*at, reply)?;
                    }
                    Ok(())
                },
            )?;
        }
        Ok(())
    })
}

/// Works on `batch` in parts of at most `size`, which is halved for good whenever memory does not do.
fn halving<T, R>(
    batch: &[T],
    size: &mut usize,
    mut work: impl FnMut(&[T]) -> Result<Vec<R>, Error>,
    mut done: impl FnMut(&[T], Vec<R>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut rest = batch;
    while !rest.is_empty() {
        let part = &rest[..rest.len().min(*size)];
        match work(part) {
            Ok(results) => {
                done(part, results)?;
                rest = &rest[part.len()..];
            }
            Err(Error::OutOfMemory) if part.len() > 1 => *size = part.len().div_ceil(2),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use terminus_manifest::{Root, ids::ItemId, ledger::LedgerRow};
    use terminus_pixels::{Limits, PillowFilter, PixelPolicy};

    use super::*;
    use crate::vlm::Fit;

    #[test]
    fn a_run_that_is_stopped_ends_though_more_pictures_are_prepared_than_wait() {
        let row = LedgerRow::found(
            ItemId::new("gone", 0),
            "gone".to_owned(),
            "c".to_owned(),
            "gone.png".to_owned(),
        );
        let ask = Ask {
            row: &row,
            crop: None,
            prompt: "",
            sampling: None,
            seed: 0,
        };
        let asks = vec![ask; 20];
        let order: Vec<usize> = (0..asks.len()).collect();
        let cancel = Cancel::new();
        cancel.cancel();
        let batches = Batches {
            asks: &asks,
            order: &order,
            pictures: &Pictures::new(
                &Root::new("nowhere"),
                PixelPolicy::default(),
                Limits::default(),
            ),
            input: ImageInput {
                side_px: 8,
                filter: PillowFilter::Bicubic,
                fit: Fit::Squash,
                is_bgr: false,
                mean: [0.5; 3],
                std: [0.5; 3],
            },
            cancel: &cancel,
        };
        let mut work = |_: &[(usize, &[f32])]| Ok(Vec::new());
        let result = each_batch(&batches, &mut 1, &mut |_, _| Ok(()), &mut work);
        assert!(matches!(result, Err(Error::Interrupted)));
    }

    #[test]
    fn a_lack_of_memory_halves_the_batch_and_loses_nothing() {
        let (mut size, mut seen, mut tries) = (16, Vec::new(), Vec::new());
        let batch: Vec<u32> = (0..37).collect();
        let mut work = |part: &[u32]| {
            tries.push(part.len());
            if part.len() > 5 {
                Err(Error::OutOfMemory)
            } else {
                Ok(part.to_vec())
            }
        };
        halving(&batch, &mut size, &mut work, |_, part| {
            seen.extend(part);
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, batch);
        assert_eq!(size, 4);
        assert_eq!(tries[..4], [16, 8, 4, 4]);
        let mut none = |_: &[u32]| Err::<Vec<u32>, _>(Error::OutOfMemory);
        let result = halving(&batch, &mut size, &mut none, |_, _| Ok(()));
        assert!(matches!(result, Err(Error::OutOfMemory)));
    }
}
