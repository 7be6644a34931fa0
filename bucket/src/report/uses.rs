//! How often samples are used in an epoch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use terminus_manifest::{
    generation::plan_samples,
    plan::plan,
    words::{Role, Split},
};

use super::Survey;
use crate::Error;

/// Samples that are used equally often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uses {
    /// The collection.
    pub collection: String,
    /// Its role.
    pub role: Role,
    /// Places that each of them takes in epoch 0, fill left out.
    pub places: u32,
    /// How many samples.
    pub samples: u64,
}

impl Uses {
    /// How often the train split's samples are used in epoch 0.
    pub(super) fn of(survey: &Survey) -> Result<Vec<Self>, Error> {
        let Some(generation) = &survey.generation else {
            return Ok(Vec::new());
        };
        let samples = plan_samples(&survey.index);
        let epoch = plan(&samples, &generation.plan_settings(), 0)?;
        let trained = survey.index.iter().filter(|row| row.split == Split::Train);
        let mut counts: BTreeMap<(Role, &str, u32), u64> = BTreeMap::new();
        for (row, usage) in trained.zip(epoch.usage(samples.len())) {
            *counts
                .entry((row.role, row.collection.as_str(), usage.places))
                .or_default() += 1;
        }
        Ok(counts
            .into_iter()
            .map(|((role, collection, places), samples)| Self {
                collection: collection.to_owned(),
                role,
                places,
                samples,
            })
            .collect())
    }
}
