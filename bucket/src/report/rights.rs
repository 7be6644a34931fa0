//! Whose pictures these are, and whether they may be used.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use terminus_manifest::ledger::LedgerRow;

use super::Survey;
use crate::BucketPlan;

/// A column of the ledger that bears on use.
type Column = (&'static str, fn(&LedgerRow) -> Option<String>);

/// The columns that are shown.
const COLUMNS: &[Column] = &[
    ("license", |row| row.license.clone()),
    ("author", |row| row.author.clone()),
    ("consent", |row| row.consent.clone()),
    ("camera", |row| {
        // Most models are named after their maker already.
        let model = row.camera_model.as_deref().unwrap_or_default();
        let make = row.camera_make.as_deref().unwrap_or_default();
        let make = Some(make)
            .filter(|make| !model.starts_with(make))
            .unwrap_or_default();
        let camera = format!("{make} {model}").trim().to_owned();
        (!camera.is_empty()).then_some(camera)
    }),
    ("generator", |row| {
        let generator = row.generator.as_deref()?;
        let version = row.generator_version.as_deref().unwrap_or("");
        Some(format!("{generator} {version}").trim_end().to_owned())
    }),
];

/// Values that are listed of a column; the rest is counted together.
const LISTED: usize = 12;

/// What one column says of one collection's samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rights {
    /// The collection.
    pub collection: String,
    /// The column.
    pub column: String,
    /// Samples whose item states nothing.
    pub unstated: u64,
    /// The values stated, the most frequent first, with their samples.
    pub values: Vec<(String, u64)>,
    /// Samples with values that are not listed.
    pub others: u64,
}

impl Rights {
    /// What the columns say of the samples of every collection, in the recipe's order.
    pub(super) fn of(plan: &BucketPlan, survey: &Survey) -> Vec<Self> {
        let items = survey.by_item();
        let mut rights = Vec::new();
        for collection in &plan.collections {
            let rows: Vec<&LedgerRow> = survey
                .index
                .iter()
                .filter(|row| row.collection == collection.name)
                .filter_map(|row| items.get(&row.item_id).copied())
                .collect();
            if rows.is_empty() {
                continue;
            }
            for (name, column) in COLUMNS {
                let mut counts: BTreeMap<String, u64> = BTreeMap::new();
                for value in rows.iter().filter_map(|row| column(row)) {
                    *counts.entry(value).or_default() += 1;
                }
                let stated: u64 = counts.values().sum();
                let mut values: Vec<(String, u64)> = counts.into_iter().collect();
                values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
                let others = values.iter().skip(LISTED).map(|(_, count)| count).sum();
                values.truncate(LISTED);
                rights.push(Self {
                    collection: collection.name.clone(),
                    column: (*name).to_owned(),
                    unstated: rows.len() as u64 - stated,
                    values,
                    others,
                });
            }
        }
        rights
    }
}
