//! Root-mean-square norm (Zhang & Sennrich 2019, arXiv:1910.07467).

use tch::{Kind, Tensor};

use crate::{builder::Path, init::Init};

/// Where a norm in half precision leaves f32: models are trained with one or the other, and their outputs differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CastOrder {
    /// The product with the weight is taken in f32: `CogVLM`.
    Last,
    /// The normed value is rounded first, then multiplied: Llama, Qwen.
    First,
}

/// Divides the last dimension by its root mean square, then scales it; statistics are f32.
#[derive(Debug)]
pub struct RmsNorm {
    weight: Tensor,
    eps: f64,
    cast: CastOrder,
}

impl RmsNorm {
    /// Over a last dimension of `size`.
    pub fn new(path: &Path, size: i64, eps: f64, cast: CastOrder) -> Self {
        Self {
            weight: path.parameter("weight", &[size], Init::ONES),
            eps,
            cast,
        }
    }

    /// `[…, size]` to the same.
    pub fn forward(&self, xs: &Tensor) -> Tensor {
        let kind = xs.kind();
        let wide = xs.to_kind(Kind::Float);
        let mean = wide
            .square()
            .mean_dim([-1_i64].as_slice(), true, Kind::Float);
        let normed = wide * (mean + self.eps).rsqrt();
        match self.cast {
            CastOrder::Last => (normed * self.weight.to_kind(Kind::Float)).to_kind(kind),
            CastOrder::First => normed.to_kind(kind) * self.weight.to_kind(kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Builder, Weights};

    fn norm(cast: CastOrder) -> (RmsNorm, Weights) {
        let (norm, weights) = Builder::random(0)
            .build(|path| RmsNorm::new(path, 37, 1e-5, cast))
            .unwrap();
        tch::no_grad(|| {
            let values = Tensor::arange(37, (Kind::Float, tch::Device::Cpu)) * 0.037 + 0.3;
            weights
                .get("weight")
                .unwrap()
                .shallow_clone()
                .copy_(&values);
        });
        (norm, weights)
    }

    #[test]
    fn the_mean_square_of_a_normed_row_is_that_of_the_weight() {
        let (norm, weights) = norm(CastOrder::Last);
        let xs = Tensor::ones([2, 37], (Kind::Float, tch::Device::Cpu)) * -3.0;
        let difference = norm.forward(&xs) + weights.get("weight").unwrap();
        assert!(difference.abs().max().double_value(&[]) < 1e-5);
    }

    #[test]
    fn the_order_of_casts_shows_in_bf16_and_not_in_f32() {
        let xs = (Tensor::arange(74, (Kind::Float, tch::Device::Cpu)) * 0.31)
            .sin()
            .reshape([2, 37]);
        let [last, first] = [CastOrder::Last, CastOrder::First].map(|cast| norm(cast).0);
        assert!(
            last.forward(&xs)
                .allclose(&first.forward(&xs), 1e-6, 1e-7, false)
        );
        let half = xs.to_kind(Kind::BFloat16);
        let (by_last, by_first) = (last.forward(&half), first.forward(&half));
        // The definition: everything in f32, one rounding at the end.
        let exact = last
            .forward(&half.to_kind(Kind::Float))
            .to_kind(Kind::BFloat16);
        assert!(by_last.equal(&exact));
        let moved = by_first
            .ne_tensor(&by_last)
            .sum(Kind::Int64)
            .int64_value(&[]);
        assert!(moved > 7, "{moved} of 74 values tell the orders apart");
    }
}
