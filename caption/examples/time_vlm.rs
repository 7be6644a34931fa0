//! Times a captioning model for `benches/caption.py`, which times transformers in turn with it: one line in, one line out.
//!
//! `time_vlm FOLDER THREADS SIDE_PX PRECISION` opens the model, says `ready` with its own peak of memory so far, and answers each line
//! `BATCH TOKENS` on stdin with the seconds that BATCH captions of TOKENS tokens took, the ids of the first, and the peak
//! of memory in KiB. `BATCH TOKENS,TOKENS,…` makes captions of these lengths, BATCH at a time, each place given to the next
//! picture as its caption is at its end; with the word `apart` behind it, one batch after the other.

use std::{
    io::{BufRead as _, Write as _},
    path::PathBuf,
    time::Instant,
};

use terminus_caption::{
    Decoding, Error, Model, Question,
    config::{CaptionerConfig, VlmConfig},
};
use terminus_pixels::RgbImage;

fn settings(folder: &str, precision: &str) -> Option<VlmConfig> {
    let json = serde_json::json!({
        "kind": "vlm", "model": folder, "prompts": ["Describe the image."], "device": "cpu", "precision": precision,
    });
    match serde_json::from_value(json) {
        Ok(CaptionerConfig::Vlm(config)) => Some(config),
        _ => None,
    }
}

/// The most memory that the process ever held, as the kernel counts it.
fn peak_kib() -> u64 {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// A picture in which every byte follows from its place; `benches/caption.py` makes the same.
fn picture(model_side_px: u32) -> Option<RgbImage> {
    let count = model_side_px * model_side_px * 3;
    let data = (0..count).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
    RgbImage::new(model_side_px, model_side_px, data)
}

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ([folder, threads, side, precision], mut out) = (&arguments[..], std::io::stdout()) else {
        eprintln!("usage: time_vlm FOLDER THREADS SIDE_PX f32|bf16|f16");
        std::process::exit(2);
    };
    terminus_nn::device::set_threads(threads.parse().unwrap_or(1));
    let start_kib = peak_kib();
    let Some((settings, image)) =
        settings(folder, precision).zip(picture(side.parse().unwrap_or(0)))
    else {
        return Err(Error::NoModel {
            folder: PathBuf::from(folder),
        });
    };
    let model = Model::open(&settings.model, &settings)?;
    let pixels = model.prepare(&image);
    writeln!(out, "ready {start_kib}")?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.split(' ');
        let (Some(Ok(batch)), Some(lengths)) = (words.next().map(str::parse), words.next()) else {
            continue;
        };
        let lengths = lengths.split(',').filter_map(|length| length.parse().ok());
        let mut lengths: Vec<usize> = lengths.collect();
        if let [one] = lengths[..] {
            lengths = vec![one; batch];
        }
        let apart = words.next() == Some("apart");
        let start = Instant::now();
        let mut said = Vec::new();
        for part in lengths.chunks(if apart { batch } else { lengths.len() }) {
            let questions: Vec<Question<'_>> = (0..)
                .zip(part)
                .map(|(picture, &max_new_tokens)| Question {
                    picture,
                    prompt: "Describe the image.",
                    decoding: Decoding {
                        max_new_tokens,
                        sampling: None,
                        seed: 0,
                    },
                })
                .collect();
            let pictures = vec![pixels.as_slice(); part.len()];
            said.extend(model.caption_many(&pictures, &questions, batch)?);
        }
        let seconds = start.elapsed().as_secs_f64();
        let ids: Vec<String> = said
            .first()
            .map(|said| said.ids.iter().map(u32::to_string).collect())
            .unwrap_or_default();
        writeln!(out, "{seconds} {} {}", ids.join(","), peak_kib())?;
        out.flush()?;
    }
    Ok(())
}
