//! The small random model of `tests/golden/make_pipelines.py` as a diffusers folder.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tch::Tensor;
use terminus_nn::{Checkpoint, Metadata, save_safetensors};
use terminus_train::{
    config::Solver,
    draw::{DrawRequest, Start},
    prompt::Prompt,
    sampler::Guidance,
    source::ModelSource,
};

/// A model's folder that is removed when it is dropped.
pub struct Small {
    folder: tempfile::TempDir,
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs_err::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

impl Small {
    /// With v-prediction and zero terminal SNR.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/clip");
        for part in ["text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2"] {
            copy(&clip.join(part), &root.join(part));
        }
        copy(&data("pipelines/unet"), &root.join("unet"));
        fs_err::create_dir(root.join("vae")).unwrap();
        for (from, to) in [
            ("config.json", "config.json"),
            ("weights.safetensors", "diffusion_pytorch_model.safetensors"),
        ] {
            fs_err::copy(data("vae").join(from), root.join("vae").join(to)).unwrap();
        }
        let small = Self { folder };
        small.set_scheduler(&json!({
            "_class_name": "DDIMScheduler", "beta_schedule": "scaled_linear", "beta_start": 0.00085,
            "beta_end": 0.012, "prediction_type": "v_prediction", "timestep_spacing": "trailing",
            "rescale_betas_zero_snr": true,
        }));
        small
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn set_scheduler(&self, config: &Value) {
        let folder = self.path().join("scheduler");
        fs_err::create_dir_all(&folder).unwrap();
        fs_err::write(folder.join("scheduler_config.json"), config.to_string()).unwrap();
    }

    #[allow(dead_code, reason = "not every test file draws into pictures")]
    /// Widens the UNet to the 9 channels of a model for inpainting.
    pub fn make_for_inpainting(&self) {
        let path = self.path().join("unet/diffusion_pytorch_model.safetensors");
        let (narrow, wide) = (
            Checkpoint::open(&path).unwrap(),
            Checkpoint::open(&data("pipelines/conv_in.safetensors")).unwrap(),
        );
        let tensors: Vec<(&str, Tensor)> = narrow
            .names()
            .map(|name| {
                let tensor = wide.tensor(name).unwrap().or(narrow.tensor(name).unwrap());
                (name, tensor.unwrap())
            })
            .collect();
        let wide_path = self.path().join("unet/wide.safetensors");
        let tensors = tensors.iter().map(|(name, tensor)| (*name, tensor));
        save_safetensors(&wide_path, tensors, None, &Metadata::new()).unwrap();
        fs_err::rename(wide_path, path).unwrap();
        let config = self.path().join("unet/config.json");
        let mut json: Value =
            serde_json::from_str(&fs_err::read_to_string(&config).unwrap()).unwrap();
        json["in_channels"] = 9.into();
        fs_err::write(config, json.to_string()).unwrap();
    }

    pub fn open(&self) -> ModelSource {
        ModelSource::open(self.path(), None).unwrap()
    }
}

/// A tensor of the fixtures.
pub fn case(name: &str) -> Tensor {
    let cases = Checkpoint::open(&data("pipelines/cases.safetensors")).unwrap();
    cases.tensor(name).unwrap().unwrap()
}

/// A file of the fixtures.
pub fn file(name: &str) -> PathBuf {
    data("pipelines").join(name)
}

/// A request for these prompts from the noise of the fixtures.
pub fn request(
    source: &ModelSource,
    prompts: &[&str],
    solver: Solver,
    steps: usize,
) -> DrawRequest {
    DrawRequest {
        prompts: prompts.iter().map(|text| Prompt::literal(text)).collect(),
        seeds: (0..prompts.len() as u64).collect(),
        negative: Some(Prompt::literal("the dog")),
        size: (56, 40),
        geometry: None,
        sampling: source.sampling.clone(),
        solver,
        steps,
        guidance: Guidance {
            scale: 4.0,
            rescale: 0.7,
        },
        start: Start::Noise,
        noise: (prompts.len() <= 2).then(|| case("noise").narrow(0, 0, prompts.len() as i64)),
        upscale: None,
        batch_size: 2,
        tiled: false,
        decodes: false,
    }
}
