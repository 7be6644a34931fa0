//! Sums of rows of bytes by weight.
//!
//! A weight of 22 bits is split into two of 16, whose products with pairs of pixels a processor adds in one instruction.
//! Compilers do not find it in plain code, so that it is asked for by name.

use wide::{i16x8, i32x4, u8x16};

use super::PRECISION;

/// Bytes that are summed at once: their sums stay in registers.
pub(super) const LANES: usize = 16;
/// Bits of a weight's lower part.
const LOW_BITS: u32 = 12;

/// The weights of two rows, upper and lower parts: `weight = upper * 2^12 + lower`.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    upper: [i16; 2],
    lower: [i16; 2],
}

impl Pair {
    /// Of one weight or two.
    pub(super) fn new(weights: &[i32]) -> Self {
        let each = |at: usize| weights.get(at).copied().unwrap_or(0);
        let both = [each(0), each(1)];
        Self {
            upper: both.map(|weight| (weight >> LOW_BITS) as i16),
            lower: both.map(|weight| (weight & ((1 << LOW_BITS) - 1)) as i16),
        }
    }
}

/// The first bytes of rows that lie `row_bytes` apart, summed by weight and rounded.
pub(super) fn sum(rows: &[u8], row_bytes: usize, pairs: &[Pair]) -> [u8; LANES] {
    let zero = u8x16::splat(0);
    let (mut upper, mut lower) = ([i32x4::ZERO; 4], [i32x4::ZERO; 4]);
    for (pair, both) in pairs.iter().zip(rows.chunks(2 * row_bytes)) {
        let first = both.first_chunk().unwrap_or(&[0; LANES]);
        // Behind the last row nothing follows, and its partner's weight is zero.
        let second = both.get(row_bytes..).and_then(<[u8]>::first_chunk);
        let (first, second) = (u8x16::new(*first), u8x16::new(*second.unwrap_or(first)));
        let (low, high) = (
            u8x16::unpack_low(first, second),
            u8x16::unpack_high(first, second),
        );
        // A byte of each row, and again, as numbers of 16 bits.
        let mixed = [
            wider(u8x16::unpack_low(low, zero)),
            wider(u8x16::unpack_high(low, zero)),
            wider(u8x16::unpack_low(high, zero)),
            wider(u8x16::unpack_high(high, zero)),
        ];
        let (by_upper, by_lower) = (everywhere(pair.upper), everywhere(pair.lower));
        for quarter in 0..4 {
            upper[quarter] += mixed[quarter].dot(by_upper);
            lower[quarter] += mixed[quarter].dot(by_lower);
        }
    }
    let mut bytes = [0; LANES];
    for quarter in 0..4 {
        let half = i32x4::splat(1 << (PRECISION - 1));
        let whole = (upper[quarter] << LOW_BITS) + lower[quarter] + half;
        let rounded = (whole >> PRECISION).to_array();
        for (byte, rounded) in bytes[quarter * 4..].iter_mut().zip(rounded) {
            *byte = rounded.clamp(0, 255) as u8;
        }
    }
    bytes
}

/// Bytes of which every other is zero, as numbers of 16 bits.
fn wider(bytes: u8x16) -> i16x8 {
    bytemuck::cast(bytes)
}

/// Two weights, and again.
fn everywhere([a, b]: [i16; 2]) -> i16x8 {
    i16x8::new([a, b, a, b, a, b, a, b])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_that_of_its_products_whatever_the_number_of_rows() {
        let rows: Vec<u8> = (0..37 * 23_u32)
            .map(|at| (at.wrapping_mul(at) >> 3) as u8)
            .collect();
        for count in 1..=37 {
            let weights: Vec<i32> = (0..count)
                .map(|at| (1 << PRECISION) / count + (at * 977 % 4001 - 2000) * 300)
                .collect();
            let pairs: Vec<Pair> = weights.chunks(2).map(Pair::new).collect();
            let found = sum(&rows, 23, &pairs);
            for (lane, found) in found.into_iter().enumerate() {
                let products = weights.iter().zip(rows[lane..].iter().step_by(23));
                let total: i64 = products.map(|(w, x)| i64::from(*w) * i64::from(*x)).sum();
                let rounded = (total + (1 << (PRECISION - 1))) >> PRECISION;
                assert_eq!(i64::from(found), rounded.clamp(0, 255), "{count} rows");
            }
        }
    }
}
