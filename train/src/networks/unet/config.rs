//! Sizes of the UNet, as diffusers writes them.

use std::path::Path;

use serde_json::{Value, json};
use terminus_nn::Sinusoid;

use crate::{Error, networks::config::ConfigFile};

/// Sizes that go with a picture: original, crop and target, two numbers each.
const TIME_IDS: i64 = 6;

/// Whether a block looks at the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// `DownBlock2D`, `UpBlock2D`.
    Plain,
    /// `CrossAttnDownBlock2D`, `CrossAttnUpBlock2D`.
    CrossAttention,
}

impl BlockKind {
    const DOWN: [&str; 2] = ["DownBlock2D", "CrossAttnDownBlock2D"];
    const UP: [&str; 2] = ["UpBlock2D", "CrossAttnUpBlock2D"];

    fn of(places: &[usize]) -> Vec<Self> {
        let kind = |&place| {
            if place == 0 {
                Self::Plain
            } else {
                Self::CrossAttention
            }
        };
        places.iter().map(kind).collect()
    }

    fn names(kinds: &[Self], names: [&str; 2]) -> Vec<String> {
        let name = |kind: &Self| names[usize::from(*kind == Self::CrossAttention)].to_owned();
        kinds.iter().map(name).collect()
    }
}

/// What a `unet/config.json` of the SDXL family says. Lists have one value for each block, from the largest picture down.
#[derive(Clone, Debug, PartialEq)]
pub struct UNetConfig {
    /// Channels of the latents that go in.
    pub in_channels: i64,
    /// Channels that come out.
    pub out_channels: i64,
    /// Side of the latents for which the model was made; any other works too.
    pub sample_size: i64,
    /// Kinds of the blocks on the way down.
    pub down_block_types: Vec<BlockKind>,
    /// Kinds of the blocks on the way up, from the middle on.
    pub up_block_types: Vec<BlockKind>,
    /// Channels of the blocks.
    pub block_out_channels: Vec<i64>,
    /// Layers of the blocks on the way down; on the way up there is one more.
    pub layers_per_block: Vec<i64>,
    /// Transformer blocks in each layer.
    pub transformer_layers_per_block: Vec<i64>,
    /// Attention heads; diffusers calls the key `attention_head_dim` for history's sake.
    pub attention_heads: Vec<i64>,
    /// Size of the text's vectors.
    pub cross_attention_dim: i64,
    /// Size of the sinusoid of each of the six sizes.
    pub addition_time_embed_dim: i64,
    /// Size of the pooled text and all six sinusoids.
    pub projection_class_embeddings_input_dim: i64,
    /// Groups of the group norms.
    pub norm_num_groups: i64,
    /// Epsilon of residual blocks and the output norm.
    pub norm_eps: f64,
    /// Whether cosines come first in a sinusoid.
    pub flip_sin_to_cos: bool,
    /// See [`Sinusoid::freq_shift`].
    pub freq_shift: f64,
}

impl UNetConfig {
    /// Reads a `config.json`, or the one in the folder `path`.
    ///
    /// # Errors
    /// The file cannot be read; it lacks a size or asks for a part that SDXL has not: all such keys at once.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::take(ConfigFile::read(path)?)
    }

    /// Reads the keys of a `config.json` that came otherwise than as a file; errors name `origin`.
    ///
    /// # Errors
    /// As for a file.
    pub fn from_json(origin: &Path, values: Value) -> Result<Self, Error> {
        Self::take(ConfigFile::of(origin, values))
    }

    fn take(mut file: ConfigFile) -> Result<Self, Error> {
        let block_out_channels: Vec<i64> = file.required("block_out_channels");
        let blocks = block_out_channels.len();
        let config = Self {
            in_channels: file.or("in_channels", 4),
            out_channels: file.or("out_channels", 4),
            sample_size: file.or("sample_size", 128),
            down_block_types: BlockKind::of(&file.choices(
                "down_block_types",
                &BlockKind::DOWN,
                blocks,
            )),
            up_block_types: BlockKind::of(&file.choices("up_block_types", &BlockKind::UP, blocks)),
            layers_per_block: file.per_block("layers_per_block", 2, blocks),
            transformer_layers_per_block: file.per_block("transformer_layers_per_block", 1, blocks),
            attention_heads: file.per_block("attention_head_dim", 8, blocks),
            cross_attention_dim: file.or("cross_attention_dim", 1280),
            addition_time_embed_dim: file.required("addition_time_embed_dim"),
            projection_class_embeddings_input_dim: file
                .required("projection_class_embeddings_input_dim"),
            norm_num_groups: file.or("norm_num_groups", 32),
            norm_eps: file.or("norm_eps", 1e-5),
            flip_sin_to_cos: file.or("flip_sin_to_cos", true),
            freq_shift: file.or("freq_shift", 0.0),
            block_out_channels,
        };
        for (key, value, default) in built_in() {
            file.fixed(key, &value, &default);
        }
        config.check(&mut file);
        file.finish(config)
    }

    /// The `config.json` that diffusers reads.
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "_class_name": "UNet2DConditionModel",
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "sample_size": self.sample_size,
            "down_block_types": BlockKind::names(&self.down_block_types, BlockKind::DOWN),
            "up_block_types": BlockKind::names(&self.up_block_types, BlockKind::UP),
            "block_out_channels": self.block_out_channels,
            "layers_per_block": one_if_all_equal(&self.layers_per_block),
            "transformer_layers_per_block": self.transformer_layers_per_block,
            "attention_head_dim": self.attention_heads,
            "cross_attention_dim": self.cross_attention_dim,
            "addition_time_embed_dim": self.addition_time_embed_dim,
            "projection_class_embeddings_input_dim": self.projection_class_embeddings_input_dim,
            "norm_num_groups": self.norm_num_groups,
            "norm_eps": self.norm_eps,
            "flip_sin_to_cos": self.flip_sin_to_cos,
            "freq_shift": self.freq_shift,
        });
        if let Value::Object(keys) = &mut json {
            keys.extend(built_in().map(|(key, value, _)| (key.to_owned(), value)));
        }
        json
    }

    /// Size of the caption as one vector, what the second text encoder projects to.
    pub fn pooled_size(&self) -> i64 {
        self.projection_class_embeddings_input_dim - TIME_IDS * self.addition_time_embed_dim
    }

    /// Whether a block on the way up, counted from the middle, has transformers.
    pub(crate) fn looks_at_text_on_the_way_up(&self, block: usize) -> bool {
        self.up_block_types.get(block) == Some(&BlockKind::CrossAttention)
    }

    pub(super) fn time_embedding_size(&self) -> i64 {
        4 * self.block_out_channels[0]
    }

    pub(super) fn sinusoid(&self, size: i64) -> Sinusoid {
        Sinusoid {
            size,
            flip_sin_to_cos: self.flip_sin_to_cos,
            freq_shift: self.freq_shift,
        }
    }

    /// Sizes that do not go together.
    fn check(&self, file: &mut ConfigFile) {
        let channels = &self.block_out_channels;
        let groups = self.norm_num_groups.max(1);
        file.check("norm_num_groups", self.norm_num_groups > 0, || {
            "at least 1".into()
        });
        file.check(
            "block_out_channels",
            !channels.is_empty() && channels.iter().all(|&c| c > 0 && c % groups == 0),
            || format!("a list of multiples of `norm_num_groups`, {groups}"),
        );
        file.check(
            "block_out_channels",
            channels.first().is_none_or(|c| c % 2 == 0),
            || "even in its first place".into(),
        );
        let heads_divide = channels
            .iter()
            .zip(&self.attention_heads)
            .all(|(&c, &h)| h > 0 && c % h == 0);
        file.check("attention_head_dim", heads_divide, || {
            "heads that divide `block_out_channels`".into()
        });
        for (key, sizes) in [
            ("layers_per_block", &self.layers_per_block),
            (
                "transformer_layers_per_block",
                &self.transformer_layers_per_block,
            ),
            ("in_channels", &vec![self.in_channels]),
            ("out_channels", &vec![self.out_channels]),
            ("cross_attention_dim", &vec![self.cross_attention_dim]),
        ] {
            file.check(key, sizes.iter().all(|&size| size > 0), || {
                "at least 1".into()
            });
        }
        let added = self.addition_time_embed_dim;
        file.check(
            "addition_time_embed_dim",
            added > 0 && added % 2 == 0,
            || "even".into(),
        );
        file.check(
            "projection_class_embeddings_input_dim",
            self.pooled_size() > 0,
            || format!("more than {TIME_IDS} times `addition_time_embed_dim`, {added}"),
        );
    }
}

/// Keys that have one value in SDXL: with that value, and diffusers' default.
fn built_in() -> impl Iterator<Item = (&'static str, Value, Value)> {
    let differs = [
        ("use_linear_projection", json!(true), json!(false)),
        ("addition_embed_type", json!("text_time"), Value::Null),
    ];
    let default = [
        ("mid_block_type", json!("UNetMidBlock2DCrossAttn")),
        ("act_fn", json!("silu")),
        ("center_input_sample", json!(false)),
        ("downsample_padding", json!(1)),
        ("mid_block_scale_factor", json!(1)),
        ("dropout", json!(0.0)),
        ("only_cross_attention", json!(false)),
        ("dual_cross_attention", json!(false)),
        ("upcast_attention", json!(false)),
        ("time_embedding_type", json!("positional")),
        ("resnet_time_scale_shift", json!("default")),
        ("resnet_skip_time_act", json!(false)),
        ("resnet_out_scale_factor", json!(1.0)),
        ("conv_in_kernel", json!(3)),
        ("conv_out_kernel", json!(3)),
        ("attention_type", json!("default")),
        ("class_embeddings_concat", json!(false)),
        ("num_attention_heads", Value::Null),
        ("reverse_transformer_layers_per_block", Value::Null),
        ("encoder_hid_dim", Value::Null),
        ("encoder_hid_dim_type", Value::Null),
        ("class_embed_type", Value::Null),
        ("num_class_embeds", Value::Null),
        ("time_embedding_dim", Value::Null),
        ("time_embedding_act_fn", Value::Null),
        ("timestep_post_act", Value::Null),
        ("time_cond_proj_dim", Value::Null),
        ("cross_attention_norm", Value::Null),
    ];
    differs
        .into_iter()
        .chain(default.map(|(key, value)| (key, value.clone(), value)))
}

/// One number for a list of equal ones, as diffusers writes `layers_per_block`.
fn one_if_all_equal(values: &[i64]) -> Value {
    match values {
        [first, rest @ ..] if rest.iter().all(|value| value == first) => json!(first),
        _ => json!(values),
    }
}
