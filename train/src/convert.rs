//! A model written in another layout: a diffusers folder, or a single file under the original names.
//!
//! Tensors pass one at a time from the mapped source to the new file, so that memory does not grow with the model. A
//! conversion changes names and shapes, never a number: there and back again is the same to the bit.

mod metadata;
mod thumbnail;

use std::{collections::BTreeMap, path::Path};

use fs_err as fs;
use serde_json::json;
use tch::{Device, Kind, Tensor};
use terminus_nn::{Unread, View, save_unread};

use crate::{
    Error,
    config::Solver,
    draw::Arithmetic,
    export::{self, SchedulerSettings},
    files::{self, Draft},
    sampler::Spacing,
    sampling::SamplingSettings,
    single_file::{Part, V_PREDICTION, ZERO_TERMINAL_SNR},
    source::{CONFIG_KEY, EmbeddedConfigs, ModelSource},
};

pub use metadata::ModelCard;
pub use thumbnail::thumbnail;

/// How tensors are written.
#[derive(Clone, Debug, Default)]
pub struct ConvertOptions {
    /// What floating-point tensors are stored in; `None` keeps each one's own kind.
    pub arithmetic: Option<Arithmetic>,
    /// A word in the names of a folder's files, such as `fp16`.
    pub variant: Option<String>,
    /// What a single file says of itself.
    pub card: ModelCard,
}

impl ConvertOptions {
    fn kind(&self) -> Option<Kind> {
        self.arithmetic.map(Arithmetic::kind)
    }
}

/// Writes the model as a single safetensors file under the original names, with `ModelSpec` metadata, the markers of its
/// prediction, and its configurations.
///
/// # Errors
/// A file is there already; it cannot be written.
pub fn to_single_file(
    source: &ModelSource,
    target: &Path,
    options: &ConvertOptions,
) -> Result<(), Error> {
    refuse_existing(target)?;
    let mut places: BTreeMap<String, Vec<(Part, String, View)>> = BTreeMap::new();
    for part in Part::ALL {
        for (name, _) in source.parameters(part)?.iter() {
            let Some((original, view)) = part.original(name, &source.configs) else {
                return Err(Error::NoOriginalName {
                    part: part.folder(),
                    name: name.to_owned(),
                });
            };
            places
                .entry(original)
                .or_default()
                .push((part, name.to_owned(), view));
        }
    }
    let mut tensors = Vec::with_capacity(places.len() + 2);
    for (name, mut parts) in places {
        parts.sort_by_key(|(_, _, view)| match view {
            View::Part { part, .. } => *part,
            _ => 0,
        });
        tensors.push(fused(source, name, parts));
    }
    let scheduler = source.sampling.scheduler;
    let markers = [
        (
            V_PREDICTION,
            scheduler.prediction_type == crate::config::PredictionType::VPrediction,
        ),
        (ZERO_TERMINAL_SNR, scheduler.zero_terminal_snr),
    ];
    for (name, _) in markers.into_iter().filter(|(_, is_set)| *is_set) {
        tensors.push(Unread {
            name: name.to_owned(),
            shape: vec![0],
            kind: Kind::Float,
            read: Box::new(|| Ok(Tensor::f_zeros([0], (Kind::Float, Device::Cpu))?)),
        });
    }
    let mut metadata = options.card.metadata(source);
    let configs = EmbeddedConfigs {
        unet: source.configs.unet.to_json(),
        vae: source.configs.vae.to_json(),
        text_encoder: source.configs.text[0].to_json(),
        text_encoder_2: source.configs.text[1].to_json(),
        scheduler: scheduler_json(&source.sampling),
    };
    metadata.insert(CONFIG_KEY.to_owned(), json!(configs).to_string());
    if let Some(folder) = target
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder)?;
    }
    save_unread(target, tensors, options.kind(), &metadata)?;
    Ok(())
}

/// Writes the model as a diffusers folder.
///
/// # Errors
/// The folder is there already; a file cannot be written.
pub fn to_folder(
    source: &ModelSource,
    target: &Path,
    options: &ConvertOptions,
) -> Result<(), Error> {
    refuse_existing(target)?;
    let draft = Draft::begin(target)?;
    fill_folder(source, draft.path(), options)?;
    draft.finish()
}

/// Writes the parts of a diffusers folder into `target`, which is there and holds none of them.
///
/// # Errors
/// A file cannot be written.
pub(crate) fn fill_folder(
    source: &ModelSource,
    target: &Path,
    options: &ConvertOptions,
) -> Result<(), Error> {
    let configs = &source.configs;
    for (part, config) in [
        (Part::UNet, configs.unet.to_json()),
        (Part::Vae, configs.vae.to_json()),
        (Part::Text, configs.text[0].to_json()),
        (Part::Text2, configs.text[1].to_json()),
    ] {
        let folder = target.join(part.folder());
        fs::create_dir_all(&folder)?;
        files::write_json(&folder.join("config.json"), &config)?;
        let stem = match part {
            Part::UNet | Part::Vae => "diffusion_pytorch_model",
            Part::Text | Part::Text2 => "model",
        };
        let variant = options.variant.as_ref().map(|word| format!(".{word}"));
        let name = format!("{stem}{}.safetensors", variant.unwrap_or_default());
        let tensors = source
            .parameters(part)?
            .iter()
            .map(|(name, _)| plain(source, part, name))
            .collect();
        save_unread(
            &folder.join(name),
            tensors,
            options.kind(),
            &terminus_nn::Metadata::new(),
        )?;
    }
    for (tokenizer, name) in source
        .tokenizers()?
        .iter()
        .zip(["tokenizer", "tokenizer_2"])
    {
        tokenizer.write_folder(&target.join(name))?;
    }
    let class = source.sampling.solver.class_name();
    export::write_index(target, class, source.has_zeros_for_no_prompt)?;
    let scheduler = target.join("scheduler");
    fs::create_dir_all(&scheduler)?;
    files::write_json(
        &scheduler.join("scheduler_config.json"),
        &scheduler_json(&source.sampling),
    )?;
    Ok(())
}

/// `scheduler_config.json` of a model that is sampled so.
pub(crate) fn scheduler_json(sampling: &SamplingSettings) -> serde_json::Value {
    let SamplingSettings {
        scheduler,
        solver,
        spacing,
        ends_clean,
        ..
    } = sampling;
    let mut json = SchedulerSettings::to_json(scheduler);
    json["_class_name"] = solver.class_name().into();
    if *solver == Solver::Ddim {
        json["set_alpha_to_one"] = (*ends_clean).into();
    }
    if let Spacing::Leading { offset } = spacing {
        json["timestep_spacing"] = "leading".into();
        json["steps_offset"] = (*offset).into();
        json["set_alpha_to_one"] = (*ends_clean).into();
    }
    json
}

/// A tensor as it is, read when its turn comes.
fn plain<'a>(source: &'a ModelSource, part: Part, name: &str) -> Unread<'a> {
    let checkpoint = source.checkpoint(part);
    let name = name.to_owned();
    Unread {
        shape: checkpoint.shape(&name).unwrap_or_default().to_owned(),
        kind: checkpoint.kind(&name).unwrap_or(Kind::Float),
        read: {
            let name = name.clone();
            Box::new(move || Ok(checkpoint.tensor(&name)?.unwrap_or_default()))
        },
        name,
    }
}

/// A tensor of the original layout from the parameters that lie in it.
fn fused(source: &ModelSource, name: String, parts: Vec<(Part, String, View)>) -> Unread<'_> {
    let (shape, kind) = parts
        .first()
        .map_or((Vec::new(), Kind::Float), |(part, name, view)| {
            let checkpoint = source.checkpoint(*part);
            let shape = checkpoint.shape(name).unwrap_or_default();
            (
                view.stored_shape(shape),
                checkpoint.kind(name).unwrap_or(Kind::Float),
            )
        });
    let stored_shape = shape.clone();
    Unread {
        name,
        shape,
        kind,
        read: Box::new(move || {
            let mut tensors = Vec::with_capacity(parts.len());
            for (part, name, view) in &parts {
                let tensor = source.checkpoint(*part).tensor(name)?.unwrap_or_default();
                tensors.push(match view {
                    View::Transposed => tensor.f_tr()?.f_contiguous()?,
                    View::Whole | View::Part { .. } | View::Squeezed => tensor,
                });
            }
            let whole = match <[Tensor; 1]>::try_from(tensors) {
                Ok([tensor]) => tensor,
                Err(tensors) => Tensor::f_cat(&tensors, 0)?,
            };
            Ok(whole.f_reshape(&stored_shape)?)
        }),
    }
}

fn refuse_existing(target: &Path) -> Result<(), Error> {
    if target.exists() {
        return Err(Error::TargetExists {
            path: target.to_owned(),
        });
    }
    Ok(())
}
