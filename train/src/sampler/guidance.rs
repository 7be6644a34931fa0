//! Classifier-free guidance and its rescaling.

use tch::{Kind, Tensor};

/// How strongly a sampler follows the caption.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guidance {
    /// 1 is the network's own answer; more moves away from the answer to the negative prompt.
    pub scale: f64,
    /// φ in `[0, 1]`: how much of the guided answer is brought back to the spread of the answer to the caption.
    ///
    /// Guidance enlarges the answer, which a schedule with zero terminal SNR shows as over-exposure; 0.7 is the
    /// advice there (Lin et al. 2023, arXiv:2305.08891, §3.4).
    pub rescale: f64,
}

impl Guidance {
    /// Whether the answer to the negative prompt is needed at all.
    pub fn needs_negative(&self) -> bool {
        (self.scale - 1.0).abs() > f64::EPSILON
    }

    /// The guided answer from the answers to the caption and to the negative prompt: all `[B, C, H, W]` f32.
    pub fn apply(&self, positive: &Tensor, negative: &Tensor) -> Tensor {
        let guided = negative + (positive - negative) * self.scale;
        if self.rescale <= 0.0 {
            return guided;
        }
        let factor = spread(positive) / spread(&guided); // [B, 1, 1, 1]
        let rescaled = &guided * factor;
        rescaled * self.rescale + guided * (1.0 - self.rescale)
    }
}

/// Standard deviation over all but the batch: `[B, 1, 1, 1]` f32.
fn spread(xs: &Tensor) -> Tensor {
    xs.to_kind(Kind::Float)
        .std_dim([1i64, 2, 3].as_slice(), true, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::NoiseKey;

    fn latents(purpose: &str) -> Tensor {
        Tensor::from_slice(&NoiseKey::new(purpose, &[]).normal(2 * 4 * 8 * 8)).view([2, 4, 8, 8])
    }

    #[test]
    fn full_rescaling_gives_each_sample_the_spread_of_its_own_answer() {
        let (positive, negative) = (latents("positive") * 0.5, latents("negative"));
        let guidance = Guidance {
            scale: 7.0,
            rescale: 1.0,
        };
        let guided = guidance.apply(&positive, &negative);
        let difference = spread(&guided) - spread(&positive);
        assert!(difference.abs().max().double_value(&[]) < 1e-5);
    }

    #[test]
    fn a_scale_of_1_is_the_answer_to_the_caption() {
        let (positive, negative) = (latents("positive"), latents("negative"));
        let guidance = Guidance {
            scale: 1.0,
            rescale: 0.7,
        };
        assert!(!guidance.needs_negative());
        let difference = guidance.apply(&positive, &negative) - positive;
        assert!(difference.abs().max().double_value(&[]) < 1e-6);
    }

    #[test]
    fn without_rescaling_guidance_is_linear_in_the_scale() {
        let (positive, negative) = (latents("positive"), latents("negative"));
        let guidance = Guidance {
            scale: 3.0,
            rescale: 0.0,
        };
        let expected = &positive * 3.0 - &negative * 2.0;
        let difference = guidance.apply(&positive, &negative) - expected;
        assert!(difference.abs().max().double_value(&[]) < 1e-5);
    }
}
