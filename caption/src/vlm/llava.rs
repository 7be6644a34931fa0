//! LLaVA (Liu et al. 2023, arXiv:2304.08485): a CLIP or SigLIP tower, two linear maps, Llama's decoder. JoyCaption is one.
// B pictures, L patches (and the class token, if there is one), D size of a patch's vector, E size of a token's vector

use tch::{Kind, Tensor};
use terminus_nn::{
    Activation, CastOrder, Checkpoint, Init, LayerNorm, Linear, LongContext, Path, Rotary,
};

use super::{
    config::{Config, number},
    decoder::{Decoder, DecoderFamily, DecoderShape},
    encoder::{CLIP, EncoderBlock, EncoderShape, NormPlace},
    trace::Trace,
};
use crate::Error;

/// What `config.json` says of a LLaVA; what published files leave out is what transformers fills in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LlavaShape {
    pub decoder: DecoderShape,
    encoder: EncoderShape,
    layers: i64,
    patch: i64,
    pub side_px: i64,
    /// CLIP has a class token, norms its input, and its patches have no bias.
    is_clip: bool,
    /// How many blocks of the tower are left out.
    skipped: i64,
    /// The class token is left out of what the decoder sees.
    drops_class: bool,
    bridge: Activation,
    bridge_has_bias: bool,
    pub theta: f64,
    pub scaling: Option<LongContext>,
}

impl LlavaShape {
    /// # Errors
    /// A key that is missing or of another type; a tower or decoder of another family.
    pub(crate) fn read(config: &Config) -> Result<Self, Error> {
        let (text, vision) = (config.table("text_config")?, config.table("vision_config")?);
        let is_clip = match vision.text("model_type") {
            Some("clip_vision_model") => true,
            Some("siglip_vision_model") => false,
            _ => {
                let expected = "`clip_vision_model` or `siglip_vision_model`";
                return Err(vision.fault("model_type", expected));
            }
        };
        let qkv_bias = match text.text("model_type") {
            Some("llama") | None => text.value("attention_bias") == Some(&true.into()),
            Some("qwen2") => true,
            Some(_) => return Err(text.fault("model_type", "`llama` or `qwen2`")),
        };
        let (hidden, heads) = (
            count_or(&text, "hidden_size", 4096)?,
            count_or(&text, "num_attention_heads", 32)?,
        );
        let rope = text
            .table("rope_parameters")
            .or_else(|_| text.table("rope_scaling"))
            .ok();
        let theta = rope
            .as_ref()
            .and_then(|rope| number(rope.value("rope_theta")))
            .or_else(|| number(text.value("rope_theta")));
        let layer = config
            .value("vision_feature_layer")
            .and_then(serde_json::Value::as_i64)
            .unwrap_or(-2);
        let layers = count_or(&vision, "num_hidden_layers", 12)?;
        // hidden_states[0] is what goes into the first block.
        let used = if layer < 0 { layers + 1 + layer } else { layer };
        if !(0..=layers).contains(&used) {
            return Err(config.fault("vision_feature_layer", "one of the tower's layers"));
        }
        let activation = |config: &Config, key, default| match config.value(key) {
            Some(_) => config.activation(key),
            None => Ok(default),
        };
        let default = if is_clip {
            Activation::QuickGelu
        } else {
            Activation::GeluTanh
        };
        Ok(Self {
            decoder: DecoderShape {
                vocabulary: count_or(&text, "vocab_size", 32_000)?,
                hidden,
                intermediate: count_or(&text, "intermediate_size", 11_008)?,
                layers: count_or(&text, "num_hidden_layers", 32)?,
                heads,
                kv_heads: count_or(&text, "num_key_value_heads", heads)?,
                head: count_or(&text, "head_dim", hidden / heads)?,
                eps: number(text.value("rms_norm_eps")).unwrap_or(1e-6),
                cast: CastOrder::First,
                family: DecoderFamily::Llama { qkv_bias },
                is_tied: text
                    .value("tie_word_embeddings")
                    .or_else(|| config.value("tie_word_embeddings"))
                    == Some(&true.into()),
            },
            encoder: EncoderShape {
                hidden: count_or(&vision, "hidden_size", 768)?,
                intermediate: count_or(&vision, "intermediate_size", 3072)?,
                heads: count_or(&vision, "num_attention_heads", 12)?,
                eps: number(vision.value("layer_norm_eps")).unwrap_or(if is_clip {
                    1e-5
                } else {
                    1e-6
                }),
                activation: activation(&vision, "hidden_act", default)?,
                norm: NormPlace::Before,
                names: &CLIP,
            },
            layers,
            patch: vision.count("patch_size")?,
            side_px: vision.count("image_size")?,
            is_clip,
            skipped: layers - used,
            drops_class: is_clip && config.text("vision_feature_select_strategy") != Some("full"),
            bridge: activation(config, "projector_hidden_act", Activation::Gelu)?,
            bridge_has_bias: config.value("multimodal_projector_bias") != Some(&false.into()),
            theta: theta.unwrap_or(1e4),
            scaling: rope.map(|rope| scaling(&rope)).transpose()?.flatten(),
        })
    }

    /// Tokens that a picture becomes.
    pub(crate) fn image_tokens(&self) -> i64 {
        let side = self.side_px / self.patch;
        side * side + i64::from(self.is_clip && !self.drops_class)
    }
}

fn count_or(config: &Config, key: &str, default: i64) -> Result<i64, Error> {
    match config.value(key) {
        Some(_) => config.count(key),
        None => Ok(default),
    }
}

fn scaling(rope: &Config) -> Result<Option<LongContext>, Error> {
    let kind = rope.text("rope_type").or_else(|| rope.text("type"));
    match kind {
        None | Some("default") => Ok(None),
        Some("llama3") => Ok(Some(LongContext {
            factor: rope.real("factor")?,
            low_freq_factor: rope.real("low_freq_factor")?,
            high_freq_factor: rope.real("high_freq_factor")?,
            original_context: rope.real("original_max_position_embeddings")?,
        })),
        Some(_) => Err(rope.fault("rope_type", "`default` or `llama3`")),
    }
}

/// The whole network.
#[derive(Debug)]
pub(crate) struct Llava {
    tower: Tower,
    bridge: [Linear; 2],
    bridge_activation: Activation,
    pub(crate) decoder: Decoder,
}

impl Llava {
    pub(crate) fn new(root: &Path, shape: &LlavaShape, rotary: Rotary) -> Self {
        let language = root / "language_model";
        let projector = root / "multi_modal_projector";
        let (from, to) = (shape.encoder.hidden, shape.decoder.hidden);
        let linear = |name, inputs| {
            let bias = shape.bridge_has_bias.then(|| Init::fan_in(inputs));
            Linear::with_init(&(&projector / name), inputs, to, Init::fan_in(inputs), bias)
        };
        Self {
            tower: Tower::new(&(root / "vision_tower" / "vision_model"), shape),
            bridge: [linear("linear_1", from), linear("linear_2", to)],
            bridge_activation: shape.bridge,
            decoder: Decoder::new(&language, &(&language / "model"), shape.decoder, rotary),
        }
    }

    /// Makes the weights ready to be read fast, of the decoder those of the first `layers`.
    ///
    /// # Errors
    /// No memory for one matrix more.
    pub(crate) fn fuse(&mut self, layers: usize) -> Result<(), Error> {
        let blocks = &mut self.tower.blocks;
        blocks.iter_mut().try_for_each(EncoderBlock::fuse)?;
        self.bridge.iter_mut().try_for_each(Linear::pack)?;
        Ok(self.decoder.fuse(layers)?)
    }

    /// Pixels `[B, 3, H, W]` to the tokens of the picture `[B, tokens, E]`.
    pub(crate) fn see(&self, pixels: &Tensor, trace: &mut Trace<'_>) -> Tensor {
        let patches = self.tower.forward(pixels, trace);
        let hidden = self.bridge[0].forward_activated(&patches, self.bridge_activation);
        let tokens = self.bridge[1].forward(&hidden);
        trace.see(|| "vision.output".to_owned(), &tokens);
        tokens
    }
}

#[derive(Debug)]
struct Tower {
    patches: Tensor,
    patch_bias: Option<Tensor>,
    patch: i64,
    class: Option<Tensor>,
    positions: Tensor,
    input_norm: Option<LayerNorm>,
    blocks: Vec<EncoderBlock>,
    drops_class: bool,
}

impl Tower {
    fn new(path: &Path, shape: &LlavaShape) -> Self {
        let (hidden, patch) = (shape.encoder.hidden, shape.patch);
        let normal = Init::Normal { std: 0.02 };
        let embeddings = path / "embeddings";
        let projection = &embeddings / "patch_embedding";
        let side = shape.side_px / patch;
        let places = side * side + i64::from(shape.is_clip);
        let norm = |name| LayerNorm::new(&(path / name), hidden, shape.encoder.eps);
        Self {
            patches: projection.parameter("weight", &[hidden, 3, patch, patch], normal),
            patch_bias: (!shape.is_clip).then(|| projection.parameter("bias", &[hidden], normal)),
            patch,
            class: shape
                .is_clip
                .then(|| embeddings.parameter("class_embedding", &[hidden], normal)),
            positions: (&embeddings / "position_embedding").parameter(
                "weight",
                &[places, hidden],
                normal,
            ),
            // The name is misspelt in every published file.
            input_norm: shape.is_clip.then(|| norm("pre_layrnorm")),
            blocks: (0..shape.layers - shape.skipped)
                .map(|layer| {
                    EncoderBlock::new(&(path / "encoder" / "layers" / layer), shape.encoder)
                })
                .collect(),
            drops_class: shape.drops_class,
        }
    }

    /// Pixels to the output of the last block that is used, `[B, L, D]`.
    fn forward(&self, pixels: &Tensor, trace: &mut Trace<'_>) -> Tensor {
        let batch = pixels.size()[0];
        let bias = self.patch_bias.as_ref();
        let patches = pixels.conv2d(&self.patches, bias, [self.patch; 2], [0, 0], [1, 1], 1);
        let patches = patches.flatten(2, 3).transpose(1, 2);
        let mut xs = match &self.class {
            Some(class) => {
                let class = class.expand([batch, 1, -1], false);
                Tensor::cat(&[class, patches], 1)
            }
            None => patches,
        } + &self.positions;
        if let Some(norm) = &self.input_norm {
            xs = norm.forward(&xs);
        }
        trace.see(|| "vision.embeddings".to_owned(), &xs);
        for (layer, block) in self.blocks.iter().enumerate() {
            xs = block.forward(&xs, layer, trace);
        }
        if self.drops_class {
            xs = xs.narrow(1, 1, xs.size()[1] - 1);
        }
        xs
    }
}

/// The weights under the names of the first published files, whatever version of transformers wrote them, and without
/// those that no caption needs: the blocks behind the layer that is used, the tower's last norm and its head.
pub(crate) fn renamed(checkpoint: Checkpoint, shape: &LlavaShape) -> Checkpoint {
    let first_unused = shape.layers - shape.skipped;
    checkpoint.renamed(|name| {
        let name = match name.strip_prefix("model.") {
            Some(rest) => match rest.strip_prefix("language_model.") {
                Some(rest) => format!("language_model.model.{rest}"),
                None => rest.to_owned(),
            },
            None => name.to_owned(),
        };
        let name = match name.strip_prefix("lm_head.") {
            Some(rest) => format!("language_model.lm_head.{rest}"),
            None => name,
        };
        let name = match name.strip_prefix("vision_tower.") {
            Some(rest) if !rest.starts_with("vision_model.") => {
                format!("vision_tower.vision_model.{rest}")
            }
            _ => name,
        };
        let Some(tower) = name.strip_prefix("vision_tower.vision_model.") else {
            return (!name.ends_with("rotary_emb.inv_freq")).then_some(name);
        };
        let layer = tower
            .strip_prefix("encoder.layers.")
            .and_then(|rest| rest.split('.').next()?.parse::<i64>().ok());
        let is_unused = tower.starts_with("post_layernorm")
            || tower.starts_with("head.")
            || tower.ends_with("position_ids")
            || layer.is_some_and(|layer| layer >= first_unused);
        (!is_unused).then_some(name)
    })
}

/// The rotation, in f32 whatever the weights are: Llama's are computed so.
pub(crate) fn rotary(shape: &LlavaShape) -> Rotary {
    Rotary::new(shape.decoder.head, shape.theta, shape.scaling, Kind::Float)
}
