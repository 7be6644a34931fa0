//! The model that a run starts from, as a folder of the run.
//!
//! A run keeps its own: the frozen parts are needed by every checkpoint, the first UNet to tell what training has
//! changed, and the folder that the settings name may be gone tomorrow. Weights are hard links where the file system
//! allows, so that this costs no space.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, no_grad};
use terminus_manifest::ids::Sha256Digest;
use terminus_nn::Builder;

use crate::{
    Error,
    config::Init,
    convert::{self, ConvertOptions},
    export::{self, SchedulerSettings},
    files,
    networks::{
        AutoencoderKl, ClipTextConfig, TextConditioner, UNet2DCondition, UNetConfig, VaeConfig,
    },
    source::ModelSource,
};

const RECORD: &str = "base.json";
/// Parts that a checkpoint shares with the base.
pub(crate) const FROZEN: [&str; 5] = [
    "vae",
    "text_encoder",
    "text_encoder_2",
    "tokenizer",
    "tokenizer_2",
];
const VAE: &str = "vae";
const UNET: &str = "unet";

/// Spread of the embeddings of fresh text encoders.
///
/// CLIP begins with 0.02 and learns the rest. These encoders stay as they are drawn: what a token is must stand out from
/// where it stands and from what attention mixes in, as it does in trained ones. A UNet that learnt for 460 updates on
/// 337 drawings told right captions from shuffled ones ten times as well as with 0.02.
const FRESH_EMBEDDINGS: [(&str, f64); 2] = [
    ("text_model.embeddings.token_embedding.weight", 1.0),
    ("text_model.embeddings.position_embedding.weight", 0.1),
];

/// Where the first weights come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseSource {
    /// A model in diffusers' layout, or a single safetensors file; for [`Init::Random`] a folder's config files are enough.
    pub folder: PathBuf,
    /// A VAE, or a model that holds one, to use in place of the base's.
    pub vae: Option<PathBuf>,
    /// Whether weights are loaded or drawn.
    pub init: Init,
    /// Seed of drawn weights.
    pub seed: u64,
}

/// `base.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// As it was named.
    source: BaseSource,
    /// What it was.
    fingerprint: String,
}

impl BaseSource {
    /// Makes the folder `target` anew: a whole diffusers folder with weights.
    ///
    /// # Errors
    /// A file is missing, damaged or cannot be written; then `target` is as it was.
    pub fn prepare(&self, target: &Path, scheduler: &SchedulerSettings) -> Result<(), Error> {
        let draft = files::Draft::begin(target)?;
        let folder = draft.path();
        match self.init {
            Init::Pretrained if self.folder.is_file() => {
                let source = ModelSource::open(&self.folder, None)?;
                convert::fill_folder(&source, folder, &ConvertOptions::default())?;
                if self.vae.is_some() {
                    fs_err::remove_dir_all(folder.join(VAE))?;
                }
            }
            Init::Pretrained => {
                for part in FROZEN.iter().chain(&[UNET]).filter(|part| **part != VAE) {
                    files::link_folder(&self.folder.join(part), &folder.join(part))?;
                }
            }
            Init::Random => {
                self.draw_text(folder)?;
                self.draw_unet(&folder.join(UNET))?;
            }
        }
        match (&self.vae, self.init) {
            (Some(vae), _) => files::link_folder(&vae_folder(vae), &folder.join(VAE))?,
            (None, Init::Pretrained) if self.folder.is_file() => {}
            (None, Init::Pretrained) => {
                files::link_folder(&self.folder.join(VAE), &folder.join(VAE))?;
            }
            (None, Init::Random) => self.draw_vae(&folder.join(VAE))?,
        }
        export::write_documents(folder, scheduler)?;
        let record = Record {
            source: self.clone(),
            fingerprint: self.fingerprint()?,
        };
        files::write_json(&folder.join(RECORD), &record)?;
        draft.finish()
    }

    /// Whether the folder `target` was made from what this source names now, wherever that lies.
    ///
    /// # Errors
    /// A file cannot be read, the record of `target` or one of the source.
    pub fn made(&self, target: &Path) -> Result<bool, Error> {
        let path = target.join(RECORD);
        if !path.exists() {
            return Ok(false);
        }
        let record: Record = files::read_json(&path)?;
        Ok(record.fingerprint == self.fingerprint()?)
    }

    /// Whether the files that the source names are still there.
    pub fn is_there(&self) -> bool {
        let vae = self.vae.as_ref().is_none_or(|vae| vae.exists());
        vae && (self.folder.join(UNET).exists() || self.folder.is_file())
    }

    /// A hash of names, sizes and beginnings of the files that the weights come from, and of the seed if it draws them.
    fn fingerprint(&self) -> Result<String, Error> {
        let is_vae_elsewhere = self.vae.is_some();
        let mut folders: Vec<PathBuf> = FROZEN
            .iter()
            .chain(&[UNET])
            .filter(|part| !(is_vae_elsewhere && **part == VAE))
            .map(|part| self.folder.join(part))
            .collect();
        folders.extend(self.vae.as_deref().map(vae_folder));
        let mut fields = match self.init {
            Init::Pretrained => vec!["pretrained".to_owned()],
            Init::Random => vec!["random".to_owned(), self.seed.to_string()],
        };
        if self.folder.is_file() {
            fields.push(files::beginning(&self.folder)?);
        }
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            fields.extend(files::fingerprint(folder)?);
        }
        Ok(Sha256Digest::of(fields.join("\n").as_bytes()).to_string())
    }

    fn draw_text(&self, folder: &Path) -> Result<(), Error> {
        let config = |part| ClipTextConfig::read(&self.folder.join(part));
        let configs = [config("text_encoder")?, config("text_encoder_2")?];
        let text = TextConditioner::random(configs, self.seed, Device::Cpu, Kind::Float)?;
        for encoder in text.encoders() {
            for (name, spread) in FRESH_EMBEDDINGS {
                if let Some(weight) = encoder.weights.get(name) {
                    let scale = spread / weight.std(true).f_double_value(&[])?;
                    let _ = no_grad(|| weight.shallow_clone().f_mul_scalar_(scale))?;
                }
            }
        }
        text.write_folder(folder, None)
    }

    fn draw_unet(&self, folder: &Path) -> Result<(), Error> {
        let config = UNetConfig::read(&self.folder.join(UNET))?;
        let (_, weights) =
            Builder::random(self.seed).build(|root| UNet2DCondition::new(root, &config))?;
        export::write_network(
            folder,
            &config.to_json(),
            &weights.iter().collect::<Vec<_>>(),
        )
    }

    fn draw_vae(&self, folder: &Path) -> Result<(), Error> {
        let config = VaeConfig::read(&self.folder.join(VAE))?;
        let (_, weights) =
            Builder::random(self.seed).build(|root| AutoencoderKl::new(root, &config))?;
        export::write_network(
            folder,
            &config.to_json(),
            &weights.iter().collect::<Vec<_>>(),
        )
    }
}

/// A VAE's own folder, from that or from a model's.
fn vae_folder(path: &Path) -> PathBuf {
    let inner = path.join(VAE);
    if inner.is_dir() {
        inner
    } else {
        path.to_owned()
    }
}
