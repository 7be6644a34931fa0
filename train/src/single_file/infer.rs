//! The sizes of the networks, read off the shapes in a single file: such files bring no `config.json`.

#[cfg(test)]
use std::path::Path;

use serde_json::{Value, json};
use terminus_nn::Checkpoint;

use super::{Configs, TEXT, UNET, VAE};
use crate::{
    Error,
    networks::{ClipTextConfig, UNetConfig, VaeConfig},
};

/// Channels of an attention head, in every network of the family.
const HEAD: i64 = 64;

/// The configurations that the shapes in `file` imply; what shapes do not tell is SDXL's.
///
/// # Errors
/// The file holds no such networks: what is missing, key by key.
pub(crate) fn infer(file: &Checkpoint) -> Result<Configs, Error> {
    let origin = file.origin();
    let at = |part: &str| origin.join(part);
    let text = |index: usize, json: Value| {
        ClipTextConfig::from_json(&at(["text_encoder", "text_encoder_2"][index]), json)
    };
    let shapes = Shapes { file };
    Ok(Configs {
        unet: UNetConfig::from_json(&at("unet"), shapes.unet())?,
        vae: VaeConfig::from_json(&at("vae"), shapes.vae())?,
        text: [text(0, shapes.text())?, text(1, shapes.open_clip())?],
    })
}

struct Shapes<'a> {
    file: &'a Checkpoint,
}

impl Shapes<'_> {
    fn has(&self, name: &str) -> bool {
        self.file.shape(name).is_some()
    }

    fn side(&self, name: &str, axis: usize) -> Option<i64> {
        self.file.shape(name)?.get(axis).copied()
    }

    /// How many of `name(0)`, `name(1)`, … there are.
    fn count(&self, name: impl Fn(usize) -> String) -> i64 {
        let mut count = 0;
        while self.has(&name(count)) {
            count += 1;
        }
        count as i64
    }

    fn unet(&self) -> Value {
        let mut blocks: Vec<Block> = Vec::new();
        let mut is_new = true;
        for place in 1.. {
            let prefix = format!("{UNET}input_blocks.{place}");
            if self.has(&format!("{prefix}.0.op.weight")) {
                is_new = true;
                continue;
            }
            let Some(channels) = self.side(&format!("{prefix}.0.in_layers.2.weight"), 0) else {
                break;
            };
            if is_new {
                blocks.push(Block::default());
                is_new = false;
            }
            if let Some(block) = blocks.last_mut() {
                block.channels = channels;
                block.layers += 1;
                block.transformers =
                    self.count(|i| format!("{prefix}.1.transformer_blocks.{i}.attn2.to_k.weight"));
                let key = format!("{prefix}.1.transformer_blocks.0.attn2.to_k.weight");
                block.text = self.side(&key, 1).or(block.text);
            }
        }
        let kinds = |names: [&str; 2], blocks: &mut dyn Iterator<Item = &Block>| -> Vec<String> {
            blocks
                .map(|block| names[usize::from(block.transformers > 0)].to_owned())
                .collect()
        };
        json!({
            "in_channels": self.side(&format!("{UNET}input_blocks.0.0.weight"), 1),
            "out_channels": self.side(&format!("{UNET}out.2.weight"), 0),
            "sample_size": 128,
            "down_block_types":
                kinds(["DownBlock2D", "CrossAttnDownBlock2D"], &mut blocks.iter()),
            "up_block_types":
                kinds(["UpBlock2D", "CrossAttnUpBlock2D"], &mut blocks.iter().rev()),
            "block_out_channels": blocks.iter().map(|b| b.channels).collect::<Vec<_>>(),
            "layers_per_block": blocks.iter().map(|b| b.layers).collect::<Vec<_>>(),
            "transformer_layers_per_block":
                blocks.iter().map(|b| b.transformers.max(1)).collect::<Vec<_>>(),
            "attention_head_dim":
                blocks.iter().map(|b| (b.channels / HEAD).max(1)).collect::<Vec<_>>(),
            "cross_attention_dim": blocks.iter().find_map(|b| b.text),
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim":
                self.side(&format!("{UNET}label_emb.0.0.weight"), 1),
            "use_linear_projection": true,
            "addition_embed_type": "text_time",
        })
    }

    fn vae(&self) -> Value {
        let weight = |block: usize| format!("{VAE}encoder.down.{block}.block.0.conv1.weight");
        let blocks = self.count(weight) as usize;
        let channels: Vec<Option<i64>> = (0..blocks).map(|i| self.side(&weight(i), 0)).collect();
        json!({
            "block_out_channels": channels,
            "down_block_types": vec!["DownEncoderBlock2D"; blocks],
            "up_block_types": vec!["UpDecoderBlock2D"; blocks],
            "layers_per_block":
                self.count(|i| format!("{VAE}encoder.down.0.block.{i}.conv1.weight")),
            "latent_channels": self.side(&format!("{VAE}post_quant_conv.weight"), 0),
            "sample_size": 1024,
            "scaling_factor": 0.13025,
        })
    }

    fn text(&self) -> Value {
        let model = format!("{}text_model.", TEXT[0]);
        let hidden = self.side(&format!("{model}embeddings.token_embedding.weight"), 1);
        json!({
            "architectures": ["CLIPTextModel"],
            "hidden_act": "quick_gelu",
            "eos_token_id": 2,
            "hidden_size": hidden,
            "vocab_size": self.side(&format!("{model}embeddings.token_embedding.weight"), 0),
            "max_position_embeddings":
                self.side(&format!("{model}embeddings.position_embedding.weight"), 0),
            "intermediate_size": self.side(&format!("{model}encoder.layers.0.mlp.fc1.weight"), 0),
            "num_hidden_layers":
                self.count(|i| format!("{model}encoder.layers.{i}.mlp.fc1.weight")),
            "num_attention_heads": hidden.map(|size| (size / HEAD).max(1)),
        })
    }

    fn open_clip(&self) -> Value {
        let model = TEXT[1];
        let hidden = self.side(&format!("{model}token_embedding.weight"), 1);
        let layer = |i: usize| format!("{model}transformer.resblocks.{i}.mlp.c_fc.weight");
        json!({
            "architectures": ["CLIPTextModelWithProjection"],
            "hidden_act": "gelu",
            "eos_token_id": 2,
            "hidden_size": hidden,
            "vocab_size": self.side(&format!("{model}token_embedding.weight"), 0),
            "max_position_embeddings": self.side(&format!("{model}positional_embedding"), 0),
            "intermediate_size": self.side(&layer(0), 0),
            "num_hidden_layers": self.count(layer),
            "num_attention_heads": hidden.map(|size| (size / HEAD).max(1)),
            "projection_dim": self.side(&format!("{model}text_projection"), 1),
        })
    }
}

#[derive(Default)]
struct Block {
    channels: i64,
    layers: i64,
    transformers: i64,
    text: Option<i64>,
}

/// The published model, or its sibling with 9 channels that is made for inpainting.
#[cfg(test)]
pub(super) fn sdxl(in_channels: i64) -> Configs {
    let unet = json!({
        "in_channels": in_channels, "out_channels": 4, "sample_size": 128,
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        "block_out_channels": [320, 640, 1280], "layers_per_block": 2,
        "transformer_layers_per_block": [1, 2, 10], "attention_head_dim": [5, 10, 20],
        "cross_attention_dim": 2048, "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256, "projection_class_embeddings_input_dim": 2816,
        "use_linear_projection": true,
    });
    let vae = json!({
        "block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "sample_size": 1024,
        "down_block_types": vec!["DownEncoderBlock2D"; 4],
        "up_block_types": vec!["UpDecoderBlock2D"; 4], "scaling_factor": 0.13025,
    });
    let origin = Path::new("sdxl");
    Configs {
        unet: UNetConfig::from_json(origin, unet).unwrap(),
        vae: VaeConfig::from_json(origin, vae).unwrap(),
        text: [ClipTextConfig::vit_l(), ClipTextConfig::big_g()],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use terminus_nn::Builder;

    use super::*;
    use crate::{
        networks::{AutoencoderKl, ClipTextModel, UNet2DCondition},
        single_file::Part,
        source::ModelSource,
    };

    /// A file of full SDXL's names and shapes in f16: 7 GB that are a hole, of which nothing but the header is read.
    fn full_size_file(path: &Path, in_channels: i64) -> u64 {
        let configs = sdxl(in_channels);
        let mut header = BTreeMap::new();
        let mut offset = 0_u64;
        let mut parameters = 0;
        for part in Part::ALL {
            let builder = Builder::shapes();
            let weights = match part {
                Part::UNet => builder.build(|p| drop(UNet2DCondition::new(p, &configs.unet))),
                Part::Vae => builder.build(|p| drop(AutoencoderKl::new(p, &configs.vae))),
                Part::Text => builder.build(|p| drop(ClipTextModel::new(p, &configs.text[0]))),
                Part::Text2 => builder.build(|p| drop(ClipTextModel::new(p, &configs.text[1]))),
            };
            let weights = weights.unwrap().1;
            parameters += weights.parameter_count();
            for (name, tensor) in weights.iter() {
                let (original, view) = part.original(name, &configs).unwrap();
                let shape = view.stored_shape(&tensor.size());
                let bytes = shape.iter().product::<i64>() as u64 * 2;
                header.entry(original).or_insert_with(|| {
                    let begin = offset;
                    offset += bytes;
                    json!({"dtype": "F16", "shape": shape, "data_offsets": [begin, offset]})
                });
            }
        }
        let mut text = json!(header).to_string();
        while !text.len().is_multiple_of(8) {
            text.push(' ');
        }
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend(text.as_bytes());
        fs_err::write(path, &bytes).unwrap();
        let file = fs_err::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(bytes.len() as u64 + offset).unwrap();
        parameters
    }

    #[test]
    fn a_full_size_file_is_known_by_its_shapes_without_being_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sdxl.safetensors");
        // Base, and its sibling for inpainting: counts of `sdxl.md`, and 5 channels more in one convolution.
        for (channels, more) in [(4, 0), (9, 320 * 5 * 9)] {
            let parameters = full_size_file(&path, channels);
            let published = 2_567_463_684 + 83_653_863 + 123_060_480 + 694_659_840;
            assert_eq!(parameters, published + more);
            let source = ModelSource::open(&path, None).unwrap();
            assert_eq!(source.configs.unet.block_out_channels, [320, 640, 1280]);
            let mut expected = sdxl(channels);
            // What a file does not tell.
            expected.vae.sample_size = source.configs.vae.sample_size;
            assert_eq!(source.configs, expected);
            source.tokenizers().unwrap();
        }
    }
}
