//! The perceptual hash: signs of low frequencies of a 32x32 grey copy against their median (Zauner 2010, "pHash").

use std::{f32::consts::PI, sync::LazyLock};

const SIDE: usize = 32;
/// Frequencies a side; the constant ones of row and column 0 are left out.
const KEPT: usize = 8;
/// The mean square of the frequencies below which a picture is nearly flat, and its signs noise.
const LEAST_ENERGY: f32 = 4.0;

static COSINES: LazyLock<[[f32; SIDE]; KEPT]> = LazyLock::new(|| {
    let mut cosines = [[0.0; SIDE]; KEPT];
    for (k, row) in cosines.iter_mut().enumerate() {
        for (n, value) in row.iter_mut().enumerate() {
            *value = (PI * (n as f32 + 0.5) * (k as f32 + 1.0) / SIDE as f32).cos();
        }
    }
    cosines
});

/// 64 bits; none for a picture that is nearly flat. `grey` holds 32x32 values.
pub(super) fn hash(grey: &[f32]) -> Option<u64> {
    let mut across = [[0.0_f32; KEPT]; SIDE];
    for (row, out) in grey.chunks_exact(SIDE).zip(&mut across) {
        for (cosines, out) in COSINES.iter().zip(out) {
            *out = row.iter().zip(cosines).map(|(a, b)| a * b).sum();
        }
    }
    let mut frequencies = [0.0_f32; KEPT * KEPT];
    for (v, cosines) in COSINES.iter().enumerate() {
        for u in 0..KEPT {
            let sum: f32 = across.iter().zip(cosines).map(|(row, c)| row[u] * c).sum();
            frequencies[v * KEPT + u] = sum / SIDE as f32;
        }
    }
    let energy = frequencies.iter().map(|f| f * f).sum::<f32>() / frequencies.len() as f32;
    if energy < LEAST_ENERGY {
        return None;
    }
    let mut sorted = frequencies;
    sorted.sort_by(f32::total_cmp);
    let median = f32::midpoint(sorted[31], sorted[32]);
    Some(
        frequencies
            .iter()
            .fold(0, |hash, &f| hash << 1 | u64::from(f > median)),
    )
}
