//! Ledger and verdicts at a glance: the few columns that counting needs, read twenty times as fast as whole rows.

use std::{cmp::Ordering, sync::Arc};

use crate::{
    Error, Root,
    ids::ItemId,
    log::{Log, LogRow},
    table::table,
    words::{Outcome, Reason, Stage},
};

table! {
    /// What counting needs of a [`LedgerRow`](crate::ledger::LedgerRow).
    #[derive(Clone, Debug, PartialEq)]
    pub struct LedgerGlance as "ledger" {
        /// The run that wrote the row; the highest counts.
        run: u32,
        /// The item.
        item_id: ItemId,
        /// The collection's name.
        collection: Arc<str>,
        /// Width of the tile, or of the whole picture.
        tile_width: Option<u32>,
        /// Height of it.
        tile_height: Option<u32>,
    }
}

impl LogRow for LedgerGlance {
    type Key = ItemId;

    fn key(&self) -> ItemId {
        self.item_id
    }

    fn run(&self) -> u32 {
        self.run
    }

    fn set_run(&mut self, run: u32) {
        self.run = run;
    }
}

table! {
    /// What counting needs of a [`VerdictRow`](crate::verdict::VerdictRow).
    #[derive(Clone, Debug, PartialEq)]
    pub struct VerdictGlance as "verdicts" {
        /// The run that wrote the row; the highest counts.
        run: u32,
        /// The item.
        item_id: ItemId,
        /// The stage.
        stage: Stage,
        /// Hash of the stage's settings.
        config_hash: Arc<str>,
        /// The verdict.
        verdict: Outcome,
        /// Why; null where it passed.
        reason: Option<Reason>,
    }
}

impl LogRow for VerdictGlance {
    type Key = (ItemId, Stage, Arc<str>);

    fn key(&self) -> Self::Key {
        (self.item_id, self.stage, Arc::clone(&self.config_hash))
    }

    fn run(&self) -> u32 {
        self.run
    }

    fn set_run(&mut self, run: u32) {
        self.run = run;
    }
}

impl LedgerGlance {
    /// The ledger of a root, ordered by item.
    ///
    /// # Errors
    /// A part cannot be read.
    pub fn read(root: &Root) -> Result<Vec<Self>, Error> {
        Log::open(root.ledger().folder()).rows_by(|a: &Self, b| a.item_id.cmp(&b.item_id))
    }
}

impl VerdictGlance {
    /// The verdicts of a root, ordered by item.
    ///
    /// # Errors
    /// A part cannot be read.
    pub fn read(root: &Root) -> Result<Vec<Self>, Error> {
        Log::open(root.verdicts().folder()).rows_by(Self::in_order)
    }

    fn in_order(&self, other: &Self) -> Ordering {
        let by_stage = || self.stage.cmp(&other.stage);
        let by_settings = || self.config_hash.cmp(&other.config_hash);
        let by_item = self.item_id.cmp(&other.item_id);
        by_item.then_with(by_stage).then_with(by_settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ledger::LedgerRow, log::Run, verdict::VerdictRow};

    #[test]
    fn at_a_glance_the_same_rows_count() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::new(folder.path());
        let (mut ledger, mut verdicts) = (root.ledger(), root.verdicts());
        // The later run lies in the part that is read first.
        for (number, width) in [(2, 20), (1, 10)] {
            let run = Run {
                number,
                shard: 0,
                of: 1,
            };
            let rows = ["b", "a"].map(|name| {
                let item = ItemId::new(name, 0);
                LedgerRow {
                    tile_width: Some(width),
                    ..LedgerRow::found(item, name.into(), "c".into(), name.into())
                }
            });
            let judged = rows
                .iter()
                .map(|row| VerdictRow::passed(row.item_id, Stage::Ingest, "x"))
                .collect();
            ledger.append(run, rows.to_vec()).unwrap();
            verdicts.append(run, judged).unwrap();
        }
        let whole = root.ledger().rows().unwrap();
        let glance = LedgerGlance::read(&root).unwrap();
        assert_eq!(glance.len(), 2);
        for (row, glance) in whole.iter().zip(&glance) {
            assert_eq!(row.item_id, glance.item_id);
            assert_eq!((row.run, row.tile_width), (2, Some(20)));
            assert_eq!((glance.run, glance.tile_width), (2, Some(20)));
        }
        let verdicts = VerdictGlance::read(&root).unwrap();
        assert_eq!(
            verdicts.iter().map(|row| row.run).collect::<Vec<_>>(),
            [2, 2]
        );
    }
}
