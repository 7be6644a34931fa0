//! Halving and doubling of height and width, with a convolution.
// B batch, C channels, H W sides

use tch::Tensor;
use terminus_nn::{Conv2d, Path};

/// Halves height and width.
#[derive(Debug)]
pub(crate) struct Downsample {
    conv: Conv2d,
    padding: Padding,
}

/// Where a downsampling convolution pads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    /// By one on all sides, as in the UNet.
    Around,
    /// By one on the right and at the bottom, as in the VAE's encoder.
    RightAndBottom,
}

impl Downsample {
    pub fn new(path: &Path, channels: i64, padding: Padding) -> Self {
        let around = i64::from(padding == Padding::Around);
        let conv = Conv2d::strided(&(path / "conv"), channels, channels, 3, 2, around);
        Self { conv, padding }
    }

    /// `[B, C, H, W]` to `[B, C, H/2, W/2]`.
    pub fn forward(&self, xs: &Tensor) -> Tensor {
        match self.padding {
            Padding::Around => self.conv.forward(xs),
            Padding::RightAndBottom => self.conv.forward(&xs.constant_pad_nd([0, 1, 0, 1])),
        }
    }
}

/// Enlarges height and width to the nearest pixel's value, then convolves.
#[derive(Debug)]
pub(crate) struct Upsample {
    conv: Conv2d,
}

impl Upsample {
    pub fn new(path: &Path, channels: i64) -> Self {
        Self {
            conv: Conv2d::new(&(path / "conv"), channels, channels, 3),
        }
    }

    /// `[B, C, H, W]` to `[B, C, 2·H, 2·W]`.
    pub fn doubled(&self, xs: &Tensor) -> Tensor {
        let size = xs.size();
        self.to_size(xs, [2 * size[2], 2 * size[3]])
    }

    /// `[B, C, H, W]` to `[B, C, size[0], size[1]]`: that of the skip connection, if a side was odd before it was halved.
    pub fn to_size(&self, xs: &Tensor, size: [i64; 2]) -> Tensor {
        self.conv.forward(&xs.upsample_nearest2d(size, None, None))
    }
}
