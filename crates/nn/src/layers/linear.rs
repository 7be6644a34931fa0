//! `y = x·Wᵀ + b`.

use tch::Tensor;

use crate::{builder::Path, init::Init};

/// A linear map of the last dimension: `weight` `[out, in]`, `bias` `[out]` if it has one.
#[derive(Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
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
        }
    }

    /// `[…, in]` to `[…, out]`.
    pub fn forward(&self, xs: &Tensor) -> Tensor {
        let kind = xs.kind();
        xs.linear(
            &self.weight.to_kind(kind),
            self.bias.as_ref().map(|bias| bias.to_kind(kind)),
        )
    }
}
