//! A toy generation and a toy model: every file that a run needs, in a few hundred kilobytes.

use std::{
    collections::BTreeMap,
    num::{NonZeroU32, NonZeroU64},
    path::{Path, PathBuf},
};

use fs_err as fs;
use serde_json::{Value, json};
use terminus_manifest::{
    Root,
    generation::{
        BucketRecord, Draft, Manifest, MixRecord, SamplesRecord, ShardRecord, plan_samples,
    },
    ids::{GroupId, ItemId, PictureId, Rect, SampleId, Sha256Digest},
    index::{CaptionChoice, IndexRow},
    plan::{AnchorRatio, PlanSettings, Shape, plan},
    ratio::Ratio,
    shard::{EncodedImage, ShardLimits, ShardRow, ShardWriter},
    words::{Packing, Role, Split},
};
use terminus_pixels::{Effort, RgbImage, encode_png};
use terminus_train::{
    config::{Device, Init, LrConfig, Precision, SampleConfig, TrainConfig},
    dataset::DataSource,
    plan::{Resume, RunSettings, TrainPlan},
};

pub const SIDE: u32 = 32;
pub const RECIPE: &str = "toy";

/// A root with a generation of `count` pictures: half of them red, half blue, and captions that say so.
pub struct Toy {
    folder: tempfile::TempDir,
}

impl Toy {
    pub fn new(count: u32) -> Self {
        // Tests run side by side: threads that wait for each other would only get in each other's way.
        terminus_nn::device::set_threads(1);
        let toy = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        toy.publish(count);
        toy.write_model();
        toy
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// Publishes one more generation.
    pub fn publish(&self, count: u32) {
        self.publish_with(count, |_| {});
    }

    /// Publishes one more generation, whose shard rows `change` alters.
    pub fn publish_with(&self, count: u32, change: impl Fn(&mut ShardRow)) {
        let root = Root::new(self.root());
        let draft = Draft::claim(&root, RECIPE).unwrap();
        let shard = draft.shard_path(0);
        let name = format!(
            "../../../shards/{}",
            shard.file_name().unwrap().to_string_lossy()
        );
        let mut writer = ShardWriter::create(&shard, ShardLimits::default()).unwrap();
        let mut rows = Vec::new();
        for n in 0..count {
            let (mut row, index) = sample(n, &name);
            change(&mut row);
            writer.push(row).unwrap();
            rows.push(index);
        }
        let written = writer.finish().unwrap();
        rows.sort_by_key(|row| row.sample_id);
        let anchor = Some(AnchorRatio::ShareOfAll(Ratio::new(1, 4).unwrap()));
        let settings = PlanSettings::of_manifest(42, Shape::Square, anchor);
        let epoch = plan(&plan_samples(&rows), &settings, 0).unwrap();
        let manifest = Manifest {
            schema_version: terminus_manifest::SCHEMA_VERSION,
            recipe: RECIPE.to_owned(),
            generation: draft.number,
            parent: None,
            created_at: "2024-07-15T00:00:00Z".to_owned(),
            recipe_sha256: String::new(),
            seed: 42,
            shape: Shape::Square,
            samples: SamplesRecord::default(),
            shards: vec![ShardRecord {
                path: name,
                rows: u64::from(count),
                size_bytes: written.size_bytes,
                sha256: written.sha256.to_string(),
            }],
            mix: MixRecord {
                total: epoch.mix().clone(),
                by_collection: BTreeMap::new(),
                rules: terminus_manifest::plan::MixRules::default(),
                short_by_collection: BTreeMap::new(),
            },
            decoders: BTreeMap::new(),
            buckets: vec![BucketRecord {
                width: SIDE,
                height: SIDE,
                samples: u64::from(count),
            }],
            counts: BTreeMap::new(),
        };
        draft.publish(manifest, &rows).unwrap();
    }

    fn write_model(&self) {
        let norm = json!({ "norm_num_groups": 4 });
        let unet = json!({
            "_class_name": "UNet2DConditionModel",
            "block_out_channels": [8, 16],
            "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
            "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
            "layers_per_block": 1,
            "transformer_layers_per_block": [1, 1],
            "attention_head_dim": [1, 2],
            "cross_attention_dim": 16,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 56,
            "use_linear_projection": true,
        });
        let vae = json!({
            "_class_name": "AutoencoderKL",
            "block_out_channels": [8, 8, 8],
            "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
            "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"],
            "layers_per_block": 1,
            "latent_channels": 4,
            "scaling_factor": 1.0,
        });
        let text = |class: &str| {
            json!({
                "architectures": [class],
                "hidden_size": 8,
                "intermediate_size": 16,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "projection_dim": 8,
                "hidden_act": "gelu",
                "eos_token_id": 2,
            })
        };
        self.write_config("unet", unet, &norm);
        self.write_config("vae", vae, &norm);
        self.write_config("text_encoder", text("CLIPTextModel"), &json!({}));
        self.write_config(
            "text_encoder_2",
            text("CLIPTextModelWithProjection"),
            &json!({}),
        );
    }

    fn write_config(&self, part: &str, mut config: Value, more: &Value) {
        let keys = config.as_object_mut().unwrap();
        keys.extend(more.as_object().unwrap().clone());
        let folder = self.model().join(part);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config.json"), config.to_string()).unwrap();
    }

    pub fn model(&self) -> PathBuf {
        self.folder.path().join("model")
    }

    /// The plan of the run `name`, with small numbers; `change` alters the settings.
    pub fn plan(&self, name: &str, change: impl FnOnce(&mut TrainConfig)) -> TrainPlan {
        let mut config = TrainConfig {
            base: Some(self.model()),
            init: Init::Random,
            device: Device::Cpu,
            precision: Precision::F32,
            epochs: NonZeroU32::new(4).unwrap(),
            batch_size: NonZeroU32::new(4).unwrap(),
            lr: LrConfig {
                start: 1e-3,
                end: 1e-4,
                ..LrConfig::default()
            },
            log_every_steps: NonZeroU64::new(5).unwrap(),
            ..TrainConfig::default()
        };
        change(&mut config);
        let settings = RunSettings {
            run_folder: Root::new(self.root()).run_folder(name),
            latents_folder: self.root().join("latents"),
            data: DataSource::Recipe {
                root: self.root(),
                name: RECIPE.to_owned(),
            },
            seed: 42,
            target_px: SIDE,
            resume: Resume::Latest,
        };
        let sample = SampleConfig {
            steps: NonZeroU32::new(2).unwrap(),
            ..SampleConfig::default()
        };
        TrainPlan::new(settings, config, sample).unwrap()
    }
}

/// Picture `n`: a red or a blue disc, its place depending on `n`.
fn picture(n: u32) -> RgbImage {
    let colour = if n.is_multiple_of(2) {
        [220, 40, 40]
    } else {
        [40, 60, 220]
    };
    let centre = (10 + n % 7, 12 + n % 5);
    let pixel = |x: u32, y: u32| {
        let inside = x.abs_diff(centre.0).pow(2) + y.abs_diff(centre.1).pow(2) < 81;
        if inside { colour } else { [235, 235, 225] }
    };
    let data = (0..SIDE)
        .flat_map(|y| (0..SIDE).map(move |x| (x, y)))
        .flat_map(|(x, y)| pixel(x, y))
        .collect();
    RgbImage::new(SIDE, SIDE, data).unwrap()
}

fn sample(n: u32, shard: &str) -> (ShardRow, IndexRow) {
    let bytes = encode_png(&picture(n), Effort::Fast).unwrap();
    let sha256 = Sha256Digest::of(format!("{n}").as_bytes());
    let item_id = ItemId::new(&format!("toy:{n}.png"), 0);
    let picture_id = PictureId::new(sha256, Rect::whole(SIDE, SIDE));
    let sample_id = SampleId(picture_id.0);
    let role = if n.is_multiple_of(5) {
        Role::Anchor
    } else {
        Role::Train
    };
    let caption = if n.is_multiple_of(2) {
        "a red disc"
    } else {
        "a blue disc"
    };
    let row = ShardRow {
        image: EncodedImage {
            bytes,
            path: format!("{sample_id}.png"),
        },
        sample_id,
        item_id,
        picture_id,
        sha256,
        source_id: format!("toy:{n}.png"),
        collection: "toy".to_owned(),
        role,
        caption: caption.to_owned(),
        original_width: SIDE,
        original_height: SIDE,
        crop_top: 0,
        crop_left: 0,
        tile_top: 0,
        tile_left: 0,
        resized_width: None,
        resized_height: None,
        width: SIDE,
        height: SIDE,
        packing: Packing::Png,
    };
    let index = IndexRow {
        sample_id,
        shard: shard.to_owned(),
        row: n,
        item_id,
        picture_id,
        group_id: GroupId::new(item_id),
        collection: "toy".to_owned(),
        role,
        split: if n % 8 == 7 {
            Split::Validation
        } else {
            Split::Train
        },
        original_width: SIDE,
        original_height: SIDE,
        crop_top: 0,
        crop_left: 0,
        tile_top: 0,
        tile_left: 0,
        resized_width: None,
        resized_height: None,
        width: SIDE,
        height: SIDE,
        packing: Packing::Png,
        captions: vec![CaptionChoice {
            text: caption.to_owned(),
            kind: "text".to_owned(),
            source: "toy".to_owned(),
            weight: 1.0,
        }],
    };
    (row, index)
}

/// The bytes of every file under `folder` by relative path, but for those whose names are in `except`.
pub fn bytes_of(folder: &Path, except: &[&str]) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if except.contains(&name) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(folder).unwrap().to_owned();
                files.insert(relative, fs::read(&path).unwrap());
            }
        }
    }
    files
}
