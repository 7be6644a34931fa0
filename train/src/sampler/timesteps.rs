//! Which timesteps a sampler visits.

/// How the visited timesteps lie among those of training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spacing {
    /// From the last timestep down: see [`trailing_timesteps`].
    #[default]
    Trailing,
    /// Multiples of a whole number, shifted up: how SDXL itself is sampled. Never begins at the last timestep.
    Leading {
        /// By how much they are shifted: `steps_offset`.
        offset: usize,
    },
}

impl Spacing {
    /// `steps` falling timesteps below `train_timesteps`, as diffusers places them for single-step or multistep solvers.
    pub fn timesteps(self, steps: usize, train_timesteps: usize, is_multistep: bool) -> Vec<usize> {
        let Self::Leading { offset } = self else {
            return trailing_timesteps(steps, train_timesteps);
        };
        let steps = steps.clamp(1, train_timesteps.max(1));
        // Multistep solvers divide by one more, and leave 0 out.
        let (parts, first) = (steps + usize::from(is_multistep), usize::from(is_multistep));
        let ratio = (train_timesteps / parts).max(1);
        let at = |i: usize| (i * ratio + offset).min(train_timesteps.saturating_sub(1));
        let mut timesteps: Vec<usize> = (first..first + steps).rev().map(at).collect();
        timesteps.dedup();
        timesteps
    }
}

/// `steps` timesteps from the last one down, evenly spaced ("trailing", Lin et al. 2023, arXiv:2305.08891).
///
/// `t_i = round(T − i·T/steps) − 1`, halves to even. It starts at the last timestep of training: any other spacing
/// throws away what a schedule with zero terminal SNR has taught. The list is strictly falling and its last entry
/// is followed by the finished picture. `steps` is brought into `1..=train_timesteps`.
pub fn trailing_timesteps(steps: usize, train_timesteps: usize) -> Vec<usize> {
    let steps = steps.clamp(1, train_timesteps.max(1));
    (0..steps)
        .map(|i| {
            // The quotient is rounded once, so that a true half is a half; accumulated steps would drift past it.
            let passed = (i * train_timesteps) as f64 / steps as f64;
            ((train_timesteps as f64 - passed).round_ties_even() as usize).saturating_sub(1)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_timesteps_are_those_of_diffusers() {
        let spacing = Spacing::Leading { offset: 1 };
        let single = spacing.timesteps(30, 1000, false);
        assert_eq!((single[0], single[1], single[29]), (958, 925, 1));
        let multi = spacing.timesteps(30, 1000, true);
        assert_eq!((multi[0], multi[1], multi[29]), (961, 929, 33));
        assert_eq!(spacing.timesteps(1000, 1000, false)[0], 999);
    }

    #[test]
    fn thirty_steps_are_the_published_ones() {
        let timesteps = trailing_timesteps(30, 1000);
        assert_eq!(timesteps[..3], [999, 966, 932]);
        assert_eq!(timesteps[28..], [66, 32]);
    }

    #[test]
    fn halves_round_to_even_at_every_count_that_has_them() {
        // 1000 − i·1000/N is an odd half there: exact fractions say which way it goes.
        for steps in (16..=192).step_by(16) {
            for (i, &t) in trailing_timesteps(steps, 1000).iter().enumerate() {
                let (numerator, denominator) = (1000 * steps - 1000 * i, steps);
                let (floor, rest) = (numerator / denominator, numerator % denominator);
                let up = match (2 * rest).cmp(&denominator) {
                    std::cmp::Ordering::Less => false,
                    std::cmp::Ordering::Equal => floor % 2 == 1,
                    std::cmp::Ordering::Greater => true,
                };
                assert_eq!(t, floor + usize::from(up) - 1, "step {i} of {steps}");
            }
        }
        // 1000 − 3·1000/48 = 937.5 goes up to 938; away from zero and half to even differ at 1000 − 9·1000/48 = 812.5.
        let timesteps = trailing_timesteps(48, 1000);
        assert_eq!((timesteps[3], timesteps[9]), (937, 811));
    }

    #[test]
    fn every_count_starts_at_the_last_timestep_and_falls() {
        for steps in 1..=1000 {
            let timesteps = trailing_timesteps(steps, 1000);
            assert_eq!(timesteps.len(), steps);
            assert_eq!(timesteps[0], 999);
            assert!(
                timesteps.windows(2).all(|pair| pair[0] > pair[1]),
                "{steps}"
            );
        }
        assert_eq!(trailing_timesteps(0, 1000), [999]);
        assert_eq!(trailing_timesteps(5000, 1000).len(), 1000);
    }
}
