//! How fast pictures are brought to a model's size: `cargo run --release -p terminus-pixels --example fit`.
//!
//! Prints milliseconds a picture on one thread, for `benches/caption.py` to hold against Pillow.

use std::{hint::black_box, time::Instant};

use terminus_pixels::{PillowFilter, RgbImage};

fn main() {
    for (width, height, side, filter, name) in [
        (2048, 1376, 490, PillowFilter::Bicubic, "bicubic"),
        (1024, 1024, 384, PillowFilter::Lanczos, "lanczos"),
    ] {
        let data = (0..width * height * 3)
            .map(|i: u32| (i.wrapping_mul(i) >> 7) as u8)
            .collect();
        let Some(image) = RgbImage::new(width, height, data) else {
            continue;
        };
        let mut times: Vec<f64> = (0..15)
            .map(|_| {
                let started = Instant::now();
                black_box(image.resized_as_pillow(side, side, filter));
                started.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!(
            "{width}x{height} to {side}x{side} {name}: {:.2} ms, least {:.2} ms",
            times[7], times[0]
        );
    }
}
