//! Verdicts: what each stage says of each item, with which settings, and why.

use crate::{
    ids::ItemId,
    log::LogRow,
    table::table,
    words::{Outcome, Reason, Stage},
};

table! {
    /// One verdict; keyed by item, stage and settings.
    #[derive(Clone, Debug, PartialEq)]
    pub struct VerdictRow as "verdicts" {
        /// The run that wrote the row; the highest counts.
        run: u32,
        /// The item.
        item_id: ItemId,
        /// The stage.
        stage: Stage,
        /// Hash of the stage's effective settings and of its logic's version.
        config_hash: String,
        /// The verdict.
        verdict: Outcome,
        /// Why; null where it passed.
        reason: Option<Reason>,
        /// The value that was judged.
        value: Option<f64>,
        /// The value that was allowed.
        threshold: Option<f64>,
        /// The reason in words.
        detail: Option<String>,
        /// Whether the next run tries again.
        retryable: bool,
    }
}

impl VerdictRow {
    /// A verdict without a reason.
    pub fn passed(item_id: ItemId, stage: Stage, config_hash: &str) -> Self {
        Self {
            run: 0,
            item_id,
            stage,
            config_hash: config_hash.to_owned(),
            verdict: Outcome::Passed,
            reason: None,
            value: None,
            threshold: None,
            detail: None,
            retryable: false,
        }
    }

    /// The same item and stage with another verdict.
    #[must_use]
    pub fn because(mut self, verdict: Outcome, reason: Reason) -> Self {
        self.verdict = verdict;
        self.reason = Some(reason);
        self
    }

    /// With the reason in words.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With the value seen and the value allowed.
    #[must_use]
    pub fn measured(mut self, value: f64, threshold: f64) -> Self {
        self.value = Some(value);
        self.threshold = Some(threshold);
        self
    }

    /// To be tried again by the next run.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// Whether `other` says the same, whichever run said it.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.key() == other.key()
            && self.verdict == other.verdict
            && self.reason == other.reason
            && self.value == other.value
            && self.threshold == other.threshold
            && self.detail == other.detail
            && self.retryable == other.retryable
    }
}

/// What a verdict is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerdictKey {
    /// The item.
    pub item_id: ItemId,
    /// The stage.
    pub stage: Stage,
    /// The settings.
    pub config_hash: String,
}

impl LogRow for VerdictRow {
    type Key = VerdictKey;

    fn key(&self) -> VerdictKey {
        VerdictKey {
            item_id: self.item_id,
            stage: self.stage,
            config_hash: self.config_hash.clone(),
        }
    }

    fn run(&self) -> u32 {
        self.run
    }

    fn set_run(&mut self, run: u32) {
        self.run = run;
    }
}
