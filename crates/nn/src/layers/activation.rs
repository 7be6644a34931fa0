//! Activations by the names that Hugging Face's configurations give them.

use tch::Tensor;

/// What bends a layer's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x·Φ(x)` with the error function.
    Gelu,
    /// GELU with the hyperbolic tangent's approximation.
    GeluTanh,
    /// `x·σ(1.702·x)`.
    QuickGelu,
    /// `x·σ(x)`.
    Silu,
}

impl Activation {
    /// By the word of a `config.json`; none if it is unknown.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "gelu" => Self::Gelu,
            "gelu_tanh" | "gelu_pytorch_tanh" | "gelu_new" => Self::GeluTanh,
            "quick_gelu" => Self::QuickGelu,
            "silu" | "swish" => Self::Silu,
            _ => return None,
        })
    }

    /// Any shape to the same.
    pub fn forward(self, xs: &Tensor) -> Tensor {
        match self {
            Self::Gelu => xs.gelu("none"),
            Self::GeluTanh => xs.gelu("tanh"),
            Self::QuickGelu => xs * (xs * 1.702).sigmoid(),
            Self::Silu => xs.silu(),
        }
    }
}
