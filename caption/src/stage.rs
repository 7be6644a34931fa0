//! The stage: find the pictures without a caption, caption them, say so.

mod keeper;
mod round;
mod summary;
mod verdicts;

use std::collections::{BTreeMap, HashMap};

use terminus_manifest::{
    ids::{CaptionKey, ItemId},
    ledger::LedgerRow,
    log::COMPACT_PAST_PARTS,
    run::{Cancel, Progress},
    verdict::{VerdictKey, VerdictRow},
    view::View,
    words::{Outcome, Reason, Stage},
};

pub use summary::{CaptionerSummary, Summary};

use crate::{
    CaptionPlan, CaptionerPlan, CollectionPlan, Error,
    captioner::{Captioner, by_hand},
    config::CaptionerConfig,
    hints::OWN_PROMPT,
    speaker::Questions,
};
use keeper::Keeper;
use round::Member;

/// Captions that are committed together.
pub const BATCH_ITEMS: usize = 1024;

/// What each captioner gave for what it was shown, and why it gave nothing.
#[derive(Default)]
pub(crate) struct Given {
    keys: HashMap<(String, View), CaptionKey>,
    faults: HashMap<(String, View), (Reason, String)>,
}

/// Runs the stage.
///
/// # Errors
/// A captioner that cannot run; a file of the root that cannot be read or written; [`Error::Interrupted`].
pub fn caption(
    plan: &CaptionPlan,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Summary, Error> {
    let collections: HashMap<&str, &CollectionPlan> = plan
        .collections
        .iter()
        .map(|collection| (collection.name.as_str(), collection))
        .collect();
    let verdicts = plan.root.verdicts().latest()?;
    let mut rows: Vec<LedgerRow> = plan.root.ledger().rows()?;
    rows.retain(|row| {
        collections
            .get(row.collection.as_str())
            .is_some_and(|collection| {
                row.item_id.in_shard(plan.shard, plan.of)
                    && is_passed(&verdicts, row.item_id, collection)
            })
    });
    let mut keeper = Keeper::new(plan, verdicts)?;
    let captioners = in_order(plan)?
        .into_iter()
        .map(|captioner| Captioner::new(captioner, keeper.captions()))
        .collect::<Result<Vec<_>, Error>>()?;
    let mut given = Given::default();
    let mut summary = Summary::default();
    for sharing in sharing_a_model(&captioners) {
        let group: Vec<Member<'_>> = sharing
            .into_iter()
            .map(|captioner| Member {
                captioner,
                views: rows
                    .iter()
                    .filter(|row| {
                        let own = collections.get(row.collection.as_str());
                        own.is_some_and(|own| {
                            own.captioners
                                .iter()
                                .any(|other| other.name == captioner.plan.name)
                        }) && override_of(plan, row).is_none()
                    })
                    .flat_map(|row| {
                        let views = plan.views_of(captioner.plan, row);
                        views.into_iter().map(move |view| (row, view))
                    })
                    .collect(),
            })
            .collect();
        round::run(
            plan,
            &group,
            &mut keeper,
            &mut given,
            &mut summary,
            progress,
            cancel,
        )?;
    }
    for row in &rows {
        if let (Some(text), Some(picture)) = (override_of(plan, row), row.picture_id()) {
            let caption = by_hand(picture, text);
            given.keys.insert(
                (caption.captioner.clone(), View::whole(picture)),
                caption.caption_key,
            );
            if !keeper.has(caption.caption_key) {
                summary.captioned += 1;
                keeper.keep(caption)?;
            }
        }
    }
    verdicts::judge(plan, &rows, &collections, &given, &mut keeper, &mut summary);
    let has_written = keeper.finish()?;
    if !plan.dry_run && has_written {
        plan.root.captions().compact(COMPACT_PAST_PARTS)?;
        plan.root.verdicts().compact(COMPACT_PAST_PARTS)?;
    }
    Ok(summary)
}

/// Every captioner once: taggers first, because others are held against their tags.
fn in_order(plan: &CaptionPlan) -> Result<Vec<&CaptionerPlan>, Error> {
    let mut captioners: BTreeMap<(bool, &str), &CaptionerPlan> = BTreeMap::new();
    for collection in &plan.collections {
        for captioner in &collection.captioners {
            let is_tagger = matches!(captioner.config, CaptionerConfig::Tagger(_));
            captioners.insert((!is_tagger, captioner.name.as_str()), captioner);
            let is_of_collection = |name: &str, is_tagger: bool| {
                let mut others = collection.captioners.iter();
                others.any(|other| {
                    other.name == name
                        && (!is_tagger || matches!(other.config, CaptionerConfig::Tagger(_)))
                })
            };
            let tags = captioner.config.gate().and_then(|gate| gate.tags.as_ref());
            if let Some(tags) = tags
                && !is_of_collection(tags, false)
            {
                return Err(Error::NoTags {
                    name: captioner.name.clone(),
                    tags: tags.clone(),
                    collection: collection.name.clone(),
                });
            }
            let questions = Questions::of(&captioner.config);
            let hints = questions.iter().flat_map(Questions::hints);
            if let Some(hint) = hints
                .into_iter()
                .find(|hint| *hint != OWN_PROMPT && !is_of_collection(hint, true))
            {
                return Err(Error::NoHint {
                    name: captioner.name.clone(),
                    hint: hint.to_owned(),
                    collection: collection.name.clone(),
                });
            }
        }
    }
    Ok(captioners.into_values().collect())
}

/// Captioners in their order, those together that one opened model can answer for: it is shown each picture once.
fn sharing_a_model<'c, 'p>(captioners: &'c [Captioner<'p>]) -> Vec<Vec<&'c Captioner<'p>>> {
    let mut groups: Vec<Vec<&Captioner<'_>>> = Vec::new();
    for captioner in captioners {
        let config = &captioner.plan.config;
        let group = groups
            .iter_mut()
            .find(|group| group[0].plan.config.shares_a_model_with(config));
        match group {
            Some(group) => group.push(captioner),
            None => groups.push(vec![captioner]),
        }
    }
    groups
}

/// The caption that a person wrote for an item.
fn override_of<'p>(plan: &'p CaptionPlan, row: &LedgerRow) -> Option<&'p str> {
    plan.overrides
        .of(row.item_id, &row.source_id)
        .and_then(|decision| decision.caption.as_deref())
}

fn is_passed(
    verdicts: &HashMap<VerdictKey, VerdictRow>,
    item_id: ItemId,
    collection: &CollectionPlan,
) -> bool {
    let config_hash = collection.ingest_config_hash.clone();
    let verdict = verdicts.get(&VerdictKey {
        item_id,
        stage: Stage::Ingest,
        config_hash,
    });
    verdict.is_some_and(|verdict| verdict.verdict == Outcome::Passed)
}
