//! SDXL's text side equals transformers and diffusers, on the fixtures of `tests/golden/make_clip.py`.
#![cfg(feature = "torch")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tch::{Device, Kind, Tensor};
use terminus_nn::{Builder, Checkpoint};
use terminus_train::Error;
use terminus_train::networks::{
    Activation, ClipTextConfig, ClipTextModel, Pooling, TextConditioner,
};

const CPU: (Device, Kind) = (Device::Cpu, Kind::Float);

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/clip")
}

fn expected(name: &str) -> Tensor {
    let file = Checkpoint::open(&golden().join("expected.safetensors")).unwrap();
    file.tensor(name).unwrap().unwrap()
}

fn captions() -> Vec<String> {
    let text = fs_err::read_to_string(golden().join("captions.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// max|a − b| over max|b|.
fn difference(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.size(), b.size());
    (a - b).abs().max().double_value(&[]) / b.abs().max().double_value(&[])
}

#[track_caller]
fn assert_close(name: &str, a: &Tensor, b: &Tensor) {
    let difference = difference(a, b);
    println!("{name}: max|a-b| / max|b| = {difference:.1e}");
    assert!(difference <= 1e-4, "{name}: {difference:.1e}");
}

/// The small encoder in `folder`, with its configuration as `change` leaves it.
fn encoder(folder: &str, change: impl FnOnce(&mut ClipTextConfig)) -> ClipTextModel {
    let folder = golden().join(folder);
    let mut config = ClipTextConfig::read(&folder).unwrap();
    change(&mut config);
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let builder =
        Builder::from_checkpoint(&checkpoint).ignoring("text_model.embeddings.position_ids");
    builder
        .build(|root| ClipTextModel::new(root, &config))
        .unwrap()
        .0
}

#[test]
fn both_kinds_of_encoder_equal_transformers() {
    for name in ["text_encoder", "text_encoder_2"] {
        let ids = expected(&format!("{name}.ids"));
        let model = encoder(name, |_| ());
        let out = model.forward(&ids, Kind::Float);
        for (key, found) in [
            ("penultimate", &out.penultimate),
            ("last_hidden_state", &out.last_hidden_state),
            ("pooled", &out.pooled),
        ] {
            assert_close(
                &format!("{name}.{key}"),
                found,
                &expected(&format!("{name}.{key}")),
            );
        }
        assert_eq!(model.penultimate(&ids, Kind::Float), out.penultimate);
    }
}

#[test]
fn another_eos_token_id_than_2_pools_at_its_first_place() {
    for name in ["text_encoder", "text_encoder_2"] {
        let ids = expected(&format!("{name}.ids"));
        let model = encoder(name, |config| config.pooling = Pooling::FirstOf(7));
        let pooled = model.forward(&ids, Kind::Float).pooled;
        assert_close(name, &pooled, &expected(&format!("{name}.pooled_at_7")));
        assert!(difference(&pooled, &expected(&format!("{name}.pooled"))) > 0.1);
    }
}

#[test]
fn bf16_stays_near_f32() {
    let ids = expected("text_encoder_2.ids");
    let model = encoder("text_encoder_2", |_| ());
    let out = model.forward(&ids, Kind::BFloat16);
    assert_eq!(out.penultimate.kind(), Kind::BFloat16);
    let penultimate = out.penultimate.to_kind(Kind::Float);
    let difference = difference(&penultimate, &expected("text_encoder_2.penultimate"));
    assert!(difference < 0.03, "{difference}");
}

#[test]
fn captions_become_what_the_diffusers_pipeline_makes_of_them() {
    let (device, kind) = CPU;
    let conditioner = TextConditioner::from_folder(&golden(), device, kind).unwrap();
    let out = conditioner.encode(&captions()).unwrap();
    let states = expected("pipeline.encoder_hidden_states");
    assert_close("encoder_hidden_states", &out.encoder_hidden_states, &states);
    assert_close(
        "text_embeds",
        &out.text_embeds,
        &expected("pipeline.text_embeds"),
    );
    assert_eq!(out.dropped_tokens, [0, 0, 0, 0, 15, 0]);
    assert_eq!(conditioner.hidden_size(), states.size()[2]);
    assert_eq!(conditioner.pooled_size(), 28);
}

/// That the test above notices the two commonest mistakes.
#[test]
fn the_last_state_and_the_other_padding_are_far_from_the_pipelines() {
    let states = expected("pipeline.encoder_hidden_states");
    let (first, second) = (states.narrow(2, 0, 24), states.narrow(2, 24, 40));
    let (device, kind) = CPU;
    let conditioner = TextConditioner::from_folder(&golden(), device, kind).unwrap();
    for (name, at, half) in [("text_encoder", 0, first), ("text_encoder_2", 1, second)] {
        let tokenizers = conditioner.encoders().map(|encoder| &encoder.tokenizer);
        let model = encoder(name, |_| ());
        let run = |tokenizer: usize| {
            let ids: Vec<i64> = captions()
                .iter()
                .flat_map(|text| tokenizers[tokenizer].encode_padded(text).ids)
                .collect();
            model.forward(&Tensor::from_slice(&ids).view([-1, 77]), Kind::Float)
        };
        assert!(difference(&run(at).penultimate, &half) < 1e-4);
        assert!(
            difference(&run(at).last_hidden_state, &half) > 0.1,
            "{name}: last state"
        );
        assert!(
            difference(&run(1 - at).penultimate, &half) > 0.1,
            "{name}: padding"
        );
    }
}

#[test]
fn names_are_those_of_transformers() {
    for folder in ["text_encoder", "text_encoder_2"] {
        let config = ClipTextConfig::read(&golden().join(folder)).unwrap();
        let (_, weights) = Builder::shapes()
            .build(|root| ClipTextModel::new(root, &config))
            .unwrap();
        let ours: BTreeSet<&str> = weights.iter().map(|(name, _)| name).collect();
        let checkpoint = Checkpoint::open(&golden().join(folder)).unwrap();
        let theirs: BTreeSet<&str> = checkpoint
            .names()
            .filter(|name| !name.ends_with("position_ids"))
            .collect();
        assert_eq!(ours, theirs);
    }
}

#[test]
fn the_full_encoders_have_sdxls_parameter_counts() {
    let count = |config: &ClipTextConfig| {
        let (_, weights) = Builder::shapes()
            .build(|root| ClipTextModel::new(root, config))
            .unwrap();
        weights.parameter_count()
    };
    assert_eq!(count(&ClipTextConfig::vit_l()), 123_060_480);
    assert_eq!(count(&ClipTextConfig::big_g()), 694_659_840);
}

#[test]
fn a_model_without_the_prefix_loads_as_transformers_5_writes_it() {
    let scratch = tempfile::tempdir().unwrap();
    for folder in ["tokenizer", "tokenizer_2", "text_encoder", "text_encoder_2"] {
        fs_err::create_dir(scratch.path().join(folder)).unwrap();
        for entry in fs_err::read_dir(golden().join(folder)).unwrap() {
            let entry = entry.unwrap();
            fs_err::copy(
                entry.path(),
                scratch.path().join(folder).join(entry.file_name()),
            )
            .unwrap();
        }
    }
    let weights = scratch.path().join("text_encoder/model.safetensors");
    let checkpoint = Checkpoint::open(&weights).unwrap();
    let bare: Vec<(String, Tensor)> = checkpoint
        .names()
        .filter(|name| !name.ends_with("position_ids"))
        .map(|name| {
            (
                name.replace("text_model.", ""),
                checkpoint.tensor(name).unwrap().unwrap(),
            )
        })
        .collect();
    let named = bare.iter().map(|(name, tensor)| (name.as_str(), tensor));
    terminus_nn::save_safetensors(&weights, named, None, &terminus_nn::Metadata::new()).unwrap();

    let (device, kind) = CPU;
    let conditioner = TextConditioner::from_folder(scratch.path(), device, kind).unwrap();
    let out = conditioner.encode(&["a cat"]).unwrap();
    let states = expected("pipeline.encoder_hidden_states").narrow(0, 0, 1);
    assert_close("encoder_hidden_states", &out.encoder_hidden_states, &states);
}

fn small() -> [ClipTextConfig; 2] {
    let first = ClipTextConfig {
        hidden_size: 12,
        intermediate_size: 20,
        num_hidden_layers: 2,
        num_attention_heads: 3,
        ..ClipTextConfig::vit_l()
    };
    let second = ClipTextConfig {
        projection_dim: Some(10),
        hidden_act: Activation::Gelu,
        ..first.clone()
    };
    [first, second]
}

#[test]
fn fresh_encoders_depend_on_the_seed_and_survive_the_disk() {
    let (device, kind) = CPU;
    let text = ["80s anime still, retro city at dusk", ""];
    let random = |seed| TextConditioner::random(small(), seed, device, kind).unwrap();
    let conditioner = random(7);
    let out = conditioner.encode(&text).unwrap();
    assert_eq!(out.encoder_hidden_states.size(), [2, 77, 24]);
    assert_eq!(out.text_embeds.size(), [2, 10]);
    let (one, two) = (
        out.encoder_hidden_states.narrow(2, 0, 12),
        out.encoder_hidden_states.narrow(2, 12, 12),
    );
    assert!(difference(&one, &two) > 0.1, "the encoders differ");
    assert_eq!(
        random(7).encode(&text).unwrap().text_embeds,
        out.text_embeds
    );
    assert_ne!(
        random(8).encode(&text).unwrap().text_embeds,
        out.text_embeds
    );

    let scratch = tempfile::tempdir().unwrap();
    conditioner.write_folder(scratch.path(), None).unwrap();
    let back = TextConditioner::from_folder(scratch.path(), device, kind).unwrap();
    let again = back.encode(&text).unwrap();
    assert_eq!(again.encoder_hidden_states, out.encoder_hidden_states);
    assert_eq!(again.text_embeds, out.text_embeds);
    assert_eq!(
        back.encoders().map(|encoder| encoder.config.clone()),
        small()
    );
}

/// `text_encoder/config.json` of stable-diffusion-xl-base-1.0; the second differs in the keys below.
const PUBLISHED: &str = r#"{"architectures": ["CLIPTextModel"], "attention_dropout": 0.0, "bos_token_id": 0,
    "dropout": 0.0, "eos_token_id": 2, "hidden_act": "quick_gelu", "hidden_size": 768, "initializer_factor": 1.0,
    "initializer_range": 0.02, "intermediate_size": 3072, "layer_norm_eps": 1e-05, "max_position_embeddings": 77,
    "model_type": "clip_text_model", "num_attention_heads": 12, "num_hidden_layers": 12, "pad_token_id": 1,
    "projection_dim": 768, "torch_dtype": "float16", "transformers_version": "4.32.0.dev0", "vocab_size": 49408}"#;

#[test]
fn the_published_configs_are_read_and_written() {
    let mut first: serde_json::Value = serde_json::from_str(PUBLISHED).unwrap();
    let mut second = first.clone();
    second["architectures"] = serde_json::json!(["CLIPTextModelWithProjection"]);
    second["hidden_act"] = "gelu".into();
    for (key, size) in [
        ("hidden_size", 1280),
        ("intermediate_size", 5120),
        ("num_attention_heads", 20),
        ("num_hidden_layers", 32),
        ("projection_dim", 1280),
    ] {
        second[key] = size.into();
    }
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("config.json");
    for (json, config) in [
        (&mut first, ClipTextConfig::vit_l()),
        (&mut second, ClipTextConfig::big_g()),
    ] {
        fs_err::write(&path, json.to_string()).unwrap();
        assert_eq!(ClipTextConfig::read(scratch.path()).unwrap(), config);
        let keys = json.as_object_mut().unwrap();
        keys.remove("torch_dtype");
        keys.remove("transformers_version");
        assert_eq!(config.to_json(), *json);
    }
}

#[test]
fn a_config_that_does_not_fit_names_every_key() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("config.json");
    fs_err::write(
        &path,
        r#"{"architectures": ["T5EncoderModel"], "hidden_act": "relu", "hidden_size": 10,
            "num_hidden_layers": 0, "num_attention_heads": 3}"#,
    )
    .unwrap();
    let error = ClipTextConfig::read(&path).unwrap_err().to_string();
    for key in [
        "architectures",
        "hidden_act",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
    ] {
        assert!(error.contains(&format!("`{key}`")), "{key}: {error}");
    }
}

#[test]
fn a_vocabulary_larger_than_the_encoders_is_refused() {
    let (device, kind) = CPU;
    let [first, second] = small();
    let short = ClipTextConfig {
        vocab_size: 1000,
        ..first.clone()
    };
    let error = TextConditioner::random([short, second], 1, device, kind).unwrap_err();
    assert!(matches!(error, Error::ModelConfig { .. }));
    let text = error.to_string();
    assert!(
        text.contains("`vocab_size` is 1000, which should be at least 49408"),
        "{text}"
    );

    let error = TextConditioner::random([first.clone(), first], 1, device, kind).unwrap_err();
    assert!(
        error.to_string().contains("CLIPTextModelWithProjection"),
        "{error}"
    );
}
