//! What the encoder says: a normal distribution for each number of the latents.
// B batch, C latent channels, h w latent sides

use tch::Tensor;

/// A diagonal normal distribution over latents, before scaling.
#[derive(Debug)]
pub struct Posterior {
    /// Means, `[B, C, h, w]`.
    pub mean: Tensor,
    /// Logarithms of the variances, `[B, C, h, w]`, in −30..20.
    pub logvar: Tensor,
}

impl Posterior {
    /// From the encoder's output `[B, 2·C, h, w]`.
    pub(super) fn from_moments(moments: &Tensor) -> Self {
        let channels = moments.size()[1] / 2;
        let mean = moments.narrow(1, 0, channels); // [B, C, h, w]
        let logvar = moments.narrow(1, channels, channels);
        Self {
            mean,
            logvar: logvar.clamp(-30.0, 20.0),
        }
    }

    /// The likeliest latents, `[B, C, h, w]`.
    pub fn mode(&self) -> Tensor {
        self.mean.shallow_clone()
    }

    /// The latents that standard normal `noise` `[B, C, h, w]` picks.
    pub fn sample(&self, noise: &Tensor) -> Tensor {
        &self.mean + (&self.logvar * 0.5).exp() * noise.to_kind(self.mean.kind())
    }

    /// Kullback–Leibler divergence from the standard normal, a mean over the batch of sums: a scalar in nats.
    pub fn kl(&self) -> Tensor {
        let terms = self.mean.square() + self.logvar.exp() - 1.0 - &self.logvar;
        terms.sum(self.mean.kind()) * (0.5 / self.mean.size()[0] as f64)
    }
}
