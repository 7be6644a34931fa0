//! Models change their layout without changing a bit, and what is wrong with one is told by name.
#![cfg(feature = "torch")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod small;

use small::{Small, file, request};
use tch::Tensor;
use terminus_manifest::run::{Cancel, Silent};
use terminus_nn::{Checkpoint, Metadata, save_safetensors};
use terminus_train::{
    Error,
    base::BaseSource,
    config::{Init, PredictionType, Solver},
    convert::{ConvertOptions, ModelCard, thumbnail, to_folder, to_single_file},
    draw::{Arithmetic, Compute, Demand, MemoryPlan, draw},
    sampling::Evidence,
    single_file::Part,
    source::{Layout, ModelSource},
};

fn tensors(source: &ModelSource) -> Vec<(String, Tensor)> {
    let all = Part::ALL.into_iter().flat_map(|part| {
        let checkpoint = source.checkpoint(part);
        let read = |name: &str| {
            let tensor = checkpoint.tensor(name).unwrap().unwrap();
            (format!("{}/{name}", part.folder()), tensor)
        };
        source
            .parameters(part)
            .unwrap()
            .iter()
            .map(|(name, _)| read(name))
            .collect::<Vec<_>>()
    });
    all.collect()
}

fn assert_equal(a: &ModelSource, b: &ModelSource) {
    let (a, b) = (tensors(a), tensors(b));
    assert_eq!(a.len(), b.len());
    for ((name, ours), (other, theirs)) in a.iter().zip(&b) {
        assert_eq!(name, other);
        assert_eq!(ours.kind(), theirs.kind(), "{name}");
        assert!(ours.equal(theirs), "{name}");
    }
}

#[test]
fn there_and_back_again_is_the_same_to_the_bit() {
    let small = Small::new();
    let source = small.open();
    let folder = tempfile::tempdir().unwrap();
    let single = folder.path().join("model.safetensors");
    to_single_file(&source, &single, &ConvertOptions::default()).unwrap();
    // The file brings its own configurations; only the small tokenizers lie elsewhere.
    let alone = ModelSource::open(&single, None).unwrap();
    assert_eq!(
        (alone.layout, &alone.configs),
        (Layout::SingleFile, &source.configs)
    );
    assert_equal(&source, &alone);
    let file = ModelSource::open(&single, Some(small.path())).unwrap();
    let back = folder.path().join("back");
    to_folder(&file, &back, &ConvertOptions::default()).unwrap();
    let back = ModelSource::open(&back, None).unwrap();
    assert_equal(&source, &back);
    assert_eq!(back.sampling, source.sampling);
    let again = folder.path().join("again.safetensors");
    to_single_file(&file, &again, &ConvertOptions::default()).unwrap();
    let bytes = |path| fs_err::read(path).unwrap();
    assert!(
        bytes(&single) == bytes(&again),
        "the same model gives the same bytes"
    );
}

#[test]
fn a_file_and_its_folder_draw_the_same_latents() {
    let small = Small::new();
    let folder = tempfile::tempdir().unwrap();
    let single = folder.path().join("model.safetensors");
    to_single_file(&small.open(), &single, &ConvertOptions::default()).unwrap();
    let latents = |source: &ModelSource| {
        let compute = Compute::open("cpu", None).unwrap();
        let request = request(source, &["a cat"], Solver::Ddim, 3);
        draw(source, &request, compute, &Silent, &Cancel::new())
            .unwrap()
            .latents
    };
    let file = ModelSource::open(&single, Some(small.path())).unwrap();
    assert!(latents(&small.open()).equal(&latents(&file)));
}

#[test]
fn markers_and_metadata_say_how_a_file_is_sampled() {
    let small = Small::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let options = ConvertOptions {
        card: ModelCard {
            title: Some("Small".to_owned()),
            license: Some("openrail++".to_owned()),
            thumbnail: Some(thumbnail(&file("image.png")).unwrap()),
            ..ModelCard::default()
        },
        ..ConvertOptions::default()
    };
    to_single_file(&small.open(), &path, &options).unwrap();
    let file = Checkpoint::open(&path).unwrap();
    assert_eq!(file.shape("v_pred"), Some([0].as_slice()));
    assert_eq!(file.shape("ztsnr"), Some([0].as_slice()));
    let metadata = |key: &str| file.metadata()[&format!("modelspec.{key}")].clone();
    assert_eq!(metadata("sai_model_spec"), "1.0.1");
    assert_eq!(metadata("prediction_type"), "v");
    assert_eq!(metadata("title"), "Small");
    assert_eq!(metadata("license"), "openrail++");
    assert!(metadata("thumbnail").starts_with("data:image/jpeg;base64,/9j/"));

    // A file of another program: markers alone, or nothing.
    for (markers, kind, is_zero, evidence) in [
        (
            &["v_pred", "ztsnr"][..],
            PredictionType::VPrediction,
            true,
            Evidence::Markers,
        ),
        (
            &["v_pred"][..],
            PredictionType::VPrediction,
            false,
            Evidence::Markers,
        ),
        (&[][..], PredictionType::Epsilon, false, Evidence::Assumed),
    ] {
        let tensors: Vec<(&str, Tensor)> = file
            .names()
            .filter(|name| !["v_pred", "ztsnr"].contains(name) || markers.contains(name))
            .map(|name| (name, file.tensor(name).unwrap().unwrap()))
            .collect();
        let other = folder.path().join("other.safetensors");
        let tensors = tensors.iter().map(|(name, tensor)| (*name, tensor));
        save_safetensors(&other, tensors, None, &Metadata::new()).unwrap();
        let sampling = terminus_train::sampling::SamplingSettings::of_file(
            &Checkpoint::open(&other).unwrap(),
            None,
        )
        .unwrap();
        assert_eq!(sampling.scheduler.prediction_type, kind);
        assert_eq!(sampling.scheduler.zero_terminal_snr, is_zero);
        assert_eq!(sampling.evidence, evidence);
    }
}

#[test]
fn another_precision_and_a_variant_are_written_and_found_again() {
    let small = Small::new();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("half");
    let options = ConvertOptions {
        arithmetic: Some(Arithmetic::Bf16),
        variant: Some("fp16".to_owned()),
        ..ConvertOptions::default()
    };
    to_folder(&small.open(), &target, &options).unwrap();
    assert!(
        target
            .join("unet/diffusion_pytorch_model.fp16.safetensors")
            .is_file()
    );
    let half = ModelSource::open(&target, None).unwrap();
    for (name, tensor) in tensors(&half) {
        assert_eq!(tensor.kind(), tch::Kind::BFloat16, "{name}");
    }
    let again = to_folder(&half, &target, &options).unwrap_err();
    assert!(matches!(again, Error::TargetExists { .. }), "{again}");
}

/// The single file of a small model, with some tensors changed.
fn changed(change: impl Fn(&mut Vec<(String, Tensor)>)) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    to_single_file(&Small::new().open(), &path, &ConvertOptions::default()).unwrap();
    let file = Checkpoint::open(&path).unwrap();
    let mut tensors: Vec<(String, Tensor)> = file
        .names()
        .map(|name| (name.to_owned(), file.tensor(name).unwrap().unwrap()))
        .collect();
    change(&mut tensors);
    let named = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
    let other = folder.path().join("changed.safetensors");
    save_safetensors(&other, named, None, file.metadata()).unwrap();
    (folder, other)
}

#[test]
fn every_fault_of_a_file_is_told_at_once_under_the_files_own_names() {
    let fused = "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_bias";
    let (_folder, path) = changed(|tensors| {
        tensors.retain(|(name, _)| name != "first_stage_model.decoder.norm_out.bias");
        let extra = Tensor::from_slice(&[1.0_f32]);
        tensors.push((
            "model.diffusion_model.adapter.weight".to_owned(),
            extra.copy(),
        ));
        // Buffers, averages and leftovers of training are no fault.
        tensors.push(("model_ema.decay".to_owned(), extra.copy()));
        tensors.push((
            "conditioner.embedders.1.model.logit_scale".to_owned(),
            extra,
        ));
        for (name, tensor) in tensors.iter_mut() {
            if name == fused || name.ends_with("label_emb.0.2.bias") {
                *tensor = tensor.narrow(0, 0, 7).copy();
            }
        }
    });
    let Err(Error::Nn(error)) = ModelSource::open(&path, None) else {
        panic!("accepted");
    };
    let text = error.to_string();
    for part in [
        "1 missing, 1 surplus, 2 of another shape",
        "missing `first_stage_model.decoder.norm_out.bias`",
        "surplus `model.diffusion_model.adapter.weight`",
        &format!("`{fused}` [7] instead of [120]"),
        "`model.diffusion_model.label_emb.0.2.bias` [7] instead of [48]",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn faults_of_a_folder_are_told_together_with_their_parts() {
    let small = Small::new();
    for part in ["unet", "vae"] {
        let path = small
            .path()
            .join(part)
            .join("diffusion_pytorch_model.safetensors");
        let file = Checkpoint::open(&path).unwrap();
        let kept: Vec<(&str, Tensor)> = file
            .names()
            .skip(1)
            .map(|name| (name, file.tensor(name).unwrap().unwrap()))
            .collect();
        let kept = kept.iter().map(|(name, tensor)| (*name, tensor));
        let other = path.with_extension("tmp");
        save_safetensors(&other, kept, None, &Metadata::new()).unwrap();
        fs_err::rename(other, path).unwrap();
    }
    let error = ModelSource::open(small.path(), None)
        .unwrap_err()
        .to_string();
    assert!(error.contains("2 missing"), "{error}");
    assert!(
        error.contains("missing `unet/") && error.contains("missing `vae/"),
        "{error}"
    );
}

#[test]
fn pickles_truncated_files_and_other_things_are_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs_err::write(at("old.ckpt"), b"PK\x03\x04 a pickle").unwrap();
    let error = ModelSource::open(&at("old.ckpt"), None)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("pickle") && error.contains("save_file"),
        "{error}"
    );
    fs_err::write(at("renamed.safetensors"), b"PK\x03\x04 a pickle").unwrap();
    let error = ModelSource::open(&at("renamed.safetensors"), None)
        .unwrap_err()
        .to_string();
    assert!(error.contains("pickle"), "{error}");

    let whole = at("whole.safetensors");
    to_single_file(&Small::new().open(), &whole, &ConvertOptions::default()).unwrap();
    let bytes = fs_err::read(&whole).unwrap();
    fs_err::write(at("short.safetensors"), &bytes[..bytes.len() - 1000]).unwrap();
    let error = ModelSource::open(&at("short.safetensors"), None)
        .unwrap_err()
        .to_string();
    assert!(error.contains("not a whole safetensors file"), "{error}");

    let error = ModelSource::open(&at("nothing"), None).unwrap_err();
    assert!(matches!(error, Error::NoModel { .. }), "{error}");
    let error = ModelSource::open(folder.path(), None).unwrap_err();
    assert!(matches!(error, Error::NoModel { .. }), "{error}");
}

#[test]
fn a_run_can_start_from_a_single_file() {
    let small = Small::new();
    let folder = tempfile::tempdir().unwrap();
    let single = folder.path().join("model.safetensors");
    let source = small.open();
    to_single_file(&source, &single, &ConvertOptions::default()).unwrap();
    let base = BaseSource {
        folder: single,
        vae: None,
        init: Init::Pretrained,
        seed: 0,
    };
    let target = folder.path().join("base");
    // The small tokenizers are not in the file: it is refused as a whole, with the way out.
    let error = base
        .prepare(&target, &source.sampling.scheduler)
        .unwrap_err();
    assert!(matches!(error, Error::NoTokenizer { .. }), "{error}");
    assert!(!target.exists() && base.is_there());
}

#[test]
fn a_model_that_does_not_fit_says_how_much_it_takes_and_what_makes_it_fit() {
    let source = Small::new().open();
    let demand = Demand {
        kind: tch::Kind::Float,
        rows: 2,
        size: (2048, 2048),
        tiled: false,
    };
    let plan = MemoryPlan::new(&source, demand).unwrap();
    plan.check(&source, demand, plan.peak_bytes()).unwrap();
    let tiled = Demand {
        tiled: true,
        ..demand
    };
    let less = MemoryPlan::new(&source, tiled).unwrap().peak_bytes();
    assert!(less < plan.peak_bytes());
    let error = plan.check(&source, demand, less).unwrap_err().to_string();
    assert!(
        error.contains("GiB") && error.contains("it fits with `--vae-tiling`"),
        "{error}"
    );
    let error = plan.check(&source, demand, 1000).unwrap_err().to_string();
    assert!(error.contains("no setting makes it fit"), "{error}");
}
