//! Prints how many short captions a second one thread encodes: `cargo run --release -p terminus-tokens --example throughput`.

use std::{error::Error, time::Instant};

use terminus_tokens::ClipTokenizer;

const CAPTIONS: usize = 200_000;
/// Numbers that vary the captions, so that not one lookup answers them all.
const VARIANTS: usize = 977;

fn main() -> Result<(), Box<dyn Error>> {
    let (first, _) = ClipTokenizer::sdxl()?;
    let caption = |n: usize| {
        let variant = n % VARIANTS;
        format!("anime girl with silver hair, neon city at night, rain, cel shading {variant}")
    };
    let captions: Vec<String> = (0..CAPTIONS).map(caption).collect();
    let begun = Instant::now();
    let tokens: usize = captions.iter().map(|caption| first.count(caption)).sum();
    let rate = captions.len() as f64 / begun.elapsed().as_secs_f64();
    println!("{tokens} tokens, {rate:.0} captions/s");
    Ok(())
}
