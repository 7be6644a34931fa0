//! Layers of a decoder that a device has no room for: they are held in the host's memory as the checkpoint maps them, and
//! their weights go over for each step.
//!
//! They are not computed where they lie: a step is one pass over the weights whatever the batch, so that a wide batch pays
//! for the way over, while the host's products would take as many times longer as the batch is wide.

use tch::{Device, Kind};
use terminus_nn::{Checkpoint, device};

use super::decoder::DecoderShape;
use crate::config::VlmConfig;

/// What a step needs beside weights and cache, in bytes: activations of a prefill, and libtorch's own.
const WORKING: u64 = 2 << 30;

/// A decoder's layers in a checkpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layers<'a> {
    /// What the names of the layers start with, to the number.
    pub prefix: &'a str,
    pub shape: DecoderShape,
    /// Tokens of a picture.
    pub image_tokens: i64,
}

impl Layers<'_> {
    /// How many layers, from the first, stay on `device`: as set, else as many as fit.
    pub(crate) fn on(
        &self,
        device: Device,
        kind: Kind,
        checkpoint: &Checkpoint,
        settings: &VlmConfig,
    ) -> usize {
        let all = self.shape.layers as usize;
        if let Some(set) = settings.device_layers {
            return all.min(set as usize);
        }
        let free = match device {
            Device::Cpu => None,
            device => device::free_bytes(device),
        };
        free.map_or(all, |free| {
            self.fitting(
                free,
                self.weigh(checkpoint, kind),
                self.cache(kind, settings),
            )
        })
    }

    /// Whether a parameter waits in the host's memory, if `on_device` layers do not. Norms never do: they are small.
    pub(crate) fn is_held(&self, name: &str, on_device: usize) -> bool {
        self.number(name)
            .is_some_and(|number| number >= on_device && !name.contains("layernorm"))
    }

    fn number(&self, name: &str) -> Option<usize> {
        let rest = name.strip_prefix(self.prefix)?;
        rest.split('.').next()?.parse().ok()
    }

    /// Bytes of one layer, and of everything that is in no layer.
    fn weigh(&self, checkpoint: &Checkpoint, kind: Kind) -> (u64, u64) {
        let (mut layers, mut rest) = (0, 0);
        for name in checkpoint.names() {
            let values: i64 = checkpoint.shape(name).unwrap_or_default().iter().product();
            let bytes = values as u64 * kind.elt_size_in_bytes() as u64;
            *(if self.number(name).is_some() {
                &mut layers
            } else {
                &mut rest
            }) += bytes;
        }
        (layers.div_ceil(self.shape.layers.max(1) as u64), rest)
    }

    /// Bytes of the keys and values of a full batch.
    fn cache(&self, kind: Kind, settings: &VlmConfig) -> u64 {
        let prompt = settings.prompts.iter().map(String::len).max().unwrap_or(0) as u64;
        let tokens = self.image_tokens as u64 + prompt + u64::from(settings.max_new_tokens.get());
        let token = 2 * self.shape.layers * self.shape.kv_heads * self.shape.head;
        let rows = u64::from(settings.batch_size.get());
        rows * tokens * token as u64 * kind.elt_size_in_bytes() as u64
    }

    /// How many layers fit into `free` bytes beside everything else; one that is held needs its room while it computes.
    fn fitting(&self, free: u64, (layer, rest): (u64, u64), cache: u64) -> usize {
        let all = self.shape.layers as u64;
        let room = free.saturating_sub(rest + cache + WORKING);
        if room >= all * layer {
            return all as usize;
        }
        (room / layer.max(1)).saturating_sub(1).min(all) as usize
    }
}

#[cfg(test)]
mod tests {
    use terminus_nn::CastOrder;

    use super::*;
    use crate::vlm::decoder::DecoderFamily;

    const GIB: u64 = 1 << 30;

    /// The first version of `CogVLM`, as published.
    fn cogvlm() -> Layers<'static> {
        Layers {
            prefix: "model.layers.",
            shape: DecoderShape {
                vocabulary: 32_000,
                hidden: 4096,
                intermediate: 11_008,
                layers: 32,
                heads: 32,
                kv_heads: 32,
                head: 128,
                eps: 1e-5,
                cast: CastOrder::Last,
                family: DecoderFamily::CogVlm { vision_bias: false },
                is_tied: false,
            },
            image_tokens: 1227,
        }
    }

    #[test]
    fn as_many_layers_stay_as_fit_beside_the_rest() {
        let layers = cogvlm();
        // bf16: 12.95 billion parameters in layers, 4.69 billion elsewhere.
        let weights = (12_950_000_000 / 32 * 2, 4_690_000_000 * 2);
        assert_eq!(layers.fitting(80 * GIB, weights, 10 * GIB), 32);
        assert_eq!(layers.fitting(24 * GIB, weights, GIB), 15);
        assert_eq!(layers.fitting(8 * GIB, weights, GIB), 0);
    }

    #[test]
    fn a_held_layer_keeps_its_norms_on_the_device() {
        let layers = cogvlm();
        let is_held = |name: &str| layers.is_held(name, 14);
        assert!(is_held("model.layers.14.mlp.language_mlp.down_proj.weight"));
        assert!(!is_held("model.layers.14.input_layernorm.weight"));
        assert!(!is_held(
            "model.layers.13.mlp.language_mlp.down_proj.weight"
        ));
        assert!(!is_held(
            "model.vision.transformer.layers.14.mlp.fc1.weight"
        ));
        assert!(!is_held("lm_head.weight"));
    }
}
