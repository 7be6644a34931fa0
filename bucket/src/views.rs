//! What captioners that look at crops are shown: `caption_of = "crop"`.
//!
//! Captions come before crops are cut, but not before they are known: where a picture is cut follows from its facts,
//! the settings and, for crops by interest, from one look at its pixels that is kept. Whoever puts the stages together
//! asks here and tells the captioners, who know nothing of crops.

use std::collections::HashMap;

use terminus_manifest::{
    ids::ItemId,
    ledger::LedgerRow,
    run::{Cancel, Progress},
    view::View,
};

use crate::{BucketPlan, Error, accounts::Facts, sampling::Sampling};

/// The parts of pictures that will become samples, by item: of those items of `--shard`, `(i, N)`, that ingest passed
/// and that give any.
///
/// # Errors
/// A file of the root that cannot be read or written; [`Error::Interrupted`].
pub fn views(
    plan: &BucketPlan,
    shard: (u32, u32),
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<HashMap<ItemId, Vec<View>>, Error> {
    let facts = Facts::read(&plan.root)?;
    let mut sampling = Sampling::new(plan);
    let rows: Vec<&LedgerRow> = sampling.ingested(&facts, shard).collect();
    sampling.measure(rows.iter().copied(), progress, cancel)?;
    let views = rows.iter().map(|row| (row.item_id, sampling.views(row)));
    Ok(views.filter(|(_, views)| !views.is_empty()).collect())
}
