//! Decoding with a deadline: a decoder that hangs fails its file, not the run.

use std::{
    cell::RefCell,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use bytes::Bytes;
use terminus_pixels::{Decoded, Error, Limits, PixelPolicy, decode};

thread_local! {
    /// The thread that decodes for this one; the memory that it worked in stays warm from one picture to the next.
    static DECODING: RefCell<Option<DecodeThread>> = const { RefCell::new(None) };
}

/// Why there are no pixels.
pub(crate) enum DecodeFault {
    /// The file is at fault.
    Picture(Error),
    /// The deadline passed.
    Timeout,
}

/// The pixels, if they are there in time. A decoder that hangs keeps its thread until the program ends.
///
/// Everything is converted that can be: a policy that refuses is a decision, and may change.
pub(crate) fn decode_within(
    bytes: &Bytes,
    limits: Limits,
    timeout: Duration,
) -> Result<Decoded, DecodeFault> {
    let here = || decode(bytes, &PixelPolicy::default(), &limits).map_err(DecodeFault::Picture);
    let Some(decoding) = DECODING.take().or_else(DecodeThread::start) else {
        return here();
    };
    if decoding.jobs.send((bytes.clone(), limits)).is_err() {
        return here();
    }
    match decoding.results.recv_timeout(timeout) {
        Ok(result) => {
            DECODING.set(Some(decoding));
            result.map_err(DecodeFault::Picture)
        }
        Err(RecvTimeoutError::Timeout) => Err(DecodeFault::Timeout),
        Err(RecvTimeoutError::Disconnected) => here(),
    }
}

/// A thread that decodes until nobody asks it any more.
struct DecodeThread {
    jobs: SyncSender<(Bytes, Limits)>,
    results: Receiver<Result<Decoded, Error>>,
}

impl DecodeThread {
    /// `None` if the system gives no more threads.
    fn start() -> Option<Self> {
        let (jobs, asked) = sync_channel::<(Bytes, Limits)>(1);
        let (give, results) = sync_channel(1);
        let work = move || {
            for (bytes, limits) in asked {
                if give
                    .send(decode(&bytes, &PixelPolicy::default(), &limits))
                    .is_err()
                {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("decode".to_owned());
        thread.spawn(work).ok()?;
        Some(Self { jobs, results })
    }
}

#[cfg(test)]
mod tests {
    use terminus_pixels::{Effort, encode_png};

    use super::*;

    fn png(side: u32) -> Bytes {
        let image = crate::measure::tests::picture(side, side, 1);
        encode_png(&image, Effort::Fast).unwrap().into()
    }

    #[test]
    fn a_missed_deadline_fails_one_picture_and_not_the_next() {
        let (limits, minute) = (Limits::default(), Duration::from_mins(1));
        let late = decode_within(&png(1500), limits, Duration::ZERO);
        assert!(matches!(late, Err(DecodeFault::Timeout)));
        let next = decode_within(&png(40), limits, minute).ok().unwrap();
        assert_eq!((next.image.width_px, next.image.height_px), (40, 40));
    }

    #[test]
    fn a_broken_file_leaves_its_thread_to_the_next() {
        let (limits, minute) = (Limits::default(), Duration::from_mins(1));
        let broken = decode_within(&png(40).slice(..90), limits, minute);
        assert!(matches!(broken, Err(DecodeFault::Picture(_))));
        let is_there = DECODING.with_borrow(Option::is_some);
        assert!(is_there && decode_within(&png(40), limits, minute).is_ok());
    }
}
