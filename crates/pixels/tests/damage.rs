//! Cut, flipped and lying files: an error each, never made-up pixels, never a crash.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::path::Path;
use std::time::{Duration, Instant};

use terminus_pixels::{Error, Limits, PixelPolicy, decode, decode_region, inspect};

fn files() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let index = fs_err::read_to_string(folder.join("expected.txt")).unwrap();
    let names = index.lines().filter_map(|line| line.split(' ').next());
    names
        .map(|name| (name.to_owned(), fs_err::read(folder.join(name)).unwrap()))
        .collect()
}

/// A small generator (splitmix64), so that a failure comes again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((u128::from(z ^ (z >> 31)) * sides as u128) >> 64) as usize
    }
}

#[test]
fn a_truncated_file_is_an_error_or_has_all_its_pixels() {
    let (policy, limits) = (PixelPolicy::default(), Limits::default());
    let mut wrong = Vec::new();
    for (name, bytes) in files() {
        let whole = decode(&bytes, &policy, &limits).unwrap();
        for cut in (0..40)
            .map(|i| bytes.len() * i / 40)
            .chain(bytes.len().saturating_sub(30)..bytes.len())
        {
            match decode(&bytes[..cut], &policy, &limits) {
                Ok(part) if part.image != whole.image => {
                    wrong.push(format!("{name} at {cut} of {}", bytes.len()));
                }
                Err(error) if error.reason() == "decoder_panic" => {
                    wrong.push(format!("{name} at {cut}: {error}"));
                }
                _ => {}
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cuts went unnoticed:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn most_truncations_are_called_truncated() {
    let (policy, limits) = (PixelPolicy::default(), Limits::default());
    // The first of many pictures can be whole in half of a file.
    let is_one = |name: &str| name != "animated.gif" && name != "pages.tif";
    for (name, bytes) in files().into_iter().filter(|(name, _)| is_one(name)) {
        let reasons: Vec<_> = (4..9)
            .map(|tenths| decode(&bytes[..bytes.len() * tenths / 10], &policy, &limits))
            .map(|result| result.err().map(|error| error.reason()))
            .collect();
        let named = reasons
            .iter()
            .filter(|reason| **reason == Some("truncated"))
            .count();
        assert!(named >= 3, "{name}: {reasons:?}");
    }
}

#[test]
fn flipped_bytes_never_crash_a_run_nor_hang_it() {
    let (policy, limits) = (
        PixelPolicy::default(),
        Limits {
            max_pixels: 1 << 20,
            ..Limits::default()
        },
    );
    // A long search: TERMINUS_DAMAGE_ROUNDS=10000 cargo test --release -p terminus-pixels flipped
    let rounds = std::env::var("TERMINUS_DAMAGE_ROUNDS").map_or(60, |text| text.parse().unwrap());
    let mut dice = Dice(7);
    let (mut tried, mut panics, mut slowest) = (0, Vec::new(), Duration::ZERO);
    for (name, bytes) in files() {
        for round in 0..rounds {
            let mut damaged = bytes.clone();
            // Headers are where damage misleads most: half of the flips fall on the first 200 bytes.
            let reach = if round % 2 == 0 {
                damaged.len().min(200)
            } else {
                damaged.len()
            };
            for _ in 0..=dice.roll(4) {
                let at = dice.roll(reach);
                damaged[at] = dice.roll(256) as u8;
            }
            let start = Instant::now();
            let results = [
                inspect(&damaged, &limits).err(),
                decode(&damaged, &policy, &limits).err(),
                decode_region(&damaged, 2, 3, 8, 8, &policy, &limits).err(),
            ];
            if start.elapsed() > slowest {
                slowest = start.elapsed();
                println!("{slowest:?} for {name}");
            }
            tried += 1;
            let crashes = results
                .into_iter()
                .flatten()
                .filter(|error| error.reason() == "decoder_panic");
            panics.extend(crashes.map(|error| format!("{name}: {error}")));
        }
    }
    panics.sort();
    panics.dedup();
    println!("{tried} damaged files, slowest {slowest:?}, caught panics: {panics:#?}");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
}

#[test]
fn a_header_that_names_a_huge_picture_is_refused_at_once() {
    let limits = Limits::default();
    let patched = |name: &str, at: usize, value: &[u8]| {
        let (_, mut bytes) = files().into_iter().find(|(file, _)| file == name).unwrap();
        bytes[at..at + value.len()].copy_from_slice(value);
        bytes
    };
    let (_, jpeg) = files()
        .into_iter()
        .find(|(file, _)| file == "420.jpg")
        .unwrap();
    let frame = jpeg
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    let bombs = [
        patched("420.jpg", frame + 5, &[0xFF; 4]),
        patched(
            "rgb.png",
            16,
            &[0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF],
        ),
        patched("rgb.png", 16, &[0, 1, 0x86, 0xA0, 0, 0, 0, 1]),
        patched("animated.webp", 24, &[0xFF; 6]),
        patched("interlaced.gif", 6, &[0xFF; 4]),
        patched("rgb.bmp", 18, &[0, 0, 0, 0x40, 0, 0, 0, 0x40]),
    ];
    for bomb in bombs {
        let start = Instant::now();
        let error = inspect(&bomb, &limits).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
        let error = decode(&bomb, &PixelPolicy::default(), &limits).unwrap_err();
        assert_eq!(error.reason(), "too_large");
        assert!(start.elapsed() < Duration::from_millis(100));
    }
}

#[test]
fn what_is_no_image_says_what_it_is() {
    let limits = Limits::default();
    let reason = |bytes: &[u8]| inspect(bytes, &limits).unwrap_err();
    assert_eq!(reason(b"").reason(), "empty");
    let page = reason(b"<!doctype html><title>404</title>");
    assert_eq!(page.reason(), "not_an_image");
    assert_eq!(
        page.to_string(),
        "not an image: it starts with `<!doctype html><`"
    );
    let avif = reason(b"\0\0\0\x1Cftypavif\0\0\0\0");
    assert_eq!(avif.reason(), "unsupported_format");
    assert_eq!(reason(b"\xFF\xD8\xFF").reason(), "truncated");
}

#[test]
#[ignore = "needs TERMINUS_CORPUS, the folder that holds fuzz/corpus"]
fn what_fuzzing_found_never_crashes() {
    let limits = Limits {
        max_side_px: 2_000,
        max_pixels: 1 << 18,
    };
    let corpus = std::env::var("TERMINUS_CORPUS").unwrap();
    let mut count = 0;
    for target in ["headers", "pixels"] {
        for entry in fs_err::read_dir(Path::new(&corpus).join(target)).unwrap() {
            let bytes = fs_err::read(entry.unwrap().path()).unwrap();
            let result = decode(&bytes, &PixelPolicy::default(), &limits);
            let reason = result.err().map(|error| error.reason());
            assert_ne!(reason, Some("decoder_panic"));
            count += 1;
        }
    }
    println!("{count} files");
}
