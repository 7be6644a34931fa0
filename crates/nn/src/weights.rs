//! The parameters of a network, by name.

use std::{collections::BTreeMap, path::Path};

use tch::{Kind, Tensor, no_grad};

use crate::{
    checkpoint::Checkpoint,
    error::{Error, Misshaped, Result},
    save::{Metadata, save_safetensors},
};

/// What a checkpoint has too little, too much or otherwise, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Names that the network has and the checkpoint has not.
    pub missing: Vec<String>,
    /// Names that the checkpoint has and the network has not.
    pub surplus: Vec<String>,
    /// Names in both, with different shapes.
    pub misshaped: Vec<Misshaped>,
}

impl Differences {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.surplus.is_empty() && self.misshaped.is_empty()
    }

    /// Takes those of another part of a model in.
    pub fn extend(&mut self, other: Self) {
        self.missing.extend(other.missing);
        self.surplus.extend(other.surplus);
        self.misshaped.extend(other.misshaped);
    }

    /// The error that names them all.
    pub fn into_error(self, origin: String) -> Error {
        Error::Mismatch {
            origin,
            missing: self.missing,
            surplus: self.surplus,
            misshaped: self.misshaped,
        }
    }
}

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
        self.check_against(checkpoint, &[])?;
        no_grad(|| {
            for (name, tensor) in self.iter() {
                if let Some(values) = checkpoint.tensor(name)? {
                    tensor.shallow_clone().f_copy_(&values)?;
                }
            }
            Ok(())
        })
    }

    /// Holds names and shapes against the checkpoint's; it may hold `ignored` ones too.
    pub(crate) fn check_against(&self, checkpoint: &Checkpoint, ignored: &[String]) -> Result<()> {
        let is_ignored = |name: &str| ignored.iter().any(|known| known == name);
        let differences = self.differences(checkpoint, is_ignored);
        if differences.is_empty() {
            return Ok(());
        }
        Err(differences.into_error(checkpoint.origin().display().to_string()))
    }

    /// All that keeps the checkpoint from being these weights; it may hold `ignored` tensors too.
    pub fn differences(
        &self,
        checkpoint: &Checkpoint,
        is_ignored: impl Fn(&str) -> bool,
    ) -> Differences {
        let mut differences = Differences::default();
        for (name, tensor) in self.iter() {
            match checkpoint.shape(name) {
                None => differences.missing.push(name.to_owned()),
                Some(found) if found != tensor.size() => differences.misshaped.push(Misshaped {
                    name: name.to_owned(),
                    expected: tensor.size(),
                    found: found.to_owned(),
                }),
                Some(_) => {}
            }
        }
        let surplus = checkpoint
            .names()
            .filter(|name| self.get(name).is_none() && !is_ignored(name));
        differences.surplus = surplus.map(str::to_owned).collect();
        differences
    }

    /// Writes the weights to a safetensors file, whole or not at all. `kind`: see [`save_safetensors`].
    ///
    /// # Errors
    /// As for [`save_safetensors`].
    pub fn save(&self, path: &Path, kind: Option<Kind>, metadata: &Metadata) -> Result<()> {
        save_safetensors(path, self.iter(), kind, metadata)
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::{Builder, Conv2d, GroupNorm, Linear, Path as Place};

    struct Net {
        conv: Conv2d,
        norm: GroupNorm,
        linear: Linear,
    }

    impl Net {
        fn new(path: &Place) -> Self {
            Self {
                conv: Conv2d::new(&(path / "conv"), 2, 4, 3),
                norm: GroupNorm::new(&(path / "blocks" / 0 / "norm"), 2, 4, 1e-5),
                linear: Linear::new(&(path / "blocks" / 1), 5, 3),
            }
        }

        fn forward(&self, xs: &Tensor) -> Tensor {
            self.linear
                .forward(&self.norm.forward(&self.conv.forward(xs)))
        }
    }

    fn fresh(seed: u64) -> (Net, Weights) {
        Builder::random(seed).build(Net::new).unwrap()
    }

    fn input() -> Tensor {
        Tensor::arange(40, (Kind::Float, Device::Cpu)).reshape([1, 2, 4, 5]) / 40.0
    }

    #[test]
    fn names_are_paths_in_order() {
        let (_, weights) = fresh(0);
        let names: Vec<&str> = weights.iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            [
                "blocks.0.norm.bias",
                "blocks.0.norm.weight",
                "blocks.1.bias",
                "blocks.1.weight",
                "conv.bias",
                "conv.weight"
            ]
        );
        assert_eq!(weights.parameter_count(), 4 + 4 + 3 + 15 + 4 + 72);
    }

    #[test]
    fn saved_weights_make_the_same_network_in_any_kind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.safetensors");
        let (net, weights) = fresh(1);
        weights.save(&path, None, &Metadata::new()).unwrap();
        let checkpoint = Checkpoint::open(&path).unwrap();
        let (again, _) = Builder::from_checkpoint(&checkpoint)
            .build(Net::new)
            .unwrap();
        assert!(again.forward(&input()).equal(&net.forward(&input())));
        let builder = Builder::from_checkpoint(&checkpoint).kind(Kind::BFloat16);
        let (_, half) = builder.build(Net::new).unwrap();
        assert!(
            half.iter()
                .all(|(_, tensor)| tensor.kind() == Kind::BFloat16)
        );
    }

    #[test]
    fn the_network_sees_what_is_copied_into_its_weights() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.safetensors");
        let (trained, weights) = fresh(1);
        weights.save(&path, None, &Metadata::new()).unwrap();
        let (net, weights) = fresh(2);
        weights.set_trainable(true);
        assert!(!net.forward(&input()).equal(&trained.forward(&input())));
        weights
            .copy_from(&Checkpoint::open(&path).unwrap())
            .unwrap();
        assert!(net.forward(&input()).equal(&trained.forward(&input())));
    }

    #[test]
    fn every_missing_surplus_and_misshaped_tensor_is_in_one_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.safetensors");
        let ((), other) = Builder::random(0)
            .build(|path| {
                Linear::new(&(path / "conv"), 2, 4);
                Linear::new(&(path / "extra"), 1, 1);
                Linear::new(&(path / "blocks" / 1), 5, 3);
            })
            .unwrap();
        other.save(&path, None, &Metadata::new()).unwrap();
        let checkpoint = Checkpoint::open(&path).unwrap();
        let by_builder = Builder::from_checkpoint(&checkpoint)
            .build(Net::new)
            .err()
            .unwrap();
        let by_copy = fresh(0).1.copy_from(&checkpoint).unwrap_err();
        for error in [by_builder, by_copy] {
            let text = error.to_string();
            let Error::Mismatch {
                missing,
                surplus,
                mut misshaped,
                ..
            } = error
            else {
                panic!("{text}")
            };
            assert_eq!(
                missing,
                ["blocks.0.norm.bias", "blocks.0.norm.weight"].map(String::from)
            );
            assert_eq!(surplus, ["extra.bias", "extra.weight"].map(String::from));
            let shape = misshaped.remove(0);
            assert_eq!(shape.name, "conv.weight");
            assert_eq!(
                (shape.expected, shape.found),
                (vec![4, 2, 3, 3], vec![4, 2])
            );
            assert!(
                text.contains("2 missing, 2 surplus, 1 of another shape"),
                "{text}"
            );
            assert!(
                text.contains("`conv.weight` [4, 2] instead of [4, 2, 3, 3]"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_buffer_of_older_versions_can_be_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.safetensors");
        let buffer = Tensor::from_slice(&[0_i64, 1]);
        let (_, weights) = fresh(0);
        let tensors = weights.iter().chain([("position_ids", &buffer)]);
        save_safetensors(&path, tensors, None, &Metadata::new()).unwrap();
        let checkpoint = Checkpoint::open(&path).unwrap();
        assert!(
            Builder::from_checkpoint(&checkpoint)
                .build(Net::new)
                .is_err()
        );
        let builder = Builder::from_checkpoint(&checkpoint).ignoring("position_ids");
        assert_eq!(builder.build(Net::new).unwrap().1.len(), 6);
    }

    #[test]
    fn bf16_inputs_give_bf16_outputs_and_f32_gradients() {
        let (net, weights) = fresh(3);
        weights.set_trainable(true);
        let output = net.forward(&input().to_kind(Kind::BFloat16));
        assert_eq!(output.kind(), Kind::BFloat16);
        output
            .to_kind(Kind::Float)
            .square()
            .sum(Kind::Float)
            .backward();
        for (name, tensor) in weights.iter() {
            assert_eq!(tensor.grad().kind(), Kind::Float, "{name}");
            assert!(
                tensor.grad().abs().sum(Kind::Float).double_value(&[]) > 0.0,
                "{name}"
            );
        }
        weights.zero_grad();
        assert!(
            weights
                .iter()
                .all(|(_, t)| t.grad().abs().sum(Kind::Float).double_value(&[]) == 0.0)
        );
    }

    #[test]
    fn a_name_that_is_given_twice_is_an_error() {
        let built = Builder::random(0).build(|path| {
            Linear::new(&(path / "a"), 1, 1);
            Linear::new(&(path / "a"), 1, 1);
        });
        assert!(matches!(built, Err(Error::Duplicate { name }) if name == "a.weight"));
    }
}
