//! Which side of the split a sample is on: by duplicate group, by the picture it was made from, and for good.
//!
//! The four tiles of a grid are four answers to one prompt, and an `Image #n` is one of them again: a model that was
//! trained on three would know the fourth. So whatever has a common ancestor stands on one side, and so does every
//! group of duplicates. A group that an earlier generation put on a side stays there.

use std::collections::HashMap;

use terminus_manifest::{
    ids::{GroupId, ItemId},
    index::IndexRow,
    ledger::LedgerRow,
    ratio::Ratio,
    split::split_of,
    words::Split,
};

/// The sides of all groups.
#[derive(Debug)]
pub(crate) struct Sides {
    seed: u64,
    share: Ratio,
    /// The family of each group that is not its own.
    families: HashMap<GroupId, GroupId>,
    /// Groups that the parent generation knows.
    groups: HashMap<GroupId, Split>,
    /// Families of those groups.
    known: HashMap<GroupId, Split>,
}

impl Sides {
    /// `parent` is the index of the parent generation.
    pub(crate) fn new(ledger: &[LedgerRow], parent: &[IndexRow], seed: u64, share: Ratio) -> Self {
        let families = families(ledger);
        let groups: HashMap<_, _> = parent.iter().map(|row| (row.group_id, row.split)).collect();
        let mut known = HashMap::new();
        // The index is in the order of ids: of a family that stands on both sides the first sample decides.
        for row in parent {
            let family = families.get(&row.group_id).copied();
            known
                .entry(family.unwrap_or(row.group_id))
                .or_insert(row.split);
        }
        Self {
            seed,
            share,
            families,
            groups,
            known,
        }
    }

    /// The side of a group.
    pub(crate) fn of(&self, group: GroupId) -> Split {
        let family = self.families.get(&group).copied().unwrap_or(group);
        let known = self.groups.get(&group).or_else(|| self.known.get(&family));
        known
            .copied()
            .unwrap_or_else(|| split_of(self.seed, family, self.share))
    }
}

/// The group of an item.
pub(crate) fn group_of(row: &LedgerRow) -> GroupId {
    row.group_id.unwrap_or_else(|| GroupId::new(row.item_id))
}

/// For each group with a member that was made of something: the group of the first ancestor, of several the smallest.
fn families(ledger: &[LedgerRow]) -> HashMap<GroupId, GroupId> {
    let find = |item: ItemId| {
        let at = ledger.binary_search_by_key(&item, |row| row.item_id);
        at.ok().map(|at| &ledger[at])
    };
    let mut families: HashMap<GroupId, GroupId> = HashMap::new();
    for row in ledger {
        let Some(mut ancestor) = row.parent_id else {
            continue;
        };
        // A chain that bites its own tail has no first; any end of it will do.
        for _ in 0..8 {
            match find(ancestor).and_then(|row| row.parent_id) {
                Some(parent) => ancestor = parent,
                None => break,
            }
        }
        let family = find(ancestor).map_or_else(|| GroupId::new(ancestor), group_of);
        let known = families.entry(group_of(row)).or_insert(family);
        *known = family.min(*known);
    }
    families
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, parent: Option<&str>, group: Option<&str>) -> LedgerRow {
        let id = |name: &str| ItemId::new(name, 0);
        let mut row = LedgerRow::found(id(name), name.to_owned(), "c".to_owned(), name.to_owned());
        row.parent_id = parent.map(id);
        row.group_id = group.map(|name| GroupId::new(id(name)));
        row
    }

    fn sorted(mut ledger: Vec<LedgerRow>) -> Vec<LedgerRow> {
        ledger.sort_by_key(|row| row.item_id);
        ledger
    }

    #[test]
    fn what_was_made_of_one_picture_stands_on_one_side() {
        let (mut held_out, mut all) = (0, 0);
        for number in 0..200 {
            let grid = format!("grid {number}");
            let tiles: Vec<String> = (1..=4).map(|tile| format!("{grid} tile {tile}")).collect();
            let single = format!("{grid} single");
            let mut ledger = vec![item(&grid, None, None)];
            ledger.extend(tiles.iter().map(|tile| item(tile, Some(&grid), Some(tile))));
            // An upscale of a single that shows what tile 2 shows, and a copy of it from elsewhere.
            ledger.push(item(&single, Some(&grid), Some(&tiles[1])));
            ledger.push(item("upscale", Some(&single), Some("upscale")));
            ledger.push(item("copy", None, Some(&tiles[1])));
            let ledger = sorted(ledger);
            let sides = Sides::new(&ledger, &[], 7, Ratio::new(1, 4).unwrap());
            let own: Vec<Split> = ledger.iter().map(|row| sides.of(group_of(row))).collect();
            assert!(own.iter().all(|side| *side == own[0]), "{own:?}");
            all += 1;
            held_out += u32::from(own[0] == Split::Validation);
        }
        assert!((30..70).contains(&held_out), "{held_out} of {all}");
    }

    #[test]
    fn a_family_without_its_first_member_stays_together() {
        let tiles = ["a", "b", "c"].map(|tile| item(tile, Some("never found"), Some(tile)));
        let ledger = sorted(tiles.to_vec());
        let sides = Sides::new(&ledger, &[], 1, Ratio::new(1, 2).unwrap());
        let own: Vec<Split> = ledger.iter().map(|row| sides.of(group_of(row))).collect();
        assert!(own.iter().all(|side| *side == own[0]));
    }
}
