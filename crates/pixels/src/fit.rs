//! Another size for a picture, every byte as Pillow's `Image.resize` has it: what vision models were trained on.
//!
//! Two passes with a rounding to 8 bits between them; weights are rounded to 22 bits. The horizontal pass comes first,
//! unless the picture loses more than twice as many rows as columns (Pillow 12 and later).

mod sums;

use crate::RgbImage;
use sums::{LANES, Pair, sum};

/// How neighbours are weighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PillowFilter {
    /// Keys' cubic with a = -0.5, over two pixels on each side.
    Bicubic,
    /// A windowed sinc over three pixels on each side.
    Lanczos,
}

/// Bits behind the point of a weight.
const PRECISION: u32 = 22;

impl PillowFilter {
    fn support(self) -> f64 {
        match self {
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        match self {
            Self::Bicubic => {
                const A: f64 = -0.5;
                let x = x.abs();
                if x < 1.0 {
                    ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
                } else if x < 2.0 {
                    (((x - 5.0) * x + 8.0) * x - 4.0) * A
                } else {
                    0.0
                }
            }
            Self::Lanczos => {
                let sinc = |x: f64| {
                    if x == 0.0 {
                        1.0
                    } else {
                        let x = x * std::f64::consts::PI;
                        x.sin() / x
                    }
                };
                if (-3.0..3.0).contains(&x) {
                    sinc(x) * sinc(x / 3.0)
                } else {
                    0.0
                }
            }
        }
    }
}

/// For each place of the new side: the first pixel of the old one, and the weights from there on, in pairs.
struct Taps {
    starts: Vec<usize>,
    weights: Vec<Vec<Pair>>,
}

impl Taps {
    fn new(from: u32, to: u32, filter: PillowFilter) -> Self {
        let scale = f64::from(from) / f64::from(to);
        let stretch = scale.max(1.0);
        let support = filter.support() * stretch;
        let (mut starts, mut weights) = (Vec::new(), Vec::new());
        for place in 0..to {
            let centre = (f64::from(place) + 0.5) * scale;
            let low = ((centre - support + 0.5) as i64).max(0);
            let high = ((centre + support + 0.5) as i64).min(i64::from(from));
            let raw: Vec<f64> = (low..high)
                .map(|x| filter.weight((x as f64 - centre + 0.5) * (1.0 / stretch)))
                .collect();
            let total: f64 = raw.iter().sum();
            let rounded = raw.iter().map(|weight| {
                let weight = if total == 0.0 {
                    *weight
                } else {
                    weight / total
                };
                let scaled = weight * f64::from(1_u32 << PRECISION);
                (scaled + if scaled < 0.0 { -0.5 } else { 0.5 }) as i32
            });
            let rounded: Vec<i32> = rounded.collect();
            starts.push(low as usize);
            weights.push(rounded.chunks(2).map(Pair::new).collect());
        }
        Self { starts, weights }
    }
}

impl RgbImage {
    /// The picture squashed or stretched to this size; both sides must have an area, else it comes back as it was.
    #[must_use]
    pub fn resized_as_pillow(&self, width_px: u32, height_px: u32, filter: PillowFilter) -> Self {
        if width_px == 0 || height_px == 0 || self.data.is_empty() {
            return self.clone();
        }
        let lost_rows = i64::from(self.height_px) - i64::from(height_px);
        let lost_columns = i64::from(self.width_px) - i64::from(width_px);
        let rows_first = lost_rows > 0 && lost_rows > 2 * lost_columns;
        if rows_first {
            self.with_height(height_px, filter)
                .with_width(width_px, filter)
        } else {
            self.with_width(width_px, filter)
                .with_height(height_px, filter)
        }
    }

    /// The picture in the middle of a square of its longer side.
    #[must_use]
    pub fn padded_to_square(&self, colour: [u8; 3]) -> Self {
        let side = self.width_px.max(self.height_px);
        let (left, top) = ((side - self.width_px) / 2, (side - self.height_px) / 2);
        let mut data = colour.repeat(side as usize * side as usize);
        let row_bytes = self.width_px as usize * 3;
        for (row, pixels) in self.data.chunks_exact(row_bytes.max(1)).enumerate() {
            let start = ((row + top as usize) * side as usize + left as usize) * 3;
            data[start..start + row_bytes].copy_from_slice(pixels);
        }
        Self {
            width_px: side,
            height_px: side,
            data,
        }
    }

    fn with_height(&self, height_px: u32, filter: PillowFilter) -> Self {
        if height_px == self.height_px {
            return self.clone();
        }
        let data = columns(
            &self.data,
            self.width_px as usize * 3,
            &Taps::new(self.height_px, height_px, filter),
        );
        Self {
            width_px: self.width_px,
            height_px,
            data,
        }
    }

    /// Turned on its side, so that neighbours in memory are summed with one weight, and back.
    fn with_width(&self, width_px: u32, filter: PillowFilter) -> Self {
        if width_px == self.width_px {
            return self.clone();
        }
        let taps = Taps::new(self.width_px, width_px, filter);
        let mut data = vec![0; width_px as usize * self.height_px as usize * 3];
        let (old_row, new_row) = (self.width_px as usize * 3, width_px as usize * 3);
        let mut turned = vec![0; old_row * BLOCK];
        // A block of rows at a time stays in the cache.
        for (block, out) in self
            .data
            .chunks(old_row * BLOCK)
            .zip(data.chunks_mut(new_row * BLOCK))
        {
            let rows = block.len() / old_row;
            let turned = &mut turned[..block.len()];
            turn(block, rows, self.width_px as usize, turned);
            let summed = columns(turned, rows * 3, &taps);
            turn(&summed, width_px as usize, rows, out);
        }
        Self {
            width_px,
            height_px: self.height_px,
            data,
        }
    }
}

/// Rows that are turned at once.
const BLOCK: usize = 16;

/// Pixels of `rows` by `columns` as `columns` by `rows`.
fn turn(pixels: &[u8], rows: usize, columns: usize, out: &mut [u8]) {
    // What is written lies together: a few rows are read at once more cheaply than many are written.
    for (column, place) in out.chunks_exact_mut(rows * 3).enumerate() {
        for (row, pixel) in place.chunks_exact_mut(3).enumerate() {
            let from = (row * columns + column) * 3;
            pixel.copy_from_slice(&pixels[from..from + 3]);
        }
    }
}

/// Sums rows of `row_bytes` by weight, one new row for each place of `taps`.
fn columns(data: &[u8], row_bytes: usize, taps: &Taps) -> Vec<u8> {
    // A row that is narrower than what is summed at once is summed with zeros behind it.
    if row_bytes < LANES {
        let wide: Vec<u8> = data
            .chunks_exact(row_bytes)
            .flat_map(|row| row.iter().copied().chain([0; LANES]).take(LANES))
            .collect();
        let summed = columns(&wide, LANES, taps);
        let rows = summed.chunks_exact(LANES);
        return rows.flat_map(|row| &row[..row_bytes]).copied().collect();
    }
    let mut out = vec![0; row_bytes * taps.starts.len()];
    for ((place, start), pairs) in out
        .chunks_exact_mut(row_bytes)
        .zip(&taps.starts)
        .zip(&taps.weights)
    {
        let rows = &data[start * row_bytes..];
        for at in (0..row_bytes).step_by(LANES) {
            // The last bytes are summed with some that were summed before.
            let at = at.min(row_bytes - LANES);
            place[at..at + LANES].copy_from_slice(&sum(&rows[at..], row_bytes, pairs));
        }
    }
    out
}
