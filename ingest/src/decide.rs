//! Judges items from their facts: a pure function of ledger, settings and people's decisions.

use std::collections::HashMap;

use rayon::prelude::*;
use terminus_manifest::{
    ids::Sha256Digest,
    ledger::LedgerRow,
    overrides::Overrides,
    verdict::VerdictRow,
    words::{Outcome, Reason, Role, Stage},
};

use terminus_pixels::{Action, PixelPolicy};

use crate::{
    CollectionPlan,
    config::{DuplicatesConfig, Grids},
    duplicates, near,
    scores::Scores,
    select,
    thresholds::{self, SizeFences},
};

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
/// collections, then source id. Of items at the same place in two collections, the first collection's keeps. Of items
/// that show the same, one keeps: of an anchor collection before others, then the largest, the oldest, the first by
/// source id.
pub fn decide(
    candidates: &[Candidate<'_>],
    overrides: &Overrides,
    scores: &Scores,
    duplicates: DuplicatesConfig,
) -> Vec<VerdictRow> {
    let fences = SizeFences::new(candidates);
    let judge = Judge {
        overrides,
        scores,
        fences: &fences,
    };
    let mut verdicts: Vec<VerdictRow> = candidates
        .par_iter()
        .map(|candidate| judge.alone(candidate))
        .collect();
    let is_kept = |row: &LedgerRow| {
        let decision = overrides.of(row.item_id, &row.source_id);
        decision.is_some_and(|decision| decision.keep)
    };
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|&at| {
        let Candidate { row, order, .. } = candidates[at];
        (order, &row.source_id, row.tile)
    });
    let mut places: HashMap<(&str, u32), &str> = HashMap::new();
    for &at in &order {
        let candidate = &candidates[at];
        if !candidate.is_found {
            continue;
        }
        let first = *places
            .entry((&candidate.row.origin, candidate.row.tile))
            .or_insert(&candidate.collection.name);
        if first != candidate.collection.name {
            verdicts[at] = fresh(candidate)
                .because(Outcome::Rejected, Reason::DuplicateSource)
                .detail(format!("it belongs to collection `{first}`"));
        }
    }
    order.sort_by_key(|&at| candidates[at].collection.role == Role::Train);
    let mut keepers: HashMap<(Sha256Digest, u32), &LedgerRow> = HashMap::new();
    for &at in &order {
        let row = candidates[at].row;
        let Some(sha256) = row
            .sha256
            .filter(|_| verdicts[at].verdict == Outcome::Passed)
        else {
            continue;
        };
        let keeper = *keepers.entry((sha256, row.tile)).or_insert(row);
        if keeper.item_id != row.item_id && !is_kept(row) {
            verdicts[at] = fresh(&candidates[at])
                .because(Outcome::Rejected, Reason::Duplicate)
                .detail(format!("the same bytes as `{}`", keeper.source_id));
        }
    }
    reject_near(candidates, &mut verdicts, duplicates, is_kept);
    verdicts
}

/// Rejects what shows the same as something that is preferred.
fn reject_near(
    candidates: &[Candidate<'_>],
    verdicts: &mut [VerdictRow],
    duplicates: DuplicatesConfig,
    is_kept: impl Fn(&LedgerRow) -> bool,
) {
    let mut order: Vec<usize> = (0..candidates.len())
        .filter(|&at| verdicts[at].verdict == Outcome::Passed)
        .collect();
    order.sort_by_key(|&at| {
        let candidate = &candidates[at];
        let is_train = candidate.collection.role == Role::Train;
        (is_train, duplicates::preference(candidate.row))
    });
    let rows: Vec<&LedgerRow> = order.iter().map(|&at| candidates[at].row).collect();
    let pairs = duplicates::pairs(&rows, duplicates);
    for (place, keeper) in near::keepers(rows.len(), &pairs).into_iter().enumerate() {
        let (row, keeper) = (rows[place], rows[keeper as usize]);
        if keeper.item_id == row.item_id || is_kept(row) {
            continue;
        }
        let candidate = &candidates[order[place]];
        let verdict = fresh(candidate).because(Outcome::Rejected, Reason::NearDuplicate);
        let named = match keeper.tile {
            0 => format!("`{}`", keeper.source_id),
            tile => format!("tile {tile} of `{}`", keeper.source_id),
        };
        let distance = row
            .phash
            .zip(keeper.phash)
            .map(|(a, b)| (a ^ b).count_ones());
        verdicts[order[place]] = if row.pixels_hash == keeper.pixels_hash {
            verdict.detail(format!("the same pixels as {named}"))
        } else {
            verdict
                .measured(
                    f64::from(distance.unwrap_or(0)),
                    f64::from(duplicates.radius),
                )
                .detail(format!("it shows what {named} shows"))
        };
    }
}

fn fresh(candidate: &Candidate<'_>) -> VerdictRow {
    VerdictRow::passed(
        candidate.row.item_id,
        Stage::Ingest,
        &candidate.collection.config_hash,
    )
}

/// What an item is judged by, besides its facts.
struct Judge<'a> {
    overrides: &'a Overrides,
    scores: &'a Scores,
    fences: &'a SizeFences<'a>,
}

impl Judge<'_> {
    /// The verdict on an item by itself.
    fn alone(&self, candidate: &Candidate<'_>) -> VerdictRow {
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
        let decision = self.overrides.of(row.item_id, &row.source_id);
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
            return if is_retryable(fault) {
                verdict.retryable()
            } else {
                verdict
            };
        }
        if row.sha256.is_none() {
            return VerdictRow {
                verdict: Outcome::Pending,
                ..verdict
            };
        }
        let has_tiles = row.tile == 0 && row.kind.as_deref() == Some("grid");
        if has_tiles && collection.grids == Grids::Split {
            return verdict
                .because(Outcome::Rejected, Reason::SplitIntoTiles)
                .detail("its four tiles are items of their own");
        }
        if (has_tiles || row.tile > 0) && collection.grids == Grids::Reject {
            return verdict
                .because(Outcome::Rejected, Reason::Grid)
                .detail("`ingest.grids` is `reject`");
        }
        if decision.is_some_and(|decision| decision.keep) {
            return verdict;
        }
        if let Some((reason, detail)) = refused(row, collection.policy) {
            return verdict.because(Outcome::Rejected, reason).detail(detail);
        }
        if let Some(objection) = select::objection(&collection.select, row, self.scores) {
            let verdict = verdict
                .because(Outcome::Rejected, Reason::NotSelected)
                .detail(objection.detail);
            return match objection.measured {
                Some((value, bound)) => verdict.measured(value, bound),
                None => verdict,
            };
        }
        let (width, height) = row.tile_width.zip(row.tile_height).unwrap_or((0, 0));
        let shorter = width.min(height);
        if shorter < collection.min_side_px {
            return verdict
                .because(Outcome::Rejected, Reason::TooSmall)
                .measured(f64::from(shorter), f64::from(collection.min_side_px))
                .detail("the shorter side is under `min_side_px`");
        }
        match thresholds::broken(&collection.scores, row, self.fences.of(candidate)) {
            Some(broken) => verdict
                .because(Outcome::Rejected, broken.reason)
                .measured(broken.value, broken.threshold)
                .detail(broken.detail),
            None => verdict,
        }
    }
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
        | Reason::Animated
        | Reason::BadRow
        | Reason::NoImage
        | Reason::NotFinal
        | Reason::Reduced
        | Reason::AddressRefused
        | Reason::Robots
        | Reason::OptedOut => Outcome::Rejected,
        _ => Outcome::Failed,
    }
}

/// Whether what stands in the way may pass by itself, or by a fresh export.
pub(crate) fn is_retryable(fault: Reason) -> bool {
    matches!(
        fault,
        Reason::Unreadable
            | Reason::LinkExpired
            | Reason::RateLimited
            | Reason::Network
            | Reason::Timeout
            | Reason::DecodeTimeout
    )
}
