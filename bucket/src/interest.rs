//! Where a picture is busiest: faces and line work have edges, sky and walls have none.
//!
//! Edges are summed over cells of 8 by 8 pixels, and an integral image over the cells gives the sum of any rectangle
//! in four reads, so that every possible place of a crop is looked at.

use terminus_pixels::RgbImage;

/// Version of the measure; a part of the key of every measurement.
pub const LOGIC_VERSION: u32 = 1;

/// The side of a cell: JPEG grids are multiples of it.
const CELL: usize = 8;

/// A place where a crop may begin: along one side, the first, the step and the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The first place.
    pub first: u32,
    /// The distance between two.
    pub step: u32,
    /// How many.
    pub count: u64,
}

impl Line {
    /// Every place, at most some 8 pixels apart, and the last one.
    fn looked_at(self) -> impl Iterator<Item = u32> {
        let stride = (CELL as u32 / self.step).max(1);
        let last = self.count.saturating_sub(1) as u32;
        (0..=last)
            .step_by(stride as usize)
            .chain((!last.is_multiple_of(stride)).then_some(last))
            .map(move |number| self.first + number * self.step)
    }
}

/// A crop of a picture by its edges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Busiest {
    /// Rows above it.
    pub top: u32,
    /// Columns left of it.
    pub left: u32,
    /// The share of the picture's edges that it shows, 0 to 1.
    pub share: f64,
}

/// The `count` busiest crops of `size` (width, height), each looked for in what the ones before do not show. Equals go
/// to the one nearest the middle, then to the upper, then to the left.
pub fn busiest(
    image: &RgbImage,
    size: (u32, u32),
    rows: Line,
    columns: Line,
    count: u32,
) -> Vec<Busiest> {
    let mut edges = Edges::of(image);
    let all = edges.integral();
    let total = all.last().copied().unwrap_or(0).max(1);
    let mut found = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let integral = edges.integral();
        let mut best: Option<(u64, u64, u32, u32)> = None;
        for top in rows.looked_at() {
            for left in columns.looked_at() {
                let sum = edges.sum(&integral, top, left, size);
                let off = off_middle(top, size.1, image.height_px)
                    + off_middle(left, size.0, image.width_px);
                if best.is_none_or(|(most, least, ..)| sum > most || (sum == most && off < least)) {
                    best = Some((sum, off, top, left));
                }
            }
        }
        let Some((_, _, top, left)) = best else { break };
        let shown = edges.sum(&all, top, left, size);
        found.push(Busiest {
            top,
            left,
            share: shown as f64 / total as f64,
        });
        edges.clear(top, left, size);
    }
    found
}

/// How far the middle of a part is from the middle of the whole, in half pixels.
fn off_middle(start: u32, part: u32, whole: u32) -> u64 {
    (2 * u64::from(start) + u64::from(part)).abs_diff(u64::from(whole))
}

/// Edge strength by cell.
struct Edges {
    width: usize,
    height: usize,
    cells: Vec<u64>,
}

impl Edges {
    fn of(image: &RgbImage) -> Self {
        let (w, h) = (image.width_px as usize, image.height_px as usize);
        let (width, height) = (w.div_ceil(CELL), h.div_ceil(CELL));
        let mut cells = vec![0_u64; width * height];
        // Rec. 601 luma in 8.8 fixed point.
        let luma = |pixel: &[u8]| {
            (77 * u32::from(pixel[0]) + 150 * u32::from(pixel[1]) + 29 * u32::from(pixel[2])) >> 8
        };
        let row_of = |row: usize| -> Vec<u32> {
            image.data[row * w * 3..(row + 1) * w * 3]
                .chunks_exact(3)
                .map(luma)
                .collect()
        };
        let mut above: Vec<u32> = Vec::new();
        for row in 0..h {
            let here = row_of(row);
            let line = &mut cells[row / CELL * width..][..width];
            for column in 1..w {
                let across = here[column].abs_diff(here[column - 1]);
                let down = above.get(column).map_or(0, |up| here[column].abs_diff(*up));
                line[column / CELL] += u64::from(across + down);
            }
            above = here;
        }
        Self {
            width,
            height,
            cells,
        }
    }

    /// Sums over all cells above and left, one row and column more than there are cells.
    fn integral(&self) -> Vec<u64> {
        let stride = self.width + 1;
        let mut sums = vec![0; stride * (self.height + 1)];
        for row in 0..self.height {
            let mut line = 0;
            for column in 0..self.width {
                line += self.cells[row * self.width + column];
                sums[(row + 1) * stride + column + 1] = sums[row * stride + column + 1] + line;
            }
        }
        sums
    }

    /// The cells that a crop touches: rows and columns, each from and to.
    fn touched(&self, top: u32, left: u32, (width, height): (u32, u32)) -> [usize; 4] {
        let end = |start: u32, part: u32, cells: usize| {
            ((start + part) as usize).div_ceil(CELL).min(cells)
        };
        [
            top as usize / CELL,
            end(top, height, self.height),
            left as usize / CELL,
            end(left, width, self.width),
        ]
    }

    fn sum(&self, integral: &[u64], top: u32, left: u32, size: (u32, u32)) -> u64 {
        let [top, bottom, left, right] = self.touched(top, left, size);
        let at = |row: usize, column: usize| integral[row * (self.width + 1) + column];
        at(bottom, right) + at(top, left) - at(top, right) - at(bottom, left)
    }

    fn clear(&mut self, top: u32, left: u32, size: (u32, u32)) {
        let [top, bottom, left, right] = self.touched(top, left, size);
        for row in top..bottom {
            self.cells[row * self.width + left..row * self.width + right].fill(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grey with a chequered square.
    fn picture(width: u32, height: u32, top: u32, left: u32, side: u32) -> RgbImage {
        let pixel = |row: u32, column: u32| {
            let is_in = (top..top + side).contains(&row) && (left..left + side).contains(&column);
            if is_in && (row + column).is_multiple_of(2) {
                255
            } else {
                128
            }
        };
        let data = (0..height)
            .flat_map(|row| (0..width).flat_map(move |column| [pixel(row, column); 3]))
            .collect();
        RgbImage::new(width, height, data).unwrap()
    }

    fn every(free: u32) -> Line {
        Line {
            first: 0,
            step: 1,
            count: u64::from(free) + 1,
        }
    }

    #[test]
    fn the_busiest_crop_shows_what_is_drawn() {
        let image = picture(256, 128, 40, 176, 32);
        let found = busiest(&image, (64, 64), every(64), every(192), 2);
        let crop = found[0];
        assert!(crop.top <= 40 && crop.top + 64 >= 72, "{crop:?}");
        assert!(crop.left <= 176 && crop.left + 64 >= 208, "{crop:?}");
        assert!(crop.share > 0.99, "{crop:?}");
        assert_eq!(found.len(), 2);
        assert_ne!((found[1].top, found[1].left), (crop.top, crop.left));
    }

    #[test]
    fn a_flat_picture_is_cut_in_the_middle() {
        let image = picture(192, 128, 0, 0, 0);
        let found = busiest(&image, (64, 64), every(64), every(128), 1);
        assert_eq!((found[0].top, found[0].left), (32, 64));
    }

    #[test]
    fn a_crop_stays_on_the_grid() {
        let image = picture(256, 128, 40, 176, 32);
        let (rows, columns) = (
            Line {
                first: 3,
                step: 16,
                count: 4,
            },
            Line {
                first: 5,
                step: 16,
                count: 12,
            },
        );
        let crop = busiest(&image, (64, 64), rows, columns, 1)[0];
        assert_eq!(((crop.top - 3) % 16, (crop.left - 5) % 16), (0, 0));
    }
}
