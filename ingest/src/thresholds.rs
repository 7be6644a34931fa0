//! Thresholds on scores, and what each would keep.

use std::collections::HashMap;

use serde::Serialize;
use terminus_manifest::{ledger::LedgerRow, words::Reason};

use crate::{config::ScoresConfig, decide::Candidate};

/// A threshold that an item breaks.
pub(crate) struct Broken {
    pub reason: Reason,
    pub value: f64,
    pub threshold: f64,
    pub detail: String,
}

/// The first threshold that an item breaks. What was not measured breaks none.
pub(crate) fn broken(
    config: &ScoresConfig,
    row: &LedgerRow,
    fence: Option<(f64, f64)>,
) -> Option<Broken> {
    let checks = [
        Check::low(Reason::TooDark, "min_dark", row.dark, config.min_dark),
        Check::high(Reason::TooLight, "max_light", row.light, config.max_light),
        Check::low(
            Reason::LowInformation,
            "min_entropy",
            row.entropy,
            config.min_entropy,
        ),
        Check::low(
            Reason::Blurry,
            "min_sharpness",
            row.sharpness,
            config.min_sharpness,
        ),
        Check::high(
            Reason::OddAspect,
            "max_aspect",
            aspect(row),
            config.max_aspect,
        ),
        Check::low(
            Reason::OddSize,
            "size_iqr",
            log_area(row),
            fence.map(|fence| fence.0),
        ),
        Check::high(
            Reason::OddSize,
            "size_iqr",
            log_area(row),
            fence.map(|fence| fence.1),
        ),
    ];
    checks.into_iter().find_map(Check::broken)
}

struct Check {
    reason: Reason,
    key: &'static str,
    value: Option<f64>,
    threshold: Option<f64>,
    is_least: bool,
}

impl Check {
    fn low(reason: Reason, key: &'static str, value: Option<f64>, threshold: Option<f64>) -> Self {
        Self {
            reason,
            key,
            value,
            threshold,
            is_least: true,
        }
    }

    fn high(reason: Reason, key: &'static str, value: Option<f64>, threshold: Option<f64>) -> Self {
        Self {
            is_least: false,
            ..Self::low(reason, key, value, threshold)
        }
    }

    fn broken(self) -> Option<Broken> {
        let (value, threshold) = self.value.zip(self.threshold)?;
        let is_broken = if self.is_least {
            value < threshold
        } else {
            value > threshold
        };
        let side = if self.is_least { "under" } else { "over" };
        is_broken.then(|| Broken {
            reason: self.reason,
            value,
            threshold,
            detail: format!("it is {side} `ingest.scores.{}`", self.key),
        })
    }
}

fn aspect(row: &LedgerRow) -> Option<f64> {
    let (width, height) = row.tile_width.zip(row.tile_height)?;
    Some(f64::from(width.max(height)) / f64::from(width.min(height).max(1)))
}

fn log_area(row: &LedgerRow) -> Option<f64> {
    let (width, height) = row.tile_width.zip(row.tile_height)?;
    Some((f64::from(width) * f64::from(height)).max(1.0).log2())
}

/// The least and the most log2 of an area that is no outlier, by collection.
pub(crate) struct SizeFences<'a>(HashMap<&'a str, (f64, f64)>);

impl<'a> SizeFences<'a> {
    /// Quartiles of the pictures that were found, whole grids aside; none for collections whose `size_iqr` is not set.
    pub fn new(candidates: &[Candidate<'a>]) -> Self {
        let mut areas: HashMap<&str, (f64, Vec<f64>)> = HashMap::new();
        for candidate in candidates {
            let is_grid = candidate.row.tile == 0 && candidate.row.kind.as_deref() == Some("grid");
            if let Some(ranges) = candidate.collection.scores.size_iqr
                && candidate.is_found
                && !is_grid
                && let Some(area) = log_area(candidate.row)
            {
                let entry = areas
                    .entry(&candidate.collection.name)
                    .or_insert((ranges, Vec::new()));
                entry.1.push(area);
            }
        }
        let fences = areas.into_iter().map(|(name, (ranges, mut areas))| {
            areas.sort_by(f64::total_cmp);
            let quartile = |share: f64| areas[((areas.len() - 1) as f64 * share).round() as usize];
            let (low, high) = (quartile(0.25), quartile(0.75));
            // Where half of all have one size, a range of nothing would make outliers of the next size.
            let range = (high - low).max(0.1);
            (name, (low - ranges * range, high + ranges * range))
        });
        Self(fences.collect())
    }

    pub fn of(&self, candidate: &Candidate<'_>) -> Option<(f64, f64)> {
        self.0.get(candidate.collection.name.as_str()).copied()
    }
}

/// What thresholds at one score would keep of a collection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepRow {
    /// The collection.
    pub collection: String,
    /// The score.
    pub score: String,
    /// Items that have it.
    pub items: u64,
    /// Items that have it not.
    pub missing: u64,
    /// Thresholds at the shares 1 … 99 %, each once, and what each keeps.
    pub keeps: Vec<Kept>,
}

/// A threshold and what it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Kept {
    /// The least value that is kept.
    pub at_least: f64,
    /// Items at or above it: what a least value keeps.
    pub items: u64,
    /// Their share.
    pub share: f64,
    /// Items at or under it: what the value as the most would keep.
    pub items_at_most: u64,
}

/// What thresholds at the shares 1 … 99 % would keep, from values in any order.
pub(crate) fn sweep(collection: &str, score: &str, mut values: Vec<f64>, missing: u64) -> SweepRow {
    values.retain(|value| !value.is_nan());
    values.sort_by(f64::total_cmp);
    let thresholds = [1, 5, 10, 25, 50, 75, 90, 95, 99]
        .into_iter()
        .filter_map(|percent| values.get(values.len() * percent / 100).copied());
    let mut keeps: Vec<Kept> = thresholds
        .map(|at_least| {
            let items = (values.len() - values.partition_point(|&value| value < at_least)) as u64;
            Kept {
                at_least,
                items,
                share: items as f64 / values.len() as f64,
                items_at_most: values.partition_point(|&value| value <= at_least) as u64,
            }
        })
        .collect();
    keeps.dedup_by(|a, b| a.at_least.total_cmp(&b.at_least).is_eq());
    SweepRow {
        collection: collection.to_owned(),
        score: score.to_owned(),
        items: values.len() as u64,
        missing,
        keeps,
    }
}
