//! The scores of pictures, measured here or joined from elsewhere, and the thresholds that they were held against.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use terminus_manifest::{ids::ItemId, ledger::LedgerRow, words::Stage};

use super::{Survey, histogram::Histogram};
use crate::BucketPlan;

/// Steps of a score's histogram.
const STEPS: usize = 40;

/// A measured column of the ledger.
type Column = (&'static str, fn(&LedgerRow) -> Option<f64>);

/// The columns that are shown.
const COLUMNS: &[Column] = &[
    ("brightness", |row| row.brightness),
    ("entropy", |row| row.entropy),
    ("sharpness", |row| row.sharpness),
    ("shorter side, px", |row| {
        Some(f64::from(row.tile_width?.min(row.tile_height?)))
    }),
    ("aspect, width / height", |row| {
        Some(f64::from(row.tile_width?) / f64::from(row.tile_height?))
    }),
    ("file size, kB", |row| Some(row.size_bytes? as f64 / 1000.0)),
];

/// One score of one collection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The collection.
    pub collection: String,
    /// The score.
    pub score: String,
    /// Its values, of every item that could be measured.
    pub histogram: Histogram,
    /// The thresholds that verdicts held it against.
    pub thresholds: Vec<Threshold>,
}

/// A threshold, as verdicts name it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// The reason of the verdicts.
    pub reason: String,
    /// The value allowed.
    pub value: f64,
    /// Items that were not passed for it.
    pub items: u64,
}

impl Score {
    /// The scores of every collection that has values, in the recipe's order.
    pub(super) fn of(plan: &BucketPlan, survey: &Survey) -> Vec<Self> {
        let joined: Vec<(&String, &HashMap<ItemId, f64>)> = survey.joined.iter().collect();
        let name = |number: usize| match COLUMNS.get(number) {
            Some((name, _)) => (*name).to_owned(),
            None => joined[number - COLUMNS.len()].0.clone(),
        };
        let mut values: BTreeMap<(usize, usize), Vec<f64>> = BTreeMap::new();
        let mut thresholds: BTreeMap<(usize, usize), BTreeMap<(String, u64), u64>> =
            BTreeMap::new();
        for (row, collection) in survey.items(plan) {
            let Some(place) = plan.collections.iter().position(|c| c == collection) else {
                continue;
            };
            let judged: Vec<_> = survey
                .facts
                .path_of(row.item_id, collection)
                .into_iter()
                .filter_map(|(stage, _, verdict)| {
                    let verdict = verdict.filter(|_| stage != Stage::Caption)?;
                    Some((verdict.reason?, verdict.value?, verdict.threshold?))
                })
                .collect();
            let measured = COLUMNS.iter().map(|(_, column)| column(row));
            let elsewhere = joined
                .iter()
                .map(|(_, scores)| scores.get(&row.item_id).copied());
            for (number, value) in measured.chain(elsewhere).enumerate() {
                let Some(value) = value else { continue };
                values.entry((place, number)).or_default().push(value);
                // A verdict names its value, not its column: equal values tell.
                for (reason, seen, allowed) in &judged {
                    if (seen - value).abs() <= 1e-9 * value.abs().max(1.0) {
                        let key = (reason.to_string(), allowed.to_bits());
                        *thresholds
                            .entry((place, number))
                            .or_default()
                            .entry(key)
                            .or_default() += 1;
                    }
                }
            }
        }
        values
            .into_iter()
            .map(|((place, number), values)| Self {
                collection: plan.collections[place].name.clone(),
                score: name(number),
                histogram: Histogram::by_count(values, STEPS),
                thresholds: thresholds
                    .remove(&(place, number))
                    .unwrap_or_default()
                    .into_iter()
                    .map(|((reason, bits), items)| Threshold {
                        reason,
                        value: f64::from_bits(bits),
                        items,
                    })
                    .collect(),
            })
            .collect()
    }
}
