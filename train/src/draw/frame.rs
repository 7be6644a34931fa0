//! How a picture of any size lies on the canvas that the networks work on.

use tch::{Device, Kind, Tensor};
use terminus_pixels::RgbImage;

use super::{
    DrawRequest, Start,
    mask::{Mask, Region},
};
use crate::{Error, pictures, source::ModelSource};

/// The part of the picture that is drawn, and the canvas that it is brought to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    region: Region,
    canvas: (u32, u32),
    /// The canvas is the part, made a little longer on the right and at the bottom; otherwise the part is resized.
    is_padded: bool,
}

impl Frame {
    /// The frame of a request.
    pub fn new(request: &DrawRequest, source: &ModelSource) -> Self {
        let canvas = request.size;
        let region = match &request.start {
            Start::Noise => Region {
                left: 0,
                top: 0,
                width: canvas.0,
                height: canvas.1,
            },
            Start::Inpaint {
                mask,
                only_masked_padding: Some(padding),
                ..
            } => mask.surroundings(*padding, canvas),
            Start::Picture { picture, .. } | Start::Inpaint { picture, .. } => Region {
                left: 0,
                top: 0,
                width: picture.width_px,
                height: picture.height_px,
            },
        };
        let multiple = source.side_multiple();
        let is_padded = canvas == fitting((region.width, region.height), multiple);
        Self {
            region,
            canvas,
            is_padded,
        }
    }

    /// The part of the picture that is drawn.
    pub fn region(&self) -> Region {
        self.region
    }

    /// The picture on the canvas, `[1, 3, H, W]` in −1..1.
    pub fn lay_out(&self, picture: &RgbImage, device: Device) -> Result<Tensor, Error> {
        let Region {
            left,
            top,
            width,
            height,
        } = self.region;
        let part = picture.crop(top, left, width, height)?;
        let pixels = pictures::to_tensor(&part, device)?; // [1, 3, rows, columns]
        if self.is_padded {
            let [right, bottom] = self.padding();
            return Ok(pixels.f_replication_pad2d([0, right, 0, bottom])?);
        }
        Ok(resized(&pixels, self.canvas)?.clamp(-1.0, 1.0))
    }

    /// 1 where the canvas is drawn anew, `[1, 1, H, W]` f32.
    pub fn lay_out_mask(&self, mask: &Mask, device: Device) -> Result<Tensor, Error> {
        let shape = [
            1,
            1,
            i64::from(self.region.height),
            i64::from(self.region.width),
        ];
        let mask = Tensor::f_from_slice(&mask.bytes(self.region))?
            .f_view(shape)?
            .f_to_device(device)?
            .f_to_kind(Kind::Float)?
            / 255.0;
        if self.is_padded {
            let [right, bottom] = self.padding();
            return Ok(mask.f_replication_pad2d([0, right, 0, bottom])?);
        }
        // Whatever the mask touches is drawn anew.
        Ok(resized(&mask, self.canvas)?
            .f_gt(1e-3)?
            .f_to_kind(Kind::Float)?)
    }

    /// The canvas without the padding; a resized one stays as it is.
    pub fn without_padding(&self, pixels: &Tensor) -> Result<Tensor, Error> {
        if !self.is_padded {
            return Ok(pixels.shallow_clone());
        }
        Ok(pixels
            .f_narrow(2, 0, i64::from(self.region.height))?
            .f_narrow(3, 0, i64::from(self.region.width))?)
    }

    /// The canvas brought back to the part's size, `[1, 3, rows, columns]`.
    pub fn take_back(&self, pixels: &Tensor) -> Result<Tensor, Error> {
        if self.is_padded {
            return self.without_padding(pixels);
        }
        resized(pixels, (self.region.width, self.region.height))
    }

    /// Columns on the right and rows at the bottom.
    fn padding(&self) -> [i64; 2] {
        [
            i64::from(self.canvas.0 - self.region.width),
            i64::from(self.canvas.1 - self.region.height),
        ]
    }
}

/// The smallest size of multiples that holds `size`.
pub fn fitting(size: (u32, u32), multiple: u32) -> (u32, u32) {
    (
        size.0.next_multiple_of(multiple),
        size.1.next_multiple_of(multiple),
    )
}

/// `[1, C, H, W]` resized by an antialiased bicubic filter to `size` (width, height).
fn resized(pixels: &Tensor, size: (u32, u32)) -> Result<Tensor, Error> {
    let sides = [i64::from(size.1), i64::from(size.0)];
    Ok(pixels.f_internal_upsample_bicubic2d_aa(sides, false, None, None)?)
}
