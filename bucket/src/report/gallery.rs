//! Which pictures a page shows, and what it says beside them.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use terminus_manifest::{
    ids::{GroupId, ItemId, SampleId, hash_u64},
    index::IndexRow,
    ledger::LedgerRow,
    words::{Outcome, Reason, Stage},
};

use super::{Survey, plots::short, thumbnails::thumbnails};
use crate::BucketPlan;

/// Samples that are shown of a collection.
const SAMPLES: usize = 24;
/// Items that are shown of a reason.
const REFUSED: usize = 12;
/// Groups of duplicates that are shown.
const GROUPS: usize = 24;
/// Members that are shown of a group.
const MEMBERS: usize = 6;

/// The pictures of a page.
#[derive(Debug, Serialize)]
pub(super) struct Gallery {
    /// Samples, by collection.
    samples: Vec<Shelf>,
    /// Items that a stage did not pass, by stage and reason.
    refused: Vec<Shelf>,
    /// Groups of duplicates.
    duplicates: Vec<Shelf>,
    /// Groups of more than one item, shown or not.
    duplicate_groups: usize,
}

/// Pictures under one heading.
#[derive(Debug, Serialize)]
struct Shelf {
    title: String,
    note: String,
    /// How many there are, shown or not.
    count: usize,
    cards: Vec<Card>,
}

/// One picture.
#[derive(Debug, Serialize)]
struct Card {
    /// A `data:` address; none if there are no pixels to show.
    image: Option<String>,
    title: String,
    lines: Vec<String>,
    text: String,
    /// Left, top, width and height of the crop, in percent of the picture.
    crop: Option<[f64; 4]>,
}

/// A card without its picture, and the item that has it.
struct Wanted<'a> {
    row: &'a LedgerRow,
    card: Card,
}

type WantedShelf<'a> = (Shelf, Vec<Wanted<'a>>);

impl Gallery {
    /// Chooses pictures and makes their thumbnails.
    pub(super) fn of(plan: &BucketPlan, survey: &Survey) -> Self {
        let samples = samples(plan, survey);
        let refused = refused(plan, survey);
        let (duplicate_groups, duplicates) = duplicates(plan, survey);
        let counts = [samples.len(), refused.len()];
        let mut shelves: Vec<WantedShelf<'_>> = Vec::new();
        shelves.extend(samples);
        shelves.extend(refused);
        shelves.extend(duplicates);
        let rows: Vec<&LedgerRow> = shelves
            .iter()
            .flat_map(|(_, wanted)| wanted.iter().map(|wanted| wanted.row))
            .collect();
        let mut images = thumbnails(plan, &rows).into_iter();
        let mut done = shelves.into_iter().map(|(shelf, wanted)| Shelf {
            cards: wanted
                .into_iter()
                .map(|wanted| Card {
                    image: images.next().flatten(),
                    ..wanted.card
                })
                .collect(),
            ..shelf
        });
        Self {
            samples: done.by_ref().take(counts[0]).collect(),
            refused: done.by_ref().take(counts[1]).collect(),
            duplicates: done.collect(),
            duplicate_groups,
        }
    }
}

fn shelf(title: String, note: String, count: usize) -> Shelf {
    Shelf {
        title,
        note,
        count,
        cards: Vec::new(),
    }
}

/// Samples of each collection, drawn by the hash of their ids, so that the same ones are seen again.
fn samples<'a>(plan: &BucketPlan, survey: &'a Survey) -> Vec<WantedShelf<'a>> {
    let items = survey.by_item();
    let mut shelves = Vec::new();
    for collection in &plan.collections {
        let mut rows: Vec<&IndexRow> = survey
            .index
            .iter()
            .filter(|row| row.collection == collection.name)
            .collect();
        if rows.is_empty() {
            continue;
        }
        let count = rows.len();
        let draw = |id: SampleId| hash_u64("report", &[&id.to_string()]);
        rows.sort_by_cached_key(|row| (draw(row.sample_id), row.sample_id));
        let wanted = rows
            .into_iter()
            .take(SAMPLES)
            .filter_map(|row| {
                let item = items.get(&row.item_id)?;
                Some(Wanted {
                    row: item,
                    card: sample_card(row, item),
                })
            })
            .collect();
        let note = format!("{count} samples as {}", collection.role);
        shelves.push((shelf(collection.name.clone(), note, count), wanted));
    }
    shelves
}

fn sample_card(row: &IndexRow, item: &LedgerRow) -> Card {
    let width = f64::from(row.resized_width.unwrap_or(row.original_width));
    let height = f64::from(row.resized_height.unwrap_or(row.original_height));
    let percent = |part: u32, of: f64| 100.0 * f64::from(part) / of.max(1.0);
    let caption = row.captions.first();
    Card {
        image: None,
        title: item.source_id.clone(),
        lines: vec![
            format!(
                "{}×{} at top {}, left {} of {}×{}",
                row.width,
                row.height,
                row.crop_top,
                row.crop_left,
                row.original_width,
                row.original_height
            ),
            format!(
                "{} · {} · {}…",
                row.split,
                row.packing,
                &row.sample_id.to_string()[..12]
            ),
        ],
        text: caption
            .map(|caption| caption.text.clone())
            .unwrap_or_default(),
        crop: Some([
            percent(row.crop_left, width),
            percent(row.crop_top, height),
            percent(row.width, width),
            percent(row.height, height),
        ]),
    }
}

/// Items that a stage rejected or could not use, by stage and reason, the most frequent reason first.
fn refused<'a>(plan: &'a BucketPlan, survey: &'a Survey) -> Vec<WantedShelf<'a>> {
    let mut by_reason: BTreeMap<(Stage, Outcome, Reason), Vec<Wanted<'a>>> = BTreeMap::new();
    for (row, collection) in survey.items(plan) {
        let path = survey.facts.path_of(row.item_id, collection);
        let Some((stage, outcome, Some(verdict))) = path.last() else {
            continue;
        };
        let Some(reason) = verdict.reason else {
            continue;
        };
        let mut lines = Vec::new();
        if let Some((width, height)) = row.tile_width.zip(row.tile_height) {
            let format = row.format.as_deref().unwrap_or("?");
            lines.push(format!("{width}×{height} {format}"));
        }
        if let Some((value, threshold)) = verdict.value.zip(verdict.threshold) {
            lines.push(format!("{}, allowed {}", short(value), short(threshold)));
        }
        let wanted = Wanted {
            row,
            card: Card {
                image: None,
                title: row.source_id.clone(),
                lines,
                text: verdict.detail.clone().unwrap_or_default(),
                crop: None,
            },
        };
        by_reason
            .entry((*stage, *outcome, reason))
            .or_default()
            .push(wanted);
    }
    let mut shelves: Vec<WantedShelf<'a>> = by_reason
        .into_iter()
        .map(|((stage, outcome, reason), mut wanted)| {
            let count = wanted.len();
            wanted.sort_by_key(|wanted| hash_u64("report", &[&wanted.row.item_id.to_string()]));
            wanted.truncate(REFUSED);
            let title = format!("{stage}: {outcome} ({reason})");
            (shelf(title, reason.meaning().to_owned(), count), wanted)
        })
        .collect();
    shelves.sort_by_key(|(shelf, _)| std::cmp::Reverse(shelf.count));
    shelves
}

/// Groups of items that are one picture, the largest first, and how many there are.
fn duplicates<'a>(plan: &'a BucketPlan, survey: &'a Survey) -> (usize, Vec<WantedShelf<'a>>) {
    let mut groups: HashMap<GroupId, Vec<(&LedgerRow, String)>> = HashMap::new();
    for (row, collection) in survey.items(plan) {
        let Some(group) = row.group_id else { continue };
        let path = survey.facts.path_of(row.item_id, collection);
        let fate = path
            .last()
            .map_or(String::new(), |(stage, outcome, verdict)| {
                match verdict.and_then(|verdict| verdict.reason) {
                    Some(reason) => format!("{stage}: {outcome} ({reason})"),
                    None => outcome.to_string(),
                }
            });
        groups.entry(group).or_default().push((row, fate));
    }
    groups.retain(|_, members| members.len() > 1);
    let count = groups.len();
    let key = |row: &LedgerRow| -> ItemId { row.item_id };
    let mut groups: Vec<(GroupId, Vec<(&LedgerRow, String)>)> = groups.into_iter().collect();
    groups.sort_by_key(|(group, members)| (std::cmp::Reverse(members.len()), *group));
    let shelves = groups
        .into_iter()
        .take(GROUPS)
        .map(|(group, mut members)| {
            members.sort_by_key(|(row, _)| key(row));
            let count = members.len();
            let wanted = members
                .into_iter()
                .take(MEMBERS)
                .map(|(row, fate)| Wanted {
                    row,
                    card: duplicate_card(row, fate),
                })
                .collect();
            (shelf(group.to_string(), String::new(), count), wanted)
        })
        .collect();
    (count, shelves)
}

fn duplicate_card(row: &LedgerRow, fate: String) -> Card {
    let size = row.tile_width.zip(row.tile_height);
    let size = size.map_or(String::new(), |(width, height)| format!("{width}×{height}"));
    let bytes = row.size_bytes.unwrap_or(0) / 1000;
    let format = row.format.as_deref().unwrap_or("?");
    Card {
        image: None,
        title: row.source_id.clone(),
        lines: vec![format!("{size} {format}, {bytes} kB"), fate],
        text: row.prompt_text.clone().unwrap_or_default(),
        crop: None,
    }
}
