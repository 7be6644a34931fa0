//! Prepared pictures, ahead of the device, and smaller batches where its memory does not do.

use std::{sync::mpsc::sync_channel, thread::Scope};

use rayon::prelude::*;
use terminus_manifest::{ledger::LedgerRow, run::Cancel, view::Cut};

use crate::{
    Error,
    picture::Pictures,
    speaker::{Ask, Reply, Tell},
    vlm::ImageInput,
};

/// Batches that may stand ready while the device works.
const AHEAD: usize = 2;

/// A prepared picture, and the places of the asks about it.
#[derive(Clone, Copy)]
pub(super) struct Shown<'s> {
    pub asks: &'s [usize],
    pub pixels: &'s [f32],
}

/// What a batch becomes on the device. [`Error::OutOfMemory`] says that nothing of it was told.
pub(super) type Work<'w, 'a> = dyn FnMut(&[Shown<'_>], &mut Tell<'_, 'a>) -> Result<(), Error> + 'w;

/// What is shown: the picture of a row, or a part of it.
pub(super) type Sight<'a> = (&'a LedgerRow, Option<Cut>);

/// How pictures are read, and what they become.
#[derive(Clone, Copy)]
pub(super) struct Preparing<'p> {
    pub pictures: &'p Pictures,
    pub input: ImageInput,
    /// As many are prepared at a time.
    pub at_once: usize,
}

/// The places of asks, those about one picture together.
pub(super) fn showings(asks: &[Ask<'_>]) -> Vec<Vec<usize>> {
    let mut places = 0..asks.len();
    asks.chunk_by(Ask::shows_what)
        .map(|of_one| places.by_ref().take(of_one.len()).collect())
        .collect()
}

/// The pictures in their order, as numbers, or why there are none; they are prepared on threads while others are worked on.
pub(super) fn ahead<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    preparing: Preparing<'env>,
    sights: Vec<Sight<'env>>,
) -> impl Iterator<Item = Result<Vec<f32>, Reply>> + use<> {
    let (sender, receiver) = sync_channel(AHEAD);
    scope.spawn(move || {
        let Preparing {
            pictures,
            input,
            at_once,
        } = preparing;
        for batch in sights.chunks(at_once) {
            let prepared: Vec<Result<Vec<f32>, Reply>> = batch
                .par_iter()
                .map(|&(row, crop)| Ok(input.prepare(&pictures.load(row, crop)?)))
                .collect();
            // Nobody listens any more: the stage was stopped.
            if sender.send(prepared).is_err() {
                return;
            }
        }
    });
    receiver.into_iter().flatten()
}

/// Gives `work` the pictures in batches of at most `batch_size`, prepared; whoever lacks memory gets half of the batch,
/// and the size stays halved.
pub(super) fn each_batch<'a>(
    asks: &[Ask<'a>],
    preparing: Preparing<'_>,
    batch_size: &mut usize,
    cancel: &Cancel,
    tell: &mut Tell<'_, 'a>,
    work: &mut Work<'_, 'a>,
) -> Result<(), Error> {
    let showings = showings(asks);
    std::thread::scope(|scope| {
        let sights = showings
            .iter()
            .map(|asked| asks[asked[0]].sight())
            .collect();
        let mut ready = ahead(scope, preparing, sights);
        for showings in showings.chunks(preparing.at_once) {
            if cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            let prepared: Vec<_> = ready.by_ref().take(showings.len()).collect();
            let mut batch = Vec::new();
            for (asks, pixels) in showings.iter().zip(&prepared) {
                match pixels {
                    Ok(pixels) => batch.push(Shown { asks, pixels }),
                    Err(fault) => {
                        for &at in asks {
                            tell(at, fault.clone())?;
                        }
                    }
                }
            }
            halving(&batch, batch_size, |part| work(part, tell))?;
        }
        Ok(())
    })
}

/// Works on `batch` in parts of at most `size`, which is halved for good whenever memory does not do.
fn halving<T>(
    batch: &[T],
    size: &mut usize,
    mut work: impl FnMut(&[T]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut rest = batch;
    while !rest.is_empty() {
        let part = &rest[..rest.len().min(*size)];
        match work(part) {
            Ok(()) => rest = &rest[part.len()..],
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
            prompt: String::new(),
            sampling: None,
            seed: 0,
            max_new_tokens: 1,
        };
        let asks = vec![ask; 20];
        let cancel = Cancel::new();
        cancel.cancel();
        let preparing = Preparing {
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
            at_once: 1,
        };
        let mut work = |_: &[Shown<'_>], _: &mut Tell<'_, '_>| Ok(());
        let tell = &mut |_, _| Ok(None);
        let result = each_batch(&asks, preparing, &mut 1, &cancel, tell, &mut work);
        assert!(matches!(result, Err(Error::Interrupted)));
    }

    #[test]
    fn a_lack_of_memory_halves_the_batch_and_loses_nothing() {
        let (mut size, mut seen, mut tries) = (16, Vec::<u32>::new(), Vec::new());
        let batch: Vec<u32> = (0..37).collect();
        let mut work = |part: &[u32]| {
            tries.push(part.len());
            if part.len() > 5 {
                Err(Error::OutOfMemory)
            } else {
                seen.extend(part);
                Ok(())
            }
        };
        halving(&batch, &mut size, &mut work).unwrap();
        assert_eq!(seen, batch);
        assert_eq!(size, 4);
        assert_eq!(tries[..4], [16, 8, 4, 4]);
        let result = halving(&batch, &mut size, |_| Err(Error::OutOfMemory));
        assert!(matches!(result, Err(Error::OutOfMemory)));
    }
}
