//! A table of vectors.

use tch::{Kind, Tensor};

use crate::{builder::Path, init::Init};

/// One vector per id: `weight` `[count, size]`.
#[derive(Debug)]
pub struct Embedding {
    weight: Tensor,
}

impl Embedding {
    /// Drawn normally with standard deviation 1, as in PyTorch.
    pub fn new(path: &Path, count: i64, size: i64) -> Self {
        Self::with_init(path, count, size, Init::Normal { std: 1.0 })
    }

    /// With an initialisation of the caller's.
    pub fn with_init(path: &Path, count: i64, size: i64, init: Init) -> Self {
        Self {
            weight: path.parameter("weight", &[count, size], init),
        }
    }

    /// Ids `[…]` i64 to vectors `[…, size]` in `kind`.
    pub fn forward(&self, ids: &Tensor, kind: Kind) -> Tensor {
        Tensor::embedding(&self.weight, ids, -1, false, false).to_kind(kind)
    }
}
