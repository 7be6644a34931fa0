//! How often values fall where.

use serde::{Deserialize, Serialize};

/// Counts of values in steps of equal width.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Where the first step begins.
    pub start: f64,
    /// How wide a step is.
    pub step: f64,
    /// Values in each step.
    pub counts: Vec<u64>,
    /// Values in all.
    pub values: u64,
    /// Their mean; 0 without values.
    pub mean: f64,
    /// Their median; 0 without values.
    pub median: f64,
    /// The least of them; 0 without values.
    pub least: f64,
    /// The greatest of them; 0 without values.
    pub greatest: f64,
}

impl Histogram {
    /// The finite values in steps of `step`, from the multiple of it at or below the least value on.
    pub fn by_step(values: impl IntoIterator<Item = f64>, step: f64) -> Self {
        Self::of(&sorted(values), step)
    }

    /// The finite values in at most `steps` steps of 1, 2 or 5 times a power of ten.
    pub fn by_count(values: impl IntoIterator<Item = f64>, steps: usize) -> Self {
        let values = sorted(values);
        let (Some(least), Some(greatest)) = (values.first(), values.last()) else {
            return Self::default();
        };
        // Equal values still want a step that shows on an axis.
        let finest = greatest.abs().max(least.abs()).max(1e-3) / 50.0;
        let raw = match (greatest - least) / steps.max(1) as f64 {
            0.0 => finest,
            raw => raw,
        };
        let power = 10_f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|factor| factor * power)
            .into_iter()
            .find(|&step| step >= raw)
            .unwrap_or(raw);
        Self::of(&values, step)
    }

    fn of(values: &[f64], step: f64) -> Self {
        let (Some(&least), Some(&greatest)) = (values.first(), values.last()) else {
            return Self::default();
        };
        let first = (least / step).floor();
        let mut counts = vec![0; ((greatest / step).floor() - first) as usize + 1];
        for value in values {
            let place = ((value / step).floor() - first) as usize;
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
        }
        Self {
            start: first * step,
            step,
            counts,
            values: values.len() as u64,
            mean: values.iter().sum::<f64>() / values.len() as f64,
            median: values[values.len() / 2],
            least,
            greatest,
        }
    }

    /// The steps that hold values, each as (from, to, count).
    pub fn bars(&self) -> impl Iterator<Item = (f64, f64, u64)> {
        (0..).zip(&self.counts).map(|(number, &count)| {
            let from = self.start + f64::from(number) * self.step;
            (from, from + self.step, count)
        })
    }
}

fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once() {
        let histogram = Histogram::by_step([3.0, 4.9, 5.0, 12.0, f64::NAN], 5.0);
        assert_eq!((histogram.start, histogram.values), (0.0, 4));
        assert_eq!(histogram.counts, [2, 1, 1]);
        assert_eq!(histogram.bars().nth(1), Some((5.0, 10.0, 1)));
        assert_eq!((histogram.least, histogram.greatest), (3.0, 12.0));
    }

    #[test]
    fn no_values_give_no_bars() {
        assert_eq!(Histogram::by_count([], 20), Histogram::default());
    }

    proptest::proptest! {
        #[test]
        fn a_histogram_has_about_the_steps_that_were_asked_for(
            values in proptest::collection::vec(-1e3_f64..1e3, 1..200), steps in 1_usize..40,
        ) {
            let histogram = Histogram::by_count(values.clone(), steps);
            proptest::prop_assert!(histogram.counts.len() <= steps + 2);
            proptest::prop_assert_eq!(histogram.counts.iter().sum::<u64>(), values.len() as u64);
        }
    }
}
