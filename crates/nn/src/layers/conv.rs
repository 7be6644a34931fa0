//! Convolutions over height and width.

use tch::Tensor;

use crate::{builder::Path, init::Init};

/// A square convolution with a bias: `weight` `[out, in, kernel, kernel]`, `bias` `[out]`.
#[derive(Debug)]
pub struct Conv2d {
    weight: Tensor,
    bias: Tensor,
    stride: i64,
    padding: i64,
}

impl Conv2d {
    /// Stride 1, and a padding that keeps height and width for an odd kernel.
    pub fn new(path: &Path, inputs: i64, outputs: i64, kernel: i64) -> Self {
        Self::strided(path, inputs, outputs, kernel, 1, kernel / 2)
    }

    /// With this stride, and this padding on all four sides.
    pub fn strided(
        path: &Path,
        inputs: i64,
        outputs: i64,
        kernel: i64,
        stride: i64,
        padding: i64,
    ) -> Self {
        let init = Init::fan_in(inputs * kernel * kernel);
        Self {
            weight: path.parameter("weight", &[outputs, inputs, kernel, kernel], init),
            bias: path.parameter("bias", &[outputs], init),
            stride,
            padding,
        }
    }

    /// `[B, in, H, W]` to `[B, out, H', W']`.
    pub fn forward(&self, xs: &Tensor) -> Tensor {
        let kind = xs.kind();
        let (stride, padding) = ([self.stride; 2], [self.padding; 2]);
        xs.conv2d(
            &self.weight.to_kind(kind),
            Some(self.bias.to_kind(kind)),
            stride,
            padding,
            [1, 1],
            1,
        )
    }
}

/// The same tensor `[B, C, H, W]` with a pixel's channels side by side in memory.
///
/// Convolutions and norms keep the order of their input. In this one they are faster, and tokens are a view of pixels.
pub fn channels_last(xs: &Tensor) -> Tensor {
    xs.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}
