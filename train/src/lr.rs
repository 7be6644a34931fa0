//! The learning rate over a run.

use std::f64::consts::PI;

use crate::config::{LrConfig, LrSchedule};

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunPosition {
    /// Updates done before this one.
    pub step: u64,
    /// `(epoch + fraction of the epoch) / epochs`, in `[0, 1]`: defined while the collection grows.
    pub progress: f64,
}

/// The learning rate of the update at `position`.
///
/// A function of the settings and the position alone: a setting that was changed before a run is resumed counts.
/// During the first `warm_up_steps` updates it rises from 0 in equal steps, on top of the schedule.
pub fn learning_rate(config: &LrConfig, warm_up_steps: u64, position: RunPosition) -> f64 {
    let LrConfig { start, end, .. } = *config;
    let left = 1.0 - position.progress.clamp(0.0, 1.0);
    let share = match config.schedule {
        LrSchedule::Constant => 1.0,
        LrSchedule::Linear => left,
        LrSchedule::Polynomial => left.powf(config.power.unwrap_or(1.0)),
        LrSchedule::Cosine => half_cosine(1.0 - left),
        LrSchedule::CosineWave => {
            let period = config
                .period_steps
                .map_or(1.0, |period| period.get() as f64);
            half_cosine(position.step as f64 / period)
        }
    };
    let rate = end + (start - end) * share;
    if position.step < warm_up_steps {
        rate * (position.step + 1) as f64 / warm_up_steps as f64
    } else {
        rate
    }
}

/// From 1 at 0 to 0 at 1, and on as a wave.
fn half_cosine(x: f64) -> f64 {
    f64::midpoint(1.0, (PI * x).cos())
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;

    fn config(schedule: LrSchedule) -> LrConfig {
        LrConfig {
            schedule,
            period_steps: NonZeroU64::new(100),
            power: Some(2.0),
            ..LrConfig::default()
        }
    }

    fn at(schedule: LrSchedule, step: u64, progress: f64) -> f64 {
        learning_rate(&config(schedule), 0, RunPosition { step, progress })
    }

    fn is_near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-13
    }

    #[test]
    fn cosine_falls_from_start_to_end_over_the_run() {
        let rates: Vec<f64> = (0..=100)
            .map(|i| at(LrSchedule::Cosine, 7, f64::from(i) / 100.0))
            .collect();
        assert!(is_near(rates[0], 1e-6) && is_near(rates[50], 5.5e-7) && is_near(rates[100], 1e-7));
        assert!(rates.windows(2).all(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn the_wave_turns_at_every_half_period_and_has_no_end() {
        for (step, rate) in [
            (0, 1e-6),
            (50, 5.5e-7),
            (100, 1e-7),
            (200, 1e-6),
            (100_300, 1e-7),
        ] {
            assert!(
                is_near(at(LrSchedule::CosineWave, step, 0.3), rate),
                "{step}"
            );
        }
    }

    #[test]
    fn constant_linear_and_polynomial_are_what_they_are_called() {
        assert!(is_near(at(LrSchedule::Constant, 3, 0.9), 1e-6));
        assert!(is_near(at(LrSchedule::Linear, 3, 0.25), 1e-7 + 9e-7 * 0.75));
        assert!(is_near(
            at(LrSchedule::Polynomial, 3, 0.5),
            1e-7 + 9e-7 * 0.25
        ));
    }

    #[test]
    fn warm_up_rises_to_the_schedule_and_never_gives_0() {
        let rate = |step| {
            let position = RunPosition {
                step,
                progress: 0.0,
            };
            learning_rate(&config(LrSchedule::Constant), 10, position)
        };
        assert!(is_near(rate(0), 1e-7) && is_near(rate(4), 5e-7));
        assert!(is_near(rate(9), 1e-6) && is_near(rate(10), 1e-6));
    }
}
