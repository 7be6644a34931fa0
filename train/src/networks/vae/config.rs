//! Sizes of the VAE, as diffusers writes them.

use std::path::Path;

use serde_json::{Value, json};

use crate::{Error, networks::config::ConfigFile};

const DOWN: &str = "DownEncoderBlock2D";
const UP: &str = "UpDecoderBlock2D";

/// What a `vae/config.json` says.
#[derive(Clone, Debug, PartialEq)]
pub struct VaeConfig {
    /// Channels of each block, from the largest picture down; every block but the last halves the sides.
    pub block_out_channels: Vec<i64>,
    /// Residual blocks of each block in the encoder; the decoder has one more.
    pub layers_per_block: i64,
    /// Channels of the latents.
    pub latent_channels: i64,
    /// Groups of the group norms.
    pub norm_num_groups: i64,
    /// Side of the pictures for which the model was made; any other works too.
    pub sample_size: i64,
    /// What latents are multiplied by so that their spread is about 1.
    pub scaling_factor: f64,
    /// Whether the network overflows in f16 and has to run in f32 (or bf16).
    pub force_upcast: bool,
}

impl VaeConfig {
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
            layers_per_block: file.or("layers_per_block", 1),
            latent_channels: file.or("latent_channels", 4),
            norm_num_groups: file.or("norm_num_groups", 32),
            sample_size: file.or("sample_size", 32),
            scaling_factor: file.or("scaling_factor", 0.18215),
            force_upcast: file.or("force_upcast", true),
            block_out_channels,
        };
        file.choices("down_block_types", &[DOWN], blocks);
        file.choices("up_block_types", &[UP], blocks);
        for (key, value) in built_in() {
            file.fixed(key, &value, &value);
        }
        config.check(&mut file);
        file.finish(config)
    }

    /// The `config.json` that diffusers reads.
    pub fn to_json(&self) -> Value {
        let blocks = self.block_out_channels.len();
        let mut json = json!({
            "_class_name": "AutoencoderKL",
            "block_out_channels": self.block_out_channels,
            "down_block_types": vec![DOWN; blocks],
            "up_block_types": vec![UP; blocks],
            "layers_per_block": self.layers_per_block,
            "latent_channels": self.latent_channels,
            "norm_num_groups": self.norm_num_groups,
            "sample_size": self.sample_size,
            "scaling_factor": self.scaling_factor,
            "force_upcast": self.force_upcast,
        });
        if let Value::Object(keys) = &mut json {
            keys.extend(built_in().map(|(key, value)| (key.to_owned(), value)));
        }
        json
    }

    /// How many pixels one latent stands for, in each direction.
    pub fn downsampling(&self) -> u32 {
        1 << self.block_out_channels.len().saturating_sub(1)
    }

    /// Sizes that do not go together.
    fn check(&self, file: &mut ConfigFile) {
        let groups = self.norm_num_groups.max(1);
        file.check("norm_num_groups", self.norm_num_groups > 0, || {
            "at least 1".into()
        });
        file.check(
            "block_out_channels",
            !self.block_out_channels.is_empty()
                && self
                    .block_out_channels
                    .iter()
                    .all(|&c| c > 0 && c % groups == 0),
            || format!("a list of multiples of `norm_num_groups`, {groups}"),
        );
        file.check("layers_per_block", self.layers_per_block > 0, || {
            "at least 1".into()
        });
        file.check("latent_channels", self.latent_channels > 0, || {
            "at least 1".into()
        });
        file.check(
            "scaling_factor",
            self.scaling_factor.is_finite() && self.scaling_factor > 0.0,
            || "above 0".into(),
        );
    }
}

/// Keys that have one value in SDXL, which is diffusers' default too.
fn built_in() -> impl Iterator<Item = (&'static str, Value)> {
    [
        ("in_channels", json!(3)),
        ("out_channels", json!(3)),
        ("act_fn", json!("silu")),
        ("shift_factor", Value::Null),
        ("latents_mean", Value::Null),
        ("latents_std", Value::Null),
        ("use_quant_conv", json!(true)),
        ("use_post_quant_conv", json!(true)),
        ("mid_block_add_attention", json!(true)),
    ]
    .into_iter()
}
