//! Sizes of a text encoder, as transformers writes them.

use std::path::Path;

use serde_json::{Value, json};

use crate::{Error, networks::config::ConfigFile};

/// The classes of the two kinds of model, as `architectures` names them.
const PLAIN: &str = "CLIPTextModel";
const PROJECTED: &str = "CLIPTextModelWithProjection";
/// An `eos_token_id` that was wrong in early files, SDXL's among them; it asks for the largest id instead.
const LEGACY_EOS: i64 = 2;

/// What bends the inside of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x·Φ(x), exact (Hendrycks & Gimpel 2016, arXiv:1606.08415): OpenCLIP.
    Gelu,
    /// x·σ(1.702·x), its approximation: the first CLIP.
    QuickGelu,
}

/// Where in a text its one vector is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// At the first of the largest ids, which the mark of end is in CLIP's vocabulary.
    LargestId,
    /// At the first place of this id.
    FirstOf(i64),
}

/// What a `text_encoder/config.json` says.
#[derive(Clone, Debug, PartialEq)]
pub struct ClipTextConfig {
    /// How many ids there are.
    pub vocab_size: i64,
    /// Size of a token's vector.
    pub hidden_size: i64,
    /// Size inside a layer's two linear maps.
    pub intermediate_size: i64,
    /// How many layers.
    pub num_hidden_layers: i64,
    /// Attention heads, which share the hidden size.
    pub num_attention_heads: i64,
    /// The longest text, marks included.
    pub max_position_embeddings: i64,
    /// What bends the inside of a layer.
    pub hidden_act: Activation,
    /// Epsilon of the norms.
    pub layer_norm_eps: f64,
    /// Size of the pooled vector after its projection; none without one (`CLIPTextModel`).
    pub projection_dim: Option<i64>,
    /// Where the pooled vector is taken: `eos_token_id`.
    pub pooling: Pooling,
}

impl ClipTextConfig {
    /// The first encoder of SDXL: CLIP ViT-L/14, 123 million parameters.
    pub fn vit_l() -> Self {
        Self {
            vocab_size: 49_408,
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            max_position_embeddings: 77,
            hidden_act: Activation::QuickGelu,
            layer_norm_eps: 1e-5,
            projection_dim: None,
            pooling: Pooling::LargestId,
        }
    }

    /// The second encoder of SDXL: OpenCLIP ViT-bigG/14 with its projection, 695 million parameters.
    pub fn big_g() -> Self {
        Self {
            hidden_size: 1280,
            intermediate_size: 5120,
            num_hidden_layers: 32,
            num_attention_heads: 20,
            hidden_act: Activation::Gelu,
            projection_dim: Some(1280),
            ..Self::vit_l()
        }
    }

    /// Reads a `config.json`, or the one in the folder `path`.
    ///
    /// # Errors
    /// The file cannot be read; it lacks a size or asks for a part that CLIP has not: all such keys at once.
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
        // transformers' defaults, where a file is silent.
        let hidden_act: String = file.or("hidden_act", "quick_gelu".to_owned());
        let hidden_act = match hidden_act.as_str() {
            "gelu" => Some(Activation::Gelu),
            "quick_gelu" => Some(Activation::QuickGelu),
            _ => None,
        };
        file.check("hidden_act", hidden_act.is_some(), || {
            "\"quick_gelu\" or \"gelu\"".into()
        });
        let class = file.choices("architectures", &[PLAIN, PROJECTED], 1);
        let eos_token_id: i64 = file.or("eos_token_id", 49_407);
        let projection_dim: i64 = file.or("projection_dim", 512);
        let config = Self {
            vocab_size: file.or("vocab_size", 49_408),
            hidden_size: file.required("hidden_size"),
            intermediate_size: file.required("intermediate_size"),
            num_hidden_layers: file.required("num_hidden_layers"),
            num_attention_heads: file.required("num_attention_heads"),
            max_position_embeddings: file.or("max_position_embeddings", 77),
            hidden_act: hidden_act.unwrap_or(Activation::Gelu),
            layer_norm_eps: file.or("layer_norm_eps", 1e-5),
            projection_dim: (class == [1]).then_some(projection_dim),
            pooling: match eos_token_id {
                LEGACY_EOS => Pooling::LargestId,
                id => Pooling::FirstOf(id),
            },
        };
        config.check(&mut file);
        file.finish(config)
    }

    /// The `config.json` that transformers reads.
    pub fn to_json(&self) -> Value {
        json!({
            "architectures": [if self.projection_dim.is_some() { PROJECTED } else { PLAIN }],
            "attention_dropout": 0.0,
            "bos_token_id": 0,
            "dropout": 0.0,
            "eos_token_id": match self.pooling {
                Pooling::LargestId => LEGACY_EOS,
                Pooling::FirstOf(id) => id,
            },
            "hidden_act": match self.hidden_act {
                Activation::Gelu => "gelu",
                Activation::QuickGelu => "quick_gelu",
            },
            "hidden_size": self.hidden_size,
            "initializer_factor": 1.0,
            "initializer_range": 0.02,
            "intermediate_size": self.intermediate_size,
            "layer_norm_eps": self.layer_norm_eps,
            "max_position_embeddings": self.max_position_embeddings,
            "model_type": "clip_text_model",
            "num_attention_heads": self.num_attention_heads,
            "num_hidden_layers": self.num_hidden_layers,
            "pad_token_id": 1,
            "projection_dim": self.projection_dim.unwrap_or(self.hidden_size),
            "vocab_size": self.vocab_size,
        })
    }

    /// Size of the pooled vector.
    pub fn pooled_size(&self) -> i64 {
        self.projection_dim.unwrap_or(self.hidden_size)
    }

    /// By how much fresh weights shrink so that a deep model starts as calm as a shallow one.
    pub(super) fn depth_scale(&self) -> f64 {
        (2.0 * self.num_hidden_layers as f64).powf(-0.5)
    }

    /// Sizes that do not go together.
    fn check(&self, file: &mut ConfigFile) {
        for (key, size) in [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("max_position_embeddings", self.max_position_embeddings),
            ("projection_dim", self.pooled_size()),
        ] {
            file.check(key, size > 0, || "at least 1".into());
        }
        let heads = self.num_attention_heads.max(1);
        file.check("hidden_size", self.hidden_size % heads == 0, || {
            format!("a multiple of `num_attention_heads`, {heads}")
        });
    }
}
