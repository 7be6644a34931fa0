//! The residual block of UNet and VAE (`ResnetBlock2D`).
// B batch, C channels, H W sides, E size of the time embedding

use tch::Tensor;
use terminus_nn::{Conv2d, GroupNorm, Linear, Path};

/// Two normalised convolutions around a shortcut.
#[derive(Debug)]
pub(crate) struct ResnetBlock {
    norm1: GroupNorm,
    conv1: Conv2d,
    time_emb_proj: Option<Linear>,
    norm2: GroupNorm,
    conv2: Conv2d,
    conv_shortcut: Option<Conv2d>,
}

/// What all residual blocks of a network have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResnetOptions {
    /// Groups of the norms.
    pub groups: i64,
    /// Epsilon of the norms.
    pub eps: f64,
    /// Size of the time embedding; the VAE has none.
    pub time_embedding: Option<i64>,
}

impl ResnetBlock {
    pub fn new(path: &Path, inputs: i64, outputs: i64, options: ResnetOptions) -> Self {
        let ResnetOptions {
            groups,
            eps,
            time_embedding,
        } = options;
        Self {
            norm1: GroupNorm::new(&(path / "norm1"), groups, inputs, eps),
            conv1: Conv2d::new(&(path / "conv1"), inputs, outputs, 3),
            time_emb_proj: time_embedding
                .map(|size| Linear::new(&(path / "time_emb_proj"), size, outputs)),
            norm2: GroupNorm::new(&(path / "norm2"), groups, outputs, eps),
            conv2: Conv2d::new(&(path / "conv2"), outputs, outputs, 3),
            conv_shortcut: (inputs != outputs)
                .then(|| Conv2d::new(&(path / "conv_shortcut"), inputs, outputs, 1)),
        }
    }

    /// `[B, C, H, W]` and `time` `[B, E]`, already activated, to `[B, C', H, W]`.
    pub fn forward(&self, xs: &Tensor, time: Option<&Tensor>) -> Tensor {
        let mut hidden = self.conv1.forward(&self.norm1.forward(xs).silu()); // [B, C', H, W]
        if let (Some(proj), Some(time)) = (&self.time_emb_proj, time) {
            hidden += proj.forward(time).unsqueeze(-1).unsqueeze(-1);
        }
        let hidden = self.conv2.forward(&self.norm2.forward(&hidden).silu());
        match &self.conv_shortcut {
            Some(shortcut) => shortcut.forward(xs) + hidden,
            None => xs + hidden,
        }
    }
}
