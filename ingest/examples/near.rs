//! Seconds for all pairs and groups among hashes, half of them drawn around few centres.
//!
//! usage: `near [HASHES] [CENTRES] [RADIUS]`, by default 1,000,000, 10,000 and 8. Holds 2,000 of them against brute force.

use std::time::Instant;

use terminus_ingest::near::{keepers, pairs};

/// The splitmix64 generator: a stream of 64-bit numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|text| text.parse::<u64>().ok());
    let count = numbers.next().unwrap_or(1_000_000);
    let centres = numbers.next().unwrap_or(10_000);
    let radius = numbers.next().unwrap_or(8) as u32;
    let mut random = Random(1);
    let centres: Vec<u64> = (0..centres).map(|_| random.next()).collect();
    let hashes: Vec<u64> = (0..count)
        .map(|n| {
            if n % 2 == 0 {
                return random.next();
            }
            let mut hash = centres[random.next() as usize % centres.len()];
            for _ in 0..random.next() % 7 {
                hash ^= 1 << (random.next() % 64);
            }
            hash
        })
        .collect();
    let begun = Instant::now();
    let found = pairs(&hashes, radius, |_, _| true);
    let paired = begun.elapsed();
    let kept = keepers(hashes.len(), &found);
    let groups = kept
        .iter()
        .enumerate()
        .filter(|&(at, &keeper)| at as u32 == keeper)
        .count();
    println!(
        "{count} hashes, radius {radius}: {} pairs in {:.2} s, {groups} groups in {:.2} s",
        found.len(),
        paired.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    let subset: Vec<u64> = hashes
        .iter()
        .copied()
        .skip(1)
        .step_by((hashes.len() / 2000) | 1)
        .collect();
    let mut expected = Vec::new();
    for i in 0..subset.len() {
        for j in i + 1..subset.len() {
            if (subset[i] ^ subset[j]).count_ones() <= radius {
                expected.push((i as u32, j as u32));
            }
        }
    }
    let is_exact = pairs(&subset, radius, |_, _| true) == expected;
    println!(
        "{} of them: {} pairs, equal to brute force: {is_exact}",
        subset.len(),
        expected.len()
    );
}
