//! What is measured of pixels: hashes that know a picture again, and scores that thresholds judge.
//!
//! Everything but the hash of the pixels rests on one small copy, at most 256 pixels a side, whose pixels are means of
//! up to four samples spread over their cell: its cost does not grow with the picture.

mod dct;
mod small;

use std::fmt::Write as _;

use terminus_manifest::ledger::LedgerRow;
use terminus_pixels::RgbImage;
use xxhash_rust::xxh3::Xxh3;

use small::Small;

/// Differences of neighbours, in codes of 256, that count as none.
const FLAT_STEP: i32 = 2;

/// Writes hashes and scores of `image` into `row`.
pub(crate) fn measure(image: &RgbImage, row: &mut LedgerRow) {
    row.pixels_hash = Some(pixels_hash(image));
    let small = Small::of(image);
    let histogram = histogram(&small.luma);
    row.brightness = Some(mean(&small.luma) / 255.0);
    row.dark = Some(percentile(&histogram, 0.90));
    row.light = Some(percentile(&histogram, 0.10));
    row.entropy = Some(entropy(&histogram));
    row.sharpness = Some(sharpness(&small));
    row.flatness = Some(flatness(&small.luma, small.width));
    row.palette = Some(small.palette());
    row.phash = dct::hash(&small.grey(32, 32));
    row.dhash = Some(gradient_hash(&small.grey(9, 8)));
    row.layout = Some(hex(&small.colours(4, 4)));
    row.looks_like = looks_like(row).map(str::to_owned);
}

/// 128 bits that depend on every pixel and on the size.
fn pixels_hash(image: &RgbImage) -> String {
    let mut hasher = Xxh3::new();
    hasher.update(&image.width_px.to_le_bytes());
    hasher.update(&image.height_px.to_le_bytes());
    hasher.update(&image.data);
    format!("{:032x}", hasher.digest128())
}

fn mean(values: &[u8]) -> f64 {
    let sum: u64 = values.iter().map(|&value| u64::from(value)).sum();
    sum as f64 / values.len().max(1) as f64
}

fn histogram(values: &[u8]) -> [u32; 256] {
    let mut counts = [0; 256];
    for &value in values {
        counts[usize::from(value)] += 1;
    }
    counts
}

/// The value, 0 to 1, that `share` of all lie at or below.
fn percentile(histogram: &[u32; 256], share: f64) -> f64 {
    let total: u32 = histogram.iter().sum();
    let mut below = 0;
    for (value, count) in histogram.iter().enumerate() {
        below += count;
        if f64::from(below) >= share * f64::from(total) {
            return value as f64 / 255.0;
        }
    }
    1.0
}

/// Bits of 8.
fn entropy(histogram: &[u32; 256]) -> f64 {
    let total = f64::from(histogram.iter().sum::<u32>().max(1));
    let parts = histogram.iter().filter(|&&count| count > 0).map(|&count| {
        let share = f64::from(count) / total;
        -share * share.log2()
    });
    parts.sum()
}

/// Variance of the Laplacian of a grey copy of 64x64 pixels.
fn sharpness(small: &Small) -> f64 {
    let grey = small.grey(64, 64);
    let at = |x: usize, y: usize| f64::from(grey[y * 64 + x]);
    let mut edges = Vec::with_capacity(62 * 62);
    for y in 1..63 {
        for x in 1..63 {
            edges.push(at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4.0 * at(x, y));
        }
    }
    let mean = edges.iter().sum::<f64>() / edges.len() as f64;
    edges.iter().map(|edge| (edge - mean).powi(2)).sum::<f64>() / edges.len() as f64
}

/// The share of pixels whose right neighbour is as good as equal.
fn flatness(luma: &[u8], width: usize) -> f64 {
    let (mut flat, mut all) = (0_u32, 0_u32);
    for row in luma.chunks_exact(width) {
        for pair in row.windows(2) {
            all += 1;
            flat += u32::from((i32::from(pair[0]) - i32::from(pair[1])).abs() < FLAT_STEP);
        }
    }
    f64::from(flat) / f64::from(all.max(1))
}

/// One bit a step to the right: is it brighter there?
fn gradient_hash(grey: &[f32]) -> u64 {
    let mut hash = 0;
    for row in grey.chunks_exact(9) {
        for pair in row.windows(2) {
            hash = hash << 1 | u64::from(pair[1] > pair[0]);
        }
    }
    hash
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// `photo` or `drawing` where the facts agree; a flag for people, never a verdict.
fn looks_like(row: &LedgerRow) -> Option<&'static str> {
    if row.camera_make.is_some() || row.camera_model.is_some() {
        return Some("photo");
    }
    let (flatness, palette) = row.flatness.zip(row.palette)?;
    // Generators draw grain and skin as cameras see them, so that pixels alone make no photograph; but no photograph has
    // neighbours so equal in so few colours.
    (flatness > 0.7 && palette < 0.03).then_some("drawing")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Smooth waves with detail; `seed` moves them.
    pub(crate) fn picture(width: u32, height: u32, seed: u32) -> RgbImage {
        let mut data = Vec::with_capacity((width * height * 3) as usize);
        let shift = f64::from(seed) * 1.7;
        for y in 0..height {
            for x in 0..width {
                let (u, v) = (
                    f64::from(x) / f64::from(width),
                    f64::from(y) / f64::from(height),
                );
                let wave = (u * (5.0 + shift) + shift).sin()
                    + (v * (7.0 + shift * 0.6)).cos()
                    + (u * v * 11.0 + shift).sin();
                for channel in 0..3 {
                    let value =
                        128.0 + 40.0 * wave + 12.0 * (f64::from(channel) + wave * shift).cos();
                    data.push(value.clamp(0.0, 255.0) as u8);
                }
            }
        }
        RgbImage::new(width, height, data).unwrap()
    }

    pub(crate) fn measured(image: &RgbImage) -> LedgerRow {
        let item = terminus_manifest::ids::ItemId::new("c:a", 0);
        let mut row = LedgerRow::found(item, "c:a".into(), "c".into(), "/a".into());
        measure(image, &mut row);
        row
    }

    fn flat(value: u8) -> RgbImage {
        RgbImage::new(64, 64, vec![value; 64 * 64 * 3]).unwrap()
    }

    #[test]
    fn a_flat_picture_has_no_information_and_no_perceptual_hash() {
        let row = measured(&flat(51));
        assert_eq!(row.entropy, Some(0.0));
        assert_eq!(row.sharpness, Some(0.0));
        assert_eq!(
            (row.dark, row.light, row.brightness),
            (Some(0.2), Some(0.2), Some(0.2))
        );
        assert_eq!((row.phash, row.flatness), (None, Some(1.0)));
    }

    #[test]
    fn a_picture_is_known_again_at_another_size() {
        let (large, small) = (
            measured(&picture(1456, 816, 1)),
            measured(&picture(728, 408, 1)),
        );
        let other = measured(&picture(728, 408, 2));
        let distance =
            |a: &LedgerRow, b: &LedgerRow| (a.phash.unwrap() ^ b.phash.unwrap()).count_ones();
        assert!(
            distance(&large, &small) <= 2,
            "{}",
            distance(&large, &small)
        );
        assert!(
            distance(&large, &other) > 12,
            "{}",
            distance(&large, &other)
        );
        assert_ne!(large.pixels_hash, small.pixels_hash);
    }

    #[test]
    fn tiny_pictures_are_measured() {
        for (width, height) in [(1, 1), (1, 9), (7, 2)] {
            let row = measured(&picture(width, height, 1));
            assert!(row.brightness.unwrap().is_finite());
        }
    }
}
