//! One block of a decoder: attention to the past, then a gated map, each with its own weights for tokens of the picture.
// B rows, S tokens of this call, D size of a token's vector, N heads, K heads of keys and values, H size of a head

use tch::Tensor;
use terminus_nn::{
    Error, Init, KvCache, Linear, Mask, Path, RmsNorm, Rotation, attention, merge_heads,
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
    /// Queries, keys and values: from one matrix, or from three until they are [fused](Expert::fuse).
    qkv: Vec<Linear>,
    output: Linear,
    /// What gates and what is gated, likewise.
    gate_and_up: Vec<Linear>,
    down: Linear,
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

    /// Makes the weights ready to be read fast; names and shapes of a checkpoint are gone then.
    ///
    /// # Errors
    /// No memory for one matrix more.
    pub(crate) fn fuse(&mut self) -> Result<(), Error> {
        self.language.fuse()?;
        self.vision.as_mut().map_or(Ok(()), Expert::fuse)
    }

    /// Keys and values of `[B, S, D]` into the cache, and nothing more: what the last block needs to do for tokens behind
    /// which no answer is read.
    pub(crate) fn remember(
        &self,
        xs: &Tensor,
        layer: usize,
        rotation: &Rotation,
        call: &Call<'_>,
        cache: &KvCache,
    ) {
        let [_, key, value] = self.query_key_value(xs, rotation, call);
        let _ = cache.extend(layer, &key, &value);
    }

    /// Queries `[B, N, S, H]`, keys and values `[B, K, S, H]`, the first two rotated.
    fn query_key_value(&self, xs: &Tensor, rotation: &Rotation, call: &Call<'_>) -> [Tensor; 3] {
        let qkv = self.each(call, &self.before_attention.forward(xs), Expert::qkv);
        let size = qkv.size(); // [B, S, (N + 2K)·H]
        let heads = qkv.reshape([size[0], size[1], -1, self.head]);
        let (queries, kept) = (self.heads, self.kv_heads);
        let turned = rotation.apply(&heads.narrow(2, 0, queries + kept)); // one call for both
        [
            turned.narrow(2, 0, queries).transpose(1, 2),
            turned.narrow(2, queries, kept).transpose(1, 2),
            heads.narrow(2, queries + kept, kept).transpose(1, 2),
        ]
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
        let [query, key, value] = self.query_key_value(xs, rotation, call);
        let (keys, values) = cache.extend(layer, &key, &value); // [B, K, T, H]
        let attended = merge_heads(&attention(&query, &keys, &values, call.mask)); // [B, S, N·H]
        let xs = xs + self.each(call, &attended, |expert, xs| expert.output.forward(xs));
        trace.see(|| format!("decoder.layers.{layer}.mlp"), &xs);
        &xs + self.each(call, &self.before_mlp.forward(&xs), Expert::mlp)
    }

    /// As [`DecoderBlock::forward`], of the last token alone, which is one of text and sees all others: `[B, 1, D]`.
    pub(crate) fn last(
        &self,
        xs: &Tensor,
        layer: usize,
        rotation: &Rotation,
        call: &Call<'_>,
        cache: &KvCache,
    ) -> Tensor {
        let [query, key, value] = self.query_key_value(xs, rotation, call);
        let (keys, values) = cache.extend(layer, &key, &value); // [B, K, T, H]
        let at = xs.size()[1] - 1;
        let attended = attention(&query.narrow(2, at, 1), &keys, &values, Mask::Full);
        let xs = xs.narrow(1, at, 1) + self.language.output.forward(&merge_heads(&attended));
        &xs + self.language.mlp(&self.before_mlp.forward(&xs))
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
        let (gate_and_up, down) = gated(&(path / "mlp"), shape);
        Self {
            qkv: vec![
                qkv("q_proj", wide),
                qkv("k_proj", kept),
                qkv("v_proj", kept),
            ],
            output: linear(&(&attention / "o_proj"), wide, shape.hidden, false),
            gate_and_up,
            down,
        }
    }

    fn cogvlm(path: &Path, shape: &DecoderShape, expert: &str, qkv_bias: bool) -> Self {
        let attention = path / "self_attn";
        let wide = shape.heads * shape.head;
        let outputs = wide + 2 * shape.kv_heads * shape.head;
        let qkv = &attention / format!("{expert}_expert_query_key_value");
        let output = &attention / format!("{expert}_expert_dense");
        let (gate_and_up, down) = gated(&(path / "mlp" / format!("{expert}_mlp")), shape);
        Self {
            qkv: vec![linear(&qkv, shape.hidden, outputs, qkv_bias)],
            output: linear(&output, wide, shape.hidden, false),
            gate_and_up,
            down,
        }
    }
}

impl Expert {
    fn fuse(&mut self) -> Result<(), Error> {
        for parts in [&mut self.qkv, &mut self.gate_and_up] {
            if parts.len() > 1 {
                *parts = vec![Linear::side_by_side(parts)?];
            }
        }
        let all = self.qkv.iter_mut().chain(&mut self.gate_and_up);
        all.chain([&mut self.output, &mut self.down])
            .try_for_each(Linear::pack)
    }

    fn qkv(&self, xs: &Tensor) -> Tensor {
        together(&self.qkv, xs)
    }

    /// `[…, D]` to the same.
    fn mlp(&self, xs: &Tensor) -> Tensor {
        let size = xs.size();
        let rows = xs.reshape([-1, size[size.len() - 1]]);
        if !self.down.is_packed() || rows.size()[0] <= ROWS_AT_ONCE {
            return self.gated(xs);
        }
        let parts: Vec<Tensor> = rows
            .split(ROWS_AT_ONCE, 0)
            .iter()
            .map(|rows| self.gated(rows))
            .collect();
        Tensor::cat(&parts, 0).reshape(size)
    }

    fn gated(&self, xs: &Tensor) -> Tensor {
        let halves = together(&self.gate_and_up, xs).chunk(2, -1);
        self.down.forward(&(halves[0].silu() * &halves[1]))
    }
}

/// Tokens that go through the gated map together on the CPU: what they widen to is used again while it is in the caches, and
/// is not taken from the system and given back for each block.
const ROWS_AT_ONCE: i64 = 256;

/// The outputs of several maps, one after the other.
fn together(maps: &[Linear], xs: &Tensor) -> Tensor {
    match maps {
        [only] => only.forward(xs),
        maps => {
            let parts: Vec<Tensor> = maps.iter().map(|map| map.forward(xs)).collect();
            Tensor::cat(&parts, -1)
        }
    }
}

fn gated(path: &Path, shape: &DecoderShape) -> (Vec<Linear>, Linear) {
    let (hidden, wide) = (shape.hidden, shape.intermediate);
    let both = ["gate_proj", "up_proj"].map(|name| linear(&(path / name), hidden, wide, false));
    (
        both.into(),
        linear(&(path / "down_proj"), wide, hidden, false),
    )
}

fn linear(path: &Path, inputs: i64, outputs: i64, has_bias: bool) -> Linear {
    let bias = has_bias.then(|| Init::fan_in(inputs));
    Linear::with_init(path, inputs, outputs, Init::fan_in(inputs), bias)
}
