//! Discord exports, and the texts of their messages.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = terminus_ingest::fuzzing::discord(bytes, "c");
    if let Ok(text) = std::str::from_utf8(bytes) {
        terminus_ingest::fuzzing::message(text);
    }
});
