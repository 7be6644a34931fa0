//! A captioning model, ready to look at pictures.

use std::path::Path;

use tch::{Device, Kind, Tensor, no_grad};
use terminus_nn::{Builder, Checkpoint, device, guard};
use terminus_pixels::{PillowFilter, RgbImage};
use terminus_tokens::TextTokenizer;

use super::{
    cogvlm::{self, CogVlm, CogVlmShape},
    config::Config,
    decoder::Decoder,
    generate::{Decoding, Finish, generate},
    held::Layers,
    llava::{self, Llava, LlavaShape},
    preprocess::{CLIP_MEAN, CLIP_STD, Fit, ImageInput},
    session::{Opening, Session},
    template::Template,
    trace::Trace,
};
use crate::{
    Error,
    config::{Precision, VlmConfig},
};

/// A vision-language model with its tokenizer.
#[derive(Debug)]
pub struct Model {
    network: Network,
    tokenizer: TextTokenizer,
    input: ImageInput,
    template: Template,
    stop: Vec<i64>,
    device: Device,
    kind: Kind,
    architecture: &'static str,
}

#[derive(Debug)]
enum Network {
    CogVlm { network: CogVlm, tokens: i64 },
    Llava { network: Llava, tokens: i64 },
}

/// What a model said of one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The text, special tokens left out.
    pub text: String,
    /// Its tokens.
    pub ids: Vec<u32>,
    /// Why it ended.
    pub finish: Finish,
}

impl Model {
    /// Opens a folder in the layout of Hugging Face: `config.json`, safetensors, a tokenizer.
    ///
    /// # Errors
    /// A folder that holds no model, or one of an architecture that is not known; a shard, tensor or tokenizer that is
    /// missing or does not fit; a device that is not there.
    pub fn open(folder: &Path, settings: &VlmConfig) -> Result<Self, Error> {
        let rope_tables = None;
        Self::open_with(folder, settings, rope_tables)
    }

    /// As [`Model::open`], the angles of rotations computed in another kind than the weights'.
    pub(crate) fn open_with(
        folder: &Path,
        settings: &VlmConfig,
        rope_tables: Option<Kind>,
    ) -> Result<Self, Error> {
        let config = Config::read(folder)?;
        let device = open_device(&settings.device)?;
        let kind = kind_on(settings.precision, device);
        let architecture = config
            .value("architectures")
            .and_then(|names| names[0].as_str())
            .or_else(|| config.text("model_type"))
            .unwrap_or_default()
            .to_owned();
        let tokenizer = TextTokenizer::from_folder(folder)?;
        let mut stop = stop_ids(folder, &config)?;
        let place = Place {
            device,
            kind,
            settings,
        };
        let parts = match architecture.as_str() {
            "CogVLMForCausalLM" | "cogvlm" => {
                let checkpoint = Checkpoint::open(folder)?;
                Parts::cogvlm(&config, &checkpoint, &place, rope_tables.unwrap_or(kind))?
            }
            "LlavaForConditionalGeneration" | "llava" => {
                stop.extend(tokenizer.id("<|eot_id|>").map(i64::from));
                let checkpoint = Checkpoint::open(folder)?;
                Parts::llava(folder, &config, checkpoint, &place, &tokenizer)?
            }
            _ => {
                return Err(Error::UnknownArchitecture {
                    path: config.path().to_owned(),
                    found: architecture,
                });
            }
        };
        if tokenizer.vocabulary_size() as i64 > parts.vocabulary {
            return Err(Error::VocabularyTooSmall {
                folder: folder.to_owned(),
                tokens: tokenizer.vocabulary_size(),
                rows: parts.vocabulary as usize,
            });
        }
        let template = match &settings.template {
            Some(text) => parts.template.with_text(text),
            None => parts.template,
        };
        Ok(Self {
            network: parts.network,
            tokenizer,
            input: parts.input,
            template,
            stop,
            device,
            kind,
            architecture: parts.architecture,
        })
    }

    /// The family that the model belongs to.
    pub fn architecture(&self) -> &'static str {
        self.architecture
    }

    /// What the model wants a picture to be; cheap to copy, for threads.
    pub(crate) fn input(&self) -> ImageInput {
        self.input
    }

    /// A picture as numbers, `[3, side, side]`, flat.
    pub fn prepare(&self, image: &RgbImage) -> Vec<f32> {
        self.input.prepare(image)
    }

    /// What the model says of each picture when it is asked the prompt beside it.
    ///
    /// `pictures` are as [`Model::prepare`] makes them; `seeds` holds a number for each picture's draws.
    ///
    /// # Errors
    /// No memory ([`Error::OutOfMemory`]), or libtorch refuses an operation.
    pub fn caption(
        &self,
        pictures: &[&[f32]],
        prompts: &[&str],
        decoding: &Decoding,
        seeds: &[u64],
    ) -> Result<Vec<Said>, Error> {
        let decoding = Decoding {
            stop: [&self.stop[..], &decoding.stop].concat(),
            ..decoding.clone()
        };
        guarded(|| {
            let pixels = self.pixels(pictures)?;
            let opening = self.opening(&pixels, &mut Trace::none());
            let questions: Vec<Vec<i64>> =
                prompts.iter().map(|prompt| self.question(prompt)).collect();
            let longest = questions.iter().map(Vec::len).max().unwrap_or(0);
            let room = (longest + decoding.max_new_tokens) as i64;
            let mut session = Session::open(self.decoder(), &opening, room, &mut Trace::none())?;
            let logits = session.ask(&questions, &mut Trace::none());
            let answers = generate(&mut session, logits, &decoding, seeds);
            Ok(answers
                .into_iter()
                .map(|answer| Said {
                    text: self.tokenizer.decode(&answer.ids),
                    ids: answer.ids,
                    finish: answer.finish,
                })
                .collect())
        })
    }

    /// Every stage of one forward pass over these pictures, given to `each` by name, and the logits behind the prompts.
    ///
    /// # Errors
    /// As [`Model::caption`].
    pub fn trace(
        &self,
        pictures: &[&[f32]],
        prompts: &[&str],
        each: &mut dyn FnMut(&str, &Tensor),
    ) -> Result<(), Error> {
        guarded(|| {
            let pixels = self.pixels(pictures)?;
            let mut trace = Trace::new(each);
            trace.see(|| "pixels".to_owned(), &pixels);
            let opening = self.opening(&pixels, &mut trace);
            let questions: Vec<Vec<i64>> =
                prompts.iter().map(|prompt| self.question(prompt)).collect();
            let longest = questions.iter().map(Vec::len).max().unwrap_or(0);
            let decoder = self.decoder();
            let mut session = Session::open(decoder, &opening, longest as i64, &mut trace)?;
            let logits = session.ask(&questions, &mut trace);
            trace.see(|| "logits".to_owned(), &logits);
            Ok(())
        })
    }

    fn pixels(&self, pictures: &[&[f32]]) -> Result<Tensor, Error> {
        let side = i64::from(self.input.side_px);
        let flat = pictures.concat();
        let pixels = Tensor::f_from_slice(&flat).map_err(terminus_nn::Error::from)?;
        let pixels = pixels
            .f_reshape([pictures.len() as i64, 3, side, side])
            .and_then(|pixels| pixels.f_to_device(self.device))
            .and_then(|pixels| pixels.f_to_kind(self.kind));
        Ok(pixels.map_err(terminus_nn::Error::from)?)
    }

    /// The pictures with what precedes them, as the decoder takes them.
    fn opening(&self, pixels: &Tensor, trace: &mut Trace<'_>) -> Opening {
        let before = self.template.before(&self.tokenizer);
        let start = before.len() as i64;
        let ids = Tensor::from_slice(&before).to_device(self.device);
        let batch = pixels.size()[0];
        let embedded = self
            .decoder()
            .embed(&ids)
            .unsqueeze(0)
            .expand([batch, -1, -1], false);
        match &self.network {
            Network::CogVlm { network, tokens } => {
                let seen = network.see(pixels, trace);
                // All patches stand at one place between the two marks.
                let mut positions: Vec<i64> = (0..=start).collect();
                positions.extend(std::iter::repeat_n(start + 1, *tokens as usize - 2));
                positions.push(start + 2);
                Opening {
                    tokens: Tensor::cat(&[embedded, seen], 1),
                    positions,
                    // The mark of the picture's end belongs to language.
                    vision: (start, tokens - 1),
                }
            }
            Network::Llava { network, tokens } => {
                let seen = network.see(pixels, trace);
                Opening {
                    tokens: Tensor::cat(&[embedded, seen], 1),
                    positions: (0..start + tokens).collect(),
                    vision: (0, 0),
                }
            }
        }
    }

    pub(super) fn question(&self, prompt: &str) -> Vec<i64> {
        self.template.after(prompt, &self.tokenizer)
    }

    pub(super) fn decoder(&self) -> &Decoder {
        match &self.network {
            Network::CogVlm { network, .. } => &network.decoder,
            Network::Llava { network, .. } => &network.decoder,
        }
    }

    /// How many tokens a prompt becomes: rows of one length need no padding.
    pub(crate) fn question_length(&self, prompt: &str) -> usize {
        self.question(prompt).len()
    }
}

/// Where a network is put.
struct Place<'a> {
    device: Device,
    kind: Kind,
    settings: &'a VlmConfig,
}

/// What a family brings to a model.
struct Parts {
    network: Network,
    input: ImageInput,
    template: Template,
    /// Rows of the table of embeddings.
    vocabulary: i64,
    architecture: &'static str,
}

impl Parts {
    fn cogvlm(
        config: &Config,
        checkpoint: &Checkpoint,
        place: &Place<'_>,
        rope_tables: Kind,
    ) -> Result<Self, Error> {
        let shape = CogVlmShape::read(config, checkpoint)?;
        let rotary = cogvlm::rotary(checkpoint, &shape, rope_tables)?.on(place.device);
        let layers = Layers {
            prefix: "model.layers.",
            shape: shape.decoder,
            image_tokens: shape.image_tokens(),
        };
        let on_device = layers.on(place.device, place.kind, checkpoint, place.settings);
        let mut builder = Builder::from_checkpoint(checkpoint)
            .kind(place.kind)
            .device(place.device)
            .holding(|name| layers.is_held(name, on_device))
            .ignoring("inv_freq");
        for layer in 0..shape.decoder.layers {
            let name = format!("model.layers.{layer}.self_attn.rotary_emb.inv_freq");
            builder = builder.ignoring(&name);
        }
        let (mut network, _) = builder.build(|root| CogVlm::new(root, &shape, rotary))?;
        network.fuse(on_device)?;
        Ok(Self {
            network: Network::CogVlm {
                network,
                tokens: shape.image_tokens(),
            },
            input: ImageInput {
                side_px: shape.side_px as u32,
                filter: PillowFilter::Bicubic,
                fit: Fit::Squash,
                is_bgr: false,
                mean: CLIP_MEAN,
                std: CLIP_STD,
            },
            template: Template::cogvlm(config)?,
            vocabulary: shape.decoder.vocabulary,
            architecture: "cogvlm",
        })
    }

    fn llava(
        folder: &Path,
        config: &Config,
        checkpoint: Checkpoint,
        place: &Place<'_>,
        tokenizer: &TextTokenizer,
    ) -> Result<Self, Error> {
        let shape = LlavaShape::read(config)?;
        let checkpoint = llava::renamed(checkpoint, &shape);
        let rotary = llava::rotary(&shape).on(place.device);
        let layers = Layers {
            prefix: "language_model.model.layers.",
            shape: shape.decoder,
            image_tokens: shape.image_tokens(),
        };
        let on_device = layers.on(place.device, place.kind, &checkpoint, place.settings);
        let builder = Builder::from_checkpoint(&checkpoint)
            .kind(place.kind)
            .device(place.device)
            .holding(|name| layers.is_held(name, on_device));
        let (mut network, _) = builder.build(|root| Llava::new(root, &shape, rotary))?;
        network.fuse(on_device)?;
        Ok(Self {
            network: Network::Llava {
                network,
                tokens: shape.image_tokens(),
            },
            input: ImageInput::from_folder(folder, shape.side_px as u32)?,
            template: Template::llava(config, tokenizer),
            vocabulary: shape.decoder.vocabulary,
            architecture: "llava",
        })
    }
}

/// The device of this name; `auto` is a GPU where there is one.
pub(crate) fn open_device(name: &str) -> Result<Device, Error> {
    match name {
        "auto" => Ok(device::open("cuda").unwrap_or(Device::Cpu)),
        name => Ok(device::open(name)?),
    }
}

/// The kind of the weights: as set, else f32 on the CPU and bf16 elsewhere.
pub(crate) fn kind_on(precision: Option<Precision>, device: Device) -> Kind {
    match (precision, device) {
        (Some(Precision::F32), _) | (None, Device::Cpu) => Kind::Float,
        (Some(Precision::F16), _) => Kind::Half,
        (Some(Precision::Bf16) | None, _) => Kind::BFloat16,
    }
}

/// The tokens that end an answer: `config.json`'s and `generation_config.json`'s.
fn stop_ids(folder: &Path, config: &Config) -> Result<Vec<i64>, Error> {
    let mut stop = config.ids("eos_token_id");
    if let Ok(text) = config.table("text_config") {
        stop.extend(text.ids("eos_token_id"));
    }
    if let Some(generation) = Config::read_beside(folder, "generation_config.json")? {
        stop.extend(generation.ids("eos_token_id"));
    }
    stop.sort_unstable();
    stop.dedup();
    Ok(stop)
}

/// Runs `work` without gradients; a crash inside libtorch is an error, and a lack of memory one of its own.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    guard(|| no_grad(work)).map_err(|error| match error {
        Error::Nn(terminus_nn::Error::OutOfMemory { .. }) => Error::OutOfMemory,
        Error::Nn(terminus_nn::Error::Computing { message }) => Error::Computing { message },
        other => other,
    })
}
