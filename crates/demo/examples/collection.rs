//! Draws a demo collection into a folder:
//! `cargo run --release -p terminus-demo --example collection -- FOLDER [IMAGES] [SEED] [SCALE]`

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use terminus_demo::{Options, Scale, draw};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let options = Options {
        folder: args
            .next()
            .ok_or("the folder is missing: collection FOLDER")?
            .into(),
        images: args.next().map_or(Ok(100), |n| n.parse())?,
        seed: args.next().map_or(Ok(0), |seed| seed.parse())?,
        scale: args
            .next()
            .map_or(Ok(Scale::Eighth), |scale| scale.parse())?,
    };
    let begun = Instant::now();
    let last = AtomicU64::new(0);
    let report = |done| last.store(done, Ordering::Relaxed);
    let summary = draw(&options, &report, &|| false)?;
    println!("{}", serde_json::to_string(&summary)?);
    eprintln!("{} images in {:.2?}", last.into_inner(), begun.elapsed());
    Ok(())
}
