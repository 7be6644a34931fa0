//! What the stage says of each item, from what its captioners gave.

use std::collections::HashMap;

use terminus_manifest::{
    ids::CaptionKey,
    ledger::LedgerRow,
    verdict::VerdictRow,
    view::View,
    words::{Outcome, Reason, Stage},
};

use super::{Given, Summary, keeper::Keeper, override_of};
use crate::{
    CaptionPlan, CaptionerPlan, CollectionPlan, captioner::OVERRIDE, gate::SAME, speaker::Questions,
};

/// What the verdict on an item without a crop says in the place of its captions.
const NO_CROP: &str = "no crop is cut out of it, so there is nothing to describe";

/// Judges every item; verdicts that say nothing new are not written.
pub(super) fn judge(
    plan: &CaptionPlan,
    rows: &[LedgerRow],
    collections: &HashMap<&str, &CollectionPlan>,
    given: &Given,
    keeper: &mut Keeper<'_>,
    summary: &mut Summary,
) {
    let same = same_captions(given, keeper);
    let mut new = Vec::new();
    for row in rows {
        let (Some(collection), Some(picture)) =
            (collections.get(row.collection.as_str()), row.picture_id())
        else {
            continue;
        };
        let one = One {
            plan,
            row,
            given,
            keeper,
            same: &same,
        };
        let passed = VerdictRow::passed(row.item_id, Stage::Caption, &collection.config_hash);
        let verdict = if override_of(plan, row).is_some() {
            let key = given.keys.get(&(OVERRIDE.to_owned(), View::whole(picture)));
            key.map(|key| passed.detail(key.to_string()))
        } else {
            one.verdict(passed, &collection.captioners, summary)
        };
        summary.decided += 1;
        let Some(verdict) = verdict else {
            summary.counts.add(Outcome::Pending);
            continue;
        };
        summary.counts.add(verdict.verdict);
        if let Some(reason) = verdict.reason {
            *summary.reasons.entry(reason).or_default() += 1;
        }
        new.push(verdict);
    }
    for verdict in new {
        summary.changed += u64::from(keeper.judge(verdict));
    }
}

/// How many pictures each text of each captioner has.
fn same_captions(given: &Given, keeper: &Keeper<'_>) -> HashMap<(String, String), u32> {
    let mut counts = HashMap::new();
    for ((captioner, _), key) in &given.keys {
        if let Some(caption) = keeper
            .caption(*key)
            .filter(|caption| !caption.text.is_empty())
        {
            let text = (captioner.clone(), caption.text.clone());
            *counts.entry(text).or_default() += 1;
        }
    }
    counts
}

/// One item.
struct One<'a> {
    plan: &'a CaptionPlan,
    row: &'a LedgerRow,
    given: &'a Given,
    keeper: &'a Keeper<'a>,
    same: &'a HashMap<(String, String), u32>,
}

impl One<'_> {
    /// Passed with all captions that it has; if it has none, the first reason. None if no captioner was asked yet.
    fn verdict(
        &self,
        passed: VerdictRow,
        captioners: &[CaptionerPlan],
        summary: &mut Summary,
    ) -> Option<VerdictRow> {
        let mut keys: Vec<String> = Vec::new();
        let mut why: Option<(Outcome, Reason, String, bool)> = None;
        let (mut is_pending, mut is_unseen) = (false, false);
        for captioner in captioners {
            let views = self.plan.views_of(captioner, self.row);
            is_unseen |= views.is_empty();
            for view in views {
                match self.of(captioner, view, summary) {
                    Found::Caption(key) => keys.push(key.to_string()),
                    Found::Nothing(outcome, reason, detail, retryable) => {
                        why.get_or_insert((outcome, reason, detail, retryable));
                    }
                    Found::Pending => is_pending = true,
                }
            }
        }
        if !keys.is_empty() {
            return Some(passed.detail(keys.join(" ")));
        }
        if is_unseen {
            // The stage that cuts has its own word for why.
            return Some(passed.detail(NO_CROP.to_owned()));
        }
        if is_pending {
            return None;
        }
        let (outcome, reason, detail, retryable) = why?;
        let mut verdict = passed.because(outcome, reason).detail(detail);
        verdict.retryable = retryable;
        Some(verdict)
    }

    fn of(&self, captioner: &CaptionerPlan, view: View, summary: &mut Summary) -> Found {
        let place = (captioner.name.clone(), view);
        let asks = Questions::of(&captioner.config).is_some();
        if let Some(caption) = self
            .given
            .keys
            .get(&place)
            .and_then(|key| self.keeper.caption(*key))
        {
            for rule in &caption.filters {
                *summary.rules.entry(rule.clone()).or_default() += 1;
            }
            let most = captioner
                .config
                .gate()
                .map_or(u32::MAX, |gate| gate.max_same);
            let text = (captioner.name.clone(), caption.text.clone());
            let count = self.same.get(&text).copied().unwrap_or(0);
            if caption.text.is_empty() {
                let rules = caption.filters.join(", ");
                let detail = format!("captioner `{}`: {rules}", captioner.name);
                return Found::failed(Reason::CaptionFailed, detail, false);
            }
            if count > most {
                *summary.rules.entry(SAME.to_owned()).or_default() += 1;
                let detail = format!("captioner `{}`: {SAME}, {count} of them", captioner.name);
                return Found::failed(Reason::CaptionFailed, detail, false);
            }
            return Found::Caption(caption.caption_key);
        }
        match self.given.faults.get(&place) {
            Some((reason, detail)) => Found::failed(*reason, detail.clone(), true),
            None if asks => Found::Pending,
            None => Found::Nothing(
                Outcome::Rejected,
                Reason::NoCaption,
                if self.row.prompt.is_some() {
                    "nothing is left of the prompt without its parameters"
                } else {
                    "the item has no prompt: no `.txt`, `.caption` or `.json` beside it holds one"
                }
                .to_owned(),
                false,
            ),
        }
    }
}

/// What one captioner gave for one item.
enum Found {
    Caption(CaptionKey),
    Nothing(Outcome, Reason, String, bool),
    Pending,
}

impl Found {
    fn failed(reason: Reason, detail: String, retryable: bool) -> Self {
        Self::Nothing(Outcome::Failed, reason, detail, retryable)
    }
}
