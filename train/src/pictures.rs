//! Between pictures and tensors, and what tells a picture from noise.
//!
//! Pictures are (width, height), tensors `[B, C, H, W]`: here, and nowhere else, one becomes the other.

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};
use terminus_pixels::RgbImage;

use crate::Error;

/// Pixels as a network takes them: `[1, 3, H, W]` f32 in −1..1.
///
/// # Errors
/// Out of memory.
pub fn to_tensor(image: &RgbImage, device: Device) -> Result<Tensor, Error> {
    let shape = [1, i64::from(image.height_px), i64::from(image.width_px), 3];
    let pixels = Tensor::f_from_slice(&image.data)?
        .f_to_device(device)?
        .view(shape) // [1, H, W, 3] u8
        .f_permute([0, 3, 1, 2])? // [1, 3, H, W]
        .f_to_kind(Kind::Float)?;
    Ok((pixels / 127.5 - 1.0).contiguous())
}

/// The pictures of `[B, 3, H, W]` in −1..1; what lies outside is clipped, what is no number is black.
///
/// # Errors
/// Out of memory.
pub fn to_images(pixels: &Tensor) -> Result<Vec<RgbImage>, Error> {
    let (_, _, height, width) = pixels.size4()?;
    let pixels = pixels
        .detach()
        .f_to_kind(Kind::Float)?
        .nan_to_num(-1.0, 1.0, -1.0);
    let bytes = ((pixels + 1.0) * 127.5)
        .round()
        .clamp(0.0, 255.0)
        .f_permute([0, 2, 3, 1])? // [B, H, W, 3]
        .f_to_kind(Kind::Uint8)?
        .f_to_device(Device::Cpu)?
        .contiguous();
    let size = (width * height * 3) as usize;
    let mut data = vec![0; bytes.numel()];
    let count = data.len();
    bytes.f_copy_data(&mut data, count)?;
    Ok(data
        .chunks_exact(size)
        .map(|picture| RgbImage {
            width_px: width as u32,
            height_px: height as u32,
            data: picture.to_vec(),
        })
        .collect())
}

/// Pictures side by side in rows of `columns`, with a light line between them. None of none.
///
/// Smaller pictures stand at the top left of their cell.
pub fn grid(pictures: &[RgbImage], columns: usize) -> Option<RgbImage> {
    const GAP: usize = 2;
    const LINE: u8 = 0xE0;
    let columns = columns.clamp(1, pictures.len().max(1));
    let cell_width = pictures.iter().map(|p| p.width_px as usize).max()?;
    let cell_height = pictures.iter().map(|p| p.height_px as usize).max()?;
    let rows = pictures.len().div_ceil(columns);
    let width = columns * (cell_width + GAP) - GAP;
    let height = rows * (cell_height + GAP) - GAP;
    let mut data = vec![LINE; width * height * 3];
    for (i, picture) in pictures.iter().enumerate() {
        let left = (i % columns) * (cell_width + GAP) * 3;
        let top = (i / columns) * (cell_height + GAP);
        let row_bytes = picture.width_px as usize * 3;
        for (y, row) in picture.data.chunks_exact(row_bytes).enumerate() {
            let begin = (top + y) * width * 3 + left;
            data[begin..begin + row_bytes].copy_from_slice(row);
        }
    }
    RgbImage::new(width as u32, height as u32, data)
}

/// What tells a picture from noise and from a blank page.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PictureStatistics {
    /// Correlation of the brightness of neighbouring pixels: about 0 for noise, mostly above 0.9 for pictures.
    pub neighbour_correlation: f64,
    /// Standard deviation of the brightness, of 255: 0 for a blank page.
    pub brightness_std: f64,
}

impl PictureStatistics {
    /// Measures `image`.
    pub fn of(image: &RgbImage) -> Self {
        let brightness: Vec<f64> = image
            .data
            .chunks_exact(3)
            .map(|rgb| {
                0.299 * f64::from(rgb[0]) + 0.587 * f64::from(rgb[1]) + 0.114 * f64::from(rgb[2])
            })
            .collect();
        let (mean, variance) = moments(&brightness);
        let width = image.width_px.max(1) as usize;
        let mut sum = 0.0;
        let mut pairs = 0.0;
        for row in brightness.chunks_exact(width) {
            for pair in row.windows(2) {
                sum += (pair[0] - mean) * (pair[1] - mean);
                pairs += 1.0;
            }
        }
        let correlation = if variance > 0.0 && pairs > 0.0 {
            sum / pairs / variance
        } else {
            0.0
        };
        Self {
            neighbour_correlation: correlation,
            brightness_std: variance.sqrt(),
        }
    }

    /// Whether it is neither noise nor blank.
    pub fn is_picture(&self) -> bool {
        self.neighbour_correlation > 0.5 && self.brightness_std > 4.0
    }
}

fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    (mean, variance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::NoiseKey;

    fn image(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> RgbImage {
        let data = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .flat_map(|(x, y)| pixel(x, y))
            .collect();
        RgbImage::new(width, height, data).unwrap()
    }

    #[test]
    fn pixels_come_back_from_a_tensor_as_they_were() {
        let original = image(5, 3, |x, y| [x as u8 * 50, y as u8 * 100, 255]);
        let tensor = to_tensor(&original, Device::Cpu).unwrap();
        assert_eq!(tensor.size(), [1, 3, 3, 5]);
        assert!((tensor.double_value(&[0, 0, 2, 4]) - (200.0 / 127.5 - 1.0)).abs() < 1e-6);
        assert_eq!(to_images(&tensor).unwrap(), [original]);
    }

    #[test]
    fn values_outside_and_no_numbers_become_pixels() {
        let tensor = Tensor::from_slice(&[7f32, f32::NAN, -3.0]).view([1, 3, 1, 1]);
        assert_eq!(to_images(&tensor).unwrap()[0].data, [255, 0, 0]);
    }

    #[test]
    fn a_grid_keeps_every_picture_in_its_cell() {
        let pictures: Vec<RgbImage> = (0..3)
            .map(|n| image(4, 2, move |x, _| [n * 10, x as u8, 7]))
            .collect();
        let grid = grid(&pictures, 2).unwrap();
        assert_eq!((grid.width_px, grid.height_px), (10, 6));
        assert_eq!(grid.crop(0, 0, 4, 2).unwrap(), pictures[0]);
        assert_eq!(grid.crop(0, 6, 4, 2).unwrap(), pictures[1]);
        assert_eq!(grid.crop(4, 0, 4, 2).unwrap(), pictures[2]);
        assert_eq!(super::grid(&[], 3), None);
    }

    #[test]
    fn statistics_tell_a_picture_from_noise_and_from_a_blank_page() {
        let noise = NoiseKey::new("statistics", &[]).normal(64 * 64 * 3);
        let noise = noise
            .iter()
            .map(|v| (v * 60.0 + 128.0).clamp(0.0, 255.0) as u8)
            .collect();
        let noise = RgbImage::new(64, 64, noise).unwrap();
        let drawing = image(64, 64, |x, y| {
            if x / 16 + y / 16 > 3 {
                [200; 3]
            } else {
                [20; 3]
            }
        });
        let blank = image(64, 64, |_, _| [90; 3]);
        assert!(PictureStatistics::of(&drawing).is_picture());
        assert!(!PictureStatistics::of(&noise).is_picture());
        assert!(!PictureStatistics::of(&blank).is_picture());
    }
}
