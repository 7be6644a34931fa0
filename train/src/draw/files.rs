//! Pictures, masks and latents on disk.

use std::path::Path;

use fs_err as fs;
use tch::Tensor;
use terminus_manifest::atomic;
use terminus_nn::{Checkpoint, Metadata, save_safetensors};
use terminus_pixels::{
    Effort, Limits, PixelPolicy, RgbImage, decode, decode_alpha, encode_png_with_text,
};

use super::Mask;
use crate::Error;

/// The key of latents in a safetensors file.
const LATENTS: &str = "latents";

/// A picture to begin with.
#[derive(Debug)]
pub struct Picture {
    /// Its colours.
    pub image: RgbImage,
    /// Its opacity, if it has any.
    alpha: Option<Vec<u8>>,
}

impl Picture {
    /// Reads a picture of any format.
    ///
    /// # Errors
    /// It cannot be read; it is no picture, or a damaged one.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = fs::read(path)?;
        let named = |fault| Error::Picture {
            path: path.to_owned(),
            fault,
        };
        let limits = Limits::default();
        let alpha = decode_alpha(&bytes, &limits).map_err(named)?;
        let policy = PixelPolicy::default();
        Ok(Self {
            image: decode(&bytes, &policy, &limits).map_err(named)?.image,
            alpha,
        })
    }

    /// The mask in a picture: what is brighter than grey is drawn anew.
    ///
    /// # Errors
    /// As for [`Picture::read`] and [`Mask::new`].
    pub fn mask_from(&self, path: &Path, blur_px: u32) -> Result<Mask, Error> {
        let mask = Self::read(path)?.image;
        // The brightness that Pillow's `convert("L")` gives (ITU-R 601).
        let brightness: Vec<u8> = mask
            .data
            .as_chunks::<3>()
            .0
            .iter()
            .map(|&rgb| {
                let [r, g, b] = rgb.map(u32::from);
                ((r * 19_595 + g * 38_470 + b * 7_471 + 0x8000) >> 16) as u8
            })
            .collect();
        let size = (mask.width_px, mask.height_px);
        Mask::new(&brightness, size, blur_px, &self.image)
    }

    /// The mask in the picture's own alpha: what is transparent is drawn anew. None without alpha.
    ///
    /// # Errors
    /// As for [`Mask::new`].
    pub fn mask_from_alpha(&self, blur_px: u32) -> Result<Option<Mask>, Error> {
        let Some(alpha) = &self.alpha else {
            return Ok(None);
        };
        let transparency: Vec<u8> = alpha.iter().map(|a| 255 - a).collect();
        let size = (self.image.width_px, self.image.height_px);
        Mask::new(&transparency, size, blur_px, &self.image).map(Some)
    }

    /// Width and height.
    pub fn size(&self) -> (u32, u32) {
        (self.image.width_px, self.image.height_px)
    }
}

/// Writes a picture as PNG, with its parameters as A1111 writes them.
///
/// # Errors
/// The file cannot be written.
pub fn write_picture(path: &Path, image: &RgbImage, parameters: &str) -> Result<(), Error> {
    let bytes = encode_png_with_text(image, Effort::Fast, &[("parameters", parameters)])?;
    atomic::write(path, &bytes)?;
    Ok(())
}

/// Reads the tensor `latents` of a safetensors file.
///
/// # Errors
/// The file is damaged or holds no such tensor.
pub fn read_latents(path: &Path) -> Result<Tensor, Error> {
    let latents = Checkpoint::open(path)?.tensor(LATENTS)?;
    latents.ok_or_else(|| Error::NoLatentsTensor {
        path: path.to_owned(),
    })
}

/// Writes latents as the tensor `latents` of a safetensors file, f32.
///
/// # Errors
/// The file cannot be written.
pub fn write_latents(path: &Path, latents: &Tensor) -> Result<(), Error> {
    save_safetensors(
        path,
        [(LATENTS, latents)],
        Some(tch::Kind::Float),
        &Metadata::new(),
    )?;
    Ok(())
}
