//! Keys and values of the tokens that a decoder has seen, in memory that is reserved once.
// B batch, N heads of keys, T tokens there is room for, D size of a head

use tch::{Device, Kind, Tensor};

use crate::error::Result;

/// The past of every layer.
#[derive(Debug)]
pub struct KvCache {
    layers: Vec<(Tensor, Tensor)>,
    length: i64,
    room: i64,
}

/// What a cache is made for.
#[derive(Clone, Copy, Debug)]
pub struct KvCacheShape {
    /// Layers of the decoder.
    pub layers: usize,
    /// Rows.
    pub batch: i64,
    /// Heads of keys and values.
    pub heads: i64,
    /// Tokens there is room for.
    pub room: i64,
    /// Size of a head.
    pub head: i64,
    /// Kind of the numbers.
    pub kind: Kind,
    /// Where they live.
    pub device: Device,
}

impl KvCache {
    /// An empty cache.
    ///
    /// # Errors
    /// No memory for it.
    pub fn new(shape: KvCacheShape) -> Result<Self> {
        let size = [shape.batch, shape.heads, shape.room, shape.head];
        let half = || Tensor::f_zeros(size, (shape.kind, shape.device));
        let layers = (0..shape.layers)
            .map(|_| Ok((half()?, half()?)))
            .collect::<Result<_>>()?;
        Ok(Self {
            layers,
            length: 0,
            room: shape.room,
        })
    }

    /// Tokens that every layer has seen.
    pub fn len(&self) -> i64 {
        self.length
    }

    /// Whether nothing has been seen.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Tokens there is room for.
    pub fn room(&self) -> i64 {
        self.room
    }

    /// Writes keys and values `[B, N, S, D]` of new tokens behind the past of a layer; gives all, `[B, N, T, D]`.
    pub fn extend(&self, layer: usize, keys: &Tensor, values: &Tensor) -> (Tensor, Tensor) {
        let (kept_keys, kept_values) = &self.layers[layer];
        let new = keys.size()[2];
        kept_keys.narrow(2, self.length, new).copy_(keys);
        kept_values.narrow(2, self.length, new).copy_(values);
        let all = self.length + new;
        (kept_keys.narrow(2, 0, all), kept_values.narrow(2, 0, all))
    }

    /// Counts tokens that all layers were extended by.
    pub fn advance(&mut self, tokens: i64) {
        self.length += tokens;
    }

    /// Forgets all but the first `length` tokens.
    pub fn truncate(&mut self, length: i64) {
        self.length = self.length.min(length);
    }

    /// The rows of this cache that `rows` `[B']` i64 names, in a cache of their own: for rows that are finished.
    #[must_use]
    pub fn select_rows(&self, rows: &Tensor) -> Self {
        let pick = |tensor: &Tensor| tensor.index_select(0, rows);
        Self {
            layers: self
                .layers
                .iter()
                .map(|(keys, values)| (pick(keys), pick(values)))
                .collect(),
            length: self.length,
            room: self.room,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_extended_is_there_and_what_was_truncated_is_not() {
        let mut cache = KvCache::new(KvCacheShape {
            layers: 2,
            batch: 3,
            heads: 1,
            room: 7,
            head: 2,
            kind: Kind::Float,
            device: Device::Cpu,
        })
        .unwrap();
        let ones = |tokens| Tensor::ones([3, 1, tokens, 2], (Kind::Float, Device::Cpu));
        let _ = cache.extend(1, &ones(4), &(ones(4) * 2.0));
        cache.advance(4);
        cache.truncate(3);
        let (keys, values) = cache.extend(1, &(ones(1) * 5.0), &ones(1));
        assert_eq!(keys.size(), [3, 1, 4, 2]);
        let off = keys.double_value(&[2, 0, 3, 1]) - 5.0;
        assert!(off.abs() < 1e-9);
        let off = values.double_value(&[2, 0, 2, 1]) - 2.0;
        assert!(off.abs() < 1e-9);
        let one = cache.select_rows(&Tensor::from_slice(&[1_i64]));
        assert_eq!(one.layers[0].0.size(), [1, 1, 7, 2]);
    }
}
