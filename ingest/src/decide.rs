//! Judges items from their facts: a pure function of ledger, settings and people's decisions.

use std::collections::HashMap;

use terminus_manifest::{
    ids::{GroupId, ItemId, Sha256Digest},
    ledger::LedgerRow,
    overrides::Overrides,
    verdict::VerdictRow,
    words::{Outcome, Reason, Role, Stage},
};

use terminus_pixels::{Action, PixelPolicy};

use crate::{CollectionPlan, select};

/// An item to judge.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its facts.
    pub row: &'a LedgerRow,
    /// Its collection.
    pub collection: &'a CollectionPlan,
    /// The collection's place in the recipe.
    pub order: usize,
    /// Whether the walk found it this time.
    pub is_found: bool,
}

/// One verdict a candidate, in their order.
///
/// Of items with the same bytes that pass otherwise, the first keeps: anchors before train, then the order of
/// collections, then source id. Of items at the same place in two collections, the first collection's keeps.
pub fn decide(candidates: &[Candidate<'_>], overrides: &Overrides) -> Vec<VerdictRow> {
    let mut verdicts: Vec<VerdictRow> = candidates
        .iter()
        .map(|candidate| alone(candidate, overrides))
        .collect();

    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|&at| {
        let candidate = &candidates[at];
        let is_train = candidate.collection.role == Role::Train;
        (is_train, candidate.order, &candidate.row.source_id)
    });
    let mut places: HashMap<&str, &str> = HashMap::new();
    let mut by_recipe: Vec<usize> = order.clone();
    by_recipe.sort_by_key(|&at| (candidates[at].order, &candidates[at].row.source_id));
    for at in by_recipe {
        let candidate = &candidates[at];
        if !candidate.is_found {
            continue;
        }
        let first = *places
            .entry(&candidate.row.origin)
            .or_insert(&candidate.collection.name);
        if first != candidate.collection.name {
            let verdict = std::mem::replace(&mut verdicts[at], fresh(candidate));
            verdicts[at] = verdict
                .because(Outcome::Rejected, Reason::DuplicateSource)
                .detail(format!("it belongs to collection `{first}`"));
        }
    }
    let mut keepers: HashMap<Sha256Digest, &LedgerRow> = HashMap::new();
    for at in order {
        let row = candidates[at].row;
        let Some(sha256) = row
            .sha256
            .filter(|_| verdicts[at].verdict == Outcome::Passed)
        else {
            continue;
        };
        let keeper = *keepers.entry(sha256).or_insert(row);
        let is_kept = overrides
            .of(row.item_id, &row.source_id)
            .is_some_and(|o| o.keep);
        if keeper.item_id != row.item_id && !is_kept {
            verdicts[at] = fresh(&candidates[at])
                .because(Outcome::Rejected, Reason::Duplicate)
                .detail(format!("the same bytes as `{}`", keeper.source_id));
        }
    }
    verdicts
}

fn fresh(candidate: &Candidate<'_>) -> VerdictRow {
    VerdictRow::passed(
        candidate.row.item_id,
        Stage::Ingest,
        &candidate.collection.config_hash,
    )
}

/// The verdict on an item by itself.
fn alone(candidate: &Candidate<'_>, overrides: &Overrides) -> VerdictRow {
    let Candidate {
        row,
        collection,
        is_found,
        ..
    } = *candidate;
    let verdict = fresh(candidate);
    if !is_found {
        return VerdictRow {
            verdict: Outcome::Gone,
            ..verdict
        };
    }
    let decision = overrides.of(row.item_id, &row.source_id);
    if let Some(decision) = decision.filter(|decision| decision.drop) {
        let verdict = verdict.because(Outcome::Rejected, Reason::Override);
        return match &decision.note {
            Some(note) => verdict.detail(note.clone()),
            None => verdict,
        };
    }
    if let Some(fault) = row.fault {
        let verdict = verdict
            .because(outcome_of(fault), fault)
            .detail(row.fault_detail.clone().unwrap_or_default());
        return if fault == Reason::Unreadable {
            verdict.retryable()
        } else {
            verdict
        };
    }
    let is_kept = decision.is_some_and(|decision| decision.keep);
    if let Some((reason, detail)) = refused(row, collection.policy).filter(|_| !is_kept) {
        return verdict.because(Outcome::Rejected, reason).detail(detail);
    }
    if let Some(detail) = select::objection(&collection.select, row).filter(|_| !is_kept) {
        return verdict
            .because(Outcome::Rejected, Reason::NotSelected)
            .detail(detail);
    }
    let shorter = row
        .width_px
        .zip(row.height_px)
        .map_or(0, |(width, height)| width.min(height));
    if shorter < collection.min_side_px && !is_kept {
        return verdict
            .because(Outcome::Rejected, Reason::TooSmall)
            .measured(f64::from(shorter), f64::from(collection.min_side_px))
            .detail("the shorter side is under `min_side_px`");
    }
    verdict
}

/// The policy that refuses a picture of this kind, told by the colour that was found.
fn refused(row: &LedgerRow, policy: PixelPolicy) -> Option<(Reason, String)> {
    let colour = row.colour.as_deref().unwrap_or_default();
    let is_cmyk = colour.starts_with("cmyk") || colour.starts_with("ycck");
    let has_alpha = colour.starts_with("rgba") || colour.starts_with("greya");
    let kinds = [
        (
            "alpha",
            policy.alpha,
            has_alpha || colour.contains("+alpha"),
        ),
        ("cmyk", policy.cmyk, is_cmyk),
        ("icc", policy.icc, colour.contains("+icc") && !is_cmyk),
        ("sixteen_bit", policy.sixteen_bit, colour.contains("16")),
    ];
    if policy.animated == Action::Reject && row.is_animated == Some(true) {
        return Some((
            Reason::Animated,
            "`ingest.pixels.animated` is `reject`".to_owned(),
        ));
    }
    let (key, ..) = kinds
        .into_iter()
        .find(|&(_, act, is)| is && act == Action::Reject)?;
    Some((
        Reason::ColourPolicy,
        format!("`ingest.pixels.{key}` is `reject` and the picture is {colour}"),
    ))
}

/// Whether a fault means that the settings refuse the item, or that it is broken.
fn outcome_of(fault: Reason) -> Outcome {
    match fault {
        Reason::NotAnImage
        | Reason::UnsupportedFormat
        | Reason::TooLarge
        | Reason::ColourPolicy
        | Reason::Animated => Outcome::Rejected,
        _ => Outcome::Failed,
    }
}

/// The group of each digest: the smallest that an item with these bytes bears.
pub(crate) fn groups<'a>(
    rows: impl Iterator<Item = &'a LedgerRow>,
) -> HashMap<Sha256Digest, GroupId> {
    let mut groups = HashMap::new();
    for row in rows {
        if let (Some(sha256), Some(group)) = (row.sha256, row.group_id) {
            let least = groups.entry(sha256).or_insert(group);
            *least = (*least).min(group);
        }
    }
    groups
}

/// The rows whose group is not that of their bytes, with it: processes that worked side by side may have begun two.
pub(crate) fn regroup(rows: &HashMap<ItemId, LedgerRow>) -> Vec<LedgerRow> {
    let groups = groups(rows.values());
    let mut changed: Vec<LedgerRow> = rows
        .values()
        .filter_map(|row| {
            let group = *groups.get(&row.sha256?)?;
            let is_other = row.group_id != Some(group);
            is_other.then(|| LedgerRow {
                group_id: Some(group),
                ..row.clone()
            })
        })
        .collect();
    changed.sort_by_key(|row| row.item_id);
    changed
}
