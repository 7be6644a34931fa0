//! The VAE's names in the first SDXL files (`AutoencoderKL` of latent diffusion).

use terminus_nn::View;

use super::unet::indexed;
use crate::networks::VaeConfig;

/// The name of a parameter of diffusers' in the original layout, behind `first_stage_model.`, and how it is seen there.
pub(super) fn original(name: &str, config: &VaeConfig) -> Option<(String, View)> {
    if name.starts_with("quant_conv.") || name.starts_with("post_quant_conv.") {
        return Some((name.to_owned(), View::Whole));
    }
    let (half, rest) = name.split_once('.')?;
    if let Some(rest) = rest.strip_prefix("mid_block.attentions.0.") {
        // The four maps of the attention are convolutions there.
        let (part, view) = match rest.rsplit_once('.')?.0 {
            "group_norm" => ("norm", View::Whole),
            "to_q" => ("q", View::Squeezed),
            "to_k" => ("k", View::Squeezed),
            "to_v" => ("v", View::Squeezed),
            "to_out.0" => ("proj_out", View::Squeezed),
            _ => return None,
        };
        let tail = rest.rsplit_once('.')?.1;
        let view = if tail == "bias" { View::Whole } else { view };
        return Some((format!("{half}.mid.attn_1.{part}.{tail}"), view));
    }
    let name = if let Some(rest) = rest.strip_prefix("mid_block.resnets.") {
        let (index, tail) = indexed(rest)?;
        format!("{half}.mid.block_{}.{}", index + 1, resnet(tail))
    } else if let Some(rest) = rest.strip_prefix("down_blocks.") {
        let (block, rest) = indexed(rest)?;
        format!("{half}.down.{block}.{}", within(rest)?)
    } else if let Some(rest) = rest.strip_prefix("up_blocks.") {
        // Counted from the largest picture there, from the smallest here.
        let (block, rest) = indexed(rest)?;
        let block = config.block_out_channels.len().checked_sub(block + 1)?;
        format!("{half}.up.{block}.{}", within(rest)?)
    } else {
        let (part, tail) = rest.split_once('.')?;
        let part = match part {
            "conv_norm_out" => "norm_out",
            "conv_in" | "conv_out" => part,
            _ => return None,
        };
        format!("{half}.{part}.{tail}")
    };
    Some((name, View::Whole))
}

fn within(rest: &str) -> Option<String> {
    if let Some(rest) = rest.strip_prefix("resnets.") {
        let (layer, tail) = indexed(rest)?;
        return Some(format!("block.{layer}.{}", resnet(tail)));
    }
    for (ours, theirs) in [
        ("downsamplers.0.", "downsample."),
        ("upsamplers.0.", "upsample."),
    ] {
        if let Some(tail) = rest.strip_prefix(ours) {
            return Some(format!("{theirs}{tail}"));
        }
    }
    None
}

fn resnet(tail: &str) -> String {
    tail.replacen("conv_shortcut", "nin_shortcut", 1)
}
