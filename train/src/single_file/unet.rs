//! The UNet's names in the first SDXL files (`openaimodel.UNetModel`).

use crate::networks::UNetConfig;

/// The name of a parameter of diffusers' in the original layout, behind `model.diffusion_model.`; none for an unknown one.
pub(super) fn original(name: &str, config: &UNetConfig) -> Option<String> {
    if let Some((place, tail)) = name.split_once('.')
        && let Some(place) = match place {
            "conv_in" => Some("input_blocks.0.0"),
            "conv_norm_out" => Some("out.0"),
            "conv_out" => Some("out.2"),
            _ => None,
        }
    {
        return Some(format!("{place}.{tail}"));
    }
    for (ours, theirs) in [
        ("time_embedding.linear_1.", "time_embed.0."),
        ("time_embedding.linear_2.", "time_embed.2."),
        ("add_embedding.linear_1.", "label_emb.0.0."),
        ("add_embedding.linear_2.", "label_emb.0.2."),
        ("mid_block.attentions.0.", "middle_block.1."),
    ] {
        if let Some(tail) = name.strip_prefix(ours) {
            return Some(format!("{theirs}{tail}"));
        }
    }
    if let Some(rest) = name.strip_prefix("mid_block.resnets.") {
        let (index, tail) = indexed(rest)?;
        return Some(format!("middle_block.{}.{}", 2 * index, resnet(tail)?));
    }
    let layers = &config.layers_per_block;
    if let Some(rest) = name.strip_prefix("down_blocks.") {
        let (block, rest) = indexed(rest)?;
        let before: i64 = layers.get(..block)?.iter().map(|layers| layers + 1).sum();
        // Place 0 holds `conv_in`; a block's downsampling takes a place of its own behind its layers.
        return within(
            rest,
            1 + before as usize,
            *layers.get(block)? as usize,
            "op",
        );
    }
    if let Some(rest) = name.strip_prefix("up_blocks.") {
        let (block, rest) = indexed(rest)?;
        let mirrored: Vec<usize> = layers
            .iter()
            .rev()
            .map(|&layers| layers as usize + 1)
            .collect();
        let before: usize = mirrored.get(..block)?.iter().sum();
        let last = before + mirrored.get(block)? - 1;
        if let Some(tail) = rest.strip_prefix("upsamplers.0.conv.") {
            // The last layer's place holds the upsampling too, behind its transformer if there is one.
            let at = if config.looks_at_text_on_the_way_up(block) {
                2
            } else {
                1
            };
            return Some(format!("output_blocks.{last}.{at}.conv.{tail}"));
        }
        let name = within(rest, before, usize::MAX, "")?;
        return Some(name.replacen("input_blocks", "output_blocks", 1));
    }
    None
}

/// A layer's part or the downsampling of a block whose first layer has the place `first`.
fn within(rest: &str, first: usize, layers: usize, downsampling: &str) -> Option<String> {
    if let Some(rest) = rest.strip_prefix("resnets.") {
        let (layer, tail) = indexed(rest)?;
        return Some(format!(
            "input_blocks.{}.0.{}",
            first + layer,
            resnet(tail)?
        ));
    }
    if let Some(rest) = rest.strip_prefix("attentions.") {
        let (layer, tail) = indexed(rest)?;
        return Some(format!("input_blocks.{}.1.{tail}", first + layer));
    }
    let tail = rest.strip_prefix("downsamplers.0.conv.")?;
    Some(format!(
        "input_blocks.{}.0.{downsampling}.{tail}",
        first + layers
    ))
}

/// `3.rest` as 3 and `rest`.
pub(super) fn indexed(text: &str) -> Option<(usize, &str)> {
    let (index, rest) = text.split_once('.')?;
    Some((index.parse().ok()?, rest))
}

fn resnet(tail: &str) -> Option<String> {
    let (part, tail) = tail.split_once('.')?;
    let part = match part {
        "norm1" => "in_layers.0",
        "conv1" => "in_layers.2",
        "time_emb_proj" => "emb_layers.1",
        "norm2" => "out_layers.0",
        "conv2" => "out_layers.3",
        "conv_shortcut" => "skip_connection",
        _ => return None,
    };
    Some(format!("{part}.{tail}"))
}
