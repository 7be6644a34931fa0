//! A quick look: what captioners say of a few files, and the stages of a model in numbers.

use std::path::{Path, PathBuf};

use serde::Serialize;
use terminus_manifest::{
    Root, ids::ItemId, ids::Sha256Digest, ledger::LedgerRow, run::Cancel, view::View,
};
use terminus_pixels::{Limits, PixelPolicy, inspect};

use crate::{
    CaptionerPlan, Error,
    captioner::Captioner,
    gate::{Circumstances, judge},
    hints::Hints,
    picture::Pictures,
    speaker::Reply,
    speakers,
};

/// What a captioner says of a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Look {
    /// The file.
    pub file: PathBuf,
    /// The captioner's name.
    pub captioner: String,
    /// What it was asked.
    pub prompt: String,
    /// What it said.
    pub raw: String,
    /// What the gate made of that; empty if it refused it.
    pub text: String,
    /// The rules that the gate applied.
    pub rules: Vec<String>,
    /// Why there is no answer.
    pub fault: Option<String>,
}

/// One stage of a model over one picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<i64>,
    /// Mean of its numbers.
    pub mean: f64,
    /// Their standard deviation.
    pub std: f64,
    /// The largest magnitude.
    pub largest: f64,
}

/// Asks one captioner about files, once each, and writes nothing.
///
/// # Errors
/// The captioner cannot run. A file that is no picture is a [`Look::fault`].
pub fn look(
    captioner: &CaptionerPlan,
    files: &[PathBuf],
    policy: PixelPolicy,
    limits: Limits,
    cancel: &Cancel,
) -> Result<Vec<Look>, Error> {
    let opened = Captioner::new(captioner, std::iter::empty())?;
    // Nothing lies under this root: every file is read where it is.
    let pictures = Pictures::new(&Root::new(PathBuf::new()), policy, limits);
    let mut looks: Vec<Look> = files
        .iter()
        .map(|file| Look {
            file: file.clone(),
            captioner: captioner.name.clone(),
            prompt: String::new(),
            raw: String::new(),
            text: String::new(),
            rules: Vec::new(),
            fault: None,
        })
        .collect();
    let mut rows = Vec::new();
    for (at, file) in files.iter().enumerate() {
        match row_of(file, &limits) {
            Ok(row) => rows.push((at, row)),
            Err(fault) => looks[at].fault = Some(fault),
        }
    }
    let Some(questions) = &opened.questions else {
        for look in &mut looks {
            look.fault = Some("this captioner looks at no pictures".to_owned());
        }
        return Ok(looks);
    };
    let (mut places, mut asks) = (Vec::new(), Vec::new());
    for (at, row) in &rows {
        if let Some(picture) = row.picture_id() {
            let Some(asking) = questions.about(row, View::whole(picture), &Hints::default()) else {
                looks[*at].fault =
                    Some("all prompts ask for hints, and nothing is known of a file".to_owned());
                continue;
            };
            let ask = asking.ask(1);
            ask.prompt.clone_into(&mut looks[*at].prompt);
            places.push(*at);
            asks.push(ask);
        }
    }
    let mut speaker = speakers::open(&opened, pictures, asks.len())?;
    speaker.ask(&asks, cancel, &mut |ask, reply| {
        let look = &mut looks[places[ask]];
        match reply {
            Reply::Fault { detail, .. } => look.fault = Some(detail),
            Reply::Said { raw, finish, .. } => {
                let around = Circumstances {
                    is_cut: finish == "length",
                    is_circling: finish == "repetition",
                    tags: None,
                };
                if let Some(gate) = captioner.config.gate() {
                    let judged = judge(&raw, around, gate);
                    look.text = judged.text;
                    look.rules = judged.rules.into_iter().map(str::to_owned).collect();
                } else {
                    raw.trim().clone_into(&mut look.text);
                }
                look.raw = raw;
            }
        }
        Ok(None)
    })?;
    Ok(looks)
}

/// A file as an item of a ledger.
fn row_of(file: &Path, limits: &Limits) -> Result<LedgerRow, String> {
    let bytes = fs_err::read(file).map_err(|error| error.to_string())?;
    let header = inspect(&bytes, limits).map_err(|error| error.to_string())?;
    let origin = file.display().to_string();
    let item = ItemId::new(&origin, 0);
    let mut row = LedgerRow::found(item, origin.clone(), String::new(), origin);
    row.sha256 = Some(Sha256Digest::of(&bytes));
    row.format = Some(header.format.to_string());
    (row.tile_top, row.tile_left) = (Some(0), Some(0));
    (row.tile_width, row.tile_height) = (Some(header.width_px), Some(header.height_px));
    Ok(row)
}

/// Every stage of a model over one picture in numbers, so that someone who has the original can compare.
///
/// Without a file it is a picture that a formula makes, the same everywhere.
///
/// # Errors
/// The captioner is no vision-language model, its model cannot be opened, or the file is no picture.
#[cfg(feature = "torch")]
pub fn self_check(
    captioner: &CaptionerPlan,
    file: Option<&Path>,
    policy: PixelPolicy,
    limits: Limits,
) -> Result<Vec<Stage>, Error> {
    use crate::config::CaptionerConfig;

    let CaptionerConfig::Vlm(config) = &captioner.config else {
        return Ok(Vec::new());
    };
    let model = crate::Model::open(&config.model, config)?;
    let image = match file {
        Some(file) => terminus_pixels::decode(&fs_err::read(file)?, &policy, &limits)
            .map(|decoded| decoded.image)
            .map_err(|source| Error::Picture {
                path: file.to_owned(),
                source,
            })?,
        None => waves(),
    };
    let pixels = model.prepare(&image);
    let prompt = config.prompts.first().map_or("", String::as_str);
    let mut stages = Vec::new();
    model.trace(&[&pixels], &[prompt], &mut |name, tensor| {
        let tensor = tensor.to_kind(tch::Kind::Float);
        stages.push(Stage {
            name: name.to_owned(),
            shape: tensor.size(),
            mean: tensor.mean(tch::Kind::Float).double_value(&[]),
            std: tensor.std(true).double_value(&[]),
            largest: tensor.abs().max().double_value(&[]),
        });
    })?;
    Ok(stages)
}

/// Without libtorch there is nothing to check.
///
/// # Errors
/// Always.
#[cfg(not(feature = "torch"))]
pub fn self_check(
    captioner: &CaptionerPlan,
    _file: Option<&Path>,
    _policy: PixelPolicy,
    _limits: Limits,
) -> Result<Vec<Stage>, Error> {
    Err(Error::WithoutTorch {
        name: captioner.name.clone(),
        pictures: 1,
    })
}

/// 256 by 192 pixels in which every byte follows from its place.
#[cfg(feature = "torch")]
fn waves() -> terminus_pixels::RgbImage {
    let (width_px, height_px) = (256_u32, 192_u32);
    let data = (0..height_px)
        .flat_map(|y| {
            (0..width_px).flat_map(move |x| [x as u8, (y + x / 2) as u8, (x * y / 64) as u8])
        })
        .collect();
    terminus_pixels::RgbImage {
        width_px,
        height_px,
        data,
    }
}
