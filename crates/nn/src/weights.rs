//! The parameters of a network, by name.

use std::{collections::BTreeMap, path::Path};

use tch::{Kind, Tensor, no_grad};

use crate::{
    checkpoint::Checkpoint,
    error::{Error, Misshaped, Result},
    save::{Metadata, save_safetensors},
};

/// Named parameters in name order. The tensors are the network's own: what is written to one, the network computes with.
#[derive(Debug, Default)]
pub struct Weights {
    tensors: BTreeMap<String, Tensor>,
}

impl Weights {
    pub(crate) fn new(tensors: BTreeMap<String, Tensor>) -> Self {
        Self { tensors }
    }

    /// Every parameter with its name, in name order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.tensors
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The parameter of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// How many tensors there are.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// How many numbers there are in all.
    pub fn parameter_count(&self) -> u64 {
        self.tensors
            .values()
            .map(|tensor| tensor.numel() as u64)
            .sum()
    }

    /// Decides whether gradients flow into the parameters. Fresh and loaded weights are frozen.
    pub fn set_trainable(&self, is_trainable: bool) {
        for tensor in self.tensors.values() {
            let _ = tensor.shallow_clone().requires_grad_(is_trainable);
        }
    }

    /// Forgets all gradients, and their memory is reused in place.
    pub fn zero_grad(&self) {
        for tensor in self.tensors.values() {
            tensor.shallow_clone().zero_grad();
        }
    }

    /// Overwrites every value with the checkpoint's, in place, so that the network and an optimizer see them.
    ///
    /// # Errors
    /// The names or shapes are not the same: all differences at once, and nothing is changed.
    pub fn copy_from(&self, checkpoint: &Checkpoint) -> Result<()> {
        let mut missing = Vec::new();
        let mut misshaped = Vec::new();
        for (name, tensor) in self.iter() {
            match checkpoint.shape(name) {
                None => missing.push(name.to_owned()),
                Some(found) if found != tensor.size() => misshaped.push(Misshaped {
                    name: name.to_owned(),
                    expected: tensor.size(),
                    found: found.to_owned(),
                }),
                Some(_) => {}
            }
        }
        let surplus: Vec<String> = checkpoint
            .names()
            .filter(|name| !self.tensors.contains_key(*name))
            .map(str::to_owned)
            .collect();
        if !(missing.is_empty() && surplus.is_empty() && misshaped.is_empty()) {
            let origin = checkpoint.origin().display().to_string();
            return Err(Error::Mismatch {
                origin,
                missing,
                surplus,
                misshaped,
            });
        }
        no_grad(|| {
            for (name, tensor) in self.iter() {
                if let Some(values) = checkpoint.tensor(name)? {
                    tensor.shallow_clone().f_copy_(&values)?;
                }
            }
            Ok(())
        })
    }

    /// Writes the weights to a safetensors file, whole or not at all. `kind`: see [`save_safetensors`].
    ///
    /// # Errors
    /// As for [`save_safetensors`].
    pub fn save(&self, path: &Path, kind: Option<Kind>, metadata: &Metadata) -> Result<()> {
        save_safetensors(path, self.iter(), kind, metadata)
    }
}
