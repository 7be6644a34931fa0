//! One block of a decoder: attention to the past, then a gated map, each with its own weights for tokens of the picture.
// B rows, S tokens of this call, D size of a token's vector, N heads, K heads of keys and values, H size of a head

use tch::Tensor;
use terminus_nn::{
    Init, KvCache, Linear, Path, RmsNorm, Rotation, attention, merge_heads, split_heads,
};

use super::{
    decoder::{Call, DecoderFamily, DecoderShape},
    trace::Trace,
};

#[derive(Debug)]
pub(crate) struct DecoderBlock {
    before_attention: RmsNorm,
    before_mlp: RmsNorm,
    language: Expert,
    vision: Option<Expert>,
    heads: i64,
    kv_heads: i64,
    head: i64,
}

/// The matrices that a token meets in a block.
#[derive(Debug)]
struct Expert {
    qkv: Qkv,
    output: Linear,
    gate: Linear,
    up: Linear,
    down: Linear,
}

/// Queries, keys and values from one matrix or from three.
#[derive(Debug)]
enum Qkv {
    Fused(Linear),
    Apart([Linear; 3]),
}

impl DecoderBlock {
    pub(crate) fn new(path: &Path, shape: &DecoderShape) -> Self {
        let norm = |name| RmsNorm::new(&(path / name), shape.hidden, shape.eps, shape.cast);
        let (language, vision) = match shape.family {
            DecoderFamily::Llama { qkv_bias } => (Expert::llama(path, shape, qkv_bias), None),
            DecoderFamily::CogVlm { vision_bias } => (
                Expert::cogvlm(path, shape, "language", false),
                Some(Expert::cogvlm(path, shape, "vision", vision_bias)),
            ),
        };
        Self {
            before_attention: norm("input_layernorm"),
            before_mlp: norm("post_attention_layernorm"),
            language,
            vision,
            heads: shape.heads,
            kv_heads: shape.kv_heads,
            head: shape.head,
        }
    }

    /// `[B, S, D]` to the same.
    pub(crate) fn forward(
        &self,
        xs: &Tensor,
        layer: usize,
        rotation: &Rotation,
        call: &Call<'_>,
        cache: &KvCache,
        trace: &mut Trace<'_>,
    ) -> Tensor {
        trace.see(|| format!("decoder.layers.{layer}.attention"), xs);
        let qkv = self.each(call, &self.before_attention.forward(xs), Expert::qkv);
        let kept = self.kv_heads * self.head;
        let parts = qkv.split_with_sizes([self.heads * self.head, kept, kept], -1);
        let query = rotation.apply(&split_heads(&parts[0], self.heads)); // [B, N, S, H]
        let key = rotation.apply(&split_heads(&parts[1], self.kv_heads)); // [B, K, S, H]
        let value = split_heads(&parts[2], self.kv_heads);
        let (keys, values) = cache.extend(layer, &key, &value); // [B, K, T, H]
        let attended = merge_heads(&attention(&query, &keys, &values, call.mask)); // [B, S, N·H]
        let xs = xs + self.each(call, &attended, |expert, xs| expert.output.forward(xs));
        trace.see(|| format!("decoder.layers.{layer}.mlp"), &xs);
        &xs + self.each(call, &self.before_mlp.forward(&xs), Expert::mlp)
    }

    /// Each token through its expert.
    fn each(
        &self,
        call: &Call<'_>,
        xs: &Tensor,
        map: impl Fn(&Expert, &Tensor) -> Tensor,
    ) -> Tensor {
        match &self.vision {
            Some(vision) => {
                call.experts
                    .map(xs, |xs| map(&self.language, xs), |xs| map(vision, xs))
            }
            None => map(&self.language, xs),
        }
    }
}

impl Expert {
    fn llama(path: &Path, shape: &DecoderShape, qkv_bias: bool) -> Self {
        let attention = path / "self_attn";
        let kept = shape.kv_heads * shape.head;
        let qkv = |name, outputs| linear(&(&attention / name), shape.hidden, outputs, qkv_bias);
        let wide = shape.heads * shape.head;
        let (gate, up, down) = gated(&(path / "mlp"), shape);
        Self {
            qkv: Qkv::Apart([
                qkv("q_proj", wide),
                qkv("k_proj", kept),
                qkv("v_proj", kept),
            ]),
            output: linear(&(&attention / "o_proj"), wide, shape.hidden, false),
            gate,
            up,
            down,
        }
    }

    fn cogvlm(path: &Path, shape: &DecoderShape, expert: &str, qkv_bias: bool) -> Self {
        let attention = path / "self_attn";
        let wide = shape.heads * shape.head;
        let outputs = wide + 2 * shape.kv_heads * shape.head;
        let qkv = &attention / format!("{expert}_expert_query_key_value");
        let output = &attention / format!("{expert}_expert_dense");
        let (gate, up, down) = gated(&(path / "mlp" / format!("{expert}_mlp")), shape);
        Self {
            qkv: Qkv::Fused(linear(&qkv, shape.hidden, outputs, qkv_bias)),
            output: linear(&output, wide, shape.hidden, false),
            gate,
            up,
            down,
        }
    }
}

impl Expert {
    fn qkv(&self, xs: &Tensor) -> Tensor {
        match &self.qkv {
            Qkv::Fused(qkv) => qkv.forward(xs),
            Qkv::Apart(parts) => {
                let parts = parts.each_ref().map(|part| part.forward(xs));
                Tensor::cat(&parts, -1)
            }
        }
    }

    fn mlp(&self, xs: &Tensor) -> Tensor {
        let gated = self.gate.forward(xs).silu() * self.up.forward(xs);
        self.down.forward(&gated)
    }
}

fn gated(path: &Path, shape: &DecoderShape) -> (Linear, Linear, Linear) {
    let (hidden, wide) = (shape.hidden, shape.intermediate);
    (
        linear(&(path / "gate_proj"), hidden, wide, false),
        linear(&(path / "up_proj"), hidden, wide, false),
        linear(&(path / "down_proj"), wide, hidden, false),
    )
}

fn linear(path: &Path, inputs: i64, outputs: i64, has_bias: bool) -> Linear {
    let bias = has_bias.then(|| Init::fan_in(inputs));
    Linear::with_init(path, inputs, outputs, Init::fan_in(inputs), bias)
}
