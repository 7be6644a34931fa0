//! What people should look at: photographs among drawings, drawings among photographs, rights that nobody stated.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::default_trait_access, reason = "short fixtures")]

mod world;

use std::collections::BTreeMap;

use terminus_ingest::config::Source;
use terminus_manifest::words::Role;
use terminus_pixels::{Effort, RgbImage, encode_png};
use world::{World, png};

/// Three areas of one colour each, as a poster has them.
fn drawing() -> Vec<u8> {
    let (width, height) = (256, 192);
    let colour = |x: u32, y: u32| match (x * y > 9_000, x + y > 300) {
        (true, _) => [250, 240, 220],
        (_, true) => [200, 30, 60],
        _ => [20, 40, 90],
    };
    let data = (0..width * height).flat_map(|i| colour(i % width, i / width));
    let image = RgbImage::new(width, height, data.collect()).unwrap();
    encode_png(&image, Effort::Fast).unwrap()
}

/// A PNG whose EXIF names the maker of a camera.
fn with_camera(png: &[u8]) -> Vec<u8> {
    let mut exif = b"MM\0*\0\0\0\x08\0\x01".to_vec();
    // Make, text, 6 bytes, at 26.
    exif.extend(b"\x01\x0F\0\x02\0\0\0\x06\0\0\0\x1A\0\0\0\0Nikon\0");
    let named = [&b"eXIf"[..], &exif].concat();
    let mut checksum = flate2::Crc::new();
    checksum.update(&named);
    let (head, rest) = png.split_at(33);
    let (length, checksum) = (
        (exif.len() as u32).to_be_bytes(),
        checksum.sum().to_be_bytes(),
    );
    [head, &length, &named, &checksum, rest].concat()
}

#[test]
fn photographs_and_drawings_in_the_wrong_place_are_flagged_and_pass() {
    let world = World::new();
    world.write("train/wave.png", png(256, 192, 1));
    world.write("train/camera.png", with_camera(&png(256, 192, 2)));
    world.write("anchors/camera.png", with_camera(&png(256, 192, 3)));
    world.write("anchors/poster.png", drawing());
    world.write(
        "anchors/poster.json",
        r#"{"license": "CC0", "consent": "yes", "author": "A"}"#,
    );
    let mut anchors = World::collection("anchors", Source::Folder(world.path("anchors")));
    anchors.role = Role::Anchor;
    let train = World::collection("train", Source::Folder(world.path("train")));
    let summary = world.run(&world.plan(vec![train, anchors]));
    assert_eq!(summary.counts.passed, 4, "a flag is no verdict");
    let one = |name: &str| BTreeMap::from([(name.to_owned(), 1)]);
    assert_eq!(summary.flags.photos_in_train, one("train"));
    assert_eq!(summary.flags.drawings_in_anchors, one("anchors"));
    assert_eq!(summary.flags.anchors_without_license, one("anchors"));
    assert_eq!(summary.flags.anchors_without_consent, one("anchors"));
    let ledger = world.ledger();
    let camera = &ledger[&("train:camera.png".to_owned(), 0)];
    assert_eq!(camera.camera_make.as_deref(), Some("Nikon"));
    let poster = &ledger[&("anchors:poster.png".to_owned(), 0)];
    assert_eq!(
        (poster.license.as_deref(), poster.author.as_deref()),
        (Some("CC0"), Some("A"))
    );
}
