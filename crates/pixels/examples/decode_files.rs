//! Reads and decodes every file of a folder, and nothing else: what an ingest is held against.
//!
//! usage: `decode_files THREADS FOLDER`; prints megapixels per second and core for each format.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use terminus_pixels::{Limits, PixelPolicy, decode, sniff};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let threads: usize = arguments.next().ok_or("how many threads?")?.parse()?;
    let folder = arguments.next().ok_or("which folder?")?;
    let mut paths = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        paths.push(entry?.path());
    }
    let next = AtomicUsize::new(0);
    let times: Mutex<BTreeMap<&str, (Duration, u64)>> = Mutex::default();
    std::thread::scope(|scope| {
        let work = || -> Result<(), Failure> {
            while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                let bytes = fs_err::read(path)?;
                let begun = Instant::now();
                let image = decode(&bytes, &PixelPolicy::default(), &Limits::default())?.image;
                let took = begun.elapsed();
                let format = sniff(&bytes).map_or("?", terminus_pixels::Format::name);
                let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
                let sum = times.entry(format).or_default();
                sum.0 += took;
                sum.1 += u64::from(image.width_px) * u64::from(image.height_px);
            }
            Ok(())
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| "a worker crashed")?)
    })?;
    for (format, (took, pixels)) in times.into_inner().unwrap_or_else(PoisonError::into_inner) {
        println!(
            "{format:5} {:7.1} MP/s a core",
            pixels as f64 / 1e6 / took.as_secs_f64()
        );
    }
    Ok(())
}
