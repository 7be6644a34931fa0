//! The VAE computes what diffusers computes, in f32, and closely in bf16.
#![cfg(feature = "torch")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod golden;

use golden::Case;
use tch::Kind;
use terminus_nn::{Builder, Checkpoint, Weights};
use terminus_train::networks::{AutoencoderKl, VaeConfig};

/// Largest difference allowed in f32, as a share of the largest value.
const TOLERANCE: f64 = 1e-4;
const SDXL_PARAMETERS: u64 = 83_653_863;

fn small() -> (AutoencoderKl, Weights) {
    let folder = golden::folder("vae");
    let config = VaeConfig::read(&folder).unwrap();
    let checkpoint = Checkpoint::open(&folder.join("weights.safetensors")).unwrap();
    Builder::from_checkpoint(&checkpoint)
        .build(|path| AutoencoderKl::new(path, &config))
        .unwrap()
}

#[test]
fn encoding_and_decoding_equal_diffusers_at_sides_that_halve_and_at_odd_ones() {
    let (vae, _weights) = small();
    for case in ["even", "odd"] {
        let case = Case::open("vae", case);
        let posterior = vae.encode(&case.tensor("pixels"));
        let latents = posterior.sample(&case.tensor("noise"));
        let decoded = vae.decode(&case.tensor("sample"));
        let ratios = [
            case.assert_close("mean", &posterior.mode(), TOLERANCE),
            case.assert_close("logvar", &posterior.logvar, TOLERANCE),
            case.assert_close("sample", &latents, TOLERANCE),
            case.assert_close("kl", &posterior.kl(), TOLERANCE),
            case.assert_close("decoded", &decoded, TOLERANCE),
        ];
        println!("mean, logvar, sample, kl, decoded: {ratios:?}");
    }
}

#[test]
fn bf16_computes_nearly_the_same() {
    let (vae, _weights) = small();
    let case = Case::open("vae", "even");
    let posterior = vae.encode(&case.tensor("pixels").to_kind(Kind::BFloat16));
    assert_eq!(posterior.mean.kind(), Kind::BFloat16);
    let decoded = vae.decode(&case.tensor("sample").to_kind(Kind::BFloat16));
    println!(
        "mean in bf16: {:.1e}",
        case.assert_close("mean", &posterior.mean, 0.05)
    );
    println!(
        "decoded in bf16: {:.1e}",
        case.assert_close("decoded", &decoded, 0.1)
    );
}

#[test]
fn full_sdxl_has_the_names_and_shapes_of_diffusers() {
    let config = VaeConfig::read(&golden::folder("vae").join("sdxl_config.json")).unwrap();
    assert_eq!(config.downsampling(), 8);
    let (_, weights) = Builder::shapes()
        .build(|path| AutoencoderKl::new(path, &config))
        .unwrap();
    golden::assert_names_and_shapes("vae", &weights, SDXL_PARAMETERS);
}

#[test]
fn a_config_that_is_written_reads_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["config.json", "sdxl_config.json"] {
        let config = VaeConfig::read(&golden::folder("vae").join(name)).unwrap();
        fs_err::write(
            folder.path().join("config.json"),
            config.to_json().to_string(),
        )
        .unwrap();
        assert_eq!(VaeConfig::read(folder.path()).unwrap(), config);
    }
}
