//! A small copy of a picture, and smaller ones of it.

use terminus_pixels::RgbImage;

/// The longest side of the copy.
const MAX_SIDE: usize = 256;

/// At most 256x256 pixels of red, green and blue.
pub(super) struct Small {
    pub width: usize,
    pub height: usize,
    rgb: Vec<[u8; 3]>,
    /// Rec. 601 luminance.
    pub luma: Vec<u8>,
}

impl Small {
    /// Means of up to 2x2 samples, a quarter and three quarters into each cell.
    pub fn of(image: &RgbImage) -> Self {
        let (full_width, full_height) = (image.width_px as usize, image.height_px as usize);
        let (width, height) = (full_width.min(MAX_SIDE), full_height.min(MAX_SIDE));
        let places = |cells: usize, full: usize| -> Vec<[usize; 2]> {
            (0..cells)
                .map(|cell| {
                    [
                        (4 * cell + 1) * full / (4 * cells),
                        (4 * cell + 3) * full / (4 * cells),
                    ]
                })
                .collect()
        };
        let (columns, rows) = (places(width, full_width), places(height, full_height));
        let mut rgb = Vec::with_capacity(width * height);
        let stride = full_width * 3;
        for [top, bottom] in rows {
            let (top, bottom) = (
                &image.data[top * stride..][..stride],
                &image.data[bottom * stride..][..stride],
            );
            for &[left, right] in &columns {
                let mut mean = [0; 3];
                for (channel, mean) in mean.iter_mut().enumerate() {
                    let sum = u16::from(top[left * 3 + channel])
                        + u16::from(top[right * 3 + channel])
                        + u16::from(bottom[left * 3 + channel])
                        + u16::from(bottom[right * 3 + channel]);
                    *mean = ((sum + 2) / 4) as u8;
                }
                rgb.push(mean);
            }
        }
        let weigh = |&[r, g, b]: &[u8; 3]| {
            ((77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b) + 128) >> 8) as u8
        };
        let luma = rgb.iter().map(weigh).collect();
        Self {
            width,
            height,
            rgb,
            luma,
        }
    }

    /// Means of the luminance over a grid of this size.
    pub fn grey(&self, width: usize, height: usize) -> Vec<f32> {
        self.cells(width, height, &self.luma, |&luma| luma)
    }

    /// Mean colours over a grid of this size.
    pub fn colours(&self, width: usize, height: usize) -> Vec<u8> {
        let planes: Vec<Vec<f32>> = (0..3)
            .map(|channel| self.cells(width, height, &self.rgb, |rgb| rgb[channel]))
            .collect();
        (0..width * height)
            .flat_map(|cell| planes.iter().map(move |plane| plane[cell].round() as u8))
            .collect()
    }

    /// The share of 32,768 coarse colours that occur.
    pub fn palette(&self) -> f64 {
        let mut seen = vec![false; 1 << 15];
        for [r, g, b] in &self.rgb {
            let at = usize::from(r >> 3) << 10 | usize::from(g >> 3) << 5 | usize::from(b >> 3);
            seen[at] = true;
        }
        seen.iter().filter(|&&seen| seen).count() as f64 / seen.len() as f64
    }

    /// Means over cells of a value of each pixel; where there are more cells than pixels, cells share them.
    fn cells<P>(
        &self,
        width: usize,
        height: usize,
        pixels: &[P],
        value: impl Fn(&P) -> u8,
    ) -> Vec<f32> {
        let range = |cell: usize, cells: usize, full: usize| {
            let start = cell * full / cells;
            start..((cell + 1) * full / cells).max(start + 1).min(full)
        };
        let columns: Vec<_> = (0..width).map(|x| range(x, width, self.width)).collect();
        let mut means = Vec::with_capacity(width * height);
        for y in 0..height {
            let rows = range(y, height, self.height);
            for columns in &columns {
                let mut sum = 0_u32;
                for row in rows.clone() {
                    let part = &pixels[row * self.width..][columns.clone()];
                    sum += part
                        .iter()
                        .map(|pixel| u32::from(value(pixel)))
                        .sum::<u32>();
                }
                let count = rows.len() * columns.len();
                means.push(sum as f32 / count.max(1) as f32);
            }
        }
        means
    }
}
