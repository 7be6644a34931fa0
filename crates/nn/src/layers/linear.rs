//! `y = x·Wᵀ + b`.

use tch::{Device, Kind, Tensor};

use crate::{
    builder::Path,
    error::Result,
    ext::{Then, pack_linear, packed_linear},
    init::Init,
    layers::activation::Activation,
};

/// A linear map of the last dimension: `weight` `[out, in]`, `bias` `[out]` if it has one.
#[derive(Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
    is_packed: bool,
}

impl Linear {
    /// With a bias, initialised as in PyTorch.
    pub fn new(path: &Path, inputs: i64, outputs: i64) -> Self {
        Self::with_init(
            path,
            inputs,
            outputs,
            Init::fan_in(inputs),
            Some(Init::fan_in(inputs)),
        )
    }

    /// Without a bias.
    pub fn without_bias(path: &Path, inputs: i64, outputs: i64) -> Self {
        Self::with_init(path, inputs, outputs, Init::fan_in(inputs), None)
    }

    /// With an initialisation of the caller's; `bias` = `None` leaves the bias out.
    pub fn with_init(
        path: &Path,
        inputs: i64,
        outputs: i64,
        weight: Init,
        bias: Option<Init>,
    ) -> Self {
        Self {
            weight: path.parameter("weight", &[outputs, inputs], weight),
            bias: bias.map(|init| path.parameter("bias", &[outputs], init)),
            is_packed: false,
        }
    }

    /// One map whose outputs are those of all `parts`, one after the other: their input is read once.
    ///
    /// All parts have a bias, or none has; the new map has weights of its own.
    ///
    /// # Errors
    /// No memory for them; parts that are packed, or do not fit each other.
    pub fn side_by_side(parts: &[Self]) -> Result<Self> {
        let weights: Vec<&Tensor> = parts.iter().map(|part| &part.weight).collect();
        let biases: Vec<&Tensor> = parts.iter().filter_map(|part| part.bias.as_ref()).collect();
        let bias = (!biases.is_empty()).then(|| Tensor::f_cat(&biases, 0));
        Ok(Self {
            weight: Tensor::f_cat(&weights, 0)?,
            bias: bias.transpose()?,
            is_packed: false,
        })
    }

    /// Lays the weights out as this processor reads them fastest, for inference alone: no gradients pass any more.
    ///
    /// Weights in f32 or bf16 on the CPU; others stay as they are, and so do those in bf16 where the processor lacks
    /// instructions for it, and all where libtorch was built without oneDNN.
    ///
    /// # Errors
    /// No memory for the new layout.
    pub fn pack(&mut self) -> Result<()> {
        let kind = self.weight.kind();
        let is_on_cpu = self.weight.device() == Device::Cpu && tch::utils::has_mkldnn();
        if self.is_packed || !is_on_cpu || !matches!(kind, Kind::Float | Kind::BFloat16) {
            return Ok(());
        }
        self.weight = match pack_linear(&self.weight) {
            Ok(packed) => packed,
            // Processors without instructions for bf16 are refused.
            Err(_) if kind == Kind::BFloat16 => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        self.is_packed = true;
        Ok(())
    }

    /// Whether the weights lie as [`Linear::pack`] lays them: on the CPU.
    pub fn is_packed(&self) -> bool {
        self.is_packed
    }

    /// `[…, in]` to `[…, out]`, where the input is: weights that lie elsewhere are taken there for this once.
    pub fn forward(&self, xs: &Tensor) -> Tensor {
        if self.is_packed {
            return self.forward_packed(xs, AS_IT_IS);
        }
        let (device, kind) = (xs.device(), xs.kind());
        let here = |weights: &Tensor| weights.to_device(device).to_kind(kind);
        xs.linear(&here(&self.weight), self.bias.as_ref().map(here))
    }

    /// [`Linear::forward`] and an activation; where weights are packed it bends each output while it is at hand, before it
    /// is rounded.
    pub fn forward_activated(&self, xs: &Tensor, activation: Activation) -> Tensor {
        match then(activation) {
            Some(then) if self.is_packed => self.forward_packed(xs, then),
            _ => activation.forward(&self.forward(xs)),
        }
    }

    /// Panics where plain operators of tch do: behind [`crate::guard`] that is an error.
    #[expect(
        clippy::panic,
        reason = "as every operator of tch without `f_` before its name"
    )]
    fn forward_packed(&self, xs: &Tensor, then: Then) -> Tensor {
        match packed_linear(xs, &self.weight, self.bias.as_ref(), then) {
            Ok(ys) => ys,
            Err(error) => panic!("{error}"),
        }
    }
}

const AS_IT_IS: Then = Then {
    word: c"none",
    algorithm: c"",
};

/// An activation by oneDNN's words, if it has any for it.
fn then(activation: Activation) -> Option<Then> {
    let (word, algorithm) = match activation {
        Activation::Gelu => (c"gelu", c"none"),
        Activation::GeluTanh => (c"gelu", c"tanh"),
        Activation::Silu => (c"swish", c""),
        Activation::QuickGelu => return None,
    };
    Some(Then { word, algorithm })
}

#[cfg(test)]
mod tests {
    use super::{
        Activation::{Gelu, GeluTanh, QuickGelu, Silu},
        *,
    };
    use crate::Builder;

    fn input(rows: i64) -> Tensor {
        (Tensor::arange(rows * 2 * 37, (Kind::Float, Device::Cpu)) * 0.31)
            .sin()
            .reshape([rows, 2, 37])
    }

    fn off(found: &Tensor, expected: &Tensor) -> f64 {
        assert_eq!(found.size(), expected.size());
        (found - expected).abs().max().double_value(&[])
    }

    #[test]
    fn a_packed_map_is_the_same_map() {
        for has_bias in [true, false] {
            let bias = has_bias.then(|| Init::fan_in(37));
            let new = |path: &Path| Linear::with_init(path, 37, 53, Init::fan_in(37), bias);
            let (mut linear, _) = Builder::random(3).build(new).unwrap();
            for rows in [1, 4, 90] {
                let expected = linear.forward(&input(rows));
                linear.pack().unwrap();
                assert!(off(&linear.forward(&input(rows)), &expected) < 1e-5);
            }
            for activation in [Gelu, GeluTanh, QuickGelu, Silu] {
                let expected = activation.forward(&linear.forward(&input(90)));
                let found = linear.forward_activated(&input(90), activation);
                assert!(off(&found, &expected) < 1e-5, "{activation:?}");
            }
            let seen = input(4).transpose(0, 1);
            assert_eq!(linear.forward(&seen).size(), [2, 4, 53], "a view");
        }
    }

    #[test]
    fn maps_side_by_side_give_their_outputs_one_after_the_other() {
        let parts =
            |path: &Path| [5, 11].map(|outputs| Linear::new(&(path / outputs), 37, outputs));
        let (parts, _) = Builder::random(3).build(parts).unwrap();
        let expected = parts.each_ref().map(|part| part.forward(&input(3)));
        let mut both = Linear::side_by_side(&parts).unwrap();
        assert!(off(&both.forward(&input(3)), &Tensor::cat(&expected, -1)) < 1e-6);
        both.pack().unwrap();
        assert!(off(&both.forward(&input(3)), &Tensor::cat(&expected, -1)) < 1e-5);
        // Another use of packed weights would read them wrongly: libtorch refuses.
        assert!(Linear::side_by_side(&[both]).is_err());
    }
}
