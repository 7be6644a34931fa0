//! What `benches/bucket.py` measures in one process: planning a large index, and cutting files.
//!
//! `bench plan ROWS` · `bench cut jpeg-lossless|png WIDTH HEIGHT FILE…`; one JSON document on stdout.
#![expect(clippy::print_stdout, reason = "its answer is what it prints")]

use std::{collections::BTreeMap, hint::black_box, num::NonZeroU32, time::Instant};

use fs_err as fs;
use serde_json::{Value, json};
use terminus_manifest::{
    generation::plan_samples,
    ids::{GroupId, ItemId, PictureId, SampleId, hash},
    index::{CaptionChoice, IndexRow},
    plan::{AnchorRatio, PlanSettings, RoleMix, Shape, plan},
    ratio::Ratio,
    words::{Packing, Role, Split},
};
use terminus_pixels::{
    Effort, Limits, PixelPolicy, crop_jpeg_lossless, decode_region, encode_png, inspect,
};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let answer = match words.as_slice() {
        ["plan", rows] => plan_rows(rows.parse()?)?,
        ["cut", kind, width, height, files @ ..] => {
            cut(kind, (width.parse()?, height.parse()?), files)?
        }
        _ => return Err("bench plan ROWS | bench cut KIND WIDTH HEIGHT FILE…".into()),
    };
    println!("{answer}");
    Ok(())
}

/// Plans an epoch of each shape over an index of `rows` rows, and adds its uses up by collection.
fn plan_rows(rows: u32) -> Result<Value, Failure> {
    let index: Vec<IndexRow> = (0..rows).map(row).collect();
    let mut answer = json!({ "rows": rows });
    for (name, shape) in [("square", Shape::Square), ("aspect", Shape::Aspect)] {
        let begun = Instant::now();
        let anchor = Some(AnchorRatio::ShareOfAll(
            Ratio::new(1, 10).unwrap_or(Ratio::ZERO),
        ));
        let settings = PlanSettings {
            device_batch: NonZeroU32::new(12).unwrap_or(NonZeroU32::MIN),
            devices: NonZeroU32::new(8).unwrap_or(NonZeroU32::MIN),
            ..PlanSettings::of_manifest(42, shape, anchor)
        };
        let samples = plan_samples(&index);
        let epoch = plan(&samples, &settings, 3)?;
        let mut by_collection: BTreeMap<&str, RoleMix> = BTreeMap::new();
        for (row, usage) in index.iter().zip(epoch.usage(samples.len())) {
            by_collection.entry(&row.collection).or_default().add(usage);
        }
        answer[name] = json!(begun.elapsed().as_secs_f64());
        answer["places"] = json!(black_box(epoch).places().len());
    }
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.split_whitespace().next()?.parse::<u64>().ok());
    answer["peak_mb"] = json!(peak.map(|kib| kib / 1024));
    Ok(answer)
}

fn row(n: u32) -> IndexRow {
    let id = hash("sample", &[&n.to_string()]);
    let is_anchor = n.is_multiple_of(12);
    let sizes = [
        (1024, 1024),
        (1216, 832),
        (832, 1216),
        (1344, 768),
        (1152, 896),
    ];
    let (width, height) = sizes[n as usize % sizes.len()];
    let item_id = ItemId(id);
    IndexRow {
        sample_id: SampleId(id),
        shard: format!("../../../shards/000001-{:05}.parquet", n / 4096),
        row: n % 4096,
        item_id,
        picture_id: PictureId(id),
        group_id: GroupId::new(item_id),
        collection: if is_anchor { "anchors" } else { "midjourney" }.to_owned(),
        role: if is_anchor { Role::Anchor } else { Role::Train },
        split: Split::Train,
        original_width: width + 40,
        original_height: height,
        crop_top: 0,
        crop_left: 16,
        tile_top: 0,
        tile_left: 0,
        resized_width: None,
        resized_height: None,
        width,
        height,
        packing: Packing::JpegLossless,
        captions: vec![CaptionChoice {
            text: format!(
                "anime style, a girl with silver hair reads under a street lamp, number {n}"
            ),
            kind: "prompt".to_owned(),
            source: "prompt".to_owned(),
            weight: 1.0,
        }],
    }
}

/// Cuts the middle of every file on the JPEG's grid, on one thread.
fn cut(kind: &str, (width, height): (u32, u32), files: &[&str]) -> Result<Value, Failure> {
    let files = files.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;
    let (policy, limits) = (PixelPolicy::default(), Limits::default());
    let begun = Instant::now();
    let mut bytes = 0;
    for file in &files {
        let header = inspect(file, &limits)?;
        let top = (header.height_px - height) / 2 / 16 * 16;
        let left = (header.width_px - width) / 2 / 16 * 16;
        let image = if kind == "png" {
            let decoded = decode_region(file, top, left, width, height, &policy, &limits)?;
            encode_png(&decoded.image, Effort::Fast)?
        } else {
            crop_jpeg_lossless(file, top, left, width, height)?
        };
        bytes += black_box(image).len();
    }
    let seconds = begun.elapsed().as_secs_f64();
    Ok(json!({ "images": files.len(), "seconds": seconds, "bytes": bytes }))
}
