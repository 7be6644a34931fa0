//! Byte-pair encoding of one piece: the pair that was learnt first merges first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// The symbols of single bytes, and which pairs of symbols merge into which.
#[derive(Debug)]
pub(super) struct Merges {
    /// The symbol of a byte inside a piece; none if the vocabulary lacks it.
    inner: [Option<u32>; 256],
    /// The symbol of a piece's last byte, which carries the mark of the word's end.
    last: [Option<u32>; 256],
    /// (left, right) to the rank of their merge.
    ranks: HashMap<(u32, u32), u32>,
    /// What the merge of each rank makes.
    results: Vec<u32>,
}

/// Encodes pieces, one after another, with the same working memory.
pub(super) struct Encoder<'a> {
    merges: &'a Merges,
    unk: u32,
    symbols: Vec<Symbol>,
    queue: BinaryHeap<Reverse<Candidate>>,
}

/// A symbol in the linked list of a piece; a merge keeps its left one and drops its right one.
#[derive(Debug, Clone, Copy)]
struct Symbol {
    id: u32,
    previous: usize,
    next: usize,
    is_dropped: bool,
}

/// A pair that could merge: the lowest rank goes first, then the leftmost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    rank: u32,
    at: usize,
    pair: (u32, u32),
}

/// Stands for "no neighbour" in the linked list.
const NONE: usize = usize::MAX;

impl Merges {
    /// `byte_symbols` gives a byte's symbol inside a piece and at its end; `merges` are (left, right, result) by rank.
    pub(super) fn new(
        byte_symbols: impl Fn(u8) -> (Option<u32>, Option<u32>),
        merges: &[(u32, u32, u32)],
    ) -> Self {
        let mut this = Self {
            inner: [None; 256],
            last: [None; 256],
            ranks: HashMap::with_capacity(merges.len()),
            results: Vec::with_capacity(merges.len()),
        };
        for byte in 0..=255_u8 {
            (this.inner[usize::from(byte)], this.last[usize::from(byte)]) = byte_symbols(byte);
        }
        for (rank, &(left, right, result)) in merges.iter().enumerate() {
            this.ranks.insert((left, right), rank as u32);
            this.results.push(result);
        }
        this
    }

    /// An encoder that writes `unk` for a byte that has no symbol.
    pub(super) fn encoder(&self, unk: u32) -> Encoder<'_> {
        Encoder {
            merges: self,
            unk,
            symbols: Vec::new(),
            queue: BinaryHeap::new(),
        }
    }
}

impl Encoder<'_> {
    /// Appends the tokens of one piece.
    pub(super) fn encode(&mut self, piece: &str, out: &mut Vec<u32>) {
        self.load(piece.as_bytes());
        for at in 0..self.symbols.len() {
            self.propose(at);
        }
        while let Some(Reverse(candidate)) = self.queue.pop() {
            self.merge(candidate);
        }
        out.extend(
            self.symbols
                .iter()
                .filter(|symbol| !symbol.is_dropped)
                .map(|symbol| symbol.id),
        );
    }

    fn load(&mut self, bytes: &[u8]) {
        self.symbols.clear();
        let end = bytes.len().saturating_sub(1);
        self.symbols
            .extend(bytes.iter().enumerate().map(|(at, &byte)| {
                let table = if at == end {
                    &self.merges.last
                } else {
                    &self.merges.inner
                };
                Symbol {
                    id: table[usize::from(byte)].unwrap_or(self.unk),
                    previous: at.wrapping_sub(1),
                    next: if at == end { NONE } else { at + 1 },
                    is_dropped: false,
                }
            }));
    }

    /// Puts the pair that starts at `at` into the queue, if it can merge.
    fn propose(&mut self, at: usize) {
        let Symbol { id: left, next, .. } = self.symbols[at];
        if next == NONE {
            return;
        }
        let pair = (left, self.symbols[next].id);
        if let Some(&rank) = self.merges.ranks.get(&pair) {
            self.queue.push(Reverse(Candidate { rank, at, pair }));
        }
    }

    /// Merges a candidate, unless an earlier merge has changed the pair.
    fn merge(&mut self, Candidate { rank, at, pair }: Candidate) {
        let Symbol {
            id,
            previous,
            next,
            is_dropped,
        } = self.symbols[at];
        if is_dropped || next == NONE || pair != (id, self.symbols[next].id) {
            return;
        }
        let after = self.symbols[next].next;
        self.symbols[next].is_dropped = true;
        self.symbols[at].next = after;
        self.symbols[at].id = self.merges.results[rank as usize];
        if after != NONE {
            self.symbols[after].previous = at;
        }
        self.propose(at);
        if previous != NONE {
            self.propose(previous);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// a b c at the inside (0 1 2) and at the end (3 4 5) of a word.
    fn merges(list: &[(u32, u32, u32)]) -> Merges {
        let symbols = |byte: u8| match byte {
            b'a'..=b'c' => (
                Some(u32::from(byte - b'a')),
                Some(u32::from(byte - b'a') + 3),
            ),
            _ => (None, None),
        };
        Merges::new(symbols, list)
    }

    fn encode(merges: &Merges, piece: &str) -> Vec<u32> {
        let mut out = Vec::new();
        merges.encoder(99).encode(piece, &mut out);
        out
    }

    #[test]
    fn the_pair_learnt_first_merges_first() {
        // b+c before a+b: "abc" is a + bc.
        let merges = merges(&[(1, 5, 10), (0, 1, 11)]);
        assert_eq!(encode(&merges, "abc"), [0, 10]);
        assert_eq!(encode(&merges, "aba"), [11, 3]);
    }

    #[test]
    fn of_overlapping_equal_pairs_the_leftmost_merges() {
        let merges = merges(&[(0, 0, 10)]);
        assert_eq!(encode(&merges, "aaaab"), [10, 10, 4]);
        assert_eq!(encode(&merges, "aaab"), [10, 0, 4]);
    }

    #[test]
    fn a_merge_builds_on_earlier_ones() {
        let merges = merges(&[(0, 1, 10), (10, 10, 11), (11, 5, 12)]);
        assert_eq!(encode(&merges, "ababc"), [12]);
    }

    #[test]
    fn a_byte_without_a_symbol_is_unknown() {
        assert_eq!(encode(&merges(&[]), "axb"), [0, 99, 4]);
        assert_eq!(encode(&merges(&[]), "a"), [3]);
        assert!(encode(&merges(&[]), "").is_empty());
    }
}
