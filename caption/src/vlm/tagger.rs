//! The WD tagger, version 3: a ViT (Dosovitskiy et al. 2020, arXiv:2010.11929) in timm's layout with one output a tag.
// B pictures, L patches (and the class token, if there is one), D size of a patch's vector, T tags

use std::path::Path;

use tch::{Device, Kind, Tensor};
use terminus_nn::{
    Activation, Builder, Checkpoint, Conv2d, Init, LayerNorm, Linear, Path as Place,
};
use terminus_pixels::PillowFilter;

use super::{
    config::Config,
    encoder::{EncoderBlock, EncoderShape, NormPlace, TIMM},
    place::{guarded, kind_on, open_device},
    preprocess::{Fit, ImageInput},
    trace::Trace,
};
use crate::{Error, config::TaggerConfig};

/// timm's eps of every norm.
const EPS: f64 = 1e-6;
/// Size of a head where the configuration names no number of heads.
const HEAD: i64 = 64;

/// A tagger, ready to look at pictures.
#[derive(Debug)]
pub(crate) struct Tagger {
    network: Vit,
    tags: Vec<Tag>,
    input: ImageInput,
    device: Device,
    kind: Kind,
    general: f64,
    character: f64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Tag {
    name: String,
    category: Category,
}

/// What a tag is about; other categories are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Category {
    General,
    Character,
    Other,
}

impl Tagger {
    /// Opens a folder with `config.json`, `model.safetensors` and `selected_tags.csv`.
    ///
    /// # Errors
    /// One of them is missing or does not fit the others.
    pub(crate) fn open(config: &TaggerConfig) -> Result<Self, Error> {
        let folder = &config.model;
        let json = Config::read(folder)?;
        let architecture = json.text("architecture").unwrap_or_default().to_owned();
        if !architecture.starts_with("vit_") {
            return Err(json.fault(
                "architecture",
                "a ViT of timm, such as `vit_base_patch16_224`",
            ));
        }
        let device = open_device(&config.device)?;
        let kind = kind_on(config.precision, device);
        let checkpoint = Checkpoint::open(folder)?;
        let shape = VitShape::read(&json, &checkpoint)?;
        let builder = Builder::from_checkpoint(&checkpoint)
            .kind(kind)
            .device(device);
        let (mut network, _) = builder.build(|root| Vit::new(root, &shape))?;
        network.blocks.iter_mut().try_for_each(EncoderBlock::fuse)?;
        let tags = read_tags(&folder.join("selected_tags.csv"), shape.tags)?;
        Ok(Self {
            network,
            tags,
            input: ImageInput {
                side_px: shape.side_px as u32,
                filter: PillowFilter::Bicubic,
                fit: Fit::Pad,
                is_bgr: true,
                mean: [0.5; 3],
                std: [0.5; 3],
            },
            device,
            kind,
            general: config.general,
            character: config.character,
        })
    }

    /// What it wants a picture to be.
    pub(crate) fn input(&self) -> ImageInput {
        self.input
    }

    /// The tags of each picture, separated by commas: characters first, then general ones, the surest first.
    ///
    /// # Errors
    /// No memory, or libtorch refuses an operation.
    pub(crate) fn tag(&self, pictures: &[&[f32]]) -> Result<Vec<String>, Error> {
        let scores = self.scores(pictures)?;
        Ok(scores.iter().map(|scores| self.text(scores)).collect())
    }

    /// The confidence of every tag, for each picture.
    ///
    /// # Errors
    /// As [`Tagger::tag`].
    pub(crate) fn scores(&self, pictures: &[&[f32]]) -> Result<Vec<Vec<f32>>, Error> {
        let side = i64::from(self.input.side_px);
        guarded(|| {
            let flat = pictures.concat();
            let pixels = Tensor::f_from_slice(&flat)
                .and_then(|pixels| pixels.f_reshape([pictures.len() as i64, 3, side, side]))
                .and_then(|pixels| pixels.f_to_device(self.device))
                .and_then(|pixels| pixels.f_to_kind(self.kind))
                .map_err(terminus_nn::Error::from)?;
            let scores = self.network.forward(&pixels).to_kind(Kind::Float).sigmoid();
            let scores = scores.to_device(Device::Cpu);
            let count = self.tags.len();
            Ok((0..pictures.len())
                .map(|row| {
                    let mut values = vec![0.0; count];
                    scores
                        .get(row as i64)
                        .contiguous()
                        .copy_data(&mut values, count);
                    values
                })
                .collect())
        })
    }

    fn text(&self, scores: &[f32]) -> String {
        let mut chosen: Vec<(bool, f32, &str)> = self
            .tags
            .iter()
            .zip(scores)
            .filter(|(tag, score)| match tag.category {
                Category::General => f64::from(**score) > self.general,
                Category::Character => f64::from(**score) > self.character,
                Category::Other => false,
            })
            .map(|(tag, score)| (tag.category == Category::General, *score, tag.name.as_str()))
            .collect();
        chosen.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        let names: Vec<String> = chosen.iter().map(|(.., name)| words(name)).collect();
        names.join(", ")
    }
}

/// A tag as words; faces such as `^_^` stay as they are.
fn words(tag: &str) -> String {
    if tag.chars().filter(|c| c.is_alphanumeric()).count() > 2 {
        tag.replace('_', " ")
    } else {
        tag.to_owned()
    }
}

fn read_tags(path: &Path, expected: i64) -> Result<Vec<Tag>, Error> {
    let fault = |fault: String| Error::Tags {
        path: path.to_owned(),
        fault,
    };
    let text = fs_err::read_to_string(path)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader
        .headers()
        .map_err(|error| fault(error.to_string()))?
        .clone();
    let column = |name: &str| {
        let at = headers.iter().position(|header| header == name);
        at.ok_or_else(|| fault(format!("the column `{name}` is missing")))
    };
    let (name, category) = (column("name")?, column("category")?);
    let mut tags = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| fault(error.to_string()))?;
        tags.push(Tag {
            name: record.get(name).unwrap_or_default().to_owned(),
            category: match record.get(category) {
                Some("0") => Category::General,
                Some("4") => Category::Character,
                _ => Category::Other,
            },
        });
    }
    if tags.len() as i64 != expected {
        return Err(fault(format!(
            "it has {} tags, and the model {expected}",
            tags.len()
        )));
    }
    Ok(tags)
}

#[derive(Clone, Copy, Debug)]
struct VitShape {
    encoder: EncoderShape,
    layers: i64,
    patch: i64,
    side_px: i64,
    tags: i64,
    has_class: bool,
    /// The class token has a position of its own.
    has_class_position: bool,
    /// The norm stands behind the mean over patches.
    norms_mean: bool,
}

impl VitShape {
    /// Sizes are those of the tensors: configurations of timm leave most of them out.
    fn read(config: &Config, checkpoint: &Checkpoint) -> Result<Self, Error> {
        let args = config.table("model_args").ok();
        let arg = |key: &str| args.as_ref().and_then(|args| args.value(key).cloned());
        let size = |name: &str, at: usize| {
            let shape = checkpoint.shape(name);
            shape
                .and_then(|shape| shape.get(at).copied())
                .ok_or_else(|| Error::ModelConfig {
                    path: config.path().to_owned(),
                    key: "architecture".to_owned(),
                    found: format!("a ViT, and the weights hold no `{name}`"),
                    expected: "the weights of a ViT in timm's layout",
                })
        };
        let (hidden, patch) = (
            size("patch_embed.proj.weight", 0)?,
            size("patch_embed.proj.weight", 2)?,
        );
        let has_class = checkpoint.shape("cls_token").is_some();
        let places = size("pos_embed", 1)?;
        let side = ((places - i64::from(has_class)) as f64).sqrt().round() as i64;
        let without = (places as f64).sqrt().round() as i64;
        let has_class_position = has_class && side * side == places - 1;
        let side = if has_class_position { side } else { without };
        let mut layers = 0;
        while checkpoint
            .shape(&format!("blocks.{layers}.norm1.weight"))
            .is_some()
        {
            layers += 1;
        }
        let activation = match &args {
            Some(args) if args.value("act_layer").is_some() => args.activation("act_layer")?,
            _ => Activation::Gelu,
        };
        Ok(Self {
            encoder: EncoderShape {
                hidden,
                intermediate: size("blocks.0.mlp.fc1.weight", 0)?,
                heads: arg("num_heads")
                    .and_then(|heads| heads.as_i64())
                    .unwrap_or(hidden / HEAD)
                    .max(1),
                eps: EPS,
                activation,
                norm: NormPlace::Before,
                names: &TIMM,
            },
            layers,
            patch,
            side_px: side * patch,
            tags: size("head.weight", 0)?,
            has_class,
            has_class_position,
            norms_mean: checkpoint.shape("fc_norm.weight").is_some(),
        })
    }
}

#[derive(Debug)]
struct Vit {
    patches: Conv2d,
    class: Option<Tensor>,
    positions: Tensor,
    has_class_position: bool,
    blocks: Vec<EncoderBlock>,
    norm: LayerNorm,
    norms_mean: bool,
    head: Linear,
}

impl Vit {
    fn new(root: &Place, shape: &VitShape) -> Self {
        let (hidden, patch) = (shape.encoder.hidden, shape.patch);
        let normal = Init::Normal { std: 0.02 };
        let side = shape.side_px / patch;
        let places = side * side + i64::from(shape.has_class_position);
        let norm = if shape.norms_mean { "fc_norm" } else { "norm" };
        Self {
            patches: Conv2d::strided(&(root / "patch_embed" / "proj"), 3, hidden, patch, patch, 0),
            class: shape
                .has_class
                .then(|| root.parameter("cls_token", &[1, 1, hidden], normal)),
            positions: root.parameter("pos_embed", &[1, places, hidden], normal),
            has_class_position: shape.has_class_position,
            blocks: (0..shape.layers)
                .map(|layer| EncoderBlock::new(&(root / "blocks" / layer), shape.encoder))
                .collect(),
            norm: LayerNorm::new(&(root / norm), hidden, EPS),
            norms_mean: shape.norms_mean,
            head: Linear::new(&(root / "head"), hidden, shape.tags),
        }
    }

    /// Pixels `[B, 3, H, W]` to logits `[B, T]`.
    fn forward(&self, pixels: &Tensor) -> Tensor {
        let batch = pixels.size()[0];
        let patches = self.patches.forward(pixels).flatten(2, 3).transpose(1, 2);
        let class = self
            .class
            .as_ref()
            .map(|class| class.expand([batch, -1, -1], false));
        let mut xs = match class {
            Some(class) if self.has_class_position => {
                Tensor::cat(&[class, patches], 1) + &self.positions
            }
            Some(class) => Tensor::cat(&[class, patches + &self.positions], 1),
            None => patches + &self.positions,
        };
        for (layer, block) in self.blocks.iter().enumerate() {
            xs = block.forward(&xs, layer, &mut Trace::none());
        }
        if !self.norms_mean {
            xs = self.norm.forward(&xs);
        }
        let first = i64::from(self.class.is_some());
        let patches = xs.narrow(1, first, xs.size()[1] - first);
        let mut mean = patches.mean_dim([1_i64].as_slice(), false, xs.kind());
        if self.norms_mean {
            mean = self.norm.forward(&mean);
        }
        self.head.forward(&mean)
    }
}
