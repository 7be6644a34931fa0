//! A running average of the weights, which samples better than the weights of any one step.

use tch::{Tensor, no_grad};

use crate::Error;

/// Exponential moving averages of named weights, in f32.
#[derive(Debug)]
pub struct Ema {
    decay: f64,
    updates: u64,
    averages: Vec<(String, Tensor)>,
}

impl Ema {
    /// Averages that begin at `weights`.
    ///
    /// # Errors
    /// Out of memory.
    pub fn new(decay: f64, weights: &[(String, Tensor)]) -> Result<Self, Error> {
        let averages = weights
            .iter()
            .map(|(name, weight)| Ok((name.clone(), weight.f_detach_copy()?)))
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            decay,
            updates: 0,
            averages,
        })
    }

    /// The decay of the update after `updates`: `min(decay, (1 + n) / (10 + n))`, so that the first steps, whose
    /// weights are the worst, are forgotten soon.
    pub fn decay_at(decay: f64, updates: u64) -> f64 {
        let n = updates as f64;
        decay.min((1.0 + n) / (10.0 + n))
    }

    /// Takes in the weights of one more step. `weights` are the same tensors, in the same order, as at the start.
    ///
    /// # Errors
    /// Out of memory.
    pub fn update(&mut self, weights: &[(String, Tensor)]) -> Result<(), Error> {
        let share = 1.0 - Self::decay_at(self.decay, self.updates);
        no_grad(|| {
            for ((_, average), (_, weight)) in self.averages.iter_mut().zip(weights) {
                let _ = average.f_lerp_(weight, share)?;
            }
            Ok::<_, Error>(())
        })?;
        self.updates += 1;
        Ok(())
    }

    /// The averages by name.
    pub fn averages(&self) -> &[(String, Tensor)] {
        &self.averages
    }

    /// How many steps were taken in.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Takes back averages that were saved after `updates` steps. `load` gives the tensor of a name.
    ///
    /// # Errors
    /// What `load` fails with; a tensor of another shape.
    pub fn restore(
        &mut self,
        updates: u64,
        mut load: impl FnMut(&str) -> Result<Tensor, Error>,
    ) -> Result<(), Error> {
        no_grad(|| {
            for (name, average) in &mut self.averages {
                average.f_copy_(&load(name)?)?;
            }
            self.updates = updates;
            Ok(())
        })
    }

    /// Begins anew at `weights`, the same tensors in the same order as at the start.
    ///
    /// # Errors
    /// A tensor of another shape.
    pub fn restart(&mut self, weights: &[(String, Tensor)]) -> Result<(), Error> {
        no_grad(|| {
            for ((_, average), (_, weight)) in self.averages.iter_mut().zip(weights) {
                average.f_copy_(weight)?;
            }
            self.updates = 0;
            Ok(())
        })
    }

    /// Exchanges the averages for `weights`, the same tensors in the same order; once more brings both back.
    ///
    /// # Errors
    /// Out of memory for one tensor.
    pub fn swap(&mut self, weights: &[(String, Tensor)]) -> Result<(), Error> {
        no_grad(|| {
            for ((_, average), (_, weight)) in self.averages.iter_mut().zip(weights) {
                let old = weight.f_detach_copy()?;
                weight.shallow_clone().f_copy_(average)?;
                average.f_copy_(&old)?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decay_ramps_up_to_its_setting() {
        assert!((Ema::decay_at(0.999, 0) - 0.1).abs() < 1e-12);
        assert!((Ema::decay_at(0.999, 90) - 0.91).abs() < 1e-12);
        assert!((Ema::decay_at(0.999, 100_000) - 0.999).abs() < 1e-12);
    }

    #[test]
    fn the_average_of_constant_weights_is_the_weights() {
        let weights = vec![("w".to_owned(), Tensor::from_slice(&[1f32, -2.5]))];
        let mut ema = Ema::new(0.99, &weights).unwrap();
        for _ in 0..20 {
            ema.update(&weights).unwrap();
        }
        assert_eq!(ema.averages()[0].1, weights[0].1);
        assert_eq!(ema.updates(), 20);
    }

    #[test]
    fn the_average_follows_the_weights_and_does_not_share_their_memory() {
        let mut weight = Tensor::from_slice(&[0f32]);
        let mut ema = Ema::new(0.5, &[("w".to_owned(), weight.shallow_clone())]).unwrap();
        let _ = weight.fill_(1.0);
        assert!(ema.averages()[0].1.double_value(&[0]).abs() < 1e-9);
        ema.update(&[("w".to_owned(), weight)]).unwrap();
        // The first decay is 0.1.
        assert!((ema.averages()[0].1.double_value(&[0]) - 0.9).abs() < 1e-6);
    }
}
