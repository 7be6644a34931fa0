//! What captioning did, in numbers.

use std::collections::BTreeMap;

use serde::Serialize;
use terminus_manifest::{generation::StageCounts, words::Reason};

/// What captioning did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Captions that were made.
    pub captioned: u64,
    /// Kept answers that went through the gate again, because its rules or settings are others, and came out as
    /// something else.
    pub recleaned: u64,
    /// Items that were judged.
    pub decided: u64,
    /// Verdicts that are new or say something else than before.
    pub changed: u64,
    /// Verdicts, all of them: `in` is what ingest passed.
    pub counts: StageCounts,
    /// Rejected and failed items by reason.
    pub reasons: BTreeMap<Reason, u64>,
    /// What each captioner that asks a model did in this run.
    pub captioners: BTreeMap<String, CaptionerSummary>,
    /// How many captions of this recipe each rule of the gate changed or refused.
    pub rules: BTreeMap<String, u64>,
}

/// What one captioner did in this run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CaptionerSummary {
    /// Questions asked, retries counted.
    pub asked: u64,
    /// Captions that passed the gate.
    pub passed: u64,
    /// Pictures whose every answer was refused.
    pub refused: u64,
    /// Pictures for which there was no answer: they are tried again next time.
    pub failed: u64,
    /// Tokens of all answers, as far as they are known.
    pub tokens: u64,
    /// Milliseconds that it took, without the start.
    pub took_ms: u64,
}

impl CaptionerSummary {
    /// What several captioners at work together have done so far.
    pub(crate) fn sum(all: &[Self]) -> Self {
        let sum = |of: fn(&Self) -> u64| all.iter().map(of).sum();
        Self {
            asked: sum(|one| one.asked),
            passed: sum(|one| one.passed),
            refused: sum(|one| one.refused),
            failed: sum(|one| one.failed),
            tokens: sum(|one| one.tokens),
            took_ms: all.iter().map(|one| one.took_ms).max().unwrap_or(0),
        }
    }

    /// How fast it goes, for people who watch.
    pub(crate) fn rates(&self, seconds: f64) -> String {
        let seconds = seconds.max(1e-3);
        format!(
            "{:.2} captions/s, {:.0} tokens/s",
            self.passed as f64 / seconds,
            self.tokens as f64 / seconds
        )
    }

    /// A line for people.
    pub(crate) fn line(&self, name: &str) -> String {
        let seconds = (self.took_ms as f64 / 1000.0).max(1e-3);
        let Self {
            asked,
            passed,
            refused,
            failed,
            ..
        } = self;
        format!(
            "captioner `{name}`: {passed} captions, {refused} refused, {failed} failed of {asked} questions in {seconds:.1} s; \
             {}",
            self.rates(seconds)
        )
    }
}
