//! The stage: find the pictures without a caption, caption them, say so.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use terminus_manifest::{
    caption::CaptionRow,
    failpoint,
    generation::StageCounts,
    ids::{CaptionKey, ItemId},
    ledger::LedgerRow,
    log::{COMPACT_PAST_PARTS, Log, LogRow as _, Run},
    run::{Cancel, Progress},
    verdict::{VerdictKey, VerdictRow},
    words::{Outcome, Reason, Stage},
};
use terminus_tokens::ClipTokenizer;

use crate::{
    CaptionPlan, CollectionPlan, Error,
    captioner::{Captioner, by_hand},
};

/// Captions that are committed together: the most that a kill costs.
pub const BATCH_ITEMS: usize = 1024;

/// What captioning did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Captions that were made.
    pub captioned: u64,
    /// Items that were judged.
    pub decided: u64,
    /// Verdicts that are new or say something else than before.
    pub changed: u64,
    /// Verdicts, all of them: `in` is what ingest passed.
    pub counts: StageCounts,
    /// Rejected and failed items by reason.
    pub reasons: BTreeMap<Reason, u64>,
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
    let captioners = plan
        .collections
        .iter()
        .map(|collection| {
            let hash = &collection.config_hash;
            Ok((
                collection.name.as_str(),
                (collection, Captioner::new(&collection.captioner, hash)?),
            ))
        })
        .collect::<Result<HashMap<_, _>, Error>>()?;
    let verdicts = plan.root.verdicts().latest()?;
    let mut rows: Vec<LedgerRow> = plan.root.ledger().rows()?;
    rows.retain(|row| {
        captioners
            .get(row.collection.as_str())
            .is_some_and(|(collection, _)| {
                row.item_id.in_shard(plan.shard, plan.of)
                    && is_passed(&verdicts, row.item_id, collection)
            })
    });
    let mut stage = CaptionRun {
        plan,
        captions: plan.root.captions().latest()?,
        verdicts,
        tokenizer: None,
        summary: Summary::default(),
        new_captions: Vec::new(),
        new_verdicts: Vec::new(),
        logs: None,
    };
    progress.start("caption", Some(rows.len() as u64), "pictures");
    for row in &rows {
        if cancel.is_cancelled() {
            stage.commit()?;
            return Err(Error::Interrupted);
        }
        if let Some((collection, captioner)) = captioners.get(row.collection.as_str()) {
            stage.item(row, collection, captioner)?;
        }
        if stage.new_captions.len() >= BATCH_ITEMS {
            stage.commit()?;
            failpoint::pass("caption.after_batch");
        }
        progress.advance(1);
    }
    stage.commit()?;
    progress.finish();
    if !plan.dry_run && stage.logs.is_some() {
        plan.root.captions().compact(COMPACT_PAST_PARTS)?;
        plan.root.verdicts().compact(COMPACT_PAST_PARTS)?;
    }
    Ok(stage.summary)
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

struct CaptionRun<'a> {
    plan: &'a CaptionPlan,
    captions: HashMap<CaptionKey, CaptionRow>,
    verdicts: HashMap<VerdictKey, VerdictRow>,
    /// Made for the first new caption: it takes a moment, and an unchanged run needs none.
    tokenizer: Option<ClipTokenizer>,
    summary: Summary,
    new_captions: Vec<CaptionRow>,
    new_verdicts: Vec<VerdictRow>,
    logs: Option<(Run, Log<CaptionRow>, Log<VerdictRow>)>,
}

impl CaptionRun<'_> {
    /// Captions one item, if that has not been done, and judges it.
    fn item(
        &mut self,
        row: &LedgerRow,
        collection: &CollectionPlan,
        captioner: &Captioner<'_>,
    ) -> Result<(), Error> {
        let Some(picture) = row.picture_id() else {
            return Ok(());
        };
        let override_text = self
            .plan
            .overrides
            .of(row.item_id, &row.source_id)
            .and_then(|decision| decision.caption.as_deref());
        let key = if let Some(text) = override_text {
            let caption = by_hand(picture, text);
            let key = caption.caption_key;
            if !self.captions.contains_key(&key) {
                self.keep(caption)?;
            }
            Some(key)
        } else {
            match captioner.input(row, picture) {
                Some((key, _)) if self.captions.contains_key(&key) => Some(key),
                Some((key, input)) => match captioner.caption(key, picture, input) {
                    Some(caption) => {
                        self.keep(caption)?;
                        Some(key)
                    }
                    None => None,
                },
                None => None,
            }
        };
        let verdict = VerdictRow::passed(row.item_id, Stage::Caption, &collection.config_hash);
        self.judge(match key {
            Some(key) => verdict.detail(key.to_string()),
            None => verdict
                .because(Outcome::Rejected, Reason::NoCaption)
                .detail(if row.prompt.is_some() {
                    "nothing is left of the prompt without its parameters"
                } else {
                    "the item has no prompt: no `.txt`, `.caption` or `.json` beside it holds one"
                }),
        });
        Ok(())
    }

    /// Takes a new caption in, its tokens counted.
    fn keep(&mut self, mut caption: CaptionRow) -> Result<(), Error> {
        let tokenizer = match self.tokenizer.take() {
            Some(tokenizer) => tokenizer,
            None => ClipTokenizer::sdxl()?.0,
        };
        caption.clip_tokens = Some(tokenizer.count(&caption.text) as u32);
        self.tokenizer = Some(tokenizer);
        self.summary.captioned += 1;
        self.captions.insert(caption.caption_key, caption.clone());
        self.new_captions.push(caption);
        Ok(())
    }

    fn judge(&mut self, verdict: VerdictRow) {
        self.summary.decided += 1;
        self.summary.counts.add(verdict.verdict);
        if let Some(reason) = verdict.reason {
            *self.summary.reasons.entry(reason).or_default() += 1;
        }
        let before = self.verdicts.get(&verdict.key());
        if !before.is_some_and(|before| before.says_the_same(&verdict)) {
            self.summary.changed += 1;
            self.new_verdicts.push(verdict);
        }
    }

    /// Writes captions first, then the verdicts that name them.
    fn commit(&mut self) -> Result<(), Error> {
        let captions = std::mem::take(&mut self.new_captions);
        let verdicts = std::mem::take(&mut self.new_verdicts);
        if self.plan.dry_run || (captions.is_empty() && verdicts.is_empty()) {
            return Ok(());
        }
        let root = &self.plan.root;
        if self.logs.is_none() {
            root.remove_leftovers()?;
            let run = root.claim_run("caption", self.plan.shard, self.plan.of)?;
            self.logs = Some((run, root.captions(), root.verdicts()));
        }
        if let Some((run, caption_log, verdict_log)) = self.logs.as_mut() {
            caption_log.append(*run, captions)?;
            verdict_log.append(*run, verdicts)?;
        }
        Ok(())
    }
}
