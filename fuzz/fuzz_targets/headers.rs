//! Headers of every format: nothing panics, whatever the bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = terminus_pixels::inspect(bytes, &terminus_pixels::Limits::default());
});
