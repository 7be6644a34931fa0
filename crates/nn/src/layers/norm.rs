//! Norms. Mean and variance are taken in f32, whatever the kind of the input: libtorch's kernels gather sums of 16-bit
//! numbers in 32 bits, and round once, so that no copy of the input in f32 is needed.

use tch::{Device, Kind, Tensor};

use crate::{builder::Path, init::Init};

/// The kind that scales and shifts must have beside this input: f32 for 16 bits on the CPU, whose kernels mix the two, and
/// the input's own elsewhere.
fn kind_beside(xs: &Tensor) -> Kind {
    match (xs.device(), xs.kind()) {
        (Device::Cpu, Kind::BFloat16 | Kind::Half) => Kind::Float,
        (_, kind) => kind,
    }
}

/// Normalises groups of channels (Wu & He 2018, arXiv:1803.08494), then scales and shifts each channel.
#[derive(Debug)]
pub struct GroupNorm {
    weight: Tensor,
    bias: Tensor,
    groups: i64,
    eps: f64,
}

impl GroupNorm {
    /// `groups` must divide `channels`.
    pub fn new(path: &Path, groups: i64, channels: i64, eps: f64) -> Self {
        Self {
            weight: path.parameter("weight", &[channels], Init::ONES),
            bias: path.parameter("bias", &[channels], Init::ZEROS),
            groups,
            eps,
        }
    }

    /// `[B, C, …]` to the same.
    pub fn forward(&self, xs: &Tensor) -> Tensor {
        let kind = kind_beside(xs);
        let (weight, bias) = (self.weight.to_kind(kind), self.bias.to_kind(kind));
        xs.group_norm(self.groups, Some(weight), Some(bias), self.eps, true)
    }
}

/// Normalises the last dimension (Ba et al. 2016, arXiv:1607.06450), then scales and shifts it.
#[derive(Debug)]
pub struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    size: i64,
    eps: f64,
}

impl LayerNorm {
    /// Over a last dimension of `size`.
    pub fn new(path: &Path, size: i64, eps: f64) -> Self {
        Self {
            weight: path.parameter("weight", &[size], Init::ONES),
            bias: path.parameter("bias", &[size], Init::ZEROS),
            size,
            eps,
        }
    }

    /// `[…, size]` to the same.
    pub fn forward(&self, xs: &Tensor) -> Tensor {
        let kind = kind_beside(xs);
        let (weight, bias) = (self.weight.to_kind(kind), self.bias.to_kind(kind));
        xs.layer_norm([self.size], Some(weight), Some(bias), self.eps, true)
    }
}
