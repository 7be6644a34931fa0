//! Captions to what SDXL's UNet takes of them: two tokenizers and two encoders, side by side.
// B batch, S tokens (77), D1 D2 hidden sizes (768, 1280), P size of the pooled text (1280)

mod chunks;

use std::path::{Path, PathBuf};

use tch::{Device, Kind, Tensor};
use terminus_nn::{Builder, Checkpoint, Metadata, Weights};
use terminus_tokens::ClipTokenizer;

use super::clip::{ClipTextConfig, ClipTextModel, POSITION_IDS, with_published_names};
use super::config::ConfigFault;
use crate::Error;

/// Folders of the two encoders and of their tokenizers in a model's folder.
const ENCODERS: [&str; 2] = ["text_encoder", "text_encoder_2"];
const TOKENIZERS: [&str; 2] = ["tokenizer", "tokenizer_2"];

/// What the UNet sees of a batch of captions.
#[derive(Debug)]
pub struct TextConditions {
    /// The penultimate states of both encoders, side by side: `[B, S, D1 + D2]`.
    pub encoder_hidden_states: Tensor,
    /// The pooled text of the second encoder: `[B, P]`.
    pub text_embeds: Tensor,
    /// For each caption, how many tokens were cut from its end because they did not fit.
    pub dropped_tokens: Vec<usize>,
}

/// One text encoder with its tokenizer and its weights.
#[derive(Debug)]
pub struct TextEncoder {
    /// Makes its ids.
    pub tokenizer: ClipTokenizer,
    /// Its sizes.
    pub config: ClipTextConfig,
    /// Its weights, under the names of transformers.
    pub weights: Weights,
    model: ClipTextModel,
}

/// What a text encoder is made from.
#[derive(Debug)]
pub(crate) struct TextPart {
    pub config: ClipTextConfig,
    /// Under the published names: see [`published`].
    pub checkpoint: Checkpoint,
    pub tokenizer: ClipTokenizer,
}

/// A text encoder's checkpoint under the published names, without buffers of older versions.
pub(crate) fn published(checkpoint: Checkpoint) -> Checkpoint {
    with_published_names(checkpoint).renamed(|name| (name != POSITION_IDS).then(|| name.to_owned()))
}

/// SDXL's text side: turns captions into [`TextConditions`]. Its weights are frozen.
#[derive(Debug)]
pub struct TextConditioner {
    first: TextEncoder,
    second: TextEncoder,
    device: Device,
    kind: Kind,
}

impl TextConditioner {
    /// The text side of a diffusers folder: `tokenizer/`, `tokenizer_2/`, `text_encoder/`, `text_encoder_2/`.
    ///
    /// Holds the weights on `device` in `kind`, and computes in it.
    ///
    /// # Errors
    /// A file is missing or damaged; weights, configuration and tokenizer of an encoder do not belong together.
    pub fn from_folder(root: &Path, device: Device, kind: Kind) -> Result<Self, Error> {
        let part = |index: usize| -> Result<TextPart, Error> {
            let folder = root.join(ENCODERS[index]);
            Ok(TextPart {
                config: ClipTextConfig::read(&folder)?,
                checkpoint: published(Checkpoint::open(&folder)?),
                tokenizer: ClipTokenizer::from_folder(&root.join(TOKENIZERS[index]))?,
            })
        };
        Self::from_parts([part(0)?, part(1)?], root, device, kind)
    }

    /// The text side from its parts, wherever they came from; `root` is named in errors.
    pub(crate) fn from_parts(
        parts: [TextPart; 2],
        root: &Path,
        device: Device,
        kind: Kind,
    ) -> Result<Self, Error> {
        let encoder = |index: usize, part: TextPart| {
            let builder = Builder::from_checkpoint(&part.checkpoint).ignoring(POSITION_IDS);
            TextEncoder::new(
                builder.device(device).kind(kind),
                part.config,
                part.tokenizer,
                &root.join(ENCODERS[index]),
            )
        };
        let [first, second] = parts;
        Self::new(encoder(0, first)?, encoder(1, second)?, device, kind, root)
    }

    /// Fresh encoders of these sizes, drawn from `seed`, with CLIP's own vocabulary.
    ///
    /// # Errors
    /// The second configuration has no projection; a vocabulary is smaller than CLIP's; no memory.
    pub fn random(
        configs: [ClipTextConfig; 2],
        seed: u64,
        device: Device,
        kind: Kind,
    ) -> Result<Self, Error> {
        let tokenizers: [ClipTokenizer; 2] = ClipTokenizer::sdxl()?.into();
        let [first, second] = configs;
        let [tokenizer, tokenizer_2] = tokenizers;
        // The encoders share their names, so each needs a seed of its own.
        let builder = |n: u64| {
            Builder::random(seed.wrapping_add(n))
                .device(device)
                .kind(kind)
        };
        let root = Path::new("");
        let first = TextEncoder::new(builder(0), first, tokenizer, &root.join(ENCODERS[0]))?;
        let second = TextEncoder::new(builder(1), second, tokenizer_2, &root.join(ENCODERS[1]))?;
        Self::new(first, second, device, kind, root)
    }

    fn new(
        first: TextEncoder,
        second: TextEncoder,
        device: Device,
        kind: Kind,
        root: &Path,
    ) -> Result<Self, Error> {
        let (one, two) = (first.tokenizer.context(), second.tokenizer.context());
        if one != two {
            return Err(Error::ModelConfig {
                path: root.join(TOKENIZERS[1]).join("tokenizer_config.json"),
                faults: vec![ConfigFault::Unsupported {
                    key: "model_max_length",
                    found: two.to_string(),
                    expected: format!("the first tokenizer's, {one}"),
                }],
            });
        }
        if second.config.projection_dim.is_none() {
            return Err(Error::ModelConfig {
                path: root.join(ENCODERS[1]).join("config.json"),
                faults: vec![ConfigFault::Unsupported {
                    key: "architectures",
                    found: "[\"CLIPTextModel\"]".into(),
                    expected: "[\"CLIPTextModelWithProjection\"]".into(),
                }],
            });
        }
        Ok(Self {
            first,
            second,
            device,
            kind,
        })
    }

    /// What the UNet takes of these captions, on the conditioner's device and in its kind.
    ///
    /// # Errors
    /// The device has no memory for the ids.
    pub fn encode<S: AsRef<str>>(&self, captions: &[S]) -> Result<TextConditions, Error> {
        let (ids, mut dropped_tokens) = self.first.ids(captions, self.device)?; // [B, S]
        let (ids_2, dropped_2) = self.second.ids(captions, self.device)?;
        for (dropped, other) in dropped_tokens.iter_mut().zip(dropped_2) {
            *dropped = other.max(*dropped);
        }
        let first = self.first.model.penultimate(&ids, self.kind); // [B, S, D1]
        let second = self.second.model.forward(&ids_2, self.kind);
        Ok(TextConditions {
            encoder_hidden_states: Tensor::cat(&[first, second.penultimate], -1), // [B, S, D1 + D2]
            text_embeds: second.pooled,                                           // [B, P]
            dropped_tokens,
        })
    }

    /// The two encoders, in SDXL's order.
    pub fn encoders(&self) -> [&TextEncoder; 2] {
        [&self.first, &self.second]
    }

    /// Size of a token's vector in [`TextConditions::encoder_hidden_states`]: the UNet's `cross_attention_dim`.
    pub fn hidden_size(&self) -> i64 {
        self.first.config.hidden_size + self.second.config.hidden_size
    }

    /// Size of [`TextConditions::text_embeds`].
    pub fn pooled_size(&self) -> i64 {
        self.second.config.pooled_size()
    }

    /// Writes the four folders that [`TextConditioner::from_folder`] reads, weights in `kind` (`None`: as they are held).
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write_folder(&self, root: &Path, kind: Option<Kind>) -> Result<(), Error> {
        for (index, encoder) in self.encoders().into_iter().enumerate() {
            encoder
                .tokenizer
                .write_folder(&root.join(TOKENIZERS[index]))?;
            let folder = root.join(ENCODERS[index]);
            fs_err::create_dir_all(&folder)?;
            let config = format!("{:#}\n", encoder.config.to_json());
            fs_err::write(folder.join("config.json"), config)?;
            let weights = folder.join("model.safetensors");
            encoder.weights.save(&weights, kind, &Metadata::new())?;
        }
        Ok(())
    }
}

impl TextEncoder {
    /// An encoder whose tokenizer's ids all have their places; `folder` is named in errors.
    fn new(
        builder: Builder,
        config: ClipTextConfig,
        tokenizer: ClipTokenizer,
        folder: &Path,
    ) -> Result<Self, Error> {
        let faults: Vec<ConfigFault> = [
            ("vocab_size", config.vocab_size, tokenizer.vocabulary_size()),
            (
                "max_position_embeddings",
                config.max_position_embeddings,
                tokenizer.context(),
            ),
        ]
        .into_iter()
        .filter(|&(_, found, needed)| found < needed as i64)
        .map(|(key, found, needed)| ConfigFault::Unsupported {
            key,
            found: found.to_string(),
            expected: format!("at least {needed}, as its tokenizer says"),
        })
        .collect();
        if !faults.is_empty() {
            let path: PathBuf = folder.join("config.json");
            return Err(Error::ModelConfig { path, faults });
        }
        let (model, weights) = builder.build(|root| ClipTextModel::new(root, &config))?;
        Ok(Self {
            tokenizer,
            config,
            weights,
            model,
        })
    }

    /// The padded ids of captions, `[B, S]` i64, and how many tokens of each did not fit.
    fn ids<S: AsRef<str>>(
        &self,
        captions: &[S],
        device: Device,
    ) -> Result<(Tensor, Vec<usize>), Error> {
        let mut ids = Vec::with_capacity(captions.len() * self.tokenizer.context());
        let mut dropped = Vec::with_capacity(captions.len());
        for caption in captions {
            let padded = self.tokenizer.encode_padded(caption.as_ref());
            ids.extend(padded.ids);
            dropped.push(padded.dropped);
        }
        let shape = [captions.len() as i64, self.tokenizer.context() as i64];
        let ids = Tensor::f_from_slice(&ids)?
            .f_view(shape)?
            .f_to_device(device)?;
        Ok((ids, dropped))
    }
}
