//! What a model's folder may hold, and what it must.

use std::{collections::BTreeSet, path::Path};

use tch::Tensor;
use terminus_nn::{Checkpoint, Metadata, save_safetensors};

use super::{Fixture, Model, difference, folder, settings};

/// A folder of its own with the files of a golden one.
fn copy(name: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs_err::read_dir(folder(name)).unwrap() {
        let path = entry.unwrap().path();
        fs_err::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

/// The state dict of `CogVLM` as published, by version, with so many layers.
fn published(is_second: bool, vision: usize, language: usize) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut add = |prefix: &str, list: &str| {
        names.extend(
            list.split_whitespace()
                .map(|name| format!("{prefix}{name}")),
        );
    };
    add(
        "",
        "model.embed_tokens.weight model.norm.weight lm_head.weight",
    );
    for layer in 0..language {
        add(
            &format!("model.layers.{layer}."),
            "input_layernorm.weight post_attention_layernorm.weight \
             self_attn.vision_expert_query_key_value.weight self_attn.language_expert_query_key_value.weight \
             self_attn.vision_expert_dense.weight self_attn.language_expert_dense.weight \
             mlp.language_mlp.gate_proj.weight mlp.language_mlp.up_proj.weight mlp.language_mlp.down_proj.weight \
             mlp.vision_mlp.gate_proj.weight mlp.vision_mlp.up_proj.weight mlp.vision_mlp.down_proj.weight",
        );
        if is_second {
            add(
                &format!("model.layers.{layer}."),
                "self_attn.vision_expert_query_key_value.bias",
            );
        }
    }
    add(
        "model.vision.",
        "patch_embedding.proj.weight patch_embedding.proj.bias patch_embedding.cls_embedding \
         patch_embedding.position_embedding.weight boi eoi linear_proj.linear_proj.weight linear_proj.norm1.weight \
         linear_proj.norm1.bias linear_proj.dense_h_to_4h.weight linear_proj.gate_proj.weight \
         linear_proj.dense_4h_to_h.weight",
    );
    if is_second {
        add("model.vision.", "conv.weight conv.bias");
    }
    for layer in 0..vision {
        add(
            &format!("model.vision.transformer.layers.{layer}."),
            "attention.query_key_value.weight attention.query_key_value.bias attention.dense.weight attention.dense.bias \
             mlp.fc1.weight mlp.fc1.bias mlp.fc2.weight mlp.fc2.bias input_layernorm.weight input_layernorm.bias \
             post_attention_layernorm.weight post_attention_layernorm.bias",
        );
    }
    names
}

#[test]
fn names_of_weights_are_those_of_the_published_files() {
    for (name, is_second) in [("cogvlm", false), ("cogvlm2", true)] {
        // A folder opens only if its names and the network's are the same.
        let checkpoint = Checkpoint::open(&folder(name)).unwrap();
        let found: BTreeSet<String> = checkpoint.names().map(str::to_owned).collect();
        assert_eq!(found, published(is_second, 3, 3), "{name}");
        Fixture::open(name);
    }
}

#[test]
fn an_answer_ends_before_a_token_that_the_folder_calls_an_end() {
    let whole = Fixture::open("cogvlm2");
    let prompts = [whole.captions.prompts[0].as_str(); 2];
    let said = whole.greedy(&prompts);
    let end = said[0].0[9];
    for (file, json) in [
        (
            "generation_config.json",
            format!("{{\"eos_token_id\": [{end}]}}"),
        ),
        (
            "config.json",
            fs_err::read_to_string(folder("cogvlm2").join("config.json"))
                .unwrap()
                .replace(
                    "\"eos_token_id\": [",
                    &format!("\"eos_token_id\": [{end}, "),
                ),
        ),
    ] {
        let copy = copy("cogvlm2");
        fs_err::write(copy.path().join(file), json).unwrap();
        let mut fixture = Fixture::open("cogvlm2");
        fixture.model = Model::open(copy.path(), &settings(copy.path())).unwrap();
        for ((ids, _), (all, _)) in fixture.greedy(&prompts).iter().zip(&said) {
            let upto = all.iter().position(|id| *id == end).unwrap_or(all.len());
            assert_eq!(*ids, all[..upto], "{file}");
        }
    }
}

#[test]
fn frequencies_of_rotations_are_one_a_layer_or_one_for_all_or_computed() {
    let head = 12;
    let computed: Vec<f32> = (0..head / 2)
        .map(|at| (1.0 / 1e4_f64.powf(f64::from(2 * at) / f64::from(head))) as f32)
        .collect();
    let computed = Tensor::from_slice(&computed);
    let logits = |added: &[(&str, &Tensor)]| {
        let copy = copy("cogvlm");
        if !added.is_empty() {
            let file = "model-00003-of-00003.safetensors";
            save_safetensors(
                &copy.path().join(file),
                added.iter().copied(),
                None,
                &Metadata::default(),
            )
            .unwrap();
            let index = copy.path().join("model.safetensors.index.json");
            let text = fs_err::read_to_string(&index).unwrap();
            let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
            for (name, _) in added {
                json["weight_map"][name] = file.into();
            }
            fs_err::write(&index, json.to_string()).unwrap();
        }
        let mut fixture = Fixture::open("cogvlm");
        fixture.model = Model::open(copy.path(), &settings(copy.path())).unwrap();
        fixture.stages(&["Describe the image."; 2])["logits"].copy()
    };
    let none = logits(&[]);
    let layers: Vec<String> = (0..3)
        .map(|layer| format!("model.layers.{layer}.self_attn.rotary_emb.inv_freq"))
        .collect();
    let each: Vec<(&str, &Tensor)> = layers.iter().map(|name| (&**name, &computed)).collect();
    for added in [&each[..], &[("inv_freq", &computed)]] {
        let off = difference(&logits(added), &none);
        assert!(off < 1e-5, "{off:e}");
    }
    // What the file holds counts.
    let others = &computed * 0.5;
    assert!(difference(&logits(&[("inv_freq", &others)]), &none) > 1e-2);
}

#[test]
fn a_folder_that_does_not_fit_says_what_and_where() {
    let fault = |folder: &Path| {
        Model::open(folder, &settings(folder))
            .unwrap_err()
            .to_string()
    };

    let empty = tempfile::tempdir().unwrap();
    assert!(fault(empty.path()).contains("holds no `config.json`"));

    let other = copy("cogvlm");
    fs_err::write(
        other.path().join("config.json"),
        r#"{"architectures": ["GPT2LMHeadModel"]}"#,
    )
    .unwrap();
    let text = fault(other.path());
    assert!(
        text.contains("`GPT2LMHeadModel`, which is not known\nhint: CogVLMForCausalLM"),
        "{text}"
    );

    let shard = copy("cogvlm");
    fs_err::remove_file(shard.path().join("model-00002-of-00002.safetensors")).unwrap();
    let text = fault(shard.path());
    assert!(text.contains("model-00002-of-00002.safetensors"), "{text}");

    let words = copy("cogvlm");
    let config = fs_err::read_to_string(words.path().join("config.json")).unwrap();
    let smaller = config.replace("\"vocab_size\": 470", "\"vocab_size\": 400");
    assert_ne!(smaller, config);
    fs_err::write(words.path().join("config.json"), smaller).unwrap();
    let text = fault(words.path());
    assert!(
        text.contains("`lm_head.weight` [470, 72] instead of [400, 72]"),
        "{text}"
    );

    let tokenizer = copy("llava");
    let json = fs_err::read_to_string(folder("cogvlm2").join("tokenizer.json")).unwrap();
    let json = json
        .replace("<|eot_id|>", "<|other|>")
        .replace("\"id\": 431", "\"id\": 999");
    fs_err::write(tokenizer.path().join("tokenizer.json"), json).unwrap();
    let text = fault(tokenizer.path());
    assert!(
        text.contains("has 1000 tokens, and the model's table of embeddings has"),
        "{text}"
    );

    let without = copy("cogvlm");
    fs_err::remove_file(without.path().join("tokenizer.model")).unwrap();
    assert!(fault(without.path()).contains("holds no tokenizer"));
}
