//! Rejects: one row for each item that a stage did not pass, for people and their tools.

use crate::{
    ids::ItemId,
    ledger::LedgerRow,
    table::table,
    verdict::VerdictRow,
    words::{Outcome, Reason, Stage},
};

table! {
    /// An item that a stage did not pass.
    #[derive(Clone, Debug, PartialEq)]
    pub struct RejectRow as "rejects" {
        /// The item.
        item_id: ItemId,
        /// Where it was found.
        source_id: String,
        /// The collection's name.
        collection: String,
        /// The path or address that its bytes came from.
        origin: String,
        /// The stage that did not pass it.
        stage: Stage,
        /// What it said.
        verdict: Outcome,
        /// Why.
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

impl RejectRow {
    /// The row of an item and the verdict on it.
    pub fn new(row: &LedgerRow, verdict: &VerdictRow) -> Self {
        Self {
            item_id: row.item_id,
            source_id: row.source_id.clone(),
            collection: row.collection.clone(),
            origin: row.origin.clone(),
            stage: verdict.stage,
            verdict: verdict.verdict,
            reason: verdict.reason,
            value: verdict.value,
            threshold: verdict.threshold,
            detail: verdict.detail.clone(),
            retryable: verdict.retryable,
        }
    }
}
