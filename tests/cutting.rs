//! How pictures are cut, mixed and held out, from the outside: each setting of `[bucket]` and `[mix]` by what it makes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Command, Output},
};

use fs_err as fs;
use serde_json::Value;
use terminus_manifest::{
    Root, generation::Generation, index::IndexRow, shard::ShardReader, words::Split,
};
use terminus_pixels::{Effort, Limits, PixelPolicy, RgbImage, decode, encode_png};

struct Work(tempfile::TempDir);

impl Work {
    fn new() -> Self {
        let work = Self(tempfile::tempdir().unwrap());
        for (folder, sizes) in [
            (
                "drawn",
                &[(200, 100), (100, 200), (128, 128), (96, 64), (160, 100)][..],
            ),
            ("anchors", &[(140, 130), (130, 140)]),
        ] {
            for (number, &(width, height)) in sizes.iter().enumerate() {
                work.draw(folder, number as u32, width, height);
            }
        }
        work
    }

    /// A picture whose every pixel tells where it is.
    fn draw(&self, folder: &str, number: u32, width: u32, height: u32) {
        let data = (0..height).flat_map(|y| {
            (0..width).flat_map(move |x| {
                let noise = (x * 31 + y * 17 + number * 101) % 23;
                [x as u8, y as u8, (number * 23 + noise) as u8]
            })
        });
        let image = RgbImage::new(width, height, data.collect()).unwrap();
        let folder = self.0.path().join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(
            folder.join(format!("{number}.png")),
            encode_png(&image, Effort::Fast).unwrap(),
        )
        .unwrap();
    }

    fn terminus(&self, verb: &str, settings: &str, more: &[&str]) -> Output {
        let recipe = format!(
            r#"
root = "root"
[[collection]]
name = "drawn"
source = {{ folder = "drawn" }}
captioner = "fixed"
[[collection]]
name = "anchors"
role = "anchor"
source = {{ folder = "anchors" }}
captioner = "fixed"
[captioner.fixed]
kind = "text"
text = "a picture"
[ingest]
min_side_px = 32
duplicates = {{ near = false }}
scores = {{ min_entropy = 0 }}
{settings}
"#
        );
        fs::write(self.0.path().join("recipe.toml"), recipe).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_terminus"));
        command.current_dir(self.0.path());
        command
            .args([verb, "recipe.toml", "--quiet"])
            .args(more)
            .output()
            .unwrap()
    }

    /// Runs every stage; gives what `bucket` says.
    fn make(&self, settings: &str) -> Value {
        let mut document = Value::Null;
        for stage in ["ingest", "caption", "bucket"] {
            let output = self.terminus(stage, settings, &["--json"]);
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{stage}: {told}");
            document = serde_json::from_slice(&output.stdout).unwrap();
        }
        document
    }

    fn index(&self) -> Vec<IndexRow> {
        let root = Root::new(self.0.path().join("root"));
        Generation::required(&root, "recipe")
            .unwrap()
            .index()
            .unwrap()
    }

    /// The pixels of a sample.
    fn pixels(&self, row: &IndexRow) -> RgbImage {
        let root = Root::new(self.0.path().join("root"));
        let generation = Generation::required(&root, "recipe").unwrap();
        let shard = ShardReader::open(&generation.shard_path(&row.shard)).unwrap();
        let bytes = shard.row(u64::from(row.row)).unwrap().image.bytes;
        decode(&bytes, &PixelPolicy::default(), &Limits::default())
            .unwrap()
            .image
    }
}

fn sizes(index: &[IndexRow]) -> BTreeSet<(u32, u32, u32, u32)> {
    index
        .iter()
        .map(|row| {
            (
                row.original_width,
                row.original_height,
                row.width,
                row.height,
            )
        })
        .collect()
}

#[test]
fn a_list_of_sizes_takes_the_place_of_the_rule() {
    let work = Work::new();
    let sizes_of = "shape = \"aspect\"\nsizes = [{ width_px = 96, height_px = 64 }, { width_px = 64, height_px = 96 }]";
    let made = work.make(&format!("[bucket]\n{sizes_of}\nvalidation_share = 0"));
    assert_eq!(made["samples"], 7);
    let expected = [
        (96, 64, 96, 64),
        (100, 200, 64, 96),
        (128, 128, 64, 96),
        (130, 140, 64, 96),
        (140, 130, 96, 64),
        (160, 100, 96, 64),
        (200, 100, 96, 64),
    ];
    assert_eq!(sizes(&work.index()), expected.into());
}

#[test]
fn a_crop_that_would_show_too_little_is_not_taken() {
    let work = Work::new();
    let made = work.make("[bucket]\ntarget_px = 64\nmin_kept_area = 0.25\nvalidation_share = 0");
    // 64² of 200x100 is 20.5 %, of 128² just 25 %, of 160x100 25.6 %, of 96x64 66.7 %, of 140x130 22.5 %.
    assert_eq!(made["reasons"]["kept_area"], 4);
    assert_eq!(made["samples"], 3);
    let told = work.terminus(
        "explain",
        "[bucket]\ntarget_px = 64\nmin_kept_area = 0.25",
        &["drawn:0.png"],
    );
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(
        told.contains("a crop would show 20.5 % of the 200x100 picture"),
        "{told}"
    );
}

#[test]
fn many_crops_of_a_picture_differ_and_stay_with_the_seed() {
    let work = Work::new();
    let settings = "[bucket]\ntarget_px = 64\ncrops_per_image = 5\nvalidation_share = 0";
    work.make(settings);
    let first = work.index();
    let mut corners: BTreeMap<_, BTreeSet<(u32, u32)>> = BTreeMap::new();
    for row in &first {
        corners
            .entry(row.picture_id)
            .or_default()
            .insert((row.crop_top, row.crop_left));
        let [red, green, _] = work.pixels(row).pixel(3, 5).unwrap();
        assert_eq!(
            (u32::from(red), u32::from(green)),
            (row.crop_left + 5, row.crop_top + 3)
        );
    }
    assert!(
        corners.values().all(|corners| corners.len() >= 4),
        "{corners:?}"
    );
    // More crops leave the first ones as they are, another seed does not.
    work.make(&settings.replace('5', "6"));
    let more: BTreeSet<_> = work.index().iter().map(|row| row.sample_id).collect();
    assert!(first.iter().all(|row| more.contains(&row.sample_id)));
    work.make(&format!("{settings}\n[mix]\nmax_repeats = 3"));
    assert_eq!(work.index(), first);
    assert_eq!(
        work.make(&format!("{settings}\nstyle = \"random\""))["packed"],
        0
    );
}

#[test]
fn resized_pictures_keep_their_original_size_in_the_conditioning() {
    let work = Work::new();
    let down = "[bucket]\ntarget_px = 64\nresample = \"down\"\nvalidation_share = 0";
    work.make(down);
    for row in work.index() {
        let (width, height) = (row.original_width, row.original_height);
        // The shorter side becomes the crop's; a picture whose shorter side is that already is cut as it is.
        let shorter = width.min(height);
        let expected = (shorter != 64).then(|| {
            let scaled = |side: u32| (f64::from(side) * 64.0 / f64::from(shorter)).round() as u32;
            (scaled(width), scaled(height))
        });
        assert_eq!(row.resized_width.zip(row.resized_height), expected);
        assert!(row.crop_left + row.width <= row.resized_width.unwrap_or(width));
        assert_eq!((row.width, row.height), (64, 64));
        // Red is the column in the original: the crop begins where its conditioning says, in pixels of the resized one.
        let [red, ..] = work.pixels(&row).pixel(32, 32).unwrap();
        let scale = f64::from(width) / f64::from(row.resized_width.unwrap_or(width));
        let column = (f64::from(row.crop_left) + 32.5) * scale - 0.5;
        assert!(
            (f64::from(red) - column).abs() <= 2.0,
            "{red}, not {column}"
        );
    }
    // Nothing is enlarged unless that is asked for.
    let made = work.make(&down.replace("64", "128"));
    assert_eq!(
        (&made["samples"], &made["reasons"]["too_small"]),
        (&3.into(), &4.into())
    );
    let made = work.make(&down.replace("64", "128").replace("down", "any"));
    assert_eq!(made["samples"], 7);
    assert!(
        work.index()
            .iter()
            .any(|row| row.resized_width > Some(row.original_width))
    );
}

#[test]
fn a_ratio_that_cannot_be_reached_is_told_or_stops() {
    let work = Work::new();
    let mix = "[bucket]\ntarget_px = 64\nvalidation_share = 0\n[mix]\nanchor = { share_of_all = 0.5 }\nmax_repeats = 2\n";
    work.make(mix);
    let told = work.terminus("report", mix, &[]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("1 places short"), "{told}");
    assert!(
        told.contains("`anchors` is 1 places short: `max_repeats = 2`"),
        "{told}"
    );
    let strict = format!("{mix}on_shortfall = \"error\"\n");
    let refused = work.terminus("bucket", &strict, &[]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        told.contains("asks for 1 places more") && told.contains("hint: add samples"),
        "{told}"
    );
    // With one repeat more it is reached.
    let made = work.make(&strict.replace("max_repeats = 2", "max_repeats = 3"));
    assert_eq!(made["published"], true);
}

#[test]
fn the_split_stays_as_the_collection_grows() {
    let work = Work::new();
    let settings = "[bucket]\ntarget_px = 64\nvalidation_share = 0.3";
    for number in 10..30 {
        work.draw("drawn", number, 64 + number, 70);
    }
    work.make(settings);
    let sides = |index: &[IndexRow]| -> BTreeMap<_, Split> {
        index.iter().map(|row| (row.sample_id, row.split)).collect()
    };
    let before = sides(&work.index());
    for number in 30..60 {
        work.draw("drawn", number, 64 + number, 70);
    }
    work.make(settings);
    let after = sides(&work.index());
    assert_eq!(after.len(), before.len() + 30);
    assert!(before.iter().all(|(id, side)| after[id] == *side));
    let held_out = after
        .values()
        .filter(|side| **side == Split::Validation)
        .count();
    assert!((6..30).contains(&held_out), "{held_out}");
    // Another share decides on what is new alone.
    work.make(&settings.replace("0.3", "0.9"));
    assert_eq!(sides(&work.index()), after);
}
