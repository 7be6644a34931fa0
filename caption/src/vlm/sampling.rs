//! Drawing a token by its probability; the same for a seed and a place in the text, whatever the batch.

use terminus_manifest::ids;

use crate::speaker::Sampling;

/// The token that is drawn from `logits` at place `at` of the text whose draws `seed` decides.
pub(crate) fn choose(logits: &[f32], sampling: Sampling, seed: u64, at: u64) -> i64 {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    let descending = |a: &usize, b: &usize| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b));
    let kept = match sampling.top_k {
        0 => logits.len(),
        k => (k as usize).min(logits.len()),
    };
    if kept < logits.len() {
        order.select_nth_unstable_by(kept, descending);
        order.truncate(kept);
    }
    order.sort_unstable_by(descending);
    let Some(&first) = order.first() else {
        return 0;
    };
    let largest = f64::from(logits[first]);
    let weight = |token: usize| ((f64::from(logits[token]) - largest) / sampling.temperature).exp();
    let total: f64 = order.iter().map(|&token| weight(token)).sum();
    let mut sum = 0.0;
    let mut allowed = Vec::new();
    for &token in &order {
        sum += weight(token) / total;
        allowed.push((token, sum));
        if sum >= sampling.top_p {
            break;
        }
    }
    let bits = ids::hash_u64("sample", &[&seed.to_string(), &at.to_string()]);
    let draw = (bits >> 11) as f64 / (1_u64 << 53) as f64 * sum;
    let found = allowed.iter().find(|(_, upto)| draw < *upto);
    found.map_or(first as i64, |(token, _)| *token as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_probabilities_and_the_seed() {
        let logits: Vec<f32> = [0.1_f32, 0.6, 0.25, 0.05].iter().map(|p| p.ln()).collect();
        let sampling = Sampling {
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
        };
        let mut counts = [0; 4];
        for at in 0..20_000 {
            counts[choose(&logits, sampling, 7, at) as usize] += 1;
        }
        for (count, share) in counts.iter().zip([0.1, 0.6, 0.25, 0.05]) {
            assert!(
                (f64::from(*count) / 20_000.0 - share).abs() < 0.015,
                "{counts:?}"
            );
        }
        let cut = Sampling {
            top_p: 0.8,
            ..sampling
        };
        assert!((0..500).all(|at| [1, 2].contains(&choose(&logits, cut, 7, at))));
        let one = Sampling {
            top_k: 1,
            ..sampling
        };
        assert!((0..500).all(|at| choose(&logits, one, 7, at) == 1));
        assert_eq!(
            choose(&logits, sampling, 3, 9),
            choose(&logits, sampling, 3, 9)
        );
    }
}
