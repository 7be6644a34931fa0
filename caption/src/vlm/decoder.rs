//! The decoder that text comes from: Llama's, and with a second set of weights for tokens of the picture, `CogVLM`'s.
// B rows, S tokens of this call, D size of a token's vector, N heads, K heads of keys and values, H size of a head

use tch::{Kind, Tensor};
use terminus_nn::{CastOrder, Error, Init, KvCache, Linear, Mask, Path, RmsNorm, Rotary};

use super::{block::DecoderBlock, experts::Experts, trace::Trace};

/// The measures of a decoder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DecoderShape {
    pub vocabulary: i64,
    pub hidden: i64,
    pub intermediate: i64,
    pub layers: i64,
    pub heads: i64,
    pub kv_heads: i64,
    pub head: i64,
    pub eps: f64,
    pub cast: CastOrder,
    pub family: DecoderFamily,
    /// The output matrix is the table of embeddings.
    pub is_tied: bool,
}

/// What the weights are called, and whether there are experts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecoderFamily {
    /// Llama's; Qwen2's with a bias for queries, keys and values.
    Llama { qkv_bias: bool },
    /// `CogVLM`'s: a language and a vision expert; in the second version the latter's queries, keys and values have a bias.
    CogVlm { vision_bias: bool },
}

/// Embeddings, blocks, and the way back to the vocabulary.
#[derive(Debug)]
pub(crate) struct Decoder {
    table: Tensor,
    blocks: Vec<DecoderBlock>,
    norm: RmsNorm,
    /// None where the table of embeddings serves.
    head: Option<Linear>,
    rotary: Rotary,
    pub(crate) shape: DecoderShape,
}

/// What the tokens of one call are.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// `[B, S]` i64.
    pub positions: &'a Tensor,
    pub experts: &'a Experts,
    pub mask: Mask<'a>,
}

impl Decoder {
    /// `body` holds `embed_tokens`, `layers` and `norm`; `root` holds `lm_head`.
    pub(crate) fn new(root: &Path, body: &Path, shape: DecoderShape, rotary: Rotary) -> Self {
        let size = [shape.vocabulary, shape.hidden];
        let normal = Init::Normal { std: 0.02 };
        Self {
            table: (body / "embed_tokens").parameter("weight", &size, normal),
            blocks: (0..shape.layers)
                .map(|layer| DecoderBlock::new(&(body / "layers" / layer), &shape))
                .collect(),
            norm: RmsNorm::new(&(body / "norm"), shape.hidden, shape.eps, shape.cast),
            head: (!shape.is_tied)
                .then(|| Linear::without_bias(&(root / "lm_head"), shape.hidden, shape.vocabulary)),
            rotary,
            shape,
        }
    }

    /// [`DecoderBlock::fuse`] of the first `layers`, and the way back to the vocabulary likewise. The other blocks are
    /// [held](super::held) as the checkpoint has them.
    ///
    /// # Errors
    /// No memory for one matrix more.
    pub(crate) fn fuse(&mut self, layers: usize) -> Result<(), Error> {
        let blocks = self.blocks.iter_mut().take(layers);
        blocks.into_iter().try_for_each(DecoderBlock::fuse)?;
        self.head.as_mut().map_or(Ok(()), Linear::pack)
    }

    /// Ids `[…]` i64 to vectors `[…, D]`.
    pub(crate) fn embed(&self, ids: &Tensor) -> Tensor {
        Tensor::embedding(&self.table, ids, -1, false, false)
    }

    /// New tokens `[B, S, D]` through all blocks, the past from `cache`, which is extended by them; `[B, S, D]`.
    pub(crate) fn forward(
        &self,
        xs: &Tensor,
        call: &Call<'_>,
        cache: &mut KvCache,
        trace: &mut Trace<'_>,
    ) -> Tensor {
        let rotation = self.rotary.at(call.positions, xs.kind());
        let mut xs = xs.shallow_clone();
        for (layer, block) in self.blocks.iter().enumerate() {
            xs = block.forward(&xs, layer, &rotation, call, cache, trace);
        }
        cache.advance(call.positions.size()[1]);
        trace.see(|| "decoder.output".to_owned(), &xs);
        xs
    }

    /// As [`Decoder::forward`], where nobody asks what comes out: the last block only remembers.
    pub(crate) fn remember(
        &self,
        xs: &Tensor,
        call: &Call<'_>,
        cache: &mut KvCache,
        trace: &mut Trace<'_>,
    ) {
        let Some((last, blocks)) = self.blocks.split_last() else {
            return;
        };
        if trace.is_on() {
            let _ = self.forward(xs, call, cache, trace);
            return;
        }
        let rotation = self.rotary.at(call.positions, xs.kind());
        let mut xs = xs.shallow_clone();
        for (layer, block) in blocks.iter().enumerate() {
            xs = block.forward(&xs, layer, &rotation, call, cache, trace);
        }
        last.remember(&xs, blocks.len(), &rotation, call, cache);
        cache.advance(call.positions.size()[1]);
    }

    /// As [`Decoder::forward`], of the last token alone, which is one of text and sees all others: `[B, D]`.
    pub(crate) fn last(&self, xs: &Tensor, call: &Call<'_>, cache: &mut KvCache) -> Tensor {
        let rotation = self.rotary.at(call.positions, xs.kind());
        let mut xs = xs.shallow_clone();
        for (layer, block) in self.blocks.iter().enumerate() {
            xs = if layer + 1 < self.blocks.len() {
                block.forward(&xs, layer, &rotation, call, cache, &mut Trace::none())
            } else {
                block.last(&xs, layer, &rotation, call, cache)
            };
        }
        cache.advance(call.positions.size()[1]);
        xs.select(1, -1)
    }

    /// What comes after the tokens `[…, D]`: logits `[…, V]` f32.
    pub(crate) fn logits(&self, xs: &Tensor) -> Tensor {
        let xs = self.norm.forward(xs);
        let logits = match &self.head {
            Some(head) => head.forward(&xs),
            None => xs.linear(&self.table, None::<Tensor>),
        };
        logits.to_kind(Kind::Float)
    }

    /// The kind in which the decoder computes.
    pub(crate) fn kind(&self) -> Kind {
        self.table.kind()
    }
}
