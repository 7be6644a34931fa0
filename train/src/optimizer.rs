//! `AdamW` over named parameters, with a state that can be saved.

use tch::{Kind, Tensor, no_grad};

use crate::Error;

/// Settings of [`AdamW`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWOptions {
    /// Decay of the average of the gradients.
    pub beta1: f64,
    /// Decay of the average of the squared gradients.
    pub beta2: f64,
    /// Keeps the step finite where the gradients vanish.
    pub epsilon: f64,
    /// How much of a weight is taken away at each step, times the learning rate.
    pub weight_decay: f64,
    /// Largest norm of all gradients together; larger ones are scaled down to it.
    pub max_grad_norm: Option<f64>,
}

impl Default for AdamWOptions {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
            max_grad_norm: Some(1.0),
        }
    }
}

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101), in f32.
#[derive(Debug)]
pub struct AdamW {
    options: AdamWOptions,
    steps: u64,
    slots: Vec<Slot>,
}

#[derive(Debug)]
struct Slot {
    name: String,
    parameter: Tensor,
    average: Tensor,
    squared_average: Tensor,
}

impl AdamW {
    /// An optimizer of `parameters`, which share their memory with the network's.
    ///
    /// # Errors
    /// Out of memory.
    pub fn new(options: AdamWOptions, parameters: Vec<(String, Tensor)>) -> Result<Self, Error> {
        let slots = parameters
            .into_iter()
            .map(|(name, parameter)| {
                Ok(Slot {
                    name,
                    average: parameter.f_zeros_like()?.f_detach()?,
                    squared_average: parameter.f_zeros_like()?.f_detach()?,
                    parameter,
                })
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            options,
            steps: 0,
            slots,
        })
    }

    /// Norm of all gradients together, before clipping: a scalar on the device, so that nobody waits for it.
    ///
    /// Scales the gradients down to the largest norm allowed.
    ///
    /// # Errors
    /// Out of memory.
    pub fn clip_gradients(&mut self) -> Result<Tensor, Error> {
        no_grad(|| {
            let mut gradients: Vec<Tensor> = self
                .slots
                .iter()
                .map(|slot| slot.parameter.grad())
                .filter(Tensor::defined)
                .collect();
            let norms = gradients
                .iter()
                .map(Tensor::f_norm)
                .collect::<Result<Vec<_>, _>>()?;
            if norms.is_empty() {
                return Ok(Tensor::zeros([], (Kind::Float, tch::Device::Cpu)));
            }
            let norm = Tensor::f_stack(&norms, 0)?.f_norm()?;
            if let Some(max) = self.options.max_grad_norm {
                let factor = ((&norm + 1e-6).reciprocal() * max).clamp_max(1.0);
                for gradient in &mut gradients {
                    let _ = gradient.f_mul_(&factor)?;
                }
            }
            Ok(norm)
        })
    }

    /// One step at learning rate `lr`; gradients are used as they are and then forgotten.
    ///
    /// # Errors
    /// Out of memory.
    pub fn step(&mut self, lr: f64) -> Result<(), Error> {
        self.steps += 1;
        let AdamWOptions {
            beta1,
            beta2,
            epsilon,
            weight_decay,
            ..
        } = self.options;
        let count = self.steps as f64;
        let correction1 = 1.0 - beta1.powf(count);
        let correction2 = (1.0 - beta2.powf(count)).sqrt();
        no_grad(|| {
            for slot in &mut self.slots {
                let gradient = slot.parameter.grad();
                if !gradient.defined() {
                    continue;
                }
                let _ = slot.parameter.f_mul_scalar_(1.0 - lr * weight_decay)?;
                let _ = slot.average.f_lerp_(&gradient, 1.0 - beta1)?;
                let squared = gradient.f_square()?;
                let _ = slot.squared_average.f_lerp_(&squared, 1.0 - beta2)?;
                let mut denominator = slot.squared_average.f_sqrt()?;
                let _ = denominator.f_div_scalar_(correction2)?;
                let _ = denominator.f_add_scalar_(epsilon)?;
                let mut change = slot.average.f_div(&denominator)?;
                let _ = change.f_mul_scalar_(lr / correction1)?;
                let _ = slot.parameter.f_sub_(&change)?;
                slot.parameter.zero_grad();
            }
            Ok(())
        })
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The parameters by name, in the order of the network.
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        self.slots
            .iter()
            .map(|slot| (slot.name.clone(), slot.parameter.shallow_clone()))
            .collect()
    }

    /// The state by name: `exp_avg.<parameter>` and `exp_avg_sq.<parameter>`, f32.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        self.slots
            .iter()
            .flat_map(|slot| {
                [
                    (average_name(&slot.name), slot.average.shallow_clone()),
                    (
                        squared_name(&slot.name),
                        slot.squared_average.shallow_clone(),
                    ),
                ]
            })
            .collect()
    }

    /// Takes back a state that was saved after `steps` steps. `load` gives the tensor of a name.
    ///
    /// # Errors
    /// What `load` fails with; a tensor of another shape.
    pub fn restore(
        &mut self,
        steps: u64,
        mut load: impl FnMut(&str) -> Result<Tensor, Error>,
    ) -> Result<(), Error> {
        no_grad(|| {
            for slot in &mut self.slots {
                slot.average.f_copy_(&load(&average_name(&slot.name))?)?;
                slot.squared_average
                    .f_copy_(&load(&squared_name(&slot.name))?)?;
            }
            self.steps = steps;
            Ok(())
        })
    }
}

fn average_name(parameter: &str) -> String {
    format!("exp_avg.{parameter}")
}

fn squared_name(parameter: &str) -> String {
    format!("exp_avg_sq.{parameter}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(values: &[f32]) -> Tensor {
        Tensor::from_slice(values).set_requires_grad(true)
    }

    fn named(values: &[f32]) -> (Tensor, Vec<(String, Tensor)>) {
        let weight = parameter(values);
        let list = vec![("w".to_owned(), weight.shallow_clone())];
        (weight, list)
    }

    fn descend(optimizer: &mut AdamW, weight: &Tensor, steps: usize) {
        for _ in 0..steps {
            let loss = (weight * weight * Tensor::from_slice(&[1f32, 3.0])).sum(Kind::Float);
            loss.backward();
            let _ = optimizer.clip_gradients().unwrap();
            optimizer.step(0.05).unwrap();
        }
    }

    #[test]
    fn steps_equal_those_of_torch_optim_adamw() {
        // torch 2.11: AdamW(lr=0.05, weight_decay=0.01), clip_grad_norm_(1.0), loss = w₀² + 3 w₁², 3 steps.
        let (weight, list) = named(&[1.0, -2.0]);
        let mut optimizer = AdamW::new(AdamWOptions::default(), list).unwrap();
        descend(&mut optimizer, &weight, 3);
        let found = Vec::<f32>::try_from(weight.detach()).unwrap();
        for (found, expected) in found.iter().zip(TORCH_AFTER_3) {
            assert!(
                (found - expected).abs() < 2e-6,
                "{found} against {expected}"
            );
        }
    }

    const TORCH_AFTER_3: [f32; 2] = [0.848_715_66, -1.847_073_1];

    #[test]
    fn gradients_are_scaled_down_to_the_largest_norm_allowed() {
        let (weight, list) = named(&[3.0, 4.0]);
        let mut optimizer = AdamW::new(AdamWOptions::default(), list).unwrap();
        (&weight * &weight).sum(Kind::Float).backward();
        let norm = optimizer.clip_gradients().unwrap().double_value(&[]);
        assert!((norm - 10.0).abs() < 1e-5);
        let clipped = weight.grad().norm().double_value(&[]);
        assert!((clipped - 1.0).abs() < 1e-5);
    }

    #[test]
    fn a_restored_optimizer_goes_on_as_if_it_had_never_stopped() {
        let (weight, list) = named(&[1.0, -2.0]);
        let mut straight = AdamW::new(AdamWOptions::default(), list).unwrap();
        descend(&mut straight, &weight, 4);
        let saved: Vec<(String, Tensor)> = straight
            .state()
            .into_iter()
            .map(|(name, tensor)| (name, tensor.copy()))
            .collect();
        let copy = weight.detach().copy().set_requires_grad(true);
        descend(&mut straight, &weight, 4);

        let mut resumed = AdamW::new(
            AdamWOptions::default(),
            vec![("w".to_owned(), copy.shallow_clone())],
        )
        .unwrap();
        resumed
            .restore(4, |name| {
                Ok(saved
                    .iter()
                    .find(|(n, _)| n == name)
                    .unwrap()
                    .1
                    .shallow_clone())
            })
            .unwrap();
        descend(&mut resumed, &copy, 4);
        assert_eq!(weight, copy);
    }
}
