//! Huffman tables (ITU-T T.81, annexes C, F and K).

/// Bits that one look-up covers; longer codes are rare.
const LOOK_BITS: u32 = 11;

/// The longest code that a table may have.
const LONGEST: usize = 16;

/// Tells symbols from bits.
#[derive(Clone, Debug)]
pub(super) struct Decoder {
    /// Symbol and length of the code that the bits begin with; length 0 if it is longer, or none.
    looks: Vec<(u8, u8)>,
    /// Codes by length: the first that is too large for the length, at the top of 16 bits, and what takes a code to the
    /// place of its symbol.
    lengths: [(u32, i32); LONGEST + 1],
    symbols: Vec<u8>,
}

impl Decoder {
    /// `counts` are the 16 numbers of codes by length. None if there are more codes than fit.
    pub(super) fn new(counts: &[u8; LONGEST], symbols: &[u8]) -> Option<Self> {
        let mut table = Self {
            looks: vec![(0, 0); 1 << LOOK_BITS],
            lengths: [(0, 0); LONGEST + 1],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut place) = (0_u32, 0_usize);
        for (length, &count) in (1_u32..).zip(counts) {
            let first = code;
            for _ in 0..count {
                let symbol = *symbols.get(place)?;
                if code >= 1 << length {
                    return None;
                }
                if length <= LOOK_BITS {
                    let at = (code << (LOOK_BITS - length)) as usize;
                    let end = at + (1 << (LOOK_BITS - length));
                    table.looks[at..end].fill((symbol, length as u8));
                }
                code += 1;
                place += 1;
            }
            let to_place = place as i32 - i32::from(count) - first as i32;
            table.lengths[length as usize] = (code << (LONGEST as u32 - length), to_place);
            code <<= 1;
        }
        Some(table)
    }

    /// The symbol whose code stands at the top of `bits`, and the code's length.
    #[inline]
    pub(super) fn decode(&self, bits: u64) -> Option<(u8, u32)> {
        let (symbol, length) = self.looks[(bits >> (64 - LOOK_BITS)) as usize];
        if length > 0 {
            Some((symbol, u32::from(length)))
        } else {
            self.decode_long(bits)
        }
    }

    #[cold]
    fn decode_long(&self, bits: u64) -> Option<(u8, u32)> {
        let top = (bits >> (64 - LONGEST)) as u32;
        let length = (LOOK_BITS as usize + 1..=LONGEST).find(|&n| top < self.lengths[n].0)?;
        let code = top >> (LONGEST - length);
        let place = code as i32 + self.lengths[length].1;
        let symbol = *self.symbols.get(usize::try_from(place).ok()?)?;
        Some((symbol, length as u32))
    }
}

/// A table that gives frequent symbols short codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Optimal {
    /// Numbers of codes by length.
    pub counts: [u8; LONGEST],
    /// The symbols, those with the shortest codes first.
    pub symbols: Vec<u8>,
}

impl Optimal {
    /// The table for symbols that occur this often. At least one must.
    pub(super) fn new(uses: &[u32; 256]) -> Self {
        let mut leaves: Vec<(u64, u8)> = (0..=255_u8)
            .map(|symbol| (u64::from(uses[usize::from(symbol)]), symbol))
            .filter(|&(uses, _)| uses > 0)
            .collect();
        leaves.sort_unstable_by_key(|&(uses, symbol)| (uses, symbol));
        // The code of ones alone is not allowed: a symbol that never occurs takes it.
        let weights: Vec<u64> = std::iter::once(0)
            .chain(leaves.iter().map(|&(uses, _)| uses))
            .collect();
        let mut counts = limited(&depths(&weights));
        if let Some(longest) = counts.iter_mut().rev().find(|count| **count > 0) {
            *longest -= 1;
        }
        Self {
            counts: counts.map(|count| count as u8),
            symbols: leaves.iter().rev().map(|&(_, symbol)| symbol).collect(),
        }
    }

    /// Each symbol with its code and length.
    pub(super) fn codes(&self) -> impl Iterator<Item = (u8, u32, u32)> {
        let mut code = 0_u32;
        let mut last = 0;
        let lengths = (1_u32..)
            .zip(self.counts)
            .flat_map(|(length, count)| std::iter::repeat_n(length, usize::from(count)));
        self.symbols
            .iter()
            .zip(lengths)
            .map(move |(&symbol, length)| {
                code <<= length - last;
                last = length;
                code += 1;
                (symbol, code - 1, length)
            })
    }
}

/// How many leaves of a Huffman tree lie at each depth. `weights` are in ascending order.
fn depths(weights: &[u64]) -> Vec<u32> {
    // Two queues: leaves, and the nodes that were made of two, whose weights ascend by themselves.
    let (mut leaf, mut node) = (0, 0);
    let mut nodes: Vec<(u64, [usize; 2])> = Vec::with_capacity(weights.len());
    for _ in 1..weights.len() {
        let mut next = || {
            let is_leaf = leaf < weights.len()
                && nodes
                    .get(node)
                    .is_none_or(|&(weight, _)| weights[leaf] <= weight);
            if is_leaf {
                leaf += 1;
                (weights[leaf - 1], leaf - 1)
            } else {
                node += 1;
                (nodes[node - 1].0, weights.len() + node - 1)
            }
        };
        let ((a, first), (b, second)) = (next(), next());
        nodes.push((a + b, [first, second]));
    }
    let mut depth = vec![0_usize; weights.len() + nodes.len()];
    for (at, &(_, children)) in nodes.iter().enumerate().rev() {
        for child in children {
            depth[child] = depth[weights.len() + at] + 1;
        }
    }
    let mut counts = vec![0; weights.len().max(LONGEST + 1)];
    for &depth in &depth[..weights.len()] {
        counts[depth] += 1;
    }
    counts
}

/// Numbers of codes by length, from those of a tree by depth, none longer than allowed (figure K.3).
fn limited(depths: &[u32]) -> [u32; LONGEST] {
    let mut counts = depths.to_vec();
    for length in (LONGEST + 1..counts.len()).rev() {
        while counts[length] > 0 {
            // Two of the longest make room: one goes a step up, the other beside a shorter one, which goes a step down.
            let shorter = (1..length - 1).rev().find(|&n| counts[n] > 0).unwrap_or(1);
            counts[length] -= 2;
            counts[length - 1] += 1;
            counts[shorter + 1] += 2;
            counts[shorter] -= 1;
        }
    }
    std::array::from_fn(|at| counts[at + 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(of: impl Fn(u32) -> u32) -> [u32; 256] {
        std::array::from_fn(|n| of(n as u32))
    }

    /// The lengths of a table's codes, which must be a prefix code that leaves the code of ones alone.
    fn lengths(table: &Optimal) -> Vec<(u8, u32)> {
        let codes: Vec<_> = table.codes().collect();
        assert_eq!(codes.len(), table.symbols.len());
        let taken: u64 = codes.iter().map(|&(.., length)| 1 << (16 - length)).sum();
        assert!(taken < 1 << 16);
        for &(_, code, length) in &codes {
            assert!(length <= 16 && code < (1 << length) - 1);
        }
        let decoder = Decoder::new(&table.counts, &table.symbols).unwrap();
        for &(symbol, code, length) in &codes {
            let bits = (u64::from(code) << (64 - length)) | 1;
            assert_eq!(decoder.decode(bits), Some((symbol, length)));
        }
        assert_eq!(decoder.decode(u64::MAX), None);
        codes
            .into_iter()
            .map(|(symbol, _, length)| (symbol, length))
            .collect()
    }

    #[test]
    fn frequent_symbols_get_short_codes() {
        let table = Optimal::new(&uses(|n| match n {
            3 => 100,
            9 => 30,
            200 => 20,
            _ => 0,
        }));
        assert_eq!(lengths(&table), [(3, 1), (9, 2), (200, 3)]);
        let one = Optimal::new(&uses(|n| u32::from(n == 5)));
        assert_eq!(lengths(&one), [(5, 1)]);
    }

    #[test]
    fn no_code_is_too_long() {
        // Fibonacci numbers make the deepest tree that there is.
        let mut fibonacci = vec![1_u32, 1];
        while fibonacci.len() < 40 {
            fibonacci.push(fibonacci.iter().rev().take(2).sum());
        }
        let table = Optimal::new(&uses(|n| fibonacci.get(n as usize).copied().unwrap_or(0)));
        assert_eq!(lengths(&table).len(), 40);
        let all = Optimal::new(&uses(|n| 1 << (n / 12)));
        assert_eq!(lengths(&all).len(), 256);
    }

    #[test]
    fn equal_uses_give_equal_lengths() {
        let table = Optimal::new(&uses(|n| u32::from(n < 15)));
        assert!(lengths(&table).iter().all(|&(_, length)| length == 4));
    }

    #[test]
    fn a_table_with_too_many_codes_is_none() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Decoder::new(&counts, &[1, 2, 3]).is_none());
        counts[0] = 1;
        assert!(Decoder::new(&counts, &[]).is_none());
    }
}
