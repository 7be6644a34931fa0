//! The block that vision towers are stacked of: attention of all patches to all, then two linear maps.
// B pictures, L patches, D size of a patch's vector

use tch::Tensor;
use terminus_nn::{
    Activation, Error, LayerNorm, Linear, Path, merge_heads, scaled_dot_product_attention,
    split_heads,
};

use super::trace::Trace;

/// Where the norm of a sublayer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NormPlace {
    /// Before it, as in ViT, CLIP and `SigLIP`.
    Before,
    /// On its output, before the sum with the residual, as in EVA2-CLIP-E.
    After,
}

/// What a family's weights are called, relative to their block.
#[derive(Debug)]
pub(crate) struct EncoderNames {
    /// One linear map for queries, keys and values, or one for each.
    pub qkv: &'static [&'static str],
    pub output: &'static str,
    pub norms: [&'static str; 2],
    pub mlp: [&'static str; 2],
}

/// EVA2-CLIP-E as `CogVLM` names it.
pub(crate) const EVA: EncoderNames = EncoderNames {
    qkv: &["attention.query_key_value"],
    output: "attention.dense",
    norms: ["input_layernorm", "post_attention_layernorm"],
    mlp: ["mlp.fc1", "mlp.fc2"],
};

/// CLIP and `SigLIP` as transformers names them.
pub(crate) const CLIP: EncoderNames = EncoderNames {
    qkv: &["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
    output: "self_attn.out_proj",
    norms: ["layer_norm1", "layer_norm2"],
    mlp: ["mlp.fc1", "mlp.fc2"],
};

/// ViT as timm names it.
pub(crate) const TIMM: EncoderNames = EncoderNames {
    qkv: &["attn.qkv"],
    output: "attn.proj",
    norms: ["norm1", "norm2"],
    mlp: ["mlp.fc1", "mlp.fc2"],
};

/// The measures of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EncoderShape {
    pub hidden: i64,
    pub intermediate: i64,
    pub heads: i64,
    pub eps: f64,
    pub activation: Activation,
    pub norm: NormPlace,
    pub names: &'static EncoderNames,
}

/// One block.
#[derive(Debug)]
pub(crate) struct EncoderBlock {
    qkv: Vec<Linear>,
    output: Linear,
    norms: [LayerNorm; 2],
    mlp: [Linear; 2],
    shape: EncoderShape,
}

impl EncoderBlock {
    pub(crate) fn new(path: &Path, shape: EncoderShape) -> Self {
        let EncoderShape {
            hidden,
            intermediate,
            eps,
            names,
            ..
        } = shape;
        let each = 3 / names.qkv.len() as i64;
        Self {
            qkv: names
                .qkv
                .iter()
                .map(|name| Linear::new(&(path / name), hidden, each * hidden))
                .collect(),
            output: Linear::new(&(path / names.output), hidden, hidden),
            norms: names
                .norms
                .map(|name| LayerNorm::new(&(path / name), hidden, eps)),
            mlp: [
                Linear::new(&(path / names.mlp[0]), hidden, intermediate),
                Linear::new(&(path / names.mlp[1]), intermediate, hidden),
            ],
            shape,
        }
    }

    /// Makes the weights ready to be read fast; names and shapes of a checkpoint are gone then.
    ///
    /// # Errors
    /// No memory for one matrix more.
    pub(crate) fn fuse(&mut self) -> Result<(), Error> {
        if self.qkv.len() > 1 {
            self.qkv = vec![Linear::side_by_side(&self.qkv)?];
        }
        let all = self.qkv.iter_mut().chain([&mut self.output]);
        all.chain(&mut self.mlp).try_for_each(Linear::pack)
    }

    /// `[B, L, D]` to the same.
    pub(crate) fn forward(&self, xs: &Tensor, layer: usize, trace: &mut Trace<'_>) -> Tensor {
        let [first, second] = &self.norms;
        match self.shape.norm {
            NormPlace::Before => {
                let xs = xs + self.attention(&first.forward(xs));
                let xs = &xs + self.mlp(&second.forward(&xs));
                trace.see(|| format!("vision.layers.{layer}"), &xs);
                xs
            }
            NormPlace::After => {
                let attended = self.attention(xs);
                trace.see(|| format!("vision.layers.{layer}.attention"), &attended);
                let xs = xs + first.forward(&attended);
                let mapped = self.mlp(&xs);
                trace.see(|| format!("vision.layers.{layer}.mlp"), &mapped);
                xs + second.forward(&mapped)
            }
        }
    }

    fn attention(&self, xs: &Tensor) -> Tensor {
        let heads = |xs: &Tensor| split_heads(xs, self.shape.heads);
        let (q, k, v) = match self.qkv.as_slice() {
            [q, k, v] => (q.forward(xs), k.forward(xs), v.forward(xs)),
            fused => {
                let qkv = fused[0].forward(xs).chunk(3, -1);
                (
                    qkv[0].shallow_clone(),
                    qkv[1].shallow_clone(),
                    qkv[2].shallow_clone(),
                )
            }
        };
        let attended = scaled_dot_product_attention(&heads(&q), &heads(&k), &heads(&v));
        self.output.forward(&merge_heads(&attended))
    }

    fn mlp(&self, xs: &Tensor) -> Tensor {
        let hidden = self.mlp[0].forward_activated(xs, self.shape.activation);
        self.mlp[1].forward(&hidden)
    }
}
