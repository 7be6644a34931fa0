//! The same models in numbers of 16 bits.

use super::{Fixture, Model, VlmConfig, difference, folder, settings};
use crate::config::Precision;

/// How far the logits are from the reference's in f32, over the largest of them.
fn off(name: &str, precision: Precision) -> f64 {
    let mut fixture = Fixture::open(name);
    let folder = folder(name);
    let settings = VlmConfig {
        precision: Some(precision),
        ..settings(&folder)
    };
    fixture.model = Model::open(&folder, &settings).unwrap();
    let prompt = fixture.captions.prompts[0].clone();
    let logits = fixture.stages(&[prompt.as_str(); 2])["logits"].copy();
    let expected = fixture.expected("unpadded.logits").select(1, 0);
    difference(&logits, &expected)
}

#[test]
fn half_precision_stays_as_near_as_its_digits_allow() {
    for name in ["cogvlm", "cogvlm2", "llava", "llava-clip"] {
        let [f16, bf16] = [Precision::F16, Precision::Bf16].map(|precision| off(name, precision));
        assert!(f16 > 1e-6 && f16 < 0.02, "{name} f16: {f16:e}");
        // Tables of angles in bf16 too, where the family has them so, are 0.06 rad off at position 20.
        assert!(bf16 > f16 && bf16 < 0.3, "{name} bf16: {bf16:e}");
    }
}

#[test]
fn half_precision_speaks_padded_and_unpadded() {
    for (name, precision) in [("cogvlm", Precision::F16), ("llava", Precision::Bf16)] {
        let mut fixture = Fixture::open(name);
        let folder = folder(name);
        let settings = VlmConfig {
            precision: Some(precision),
            ..settings(&folder)
        };
        fixture.model = Model::open(&folder, &settings).unwrap();
        let prompts: Vec<String> = fixture.captions.prompts.clone();
        let prompts: Vec<&str> = prompts.iter().map(String::as_str).collect();
        for (ids, _) in fixture.greedy(&prompts) {
            assert!(!ids.is_empty(), "{name}");
        }
    }
}
