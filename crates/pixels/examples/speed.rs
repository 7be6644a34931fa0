//! Megapixels per second and core of every step, over the JPEGs that are named.

use std::hint::black_box;
use std::time::Instant;

use terminus_pixels::{
    Effort, Limits, PixelPolicy, crop_jpeg_lossless, decode, decode_region, encode_png, inspect,
};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let files = std::env::args()
        .skip(1)
        .map(fs_err::read)
        .collect::<Result<Vec<_>, _>>()?;
    let (policy, limits) = (PixelPolicy::default(), Limits::default());
    let images = files
        .iter()
        .map(|bytes| decode(bytes, &policy, &limits).map(|decoded| decoded.image))
        .collect::<Result<Vec<_>, _>>()?;
    let pixels: u64 = images
        .iter()
        .map(|i| u64::from(i.width_px) * u64::from(i.height_px))
        .sum();
    let report = |name: &str, mut work: Box<dyn FnMut(usize) -> Result<usize, Failure> + '_>| {
        let start = Instant::now();
        let mut bytes = 0;
        for number in 0..files.len() {
            bytes += black_box(work(number)?);
        }
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{name:24} {:8.1} MP/s {:8.3} ms each {:9.1} kB each",
            pixels as f64 / seconds / 1e6,
            seconds * 1e3 / files.len() as f64,
            bytes as f64 / files.len() as f64 / 1e3,
        );
        Ok::<(), Failure>(())
    };
    // A quarter of the picture, its origin on every grid.
    let part = |number: usize| {
        let (width, height) = (images[number].width_px, images[number].height_px);
        (
            height / 4 / 16 * 16,
            width / 4 / 32 * 32,
            width / 2,
            height / 2,
        )
    };
    report(
        "inspect",
        Box::new(|n| Ok(inspect(&files[n], &limits)?.width_px as usize)),
    )?;
    report(
        "decode",
        Box::new(|n| Ok(decode(&files[n], &policy, &limits)?.image.data.len())),
    )?;
    report(
        "decode_region 1/4",
        Box::new(|n| {
            let (top, left, width, height) = part(n);
            let decoded = decode_region(&files[n], top, left, width, height, &policy, &limits)?;
            Ok(decoded.image.data.len())
        }),
    )?;
    report(
        "crop_jpeg_lossless 1/4",
        Box::new(|n| {
            let (top, left, width, height) = part(n);
            Ok(crop_jpeg_lossless(&files[n], top, left, width, height)?.len())
        }),
    )?;
    report(
        "encode_png",
        Box::new(|n| Ok(encode_png(&images[n], Effort::Fast)?.len())),
    )?;
    Ok(())
}
