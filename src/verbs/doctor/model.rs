//! What a model is, and whether it is whole.

use std::path::Path;

use terminus_train::{
    config::PredictionType,
    hash,
    sampler::Spacing,
    single_file::Part,
    source::{Layout, ModelSource},
};

use super::Finding;

/// Layout, sizes, how it is sampled and what says so, and the hashes of its files.
pub(super) fn findings(path: &Path, config: Option<&Path>) -> Vec<Finding> {
    let source = match ModelSource::open(path, config) {
        Ok(source) => source,
        Err(error) => return vec![Finding::bad("model", error.to_string())],
    };
    let mut findings = vec![
        Finding::good("model", format!("`{}`, {}", path.display(), kind(&source))),
        Finding::good("prediction", prediction(&source)),
        Finding::good("sampling", sampling(&source)),
    ];
    findings.extend(
        source
            .sampling
            .notes
            .iter()
            .map(|note| Finding::good("note", note)),
    );
    findings.extend(Part::ALL.into_iter().map(|part| parameters(&source, part)));
    findings.push(match source.tokenizers() {
        Ok([first, second]) => Finding::good(
            "tokenizers",
            format!(
                "{} and {} tokens, padded with {} and {}",
                first.vocabulary_size(),
                second.vocabulary_size(),
                first.pad_id(),
                second.pad_id()
            ),
        ),
        Err(error) => Finding::bad("tokenizers", error.to_string()),
    });
    for file in source.weight_files() {
        findings.push(match hash::sha256(&file) {
            Ok(sha256) => Finding::good(
                "hash",
                format!(
                    "{sha256} (AutoV2 {}) `{}`",
                    sha256[..10].to_uppercase(),
                    file.display()
                ),
            ),
            Err(error) => Finding::bad("hash", error.to_string()),
        });
    }
    for (key, value) in &source.metadata {
        if let Some(key) = key.strip_prefix("modelspec.") {
            let shown: String = value.chars().take(100).collect();
            findings.push(Finding::good("metadata", format!("{key}: {shown}")));
        }
    }
    findings
}

fn kind(source: &ModelSource) -> String {
    let layout = match source.layout {
        Layout::Diffusers => "a diffusers folder",
        Layout::SingleFile => "a single file",
    };
    let latents = source.configs.vae.latent_channels;
    let purpose = match source.configs.unet.in_channels {
        channels if channels == latents => "draws from text",
        channels if channels == 2 * latents + 1 => "made for inpainting",
        _ => "of unknown use",
    };
    format!(
        "{layout}; {purpose} ({} channels)",
        source.configs.unet.in_channels
    )
}

fn prediction(source: &ModelSource) -> String {
    let scheduler = source.sampling.scheduler;
    let kind = match scheduler.prediction_type {
        PredictionType::Epsilon => "epsilon",
        PredictionType::VPrediction => "v_prediction",
    };
    let zero = if scheduler.zero_terminal_snr {
        "with"
    } else {
        "without"
    };
    format!(
        "{kind}, {zero} zero terminal SNR: {}",
        source.sampling.evidence.text()
    )
}

fn sampling(source: &ModelSource) -> String {
    let spacing = match source.sampling.spacing {
        Spacing::Trailing => "trailing".to_owned(),
        Spacing::Leading { offset } => format!("leading, offset {offset}"),
    };
    format!(
        "{}, timesteps {spacing}",
        source.sampling.solver.class_name()
    )
}

fn parameters(source: &ModelSource, part: Part) -> Finding {
    let checkpoint = source.checkpoint(part);
    let mut kinds: Vec<String> = checkpoint
        .names()
        .filter_map(|name| checkpoint.kind(name))
        .map(|kind| format!("{kind:?}"))
        .collect();
    kinds.sort();
    kinds.dedup();
    match source.parameters(part) {
        Ok(weights) => Finding::good(
            part.folder(),
            format!(
                "{} parameters in {} tensors of {}, {:.2} GB",
                grouped(weights.parameter_count()),
                weights.len(),
                kinds.join(", "),
                checkpoint.size_bytes() as f64 / 1e9
            ),
        ),
        Err(error) => Finding::bad(part.folder(), error.to_string()),
    }
}

/// `2,567,463,684`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped_by_three() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(2_567_463_684), "2,567,463,684");
    }
}
