//! Near duplicates: every pair of hashes within a radius, and groups around the ones that are kept.
//!
//! Two 64-bit hashes that differ in at most r bits agree in at least three of any r + 3 blocks of their bits. So for
//! each choice of three blocks the hashes are sorted by those bits, and only hashes that share them are compared: at
//! radius 8, 165 sorts by about 17 bits each. A pair is reported by the first choice that finds it, so none is found twice and
//! none is missed (Manku, Jain, Sarma 2007, "Detecting near-duplicates for web crawling", gives the idea).

use std::sync::Mutex;

use rayon::prelude::*;

/// The largest radius that is searched.
pub const MAX_RADIUS: u32 = 12;

/// Blocks that the bits are cut into at least, so that three of them make a key of at most 18 bits.
const LEAST_BLOCKS: usize = 11;

/// Hashes up to which each is simply compared with each.
const FEW: usize = 2048;

/// Every pair `(i, j)`, i < j, of `hashes` that differ in at most `radius` bits and that `confirm` confirms, sorted.
///
/// Equal hashes are compared through the first of them alone: it pairs with each of the others, which is all that
/// groups around kept ones need if `hashes` stands in the order of preference.
pub fn pairs(
    hashes: &[u64],
    radius: u32,
    confirm: impl Fn(u32, u32) -> bool + Sync,
) -> Vec<(u32, u32)> {
    let radius = radius.min(MAX_RADIUS);
    if hashes.len() > FEW {
        return by_blocks(hashes, radius, confirm);
    }
    let mut found = Vec::new();
    for (at, &hash) in hashes.iter().enumerate() {
        for (other_at, &other) in hashes.iter().enumerate().skip(at + 1) {
            let pair = (at as u32, other_at as u32);
            if (hash ^ other).count_ones() <= radius && confirm(pair.0, pair.1) {
                found.push(pair);
            }
        }
    }
    found
}

fn by_blocks(
    hashes: &[u64],
    radius: u32,
    confirm: impl Fn(u32, u32) -> bool + Sync,
) -> Vec<(u32, u32)> {
    let enough = radius as usize + 3;
    let mut blocks = blocks(enough.max(LEAST_BLOCKS));
    blocks.truncate(enough);
    let mut choices = Vec::new();
    for a in 0..blocks.len() {
        for b in a + 1..blocks.len() {
            choices.extend((b + 1..blocks.len()).map(|c| [a, b, c]));
        }
    }
    // One buffer a worker rather than one a choice.
    let buffers: Mutex<Vec<Buffers>> = Mutex::new(Vec::new());
    let mut found: Vec<(u32, u32)> = choices
        .par_iter()
        .map(|choice| {
            let kept = buffers.lock().ok().and_then(|mut kept| kept.pop());
            let mut buffers_here = kept.unwrap_or_default();
            let search = Search {
                hashes,
                radius,
                blocks: &blocks,
                choice: *choice,
            };
            let found = search.run(&mut buffers_here, &confirm);
            if let Ok(mut kept) = buffers.lock() {
                kept.push(buffers_here);
            }
            found
        })
        .flatten_iter()
        .collect();
    found.par_sort_unstable();
    found
}

/// For each place of an order of preference, the place that it joins: the first kept one that it is paired with, or
/// itself. A group is everything within reach of its kept one: there are no chains.
pub fn keepers(count: usize, pairs: &[(u32, u32)]) -> Vec<u32> {
    let mut keepers: Vec<u32> = (0..count as u32).collect();
    let mut is_kept = vec![true; count];
    let mut by_second: Vec<(u32, u32)> = pairs.iter().map(|&(i, j)| (j, i)).collect();
    by_second.sort_unstable();
    for (second, first) in by_second {
        // Sorted: every place before `second` is settled, and its earlier partners come first.
        if is_kept[second as usize] && is_kept[first as usize] {
            is_kept[second as usize] = false;
            keepers[second as usize] = first;
        }
    }
    keepers
}

/// `count` runs of neighbouring bits, as masks; together all 64.
fn blocks(count: usize) -> Vec<u64> {
    (0..count)
        .map(|block| {
            let (start, end) = (block * 64 / count, (block + 1) * 64 / count);
            (u64::MAX >> (64 - (end - start))) << start
        })
        .collect()
}

#[derive(Default)]
struct Buffers {
    /// Ends of runs by key.
    ends: Vec<u32>,
    /// Hashes and their places, sorted by key.
    sorted: Vec<(u64, u32)>,
}

struct Search<'a> {
    hashes: &'a [u64],
    radius: u32,
    blocks: &'a [u64],
    choice: [usize; 3],
}

impl Search<'_> {
    fn run(&self, buffers: &mut Buffers, confirm: &impl Fn(u32, u32) -> bool) -> Vec<(u32, u32)> {
        self.sort(buffers);
        let mut found = Vec::new();
        let mut start = 0;
        for &end in &buffers.ends {
            let run = &mut buffers.sorted[start..end as usize];
            start = end as usize;
            if run.len() > 1 {
                self.compare(run, confirm, &mut found);
            }
        }
        found
    }

    /// A counting sort by the bits of the three blocks.
    fn sort(&self, buffers: &mut Buffers) {
        let [a, b, c] = self.choice.map(|at| self.blocks[at]);
        let (width_b, width_c) = (b.count_ones(), c.count_ones());
        let key = |hash: u64| -> usize {
            let part = |mask: u64| (hash & mask) >> mask.trailing_zeros();
            (((part(a) << width_b | part(b)) << width_c) | part(c)) as usize
        };
        let bits = a.count_ones() + width_b + width_c;
        buffers.ends.clear();
        buffers.ends.resize(1 << bits, 0);
        for &hash in self.hashes {
            buffers.ends[key(hash)] += 1;
        }
        let mut sum = 0;
        for end in &mut buffers.ends {
            sum += std::mem::replace(end, sum);
        }
        buffers.sorted.resize(self.hashes.len(), (0, 0));
        for (place, &hash) in self.hashes.iter().enumerate() {
            let end = &mut buffers.ends[key(hash)];
            buffers.sorted[*end as usize] = (hash, place as u32);
            *end += 1;
        }
    }

    /// Compares all hashes of a run that share the key.
    fn compare(
        &self,
        run: &mut [(u64, u32)],
        confirm: &impl Fn(u32, u32) -> bool,
        found: &mut Vec<(u32, u32)>,
    ) {
        if run.len() <= 32 {
            for (at, &(hash, place)) in run.iter().enumerate() {
                for &(other, other_place) in &run[at + 1..] {
                    if (hash ^ other).count_ones() <= self.radius {
                        self.report(place, other_place, hash, other, confirm, found);
                    }
                }
            }
            return;
        }
        // A crowd of equal hashes, as series of one drawing give, must not be compared pair by pair: each pairs with
        // the first of its own hash and with the first of each hash in reach.
        run.sort_unstable();
        let crowds: Vec<&[(u64, u32)]> = run.chunk_by(|a, b| a.0 == b.0).collect();
        for (at, crowd) in crowds.iter().enumerate() {
            let (hash, first) = crowd[0];
            for &(_, place) in &crowd[1..] {
                self.report(first, place, hash, hash, confirm, found);
            }
            for other_crowd in &crowds[at + 1..] {
                let (other, other_first) = other_crowd[0];
                if (hash ^ other).count_ones() > self.radius {
                    continue;
                }
                for &(_, place) in *other_crowd {
                    self.report(first, place, hash, other, confirm, found);
                }
                for &(_, place) in &crowd[1..] {
                    self.report(place, other_first, hash, other, confirm, found);
                }
            }
        }
    }

    /// Reports a pair, if this is the first choice of blocks that finds it.
    fn report(
        &self,
        place: u32,
        other_place: u32,
        hash: u64,
        other: u64,
        confirm: &impl Fn(u32, u32) -> bool,
        found: &mut Vec<(u32, u32)>,
    ) {
        let difference = hash ^ other;
        let mut equal = (0..self.blocks.len()).filter(|&at| difference & self.blocks[at] == 0);
        let first = [equal.next(), equal.next(), equal.next()];
        if first == self.choice.map(Some) {
            let (low, high) = (place.min(other_place), place.max(other_place));
            if confirm(low, high) {
                found.push((low, high));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terminus_manifest::ids::hash_u64;

    /// Half of them at random, half around few centres.
    fn skewed(count: u64) -> Vec<u64> {
        let random = |kind: &str, n: u64| hash_u64(kind, &[&n.to_string()]);
        (0..count)
            .map(|n| {
                if n % 2 == 0 {
                    return random("alone", n);
                }
                let noise = random("noise", n);
                let flips =
                    (0..noise % 7).fold(0_u64, |mask, at| mask | 1 << (noise >> (8 + 6 * at) & 63));
                random("centre", n % 40) ^ flips
            })
            .collect()
    }

    #[test]
    fn pairs_are_those_of_brute_force() {
        let mut hashes = skewed(1500);
        hashes.dedup();
        for radius in [0, 1, 4, 8, 12] {
            let found = by_blocks(&hashes, radius, |_, _| true);
            let mut expected = Vec::new();
            for i in 0..hashes.len() {
                for j in i + 1..hashes.len() {
                    if (hashes[i] ^ hashes[j]).count_ones() <= radius {
                        expected.push((i as u32, j as u32));
                    }
                }
            }
            assert_eq!(pairs(&hashes, radius, |_, _| true), expected);
            let groups = |pairs: &[(u32, u32)]| keepers(hashes.len(), pairs);
            assert_eq!(groups(&found), groups(&expected), "radius {radius}");
            assert!(
                found
                    .iter()
                    .all(|pair| expected.binary_search(pair).is_ok())
            );
        }
    }

    #[test]
    fn a_crowd_of_equal_hashes_is_one_group() {
        let hashes = vec![7_u64; 100_000];
        let keepers = keepers(hashes.len(), &pairs(&hashes, 8, |_, _| true));
        assert!(keepers.iter().all(|&keeper| keeper == 0));
    }

    #[test]
    fn there_are_no_chains() {
        // 0 - 1 - 2 in a row, each one bit from the next: 2 is out of reach of 0 and stays.
        let hashes = [0b000, 0b001, 0b011];
        assert_eq!(keepers(3, &pairs(&hashes, 1, |_, _| true)), [0, 0, 2]);
    }

    #[test]
    fn what_is_not_confirmed_is_no_pair() {
        assert!(pairs(&[5, 5], 8, |_, _| false).is_empty());
    }
}
