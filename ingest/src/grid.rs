//! Grids of four pictures: told by their message, else by size and seam, and cut into rectangles.

use terminus_manifest::{ids::Rect, ledger::LedgerRow, words::Role};
use terminus_pixels::RgbImage;

/// Both sides of a grid are multiples of this: tiles have sides of multiples of 16.
const STEP_PX: u32 = 32;
/// The shortest side of a grid that is told by its pixels.
const LEAST_SIDE_PX: u32 = 512;
/// Pixels on each side of the seam that it is held against.
const REACH: usize = 6;
/// How many times the difference across the seam exceeds those beside it, at a place that counts.
const TIMES: u32 = 3;
/// The least difference across the seam, of three channels together, at a place that counts.
const LEAST_STEP: u32 = 24;
/// The share of places along each seam that count. Of drawn grids the weaker seam has 0.20 or more, of drawn singles
/// 0.12 or less.
const LEAST_SHARE: f64 = 0.16;
/// The same of both seams together: 0.81 or more against 0.68 or less.
const LEAST_SUM: f64 = 0.75;

/// Whether a picture is a grid of four.
///
/// What a message says holds. Without a message, a picture of a train collection is one if its size can be a grid's
/// and both midlines are seams: an upscale has the same size, and no seam.
pub(crate) fn is_grid(row: &LedgerRow, role: Role, image: &RgbImage) -> bool {
    let (width, height) = (image.width_px, image.height_px);
    match row.kind.as_deref() {
        Some("grid") => width >= 2 && height >= 2,
        Some(_) => false,
        None => {
            role == Role::Train
                && width.is_multiple_of(STEP_PX)
                && height.is_multiple_of(STEP_PX)
                && width.min(height) >= LEAST_SIDE_PX
                && has_seams(image)
        }
    }
}

/// The four tiles, in the order of `Image #1` to `#4`: top left, top right, bottom left, bottom right.
pub(crate) fn tiles(width: u32, height: u32) -> [Rect; 4] {
    let (half_width, half_height) = (width / 2, height / 2);
    let at = |top, left| Rect {
        top,
        left,
        width: half_width,
        height: half_height,
    };
    // Of an odd side the middle line belongs to no tile.
    let (bottom, right) = (height - half_height, width - half_width);
    [at(0, 0), at(0, right), at(bottom, 0), at(bottom, right)]
}

fn has_seams(image: &RgbImage) -> bool {
    let (width, height) = (image.width_px as usize, image.height_px as usize);
    let pixel = |x: usize, y: usize| &image.data[(y * width + x) * 3..][..3];
    let step = |a: &[u8], b: &[u8]| -> u32 {
        a.iter()
            .zip(b)
            .map(|(a, b)| u32::from(a.abs_diff(*b)))
            .sum()
    };
    let counts = |differences: &dyn Fn(usize) -> u32, middle: usize| {
        let seam = differences(middle);
        let beside: u32 = (1..=REACH)
            .map(|d| differences(middle - d) + differences(middle + d))
            .sum();
        seam >= LEAST_STEP && seam * 2 * REACH as u32 > TIMES * beside
    };
    let vertical = (0..height)
        .filter(|&y| counts(&|x| step(pixel(x - 1, y), pixel(x, y)), width / 2))
        .count();
    let horizontal = (0..width)
        .filter(|&x| counts(&|y| step(pixel(x, y - 1), pixel(x, y)), height / 2))
        .count();
    let shares = [
        vertical as f64 / height as f64,
        horizontal as f64 / width as f64,
    ];
    shares.iter().all(|&share| share >= LEAST_SHARE) && shares.iter().sum::<f64>() >= LEAST_SUM
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::tests::{measured, picture};

    fn grid_of(seeds: [u32; 4], width: u32, height: u32) -> RgbImage {
        let parts = seeds.map(|seed| picture(width / 2, height / 2, seed));
        let mut data = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let part = usize::from(y >= height / 2) * 2 + usize::from(x >= width / 2);
                data.extend(
                    parts[part]
                        .pixel(y % (height / 2), x % (width / 2))
                        .unwrap(),
                );
            }
        }
        RgbImage::new(width, height, data).unwrap()
    }

    #[test]
    fn seams_tell_a_grid_from_an_upscale_of_its_size() {
        let grid = grid_of([1, 2, 3, 4], 1024, 768);
        let single = picture(1024, 768, 1);
        let row = measured(&single);
        assert!(is_grid(&row, Role::Train, &grid));
        assert!(!is_grid(&row, Role::Train, &single));
        assert!(!is_grid(&row, Role::Anchor, &grid));
        let upscale = LedgerRow {
            kind: Some("upscale".into()),
            ..row
        };
        assert!(!is_grid(&upscale, Role::Train, &grid));
    }

    #[test]
    fn tiles_cover_a_grid_without_crossing_a_seam() {
        for (width, height) in [(2048, 2048), (2912, 1632), (7, 5)] {
            let tiles = tiles(width, height);
            for tile in tiles {
                assert!(tile.fits(width, height));
                let crosses = |start: u32, extent: u32, full: u32| {
                    start < full / 2 && start + extent > full / 2
                };
                assert!(
                    !crosses(tile.left, tile.width, width)
                        && !crosses(tile.top, tile.height, height)
                );
            }
        }
    }
}
