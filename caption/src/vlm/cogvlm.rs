//! `CogVLM`, versions 1 and 2 (Wang et al. 2023, arXiv:2311.03079): the tower that sees, and the bridge to the decoder.
// B pictures, L patches and the class token, D size of a patch's vector, E size of a token's vector

use tch::{Kind, Tensor};
use terminus_nn::{
    Activation, CastOrder, Checkpoint, Conv2d, Init, LayerNorm, Linear, Path, Rotary,
};

use super::{
    config::{Config, number},
    decoder::{Decoder, DecoderFamily, DecoderShape},
    encoder::{EVA, EncoderBlock, EncoderShape, NormPlace},
    trace::Trace,
};
use crate::Error;

/// The eps of the norm in the bridge: PyTorch's default, whatever the configuration says.
const BRIDGE_EPS: f64 = 1e-5;

/// What `config.json` and the weights say of a `CogVLM`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CogVlmShape {
    pub decoder: DecoderShape,
    pub encoder: EncoderShape,
    pub layers: i64,
    pub patch: i64,
    pub side_px: i64,
    /// Width of the gated maps of the bridge.
    bridge: i64,
    /// Version 2: four patches become one.
    has_conv: bool,
    pub theta: f64,
}

impl CogVlmShape {
    /// # Errors
    /// A key that is missing or of another type.
    pub(crate) fn read(config: &Config, checkpoint: &Checkpoint) -> Result<Self, Error> {
        let vision = config.table("vision_config")?;
        let (hidden, heads) = (
            config.count("hidden_size")?,
            config.count("num_attention_heads")?,
        );
        let head = hidden / heads;
        let first = "model.layers.0.self_attn.vision_expert_query_key_value";
        // Published configurations leave the heads of keys out; the matrix has their rows.
        let rows = checkpoint
            .shape(&format!("{first}.weight"))
            .and_then(|shape| shape.first().copied());
        let kv_heads = match rows {
            Some(rows) => (rows / head - heads) / 2,
            None => heads,
        };
        let has_conv = checkpoint.shape("model.vision.conv.weight").is_some();
        let bridge = checkpoint
            .shape("model.vision.linear_proj.gate_proj.weight")
            .and_then(|shape| shape.first().copied());
        let intermediate = config.count("intermediate_size")?;
        Ok(Self {
            decoder: DecoderShape {
                vocabulary: config.count("vocab_size")?,
                hidden,
                intermediate,
                layers: config.count("num_hidden_layers")?,
                heads,
                kv_heads,
                head,
                eps: config.real("rms_norm_eps")?,
                cast: CastOrder::Last,
                family: DecoderFamily::CogVlm {
                    vision_bias: checkpoint.shape(&format!("{first}.bias")).is_some(),
                },
                is_tied: false,
            },
            encoder: EncoderShape {
                hidden: vision.count("hidden_size")?,
                intermediate: vision.count("intermediate_size")?,
                heads: vision.count("num_heads")?,
                eps: vision.real("layer_norm_eps")?,
                activation: vision.activation("hidden_act")?,
                norm: NormPlace::After,
                names: &EVA,
            },
            layers: vision.count("num_hidden_layers")?,
            patch: vision.count("patch_size")?,
            side_px: vision.count("image_size")?,
            bridge: bridge.unwrap_or(intermediate),
            has_conv,
            theta: number(config.value("rope_theta")).unwrap_or(if has_conv { 5e5 } else { 1e4 }),
        })
    }

    /// Tokens that a picture becomes, its two marks counted.
    pub(crate) fn image_tokens(&self) -> i64 {
        let side = self.side_px / self.patch / if self.has_conv { 2 } else { 1 };
        side * side + 2
    }
}

/// The whole network.
#[derive(Debug)]
pub(crate) struct CogVlm {
    vision: CogVision,
    pub(crate) decoder: Decoder,
}

impl CogVlm {
    pub(crate) fn new(root: &Path, shape: &CogVlmShape, rotary: Rotary) -> Self {
        let model = root / "model";
        Self {
            vision: CogVision::new(&(&model / "vision"), shape),
            decoder: Decoder::new(root, &model, shape.decoder, rotary),
        }
    }

    /// Makes the weights ready to be read fast, of the decoder those of the first `layers`.
    ///
    /// # Errors
    /// No memory for one matrix more.
    pub(crate) fn fuse(&mut self, layers: usize) -> Result<(), Error> {
        let vision = &mut self.vision;
        let blocks = &mut vision.blocks;
        blocks.iter_mut().try_for_each(EncoderBlock::fuse)?;
        let Bridge {
            linear,
            gate,
            up,
            down,
            ..
        } = &mut vision.bridge;
        let maps = [linear, gate, up, down];
        maps.into_iter().try_for_each(Linear::pack)?;
        Ok(self.decoder.fuse(layers)?)
    }

    /// Pixels `[B, 3, H, W]` to the tokens of the picture with its marks `[B, tokens, E]`.
    pub(crate) fn see(&self, pixels: &Tensor, trace: &mut Trace<'_>) -> Tensor {
        self.vision.forward(pixels, trace)
    }
}

#[derive(Debug)]
struct CogVision {
    patches: Conv2d,
    class: Tensor,
    positions: Tensor,
    blocks: Vec<EncoderBlock>,
    conv: Option<Conv2d>,
    bridge: Bridge,
    boi: Tensor,
    eoi: Tensor,
}

impl CogVision {
    fn new(path: &Path, shape: &CogVlmShape) -> Self {
        let (hidden, patch) = (shape.encoder.hidden, shape.patch);
        let places = (shape.side_px / patch).pow(2) + 1;
        let normal = Init::Normal { std: 0.02 };
        let embedding = path / "patch_embedding";
        let mark = [1, 1, shape.decoder.hidden];
        Self {
            patches: Conv2d::strided(&(&embedding / "proj"), 3, hidden, patch, patch, 0),
            class: embedding.parameter("cls_embedding", &[1, hidden], normal),
            positions: (&embedding / "position_embedding").parameter(
                "weight",
                &[places, hidden],
                normal,
            ),
            blocks: (0..shape.layers)
                .map(|layer| {
                    EncoderBlock::new(&(path / "transformer" / "layers" / layer), shape.encoder)
                })
                .collect(),
            conv: shape
                .has_conv
                .then(|| Conv2d::strided(&(path / "conv"), hidden, hidden, 2, 2, 0)),
            bridge: Bridge::new(&(path / "linear_proj"), shape),
            boi: path.parameter("boi", &mark, normal),
            eoi: path.parameter("eoi", &mark, normal),
        }
    }

    fn forward(&self, pixels: &Tensor, trace: &mut Trace<'_>) -> Tensor {
        let batch = pixels.size()[0];
        let patches = self.patches.forward(pixels).flatten(2, 3).transpose(1, 2); // [B, L - 1, D]
        let class = self.class.expand([batch, -1, -1], false);
        let mut xs = Tensor::cat(&[class, patches], 1) + &self.positions; // [B, L, D]
        trace.see(|| "vision.embeddings".to_owned(), &xs);
        for (layer, block) in self.blocks.iter().enumerate() {
            xs = block.forward(&xs, layer, trace);
        }
        let mut xs = xs.narrow(1, 1, xs.size()[1] - 1);
        if let Some(conv) = &self.conv {
            let size = xs.size();
            let side = (size[1] as f64).sqrt().round() as i64;
            let grid = xs.transpose(1, 2).reshape([batch, size[2], side, side]);
            xs = conv.forward(&grid).flatten(2, 3).transpose(1, 2); // a quarter of the patches
            trace.see(|| "vision.conv".to_owned(), &xs);
        }
        let tokens = self.bridge.forward(&xs, trace);
        let mark = |mark: &Tensor| mark.expand([batch, -1, -1], false);
        let tokens = Tensor::cat(&[mark(&self.boi), tokens, mark(&self.eoi)], 1);
        trace.see(|| "vision.output".to_owned(), &tokens);
        tokens
    }
}

/// From patches to tokens: a linear map, a norm, and a gated map.
#[derive(Debug)]
struct Bridge {
    linear: Linear,
    norm: LayerNorm,
    gate: Linear,
    up: Linear,
    down: Linear,
}

impl Bridge {
    fn new(path: &Path, shape: &CogVlmShape) -> Self {
        let (from, to) = (shape.encoder.hidden, shape.decoder.hidden);
        let linear = |name, inputs, outputs| Linear::without_bias(&(path / name), inputs, outputs);
        Self {
            linear: linear("linear_proj", from, to),
            norm: LayerNorm::new(&(path / "norm1"), to, BRIDGE_EPS),
            gate: linear("gate_proj", to, shape.bridge),
            up: linear("dense_h_to_4h", to, shape.bridge),
            down: linear("dense_4h_to_h", shape.bridge, to),
        }
    }

    /// `[B, L, D]` to `[B, L, E]`.
    fn forward(&self, xs: &Tensor, trace: &mut Trace<'_>) -> Tensor {
        let mapped = self.linear.forward(xs);
        trace.see(|| "vision.bridge".to_owned(), &mapped);
        let xs = Activation::Gelu.forward(&self.norm.forward(&mapped));
        let gate = self.gate.forward_activated(&xs, Activation::Silu);
        let gated = gate * self.up.forward(&xs);
        self.down.forward(&gated)
    }
}

/// The rotation of a checkpoint: its own frequencies if it holds any (one a layer, all the same), else computed.
///
/// # Errors
/// No memory.
pub(crate) fn rotary(
    checkpoint: &Checkpoint,
    shape: &CogVlmShape,
    kind: Kind,
) -> Result<Rotary, Error> {
    for name in ["model.layers.0.self_attn.rotary_emb.inv_freq", "inv_freq"] {
        if let Some(frequencies) = checkpoint.tensor(name)? {
            return Ok(Rotary::from_frequencies(&frequencies, kind));
        }
    }
    Ok(Rotary::new(shape.decoder.head, shape.theta, None, kind))
}
