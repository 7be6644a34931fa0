//! Which items show the same picture: groups for the ledger, and for verdicts the one of each that is kept.

use std::collections::HashMap;

use terminus_manifest::{
    ids::{GroupId, ItemId, Sha256Digest},
    ledger::LedgerRow,
    time::Timestamp,
};

use crate::{config::DuplicatesConfig, near};

/// Bits in which an `Image #n` may differ from the tile that its message refers to: it was encoded anew.
const PARENT_RADIUS: u32 = 12;

/// Sides of pictures that show the same differ by no more than this in their ratio.
const ASPECT_TOLERANCE: f64 = 0.03;

/// Pairs of places of `rows` that show the same, sorted: the same decoded pixels, the same picture by its
/// hashes, or a tile and the image that was taken out of its grid. `rows` stands in the order of preference.
pub(crate) fn pairs(rows: &[&LedgerRow], config: DuplicatesConfig) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    let mut by_pixels: HashMap<&str, u32> = HashMap::new();
    let places: HashMap<ItemId, u32> = rows
        .iter()
        .zip(0..)
        .map(|(row, at)| (row.item_id, at))
        .collect();
    for (row, place) in rows.iter().zip(0..) {
        if let Some(hash) = row.pixels_hash.as_deref() {
            let first = *by_pixels.entry(hash).or_insert(place);
            if first != place {
                pairs.push((first, place));
            }
        }
        if row.kind.as_deref() == Some("single")
            && let Some(&parent) = row.parent_id.as_ref().and_then(|id| places.get(id))
            && let Some((a, b)) = row.phash.zip(rows[parent as usize].phash)
            && (a ^ b).count_ones() <= PARENT_RADIUS
        {
            pairs.push((place.min(parent), place.max(parent)));
        }
    }
    if config.near {
        let hashed: Vec<u32> = (0..rows.len() as u32)
            .filter(|&at| rows[at as usize].phash.is_some())
            .collect();
        let hashes: Vec<u64> = hashed
            .iter()
            .filter_map(|&at| rows[at as usize].phash)
            .collect();
        let row = |at: u32| rows[hashed[at as usize] as usize];
        let near = near::pairs(&hashes, config.radius, |a, b| {
            is_confirmed(row(a), row(b), config)
        });
        pairs.extend(
            near.into_iter()
                .map(|(a, b)| (hashed[a as usize], hashed[b as usize])),
        );
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// The second measure: a hash of another kind, colours and shape agree too, so that flat art with one layout makes no
/// false groups. A grid and its tiles are never one picture.
fn is_confirmed(a: &LedgerRow, b: &LedgerRow, config: DuplicatesConfig) -> bool {
    let ratio = |row: &LedgerRow| {
        let (width, height) = row.tile_width.zip(row.tile_height).unwrap_or((1, 1));
        f64::from(width) / f64::from(height.max(1))
    };
    let gradients = match (a.dhash, b.dhash) {
        (Some(a), Some(b)) => (a ^ b).count_ones() <= config.gradient_radius,
        _ => false,
    };
    gradients
        && (ratio(a) / ratio(b)).ln().abs() <= ASPECT_TOLERANCE
        && colour_distance(a, b).is_some_and(|mean| mean <= f64::from(config.colour_distance))
}

/// Mean difference of the colours of a 4x4 grid, in codes.
fn colour_distance(a: &LedgerRow, b: &LedgerRow) -> Option<f64> {
    let (a, b) = (a.layout.as_deref()?, b.layout.as_deref()?);
    if a.len() != b.len() || a.is_empty() {
        return None;
    }
    let code = |text: &str, at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    let mut sum = 0;
    for at in (0..a.len()).step_by(2) {
        sum += u32::from(code(a, at)?.abs_diff(code(b, at)?));
    }
    Some(f64::from(sum) / (a.len() / 2) as f64)
}

/// The order in which one of a group is kept, protection aside: the larger, then the older, then by source id.
pub(crate) fn preference(row: &LedgerRow) -> (std::cmp::Reverse<u64>, Timestamp, &str, u32) {
    let (width, height) = row.tile_width.zip(row.tile_height).unwrap_or((0, 0));
    let area = u64::from(width) * u64::from(height);
    let posted_at = row.posted_at.unwrap_or(Timestamp(i64::MAX));
    (std::cmp::Reverse(area), posted_at, &row.source_id, row.tile)
}

/// The items whose group changes, with it.
///
/// Items of the same bytes and tile, and those that show the same, share a group. A group that exists keeps its id, the
/// smallest if several meet; a new one is named after its smallest item, whatever order they came in.
pub(crate) fn regroup<'r>(
    rows: impl Iterator<Item = &'r LedgerRow>,
    config: DuplicatesConfig,
) -> Vec<(ItemId, Option<GroupId>)> {
    let mut order: Vec<&LedgerRow> = rows.filter(|row| row.picture_id().is_some()).collect();
    order.sort_by_cached_key(|row| (preference(row).0, preference(row).1, row.item_id));
    let mut pairs = pairs(&order, config);
    let mut by_bytes: HashMap<(Sha256Digest, u32), u32> = HashMap::new();
    for (row, place) in order.iter().zip(0..) {
        if let Some(sha256) = row.sha256 {
            let first = *by_bytes.entry((sha256, row.tile)).or_insert(place);
            if first != place {
                pairs.push((first, place));
            }
        }
    }
    pairs.sort_unstable();
    let keepers = near::keepers(order.len(), &pairs);
    let mut members: HashMap<u32, Vec<usize>> = HashMap::new();
    for (place, &keeper) in keepers.iter().enumerate() {
        members.entry(keeper).or_default().push(place);
    }
    let mut changed = Vec::new();
    for places in members.values() {
        let known = places.iter().filter_map(|&at| order[at].group_id).min();
        let group = known.or_else(|| {
            let least = places.iter().map(|&at| order[at].item_id).min()?;
            Some(GroupId::new(least))
        });
        for &at in places {
            if order[at].group_id != group {
                changed.push((order[at].item_id, group));
            }
        }
    }
    changed.sort_unstable();
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::tests::{measured, picture};

    fn row(name: &str, width: u32, height: u32, seed: u32) -> LedgerRow {
        let image = picture(width, height, seed);
        LedgerRow {
            item_id: ItemId::new(name, 0),
            source_id: name.to_owned(),
            sha256: Some(Sha256Digest::of(name.as_bytes())),
            tile_top: Some(0),
            tile_left: Some(0),
            tile_width: Some(width),
            tile_height: Some(height),
            ..measured(&image)
        }
    }

    fn grouped(rows: &[LedgerRow]) -> HashMap<ItemId, LedgerRow> {
        let mut rows: HashMap<ItemId, LedgerRow> =
            rows.iter().map(|r| (r.item_id, r.clone())).collect();
        let changed = regroup(rows.values(), DuplicatesConfig::default());
        for (item_id, group_id) in changed {
            rows.get_mut(&item_id).unwrap().group_id = group_id;
        }
        assert!(
            regroup(rows.values(), DuplicatesConfig::default()).is_empty(),
            "grouping again changes nothing"
        );
        rows
    }

    #[test]
    fn one_picture_at_two_sizes_is_one_group() {
        let all = [
            row("a", 512, 384, 1),
            row("b", 1024, 768, 1),
            row("c", 512, 384, 2),
        ];
        let rows = grouped(&all);
        let group = |at: usize| rows[&all[at].item_id].group_id;
        assert!(group(0).is_some());
        assert_eq!(group(0), group(1));
        assert_ne!(group(0), group(2));
    }

    #[test]
    fn a_group_keeps_its_name_when_members_come() {
        let (a, b) = (row("a", 512, 384, 1), row("b", 1024, 768, 1));
        for (first, second) in [(&a, &b), (&b, &a)] {
            let before = grouped(std::slice::from_ref(first));
            let old = before[&first.item_id].group_id;
            let after = grouped(&[before[&first.item_id].clone(), second.clone()]);
            assert_eq!(after[&second.item_id].group_id, old);
        }
    }

    #[test]
    fn another_colour_or_shape_is_another_picture() {
        let a = row("a", 512, 384, 1);
        let config = DuplicatesConfig::default();
        let mut other_colour = row("b", 512, 384, 1);
        other_colour.layout = other_colour.layout.map(|text| "ff".repeat(text.len() / 2));
        assert!(!is_confirmed(&a, &other_colour, config));
        let other_shape = LedgerRow {
            tile_width: Some(384),
            ..row("c", 512, 384, 1)
        };
        assert!(!is_confirmed(&a, &other_shape, config));
        assert!(is_confirmed(&a, &row("d", 512, 384, 1), config));
    }
}
