//! Whole decoding of every format: nothing panics outside the wall, and nothing hangs.
#![no_main]

use terminus_pixels::{Limits, PixelPolicy, decode};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        max_side_px: 2_000,
        max_pixels: 1 << 18,
    };
    let _ = decode(bytes, &PixelPolicy::default(), &limits);
});
