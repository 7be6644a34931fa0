//! `sample`, `export` and `doctor --model` from the outside, on the small random model of the fixtures.
#![cfg(feature = "torch")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The small model as a diffusers folder, beside whatever the test writes.
struct Work {
    folder: tempfile::TempDir,
}

fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

impl Work {
    fn new() -> Self {
        let work = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let copy = |from: &str, to: &str| {
            let to = work.at("model").join(to);
            fs_err::create_dir_all(to.parent().unwrap()).unwrap();
            fs_err::copy(fixtures(from), to).unwrap();
        };
        for part in ["text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2"] {
            let from = format!("tests/golden/clip/{part}");
            for entry in fs_err::read_dir(fixtures(&from)).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                copy(&format!("{from}/{name}"), &format!("{part}/{name}"));
            }
        }
        let data = "train/tests/data";
        let weights = "diffusion_pytorch_model.safetensors";
        for name in ["config.json", weights] {
            let from = format!("{data}/pipelines/unet/{name}");
            copy(&from, &format!("unet/{name}"));
        }
        copy(&format!("{data}/vae/config.json"), "vae/config.json");
        copy(
            &format!("{data}/vae/weights.safetensors"),
            &format!("vae/{weights}"),
        );
        let scheduler = work.at("model/scheduler/scheduler_config.json");
        fs_err::create_dir_all(scheduler.parent().unwrap()).unwrap();
        let config = r#"{"_class_name": "EulerDiscreteScheduler", "beta_start": 0.00085, "beta_end": 0.012,
            "beta_schedule": "scaled_linear", "prediction_type": "v_prediction", "timestep_spacing": "trailing",
            "rescale_betas_zero_snr": true}"#;
        fs_err::write(scheduler, config).unwrap();
        work
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_terminus"))
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// `terminus sample` of two steps.
    fn sample(&self, more: &[&str]) -> Output {
        let mut arguments = vec!["sample", "--model", "model", "--num-inference-steps", "2"];
        arguments.extend(["--quiet", "--threads", "1", "--prompt", "a red cat"]);
        arguments.extend(more);
        self.run(&arguments)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn assert_fails(output: &Output, words: &[&str]) {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "`{word}` is not in {stderr}");
    }
}

#[test]
fn pictures_carry_their_parameters_and_nothing_is_written_over() {
    let work = Work::new();
    let arguments = [
        "--num-images-per-prompt",
        "2",
        "--seed",
        "7",
        "--negative-prompt",
        "dog",
    ];
    for names in [
        ["000001-7.png", "000002-8.png"],
        ["000003-7.png", "000004-8.png"],
    ] {
        let output = work.sample(&arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let expected: String = names.map(|name| format!("pictures/{name}\n")).concat();
        assert_eq!(text(&output.stdout), expected);
    }
    let bytes = |name: &str| fs_err::read(work.at("pictures").join(name)).unwrap();
    assert_eq!(
        bytes("000001-7.png"),
        bytes("000003-7.png"),
        "the same seed, the same bytes"
    );
    let png = text(&bytes("000002-8.png"));
    let parameters = "tEXtparameters\0a red cat\nNegative prompt: dog\nSteps: 2, Sampler: Euler, CFG scale: 7.5, Seed: 8, \
                      Size: 56x56, Model: model, CFG Rescale: 0.7";
    assert!(png.contains(parameters), "{}", &png[..400.min(png.len())]);
}

#[test]
fn latents_go_out_and_come_in_again() {
    let work = Work::new();
    let output = work.sample(&["--save-latents", "end.safetensors", "--no-decode"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!work.at("pictures").exists());
    let again = [
        "--latents",
        "end.safetensors",
        "--save-latents",
        "again.safetensors",
        "--no-decode",
    ];
    assert!(work.sample(&again).status.success());
    let bytes = |name: &str| fs_err::read(work.at(name)).unwrap();
    assert_ne!(bytes("end.safetensors"), bytes("again.safetensors"));
    let upscaled = work.sample(&["--latents", "end.safetensors", "--upscale", "2"]);
    assert_fails(&upscaled, &["`--upscale` takes two"]);
    let wrong = work.sample(&["--latents", "end.safetensors", "--width", "64"]);
    assert_fails(&wrong, &["[1, 4, 7, 7]", "[1, 4, 7, 8]"]);
}

#[test]
fn a_part_of_a_picture_is_drawn_anew_and_bad_masks_are_refused() {
    let work = Work::new();
    for name in ["image.png", "mask.png"] {
        fs_err::copy(
            fixtures("train/tests/data/pipelines").join(name),
            work.at(name),
        )
        .unwrap();
    }
    let arguments = [
        "--image",
        "image.png",
        "--mask-image",
        "mask.png",
        "--output",
        "new.png",
    ];
    let output = work.sample(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(work.at("new.png").is_file());

    fs_err::copy(fixtures("docs/demo.png"), work.at("large.png")).unwrap();
    let other = work.sample(&["--image", "image.png", "--mask-image", "large.png"]);
    assert_fails(&other, &["its picture 56x40", "hint:"]);
    let none = work.sample(&["--image", "image.png", "--padding-mask-crop", "4"]);
    assert_fails(&none, &["has no alpha", "--mask-image"]);
    let text_file = work.sample(&["--image", "model/unet/config.json"]);
    assert_fails(&text_file, &["config.json"]);
}

#[test]
fn bad_arguments_are_told_at_once_with_a_way_out() {
    let work = Work::new();
    assert_fails(
        &work.sample(&["--width", "60"]),
        &["multiples of 8", "--width 64"],
    );
    let numbers = [
        "--guidance-rescale",
        "2",
        "--guidance-scale=-1",
        "--upscale",
        "99",
    ];
    assert_fails(
        &work.sample(&numbers),
        &[
            "--guidance-rescale` is 2",
            "--guidance-scale` is -1",
            "--upscale` is 99",
        ],
    );
    assert_fails(
        &work.sample(&["--memory-limit", "0.001"]),
        &["GiB", "hint:"],
    );
    let epsilon = work.sample(&["--prediction-type", "epsilon", "--output", "e.png"]);
    assert!(epsilon.status.success(), "{}", text(&epsilon.stderr));
    assert!(
        text(&epsilon.stderr).contains("overrules the model"),
        "{}",
        text(&epsilon.stderr)
    );
    assert_fails(
        &work.run(&["sample", "--model", "nothing", "--prompt", "a"]),
        &["is no model"],
    );
}

#[test]
fn an_exported_file_is_known_for_what_it_is() {
    let work = Work::new();
    let export = [
        "export",
        "--model",
        "model",
        "--format",
        "single-file",
        "--output",
        "out/single.safetensors",
        "--license",
        "openrail++",
        "--precision",
        "f16",
    ];
    let output = work.run(&export);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let auto_v2 = text(&output.stdout);
    let auto_v2 = auto_v2
        .lines()
        .nth(1)
        .unwrap()
        .strip_prefix("AutoV2 ")
        .unwrap();
    assert_eq!(auto_v2.len(), 10);
    assert_fails(&work.run(&export), &["is there already"]);

    // Its tokenizers are not CLIP's: `doctor` says so, and how to mend it.
    let alone = work.run(&["doctor", "--model", "out/single.safetensors"]);
    assert_eq!(alone.status.code(), Some(1));
    assert!(text(&alone.stdout).contains("--config FOLDER"));
    let arguments = [
        "doctor",
        "--model",
        "out/single.safetensors",
        "--config",
        "model",
    ];
    let output = work.run(&arguments);
    let found = text(&output.stdout);
    assert!(output.status.success(), "{found}");
    for word in [
        "a single file; draws from text (4 channels)",
        "v_prediction, with zero terminal SNR",
        "EulerDiscreteScheduler, timesteps trailing",
        "tensors of Half",
        "license: openrail++",
        auto_v2,
    ] {
        assert!(found.contains(word), "`{word}` is not in {found}");
    }
}
