//! A model on disk, whatever its layout: what it is, whether it is whole, and its networks one by one.
//!
//! Opening reads configurations and headers alone. Networks are loaded when they are needed and dropped by whoever
//! loaded them, so that a sampler holds the text encoders only while it encodes.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tch::{Device, Kind};
use terminus_nn::{Builder, Checkpoint, Differences, Misshaped, Weights};
use terminus_tokens::ClipTokenizer;

use crate::{
    Error,
    checkpoint::UNET_EMA,
    networks::{
        AutoencoderKl, ClipTextConfig, ClipTextModel, TextConditioner, TextPart, UNet2DCondition,
        UNetConfig, VaeConfig, published,
    },
    sampling::SamplingSettings,
    single_file::{self, Configs, Part},
};

/// The key of a single file's metadata under which its configurations stand.
pub(crate) const CONFIG_KEY: &str = "terminus.config";
const TOKENIZERS: [&str; 2] = ["tokenizer", "tokenizer_2"];

/// How a model lies on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// A folder with a folder for each network.
    Diffusers,
    /// One safetensors file under the original names.
    SingleFile,
}

/// A model on disk.
#[derive(Debug)]
pub struct ModelSource {
    /// The folder or file.
    pub path: PathBuf,
    /// How it lies there.
    pub layout: Layout,
    /// Sizes of its networks.
    pub configs: Configs,
    /// How it is sampled.
    pub sampling: SamplingSettings,
    /// Whether an absent negative prompt stands for zeros instead of the empty caption's states.
    pub has_zeros_for_no_prompt: bool,
    /// The `__metadata__` of a single file.
    pub metadata: terminus_nn::Metadata,
    /// The whole single file, under its own names.
    file: Option<Checkpoint>,
    /// Under diffusers' names, in the order of [`Part::ALL`].
    checkpoints: Vec<Checkpoint>,
    /// The folder with `tokenizer/` and `tokenizer_2/`; CLIP's own, which are built in, without one.
    tokenizers: Option<PathBuf>,
}

/// The configurations in a single file's metadata.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EmbeddedConfigs {
    pub unet: Value,
    pub vae: Value,
    pub text_encoder: Value,
    pub text_encoder_2: Value,
    pub scheduler: Value,
}

impl ModelSource {
    /// Opens a diffusers folder, or a single safetensors file.
    ///
    /// `config`: a diffusers folder whose configurations and tokenizers belong to a single file; without one they are
    /// taken from the file's metadata, or worked out from its shapes. Headers are held against configurations: nothing
    /// is loaded.
    ///
    /// # Errors
    /// Nothing, or no model, is there; a pickle; a damaged file; a configuration of another family; tensors that are
    /// missing, left over or of another shape: all of them, by name.
    pub fn open(path: &Path, config: Option<&Path>) -> Result<Self, Error> {
        let source = if path.join(Part::UNet.folder()).is_dir() {
            Self::of_folder(path)?
        } else if path.is_file() {
            Self::of_file(path, config)?
        } else {
            return Err(Error::NoModel {
                path: path.to_owned(),
            });
        };
        source.check()?;
        Ok(source)
    }

    /// The same model with the UNet's average over its training in the place of its last weights.
    ///
    /// # Errors
    /// The folder holds no such average, or one of another UNet.
    pub fn averaged(mut self) -> Result<Self, Error> {
        let folder = self.path.join(UNET_EMA);
        if !folder.is_dir() {
            return Err(Error::NoAverage { path: self.path });
        }
        self.checkpoints[Part::UNet as usize] = Checkpoint::open(&folder)?;
        self.check()?;
        Ok(self)
    }

    fn of_folder(path: &Path) -> Result<Self, Error> {
        let configs = read_configs(path)?;
        let checkpoint = |part: Part| -> Result<Checkpoint, Error> {
            let checkpoint = Checkpoint::open(&path.join(part.folder()))?;
            Ok(match part {
                Part::Text | Part::Text2 => published(checkpoint),
                Part::UNet | Part::Vae => checkpoint,
            })
        };
        Ok(Self {
            configs,
            sampling: SamplingSettings::read(&path.join("scheduler"))?,
            has_zeros_for_no_prompt: has_zeros_for_no_prompt(path)?,
            checkpoints: Part::ALL
                .into_iter()
                .map(checkpoint)
                .collect::<Result<_, _>>()?,
            tokenizers: Some(path.to_owned()),
            path: path.to_owned(),
            layout: Layout::Diffusers,
            metadata: terminus_nn::Metadata::new(),
            file: None,
        })
    }

    fn of_file(path: &Path, config: Option<&Path>) -> Result<Self, Error> {
        let file = Checkpoint::open(path)?;
        let embedded: Option<EmbeddedConfigs> = file
            .metadata()
            .get(CONFIG_KEY)
            .and_then(|text| serde_json::from_str(text).ok());
        let (configs, sampling) = match (config, embedded) {
            (Some(folder), _) => (
                read_configs(folder)?,
                SamplingSettings::read(&folder.join("scheduler"))?,
            ),
            (None, Some(embedded)) => {
                let EmbeddedConfigs {
                    unet,
                    vae,
                    text_encoder,
                    text_encoder_2,
                    scheduler,
                } = embedded;
                let configs = Configs {
                    unet: UNetConfig::from_json(path, unet)?,
                    vae: VaeConfig::from_json(path, vae)?,
                    text: [
                        ClipTextConfig::from_json(path, text_encoder)?,
                        ClipTextConfig::from_json(path, text_encoder_2)?,
                    ],
                };
                (configs, SamplingSettings::of_file(&file, Some(scheduler))?)
            }
            (None, None) => {
                let sampling = SamplingSettings::of_file(&file, None)?;
                (single_file::infer(&file)?, sampling)
            }
        };
        let mut checkpoints = Vec::new();
        for part in Part::ALL {
            checkpoints.push(part.of_file(&file, &shapes(part, &configs)?, &configs));
        }
        Ok(Self {
            has_zeros_for_no_prompt: match config {
                Some(folder) => has_zeros_for_no_prompt(folder)?,
                None => !sampling.scheduler.zero_terminal_snr,
            },
            configs,
            sampling,
            checkpoints,
            tokenizers: config.map(Path::to_owned),
            path: path.to_owned(),
            layout: Layout::SingleFile,
            metadata: file.metadata().clone(),
            file: Some(file),
        })
    }

    /// Holds the tensors on disk against those that the configurations ask for.
    fn check(&self) -> Result<(), Error> {
        let mut all = Differences::default();
        for part in Part::ALL {
            let differences = self
                .parameters(part)?
                .differences(self.checkpoint(part), |_| false);
            all.extend(self.told(part, differences));
        }
        if let Some(file) = &self.file {
            let mut known = std::collections::BTreeSet::new();
            for part in Part::ALL {
                for (name, _) in self.parameters(part)?.iter() {
                    known.extend(part.original(name, &self.configs).map(|place| place.0));
                }
            }
            let is_surplus =
                |name: &&str| !known.contains(*name) && !single_file::is_leftover(name);
            all.surplus = file.names().filter(is_surplus).map(str::to_owned).collect();
        }
        if all.is_empty() {
            return Ok(());
        }
        Err(all.into_error(self.path.display().to_string()).into())
    }

    /// Differences under the names that the user's files have.
    fn told(&self, part: Part, differences: Differences) -> Differences {
        let is_file = self.layout == Layout::SingleFile;
        let place = |name: &str| match part.original(name, &self.configs) {
            Some((original, view)) if is_file => (original, view),
            _ => (
                format!("{}/{name}", part.folder()),
                terminus_nn::View::Whole,
            ),
        };
        let names = |names: &[String]| {
            let mut told: Vec<String> = names.iter().map(|name| place(name).0).collect();
            told.dedup();
            told
        };
        let (mut missing, mut misshaped) = (Vec::new(), Vec::new());
        for name in differences.missing {
            // A fused projection that cannot be cut in three is there, but of a wrong shape.
            let (original, view) = place(&name);
            let found = self.file.as_ref().and_then(|file| file.shape(&original));
            match (found, self.parameters(part).ok()) {
                (Some(found), Some(weights)) => {
                    let shape = weights
                        .get(&name)
                        .map(tch::Tensor::size)
                        .unwrap_or_default();
                    misshaped.push(Misshaped {
                        name: original,
                        expected: view.stored_shape(&shape),
                        found: found.to_owned(),
                    });
                }
                _ => missing.push(name),
            }
        }
        misshaped.extend(differences.misshaped.into_iter().map(|fault| {
            let (name, view) = place(&fault.name);
            Misshaped {
                name,
                expected: view.stored_shape(&fault.expected),
                found: view.stored_shape(&fault.found),
            }
        }));
        misshaped.dedup();
        Differences {
            missing: names(&missing),
            surplus: names(&differences.surplus),
            misshaped,
        }
    }

    /// Names and shapes of a part, without memory for it.
    ///
    /// # Errors
    /// The network's own fault alone.
    pub fn parameters(&self, part: Part) -> Result<Weights, Error> {
        shapes(part, &self.configs)
    }

    /// A part's tensors on disk, under diffusers' names.
    pub fn checkpoint(&self, part: Part) -> &Checkpoint {
        &self.checkpoints[part as usize]
    }

    /// The files that hold weights.
    pub fn weight_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = self
            .checkpoints
            .iter()
            .flat_map(|checkpoint| checkpoint.files().map(Path::to_owned))
            .collect();
        files.sort();
        files.dedup();
        files
    }

    /// The two tokenizers.
    ///
    /// # Errors
    /// A file is missing or damaged; CLIP's own do not belong to the encoders.
    pub fn tokenizers(&self) -> Result<[ClipTokenizer; 2], Error> {
        if let Some(folder) = &self.tokenizers {
            let read = |name: &str| ClipTokenizer::from_folder(&folder.join(name));
            return Ok([read(TOKENIZERS[0])?, read(TOKENIZERS[1])?]);
        }
        let [first, second]: [ClipTokenizer; 2] = ClipTokenizer::sdxl()?.into();
        let size = first.vocabulary_size();
        for config in &self.configs.text {
            if config.vocab_size != size as i64 {
                return Err(Error::NoTokenizer {
                    path: self.path.clone(),
                    found: config.vocab_size,
                    built_in: size,
                });
            }
        }
        Ok([first, second])
    }

    /// Both text encoders with their tokenizers.
    ///
    /// # Errors
    /// No memory; tokenizers that do not belong to the encoders.
    pub fn load_text(&self, device: Device, kind: Kind) -> Result<TextConditioner, Error> {
        let [first, second] = self.tokenizers()?;
        let part = |part: Part, index: usize, tokenizer| TextPart {
            config: self.configs.text[index].clone(),
            checkpoint: self.checkpoint(part).clone(),
            tokenizer,
        };
        let parts = [part(Part::Text, 0, first), part(Part::Text2, 1, second)];
        TextConditioner::from_parts(parts, &self.path, device, kind)
    }

    /// The UNet.
    ///
    /// # Errors
    /// No memory.
    pub fn load_unet(&self, device: Device, kind: Kind) -> Result<UNet2DCondition, Error> {
        let builder = Builder::from_checkpoint(self.checkpoint(Part::UNet));
        let built = builder
            .device(device)
            .kind(kind)
            .build(|root| UNet2DCondition::new(root, &self.configs.unet))?;
        Ok(built.0)
    }

    /// The VAE.
    ///
    /// # Errors
    /// No memory.
    pub fn load_vae(&self, device: Device, kind: Kind) -> Result<AutoencoderKl, Error> {
        let builder = Builder::from_checkpoint(self.checkpoint(Part::Vae));
        let built = builder
            .device(device)
            .kind(kind)
            .build(|root| AutoencoderKl::new(root, &self.configs.vae))?;
        Ok(built.0)
    }

    /// What a picture's sides must be multiples of, in pixels: every halving of the VAE and of the UNet.
    pub fn side_multiple(&self) -> u32 {
        self.configs.vae.downsampling()
    }
}

fn read_configs(folder: &Path) -> Result<Configs, Error> {
    let text = |part: Part| ClipTextConfig::read(&folder.join(part.folder()));
    Ok(Configs {
        unet: UNetConfig::read(&folder.join(Part::UNet.folder()))?,
        vae: VaeConfig::read(&folder.join(Part::Vae.folder()))?,
        text: [text(Part::Text)?, text(Part::Text2)?],
    })
}

/// As `model_index.json` says; diffusers' default is yes.
fn has_zeros_for_no_prompt(folder: &Path) -> Result<bool, Error> {
    let path = folder.join("model_index.json");
    if !path.is_file() {
        return Ok(true);
    }
    let index: Value = crate::files::read_json(&path)?;
    let word = index.get("force_zeros_for_empty_prompt");
    Ok(word.and_then(Value::as_bool).unwrap_or(true))
}

/// Names and shapes of a network, without memory for it.
fn shapes(part: Part, configs: &Configs) -> Result<Weights, Error> {
    let builder = Builder::shapes();
    let weights = match part {
        Part::UNet => builder.build(|root| drop(UNet2DCondition::new(root, &configs.unet))),
        Part::Vae => builder.build(|root| drop(AutoencoderKl::new(root, &configs.vae))),
        Part::Text => builder.build(|root| drop(ClipTextModel::new(root, &configs.text[0]))),
        Part::Text2 => builder.build(|root| drop(ClipTextModel::new(root, &configs.text[1]))),
    };
    Ok(weights?.1)
}
