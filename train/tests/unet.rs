//! The UNet computes what diffusers computes: forward and all gradients, in f32, and closely in bf16.
#![cfg(feature = "torch")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod golden;

use golden::Case;
use tch::{Kind, Tensor};
use terminus_nn::{Builder, Checkpoint, Weights};
use terminus_train::{
    Error,
    networks::{AddedConditions, ConfigFault, UNet2DCondition, UNetConfig},
};

/// Largest difference allowed in f32, as a share of the largest value.
const TOLERANCE: f64 = 1e-4;
const SDXL_PARAMETERS: u64 = 2_567_463_684;

fn small() -> (UNet2DCondition, Weights) {
    let folder = golden::folder("unet");
    let config = UNetConfig::read(&folder).unwrap();
    let checkpoint = Checkpoint::open(&folder.join("weights.safetensors")).unwrap();
    Builder::from_checkpoint(&checkpoint)
        .build(|path| UNet2DCondition::new(path, &config))
        .unwrap()
}

struct Run {
    output: Tensor,
    loss: Tensor,
    /// Gradients reach these too.
    inputs: Vec<(&'static str, Tensor)>,
}

/// Forward and backward of a case, computed in `kind`.
fn run(unet: &UNet2DCondition, case: &Case, kind: Kind) -> Run {
    let leaf = |name| case.tensor(name).requires_grad_(true);
    let (latents, text, pooled) = (
        leaf("latents"),
        leaf("encoder_hidden_states"),
        leaf("text_embeds"),
    );
    let added = AddedConditions {
        text_embeds: pooled.shallow_clone(),
        time_ids: case.tensor("time_ids"),
    };
    let output = unet.forward(
        &latents.to_kind(kind),
        &case.tensor("timesteps"),
        &text,
        &added,
    );
    assert_eq!(output.kind(), kind);
    let loss = (output.to_kind(Kind::Float) - case.tensor("target"))
        .square()
        .mean(Kind::Float);
    loss.backward();
    let inputs = vec![
        ("latents", latents),
        ("encoder_hidden_states", text),
        ("text_embeds", pooled),
    ];
    Run {
        output,
        loss,
        inputs,
    }
}

#[test]
fn forward_equals_diffusers_at_sides_that_halve_and_at_odd_ones() {
    let (unet, _weights) = small();
    for case in ["even", "odd"] {
        let case = Case::open("unet", case);
        let Run { output, loss, .. } = run(&unet, &case, Kind::Float);
        let ratio = case.assert_close("output", &output, TOLERANCE);
        println!(
            "output: {ratio:.1e}, loss: {:.1e}",
            case.assert_close("loss", &loss, TOLERANCE)
        );
    }
}

#[test]
fn gradients_of_all_parameters_and_inputs_equal_diffusers() {
    let (unet, weights) = small();
    weights.set_trainable(true);
    let case = Case::open("unet", "odd");
    let run = run(&unet, &case, Kind::Float);
    let mut worst = (0.0, String::new());
    let parameters = weights
        .iter()
        .map(|(name, tensor)| (format!("parameter.{name}"), tensor));
    let inputs = run
        .inputs
        .iter()
        .map(|(name, tensor)| ((*name).to_owned(), tensor));
    for (name, tensor) in parameters.chain(inputs) {
        let ratio = case.assert_close(&format!("gradient.{name}"), &tensor.grad(), TOLERANCE);
        if ratio > worst.0 {
            worst = (ratio, name);
        }
    }
    println!(
        "worst of {} gradients: {:.1e} in {}",
        weights.len() + 3,
        worst.0,
        worst.1
    );
}

#[test]
fn bf16_computes_nearly_the_same_and_leaves_f32_gradients() {
    let (unet, weights) = small();
    weights.set_trainable(true);
    let case = Case::open("unet", "odd");
    let Run { output, loss, .. } = run(&unet, &case, Kind::BFloat16);
    println!(
        "loss in bf16: {:.1e}",
        case.assert_close("loss", &loss, 0.01)
    );
    println!(
        "output in bf16: {:.1e}",
        case.assert_close("output", &output, 0.05)
    );
    let (mut error, mut size) = (0.0, 0.0);
    for (name, tensor) in weights.iter() {
        let gradient = tensor.grad();
        assert_eq!(gradient.kind(), Kind::Float, "{name}");
        let reference = case.tensor(&format!("gradient.parameter.{name}"));
        let square = |tensor: Tensor| tensor.square().sum(Kind::Double).double_value(&[]);
        error += square(&gradient - &reference);
        size += square(reference);
    }
    let ratio = (error / size).sqrt();
    println!("gradient in bf16: |a-b| = {ratio:.1e} |b|");
    assert!(ratio < 0.05, "the gradient is off by {ratio}");
}

#[test]
fn full_sdxl_has_the_names_and_shapes_of_diffusers() {
    let config = UNetConfig::read(&golden::folder("unet").join("sdxl_config.json")).unwrap();
    assert_eq!(config.pooled_size(), 1280);
    let (_, weights) = Builder::shapes()
        .build(|path| UNet2DCondition::new(path, &config))
        .unwrap();
    golden::assert_names_and_shapes("unet", &weights, SDXL_PARAMETERS);
}

#[test]
fn a_config_that_is_written_reads_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["config.json", "sdxl_config.json"] {
        let config = UNetConfig::read(&golden::folder("unet").join(name)).unwrap();
        fs_err::write(
            folder.path().join("config.json"),
            config.to_json().to_string(),
        )
        .unwrap();
        assert_eq!(UNetConfig::read(folder.path()).unwrap(), config);
    }
}

#[test]
fn a_config_of_another_family_is_refused_with_every_key_that_differs() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = UNetConfig::read(&golden::folder("unet")).unwrap().to_json();
    config["act_fn"] = "gelu".into();
    config["use_linear_projection"] = false.into();
    config["attention_head_dim"] = serde_json::json!([2, 5, 4]);
    config["addition_time_embed_dim"] = serde_json::Value::Null;
    config["down_block_types"][1] = "AttnDownBlock2D".into();
    config["norm_eps"] = "small".into();
    fs_err::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let Err(Error::ModelConfig { faults, .. }) = UNetConfig::read(folder.path()) else {
        panic!("accepted");
    };
    let mut keys: Vec<_> = faults
        .iter()
        .map(|fault| match fault {
            ConfigFault::Missing { key } | ConfigFault::Unsupported { key, .. } => *key,
            _ => "another",
        })
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let expected = [
        "act_fn",
        "addition_time_embed_dim",
        "attention_head_dim",
        "down_block_types",
        "norm_eps",
        "use_linear_projection",
    ];
    assert_eq!(keys, expected, "{faults:?}");
}
