//! Keys and values of the tokens that a decoder has seen, in memory that is reserved once.
// B batch, N heads of keys, T tokens there is room for, D size of a head

use tch::{Device, Kind, Tensor};

use crate::error::Result;

/// The past of every layer; rows may have seen more tokens or fewer.
#[derive(Debug)]
pub struct KvCache {
    layers: Vec<(Tensor, Tensor)>,
    /// Tokens that each row has seen.
    lengths: Vec<i64>,
    /// Where each row goes on, if not all at one place: its number and its length, `[B, 1]` i64 both.
    ends: Option<(Tensor, Tensor)>,
    room: i64,
    device: Device,
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
            lengths: vec![0; shape.batch as usize],
            ends: None,
            room: shape.room,
            device: shape.device,
        })
    }

    /// Tokens of the row that has seen most.
    pub fn len(&self) -> i64 {
        self.lengths.iter().copied().max().unwrap_or(0)
    }

    /// Whether nothing has been seen.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tokens there is room for.
    pub fn room(&self) -> i64 {
        self.room
    }

    /// Writes keys and values `[B, N, S, D]` of new tokens behind the past of a layer; gives all, `[B, N, T, D]`. A row
    /// that has seen less than others must not see the last of the T: [`KvCache::unseen`].
    pub fn extend(&self, layer: usize, keys: &Tensor, values: &Tensor) -> (Tensor, Tensor) {
        let (kept_keys, kept_values) = &self.layers[layer];
        let new = keys.size()[2];
        let all = self.len() + new;
        for (kept, new_ones) in [(kept_keys, keys), (kept_values, values)] {
            match &self.ends {
                None => kept.narrow(2, all - new, new).copy_(new_ones),
                Some((rows, ends)) => {
                    let places = ends + Tensor::arange(new, (Kind::Int64, self.device)); // [B, S]
                    let indices = [Some(rows), None, Some(&places)];
                    let _ = kept.shallow_clone().index_put_(
                        &indices,
                        &new_ones.transpose(1, 2), // where a slice stands between indices, theirs come first
                        false,
                    );
                }
            }
        }
        (kept_keys.narrow(2, 0, all), kept_values.narrow(2, 0, all))
    }

    /// Counts tokens that all layers were extended by.
    pub fn advance(&mut self, tokens: i64) {
        self.lengths.iter_mut().for_each(|length| *length += tokens);
        self.settle();
    }

    /// Lets these rows forget all but their first `length` tokens.
    pub fn truncate(&mut self, rows: &[i64], length: i64) {
        for &row in rows {
            let seen = &mut self.lengths[row as usize];
            *seen = length.min(*seen);
        }
        self.settle();
    }

    /// What is added where a row must not see, since other rows have seen more tokens: `[B, 1, 1, T]` for a call of one
    /// token, T with it. None where all have seen as many.
    pub fn unseen(&self, kind: Kind) -> Option<Tensor> {
        let (_, ends) = self.ends.as_ref()?;
        let places = Tensor::arange(self.len() + 1, (Kind::Int64, self.device));
        let is_behind = places.unsqueeze(0).gt_tensor(ends); // [B, T]
        let mask = Tensor::zeros(is_behind.size(), (kind, self.device));
        let mask = mask.masked_fill(&is_behind, f64::NEG_INFINITY);
        Some(mask.unsqueeze(1).unsqueeze(1))
    }

    /// What these rows have seen of their first `length` tokens, in a cache of their own with room for `room`; a row may be
    /// named more than once.
    ///
    /// # Errors
    /// No memory for it.
    pub fn fork(&self, rows: &[i64], length: i64, room: i64) -> Result<Self> {
        let places = Tensor::from_slice(rows).to_device(self.device);
        let copied = |kept: &Tensor| -> Result<Tensor> {
            let size = kept.size(); // [B, N, T, D]
            let new = [rows.len() as i64, size[1], room, size[3]];
            let new = Tensor::f_zeros(new, (kept.kind(), self.device))?;
            let old = kept.narrow(2, 0, length).f_index_select(0, &places)?;
            new.narrow(2, 0, length).copy_(&old);
            Ok(new)
        };
        let layers = self.layers.iter();
        let mut forked = Self {
            layers: layers
                .map(|(keys, values)| Ok((copied(keys)?, copied(values)?)))
                .collect::<Result<_>>()?,
            lengths: rows
                .iter()
                .map(|&row| self.lengths[row as usize].min(length))
                .collect(),
            ends: None,
            room,
            device: self.device,
        };
        forked.settle();
        Ok(forked)
    }

    /// Keeps these rows alone, named in rising order.
    pub fn keep_rows(&mut self, rows: &[i64]) {
        for tensor in self
            .layers
            .iter_mut()
            .flat_map(|(keys, values)| [keys, values])
        {
            for (to, &from) in (0..).zip(rows) {
                if to != from {
                    tensor.get(to).copy_(&tensor.get(from));
                }
            }
            *tensor = tensor.narrow(0, 0, rows.len() as i64);
        }
        self.lengths = rows.iter().map(|&row| self.lengths[row as usize]).collect();
        self.settle();
    }

    /// Puts what the rows of `from` have seen into the rows of this cache that `rows` names, in their order, in place of
    /// what these have seen.
    pub fn replace_rows(&mut self, rows: &[i64], from: &Self) {
        let places = Tensor::from_slice(rows).to_device(self.device);
        let length = from.len();
        let put = |kept: &Tensor, new: &Tensor| {
            let _ = kept
                .narrow(2, 0, length)
                .index_copy_(0, &places, &new.narrow(2, 0, length));
        };
        for ((keys, values), (new_keys, new_values)) in self.layers.iter().zip(&from.layers) {
            put(keys, new_keys);
            put(values, new_values);
        }
        for (&row, &length) in rows.iter().zip(&from.lengths) {
            self.lengths[row as usize] = length;
        }
        self.settle();
    }

    /// Where the rows go on, after their lengths have changed.
    fn settle(&mut self) {
        let longest = self.len();
        let is_even = self.lengths.iter().all(|&length| length == longest);
        self.ends = (!is_even).then(|| {
            let column = |of_each: &[i64]| {
                Tensor::from_slice(of_each)
                    .to_device(self.device)
                    .unsqueeze(1)
            };
            let rows: Vec<i64> = (0..self.lengths.len() as i64).collect();
            (column(&rows), column(&self.lengths))
        });
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
        cache.truncate(&[0, 1, 2], 3);
        assert!(
            cache.unseen(Kind::Float).is_none(),
            "all rows end at one place"
        );
        let (keys, values) = cache.extend(1, &(ones(1) * 5.0), &ones(1));
        assert_eq!(keys.size(), [3, 1, 4, 2]);
        let off = keys.double_value(&[2, 0, 3, 1]) - 5.0;
        assert!(off.abs() < 1e-9);
        let off = values.double_value(&[2, 0, 2, 1]) - 2.0;
        assert!(off.abs() < 1e-9);
    }

    #[test]
    fn rows_of_other_lengths_are_written_behind_their_own_past() {
        let shape = KvCacheShape {
            layers: 1,
            batch: 2,
            heads: 3,
            room: 6,
            head: 2,
            kind: Kind::Float,
            device: Device::Cpu,
        };
        let new = |rows: i64, tokens: i64, value: f64| {
            Tensor::full([rows, 3, tokens, 2], value, (Kind::Float, Device::Cpu))
        };
        let row = |tensor: &Tensor, row: i64| {
            Vec::<f32>::try_from(tensor.get(row).get(2).select(1, 1)).unwrap()
        };
        let mut cache = KvCache::new(shape).unwrap();
        let _ = cache.extend(0, &new(2, 4, 1.0), &new(2, 4, 1.0));
        cache.advance(4);
        let mut other = KvCache::new(KvCacheShape { batch: 1, ..shape }).unwrap();
        let _ = other.extend(0, &new(1, 2, 7.0), &new(1, 2, 7.0));
        other.advance(2);
        cache.replace_rows(&[0], &other);

        let (keys, values) = cache.extend(0, &new(2, 1, 9.0), &new(2, 1, 9.0));
        for all in [keys, values] {
            assert_eq!(row(&all, 0)[..3], [7.0, 7.0, 9.0]);
            assert_eq!(row(&all, 1), [1.0, 1.0, 1.0, 1.0, 9.0]);
        }
        let mask = cache.unseen(Kind::Float).unwrap();
        assert_eq!(mask.size(), [2, 1, 1, 5]);
        let hidden = f32::NEG_INFINITY;
        let of_row = |row| Vec::<f32>::try_from(mask.get(row).reshape([-1])).unwrap();
        assert_eq!(of_row(0), [0.0, 0.0, 0.0, hidden, hidden]);
        assert_eq!(of_row(1), [0.0; 5]);
        cache.advance(1);

        let fork = cache.fork(&[1, 0, 1], 3, 8).unwrap();
        assert_eq!((fork.len(), fork.room()), (3, 8));
        assert_eq!(row(&fork.layers[0].0, 1)[..4], [7.0, 7.0, 9.0, 0.0]);
        assert_eq!(row(&fork.layers[0].1, 2)[..4], [1.0, 1.0, 1.0, 0.0]);
        cache.keep_rows(&[1]);
        assert_eq!(cache.len(), 5);
        assert_eq!(cache.layers[0].0.size(), [1, 3, 6, 2]);
        assert_eq!(row(&cache.layers[0].0, 0)[..5], [1.0, 1.0, 1.0, 1.0, 9.0]);
    }
}
