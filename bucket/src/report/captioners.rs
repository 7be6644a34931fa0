//! What each captioner gave: how much, how long, which rules of the gate spoke, and examples.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};
use terminus_manifest::{
    caption::CaptionRow,
    ids::{CaptionKey, hash_u64},
    words::{Outcome, Stage},
};

use super::{Survey, histogram::Histogram, texts::CLIP_TOKENS};
use crate::BucketPlan;

/// Examples that are shown of a captioner.
const SHOWN: usize = 6;

/// What one captioner gave the pictures of a recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaptionerReport {
    /// Its name.
    pub captioner: String,
    /// Captions that items were passed with.
    pub captions: u64,
    /// Captions that describe the pixels of a crop, not a whole picture.
    #[serde(default)]
    pub of_crops: u64,
    /// Captions that took more than one attempt.
    pub retried: u64,
    /// Captions longer than SDXL's text encoders read.
    pub too_long: u64,
    /// Their lengths in CLIP tokens, of those that were counted.
    pub tokens: Histogram,
    /// Rules of the gate that changed captions, and how many.
    pub rules: BTreeMap<String, u64>,
    /// A few of them, those that a rule changed first.
    pub examples: Vec<CaptionExample>,
}

/// One caption on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptionExample {
    /// What the captioner was given.
    pub prompt: String,
    /// What it said.
    pub raw: String,
    /// What the gate left of it.
    pub text: String,
    /// The rules that spoke.
    pub rules: Vec<String>,
}

impl CaptionerReport {
    /// The captioners whose captions items were passed with, by name.
    pub(super) fn of(plan: &BucketPlan, survey: &Survey) -> Vec<Self> {
        let mut keys: BTreeSet<CaptionKey> = BTreeSet::new();
        for (row, collection) in survey.items(plan) {
            let hash = &collection.caption_config_hash;
            let passed = survey
                .facts
                .verdict(row.item_id, Stage::Caption, hash)
                .filter(|verdict| verdict.verdict == Outcome::Passed);
            let detail = passed.and_then(|verdict| verdict.detail.as_deref());
            let named = detail.unwrap_or_default().split_whitespace();
            keys.extend(named.filter_map(|key| key.parse::<CaptionKey>().ok()));
        }
        let mut by_name: BTreeMap<&str, Vec<&CaptionRow>> = BTreeMap::new();
        for caption in keys.iter().filter_map(|key| survey.captions.get(key)) {
            by_name.entry(&caption.captioner).or_default().push(caption);
        }
        by_name
            .into_iter()
            .map(|(name, captions)| Self::of_one(name, captions))
            .collect()
    }

    fn of_one(name: &str, mut captions: Vec<&CaptionRow>) -> Self {
        let mut rules: BTreeMap<String, u64> = BTreeMap::new();
        for rule in captions.iter().flat_map(|caption| &caption.filters) {
            *rules.entry(rule.clone()).or_default() += 1;
        }
        let count = |is: fn(&CaptionRow) -> bool| captions.iter().filter(|c| is(c)).count() as u64;
        let lengths = captions
            .iter()
            .filter_map(|caption| Some(f64::from(caption.clip_tokens?)));
        let (total, retried) = (captions.len() as u64, count(|caption| caption.attempt > 1));
        let too_long = count(|caption| caption.clip_tokens > Some(CLIP_TOKENS));
        let of_crops = count(|caption| caption.view().crop.is_some());
        let tokens = Histogram::by_step(lengths, 5.0);
        // The same few every time, and of all pictures alike.
        captions.sort_by_cached_key(|caption| {
            let key = caption.caption_key.to_string();
            (
                caption.filters.is_empty(),
                hash_u64("example", &[&key]),
                caption.caption_key,
            )
        });
        let mut seen = HashSet::new();
        captions.retain(|caption| seen.insert(caption.raw.as_str()));
        let example = |caption: &&CaptionRow| CaptionExample {
            prompt: caption.prompt.clone(),
            raw: caption.raw.clone(),
            text: caption.text.clone(),
            rules: caption.filters.clone(),
        };
        Self {
            captioner: name.to_owned(),
            captions: total,
            of_crops,
            retried,
            too_long,
            tokens,
            rules,
            examples: captions.iter().take(SHOWN).map(example).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terminus_manifest::{
        ids::{PictureId, Rect, Sha256Digest},
        view::View,
    };

    fn caption(n: u8, raw: &str, filters: &[&str]) -> CaptionRow {
        let picture_id = PictureId::new(Sha256Digest::of(&[n]), Rect::whole(8, 8));
        CaptionRow {
            captioner: "vlm".to_owned(),
            prompt: "Describe.".to_owned(),
            text: raw.trim_start_matches("Caption: ").to_owned(),
            raw: raw.to_owned(),
            attempt: 1 + u32::from(n == 2),
            clip_tokens: Some(70 + u32::from(n)),
            filters: filters.iter().map(|&rule| rule.to_owned()).collect(),
            ..CaptionRow::new(
                CaptionKey::new(picture_id, "vlm", raw),
                View::whole(picture_id),
            )
        }
    }

    #[test]
    fn changed_captions_are_shown_first_and_equal_ones_once() {
        let captions = [
            caption(1, "a lamp", &[]),
            caption(2, "a lamp", &[]),
            caption(9, "Caption: a cat", &["caption_label"]),
        ];
        let report = CaptionerReport::of_one("vlm", captions.iter().collect());
        assert_eq!(
            (report.captions, report.retried, report.too_long),
            (3, 1, 1)
        );
        assert_eq!(report.rules, [("caption_label".to_owned(), 1)].into());
        let raw: Vec<&str> = report.examples.iter().map(|e| e.raw.as_str()).collect();
        assert_eq!(raw, ["Caption: a cat", "a lamp"]);
        assert_eq!(report.examples[0].text, "a cat");
    }
}
