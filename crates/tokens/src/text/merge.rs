//! Byte-pair encoding over any symbols: the best pair merges first, of equals the leftmost.

use std::collections::BinaryHeap;

/// A symbol in the linked list of a text; a merge keeps its left one and drops its right one.
#[derive(Debug, Clone, Copy)]
struct Symbol<S> {
    value: S,
    previous: usize,
    next: usize,
    is_dropped: bool,
}

/// A pair that could merge: the greatest priority goes first, then the leftmost.
struct Candidate<P, S> {
    priority: P,
    at: usize,
    pair: (S, S),
    merged: S,
}

impl<P: Ord, S> PartialEq for Candidate<P, S> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<P: Ord, S> Eq for Candidate<P, S> {}

impl<P: Ord, S> PartialOrd for Candidate<P, S> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<P: Ord, S> Ord for Candidate<P, S> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.priority
            .cmp(&other.priority)
            .then_with(|| other.at.cmp(&self.at))
    }
}

/// Stands for "no neighbour" in the linked list.
const NONE: usize = usize::MAX;

/// Merges pairs of neighbours as long as `lookup` gives any a priority and a result.
pub(super) fn merge<S: Copy + PartialEq, P: Ord>(
    symbols: impl IntoIterator<Item = S>,
    lookup: impl Fn(S, S) -> Option<(P, S)>,
) -> Vec<S> {
    let mut list: Vec<Symbol<S>> = symbols
        .into_iter()
        .enumerate()
        .map(|(at, value)| Symbol {
            value,
            previous: at.wrapping_sub(1),
            next: at + 1,
            is_dropped: false,
        })
        .collect();
    if let Some(last) = list.last_mut() {
        last.next = NONE;
    }
    let mut queue = BinaryHeap::new();
    let propose = |list: &[Symbol<S>], at: usize, queue: &mut BinaryHeap<Candidate<P, S>>| {
        let Symbol { value, next, .. } = list[at];
        if next == NONE {
            return;
        }
        let pair = (value, list[next].value);
        if let Some((priority, merged)) = lookup(pair.0, pair.1) {
            queue.push(Candidate {
                priority,
                at,
                pair,
                merged,
            });
        }
    };
    for at in 0..list.len() {
        propose(&list, at, &mut queue);
    }
    while let Some(Candidate {
        at, pair, merged, ..
    }) = queue.pop()
    {
        let Symbol {
            value,
            previous,
            next,
            is_dropped,
        } = list[at];
        // An earlier merge may have changed the pair.
        if is_dropped || next == NONE || pair != (value, list[next].value) {
            continue;
        }
        let after = list[next].next;
        list[next].is_dropped = true;
        list[at].next = after;
        list[at].value = merged;
        if after != NONE {
            list[after].previous = at;
        }
        propose(&list, at, &mut queue);
        if previous != NONE {
            propose(&list, previous, &mut queue);
        }
    }
    list.iter()
        .filter(|symbol| !symbol.is_dropped)
        .map(|symbol| symbol.value)
        .collect()
}
