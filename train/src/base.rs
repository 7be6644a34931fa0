//! The model that a run starts from, as a folder of the run.
//!
//! A run keeps its own: the frozen parts are needed by every checkpoint, the first UNet to tell what training has
//! changed, and the folder that the settings name may be gone tomorrow. Weights are hard links where the file system
//! allows, so that this costs no space.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tch::{Device, Kind};
use terminus_nn::Builder;

use crate::{
    Error,
    config::Init,
    export::{self, SchedulerSettings},
    files,
    networks::{
        AutoencoderKl, ClipTextConfig, TextConditioner, UNet2DCondition, UNetConfig, VaeConfig,
    },
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

/// Where the first weights come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseSource {
    /// A model in diffusers' layout; for [`Init::Random`] its config files are enough.
    pub folder: PathBuf,
    /// A VAE, or a model that holds one, to use in place of the base's.
    pub vae: Option<PathBuf>,
    /// Whether weights are loaded or drawn.
    pub init: Init,
    /// Seed of drawn weights.
    pub seed: u64,
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
            (None, Init::Pretrained) => {
                files::link_folder(&self.folder.join(VAE), &folder.join(VAE))?;
            }
            (None, Init::Random) => self.draw_vae(&folder.join(VAE))?,
        }
        export::write_documents(folder, scheduler)?;
        files::write_json(&folder.join(RECORD), self)?;
        draft.finish()
    }

    /// Whether the folder `target` was made from this source.
    ///
    /// # Errors
    /// Its record cannot be read.
    pub fn made(&self, target: &Path) -> Result<bool, Error> {
        let path = target.join(RECORD);
        if !path.exists() {
            return Ok(false);
        }
        let record: Self = files::read_json(&path)?;
        // The seed of a model that was loaded drew nothing.
        let is_same_seed = self.init == Init::Pretrained || record.seed == self.seed;
        Ok(is_same_seed
            && Self {
                seed: self.seed,
                ..record
            } == *self)
    }

    fn draw_text(&self, folder: &Path) -> Result<(), Error> {
        let config = |part| ClipTextConfig::read(&self.folder.join(part));
        let configs = [config("text_encoder")?, config("text_encoder_2")?];
        let text = TextConditioner::random(configs, self.seed, Device::Cpu, Kind::Float)?;
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
