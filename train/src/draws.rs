//! Everything random about one use of a sample: caption, timestep, noise.
//!
//! Each is drawn from (seed, epoch, sample, how often the sample was used in the epoch before), never from a place in
//! a batch or a thread: another batch size or a resumed run draws the same.

use terminus_manifest::ids::SampleId;

use crate::noise::NoiseKey;

/// The draws of one use of a sample.
#[derive(Clone, Debug)]
pub struct SampleDraws {
    seed: String,
    epoch: String,
    sample: String,
    repeat: String,
}

impl SampleDraws {
    /// `repeat` is 0 for the first use of the sample in the epoch.
    pub fn new(seed: u64, epoch: u64, sample: SampleId, repeat: u32) -> Self {
        Self {
            seed: seed.to_string(),
            epoch: epoch.to_string(),
            sample: sample.to_string(),
            repeat: repeat.to_string(),
        }
    }

    /// Draws that are the same in every epoch of every run: those of validation number `draw` of a sample.
    pub fn fixed(seed: u64, sample: SampleId, draw: u32) -> Self {
        Self {
            epoch: "fixed".to_owned(),
            ..Self::new(seed, 0, sample, draw)
        }
    }

    /// A timestep of `0..timesteps`, all as likely.
    pub fn timestep(&self, timesteps: usize) -> usize {
        self.key("timestep").below(timesteps as u64) as usize
    }

    /// The noise that is added to the latents.
    pub fn noise(&self, count: usize) -> Vec<f32> {
        self.key("noise").normal(count)
    }

    /// The noise by which latents are drawn from the VAE's posterior.
    pub fn posterior_noise(&self, count: usize) -> Vec<f32> {
        self.key("posterior").normal(count)
    }

    /// The position of the caption to train with, by weight; none if no caption has any.
    pub fn caption(
        &self,
        weights: impl IntoIterator<Item = f64, IntoIter: Clone>,
    ) -> Option<usize> {
        let weights = weights.into_iter().map(|weight| weight.max(0.0));
        let total: f64 = weights.clone().sum();
        let mut left = self.key("caption").unit() * total;
        let mut last = None;
        for (position, weight) in weights.enumerate().filter(|(_, weight)| *weight > 0.0) {
            last = Some(position);
            if left < weight {
                break;
            }
            left -= weight;
        }
        last
    }

    /// Whether the caption is swapped for the empty one, which happens with this probability.
    pub fn drops_caption(&self, probability: f64) -> bool {
        self.key("caption-dropout").unit() < probability
    }

    fn key(&self, purpose: &str) -> NoiseKey {
        NoiseKey::new(
            purpose,
            &[&self.seed, &self.epoch, &self.sample, &self.repeat],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(n: u32) -> SampleDraws {
        SampleDraws::new(42, 3, SampleId([7; 16]), n)
    }

    #[test]
    fn captions_are_drawn_in_proportion_to_their_weights() {
        let mut counts = [0; 4];
        for n in 0..4000 {
            counts[draws(n).caption([1.0, 0.0, 3.0, 0.0]).unwrap()] += 1;
        }
        assert_eq!((counts[1], counts[3]), (0, 0));
        // 1000 expected, standard deviation 27.
        assert!((900..1100).contains(&counts[0]), "{counts:?}");
        assert_eq!(draws(0).caption([]), None);
        assert_eq!(draws(0).caption([0.0]), None);
    }

    #[test]
    fn captions_are_dropped_as_often_as_asked() {
        let dropped = (0..4000).filter(|&n| draws(n).drops_caption(0.1)).count();
        // 400 expected, standard deviation 19.
        assert!((320..480).contains(&dropped), "{dropped}");
        assert!(!draws(0).drops_caption(0.0));
        assert!(draws(0).drops_caption(1.0));
    }

    #[test]
    fn repeats_epochs_and_samples_draw_apart_and_timesteps_cover_the_schedule() {
        let mut seen = vec![0; 10];
        for n in 0..2000 {
            seen[draws(n).timestep(1000) / 100] += 1;
        }
        assert!(seen.iter().all(|&count| count > 140), "{seen:?}");
        assert_ne!(draws(0).noise(4), draws(1).noise(4));
        assert_ne!(draws(0).noise(4), draws(0).posterior_noise(4));
        let fixed = SampleDraws::fixed(42, SampleId([7; 16]), 0);
        assert_ne!(draws(0).noise(4), fixed.noise(4));
    }
}
