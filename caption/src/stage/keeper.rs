//! Captions and verdicts on their way to the logs.

use std::collections::HashMap;

use terminus_manifest::{
    caption::CaptionRow,
    failpoint,
    ids::CaptionKey,
    log::{Log, LogRow as _, Run},
    verdict::{VerdictKey, VerdictRow},
};
use terminus_tokens::ClipTokenizer;

use super::BATCH_ITEMS;
use crate::{CaptionPlan, Error, gate::measure, journal::Journal};

/// Remembers what is known, and writes what is new.
pub(super) struct Keeper<'a> {
    pub(super) plan: &'a CaptionPlan,
    captions: HashMap<CaptionKey, CaptionRow>,
    verdicts: HashMap<VerdictKey, VerdictRow>,
    /// Made for the first new caption: it takes a moment, and an unchanged run needs none.
    tokenizer: Option<ClipTokenizer>,
    new_captions: Vec<CaptionRow>,
    new_verdicts: Vec<VerdictRow>,
    journal: Journal,
    logs: Option<(Run, Log<CaptionRow>, Log<VerdictRow>)>,
}

impl<'a> Keeper<'a> {
    /// What the logs hold, and what a run that was killed had written down beside them.
    pub(super) fn new(
        plan: &'a CaptionPlan,
        verdicts: HashMap<VerdictKey, VerdictRow>,
    ) -> Result<Self, Error> {
        let mut captions = plan.root.captions().latest()?;
        let mut new_captions = Vec::new();
        for row in Journal::read_all(&plan.root)? {
            let is_new = captions
                .get(&row.caption_key)
                .is_none_or(|known| known.raw != row.raw || known.text != row.text);
            if is_new {
                captions.insert(row.caption_key, row.clone());
                new_captions.push(row);
            }
        }
        Ok(Self {
            plan,
            captions,
            verdicts,
            tokenizer: None,
            new_captions,
            new_verdicts: Vec::new(),
            journal: Journal::new(&plan.root, plan.shard, plan.of),
            logs: None,
        })
    }

    pub(super) fn captions(&self) -> impl Iterator<Item = &CaptionRow> {
        self.captions.values()
    }

    pub(super) fn has(&self, key: CaptionKey) -> bool {
        self.captions.contains_key(&key)
    }

    pub(super) fn caption(&self, key: CaptionKey) -> Option<&CaptionRow> {
        self.captions.get(&key)
    }

    /// Takes a caption in, its tokens counted.
    pub(super) fn keep(&mut self, mut caption: CaptionRow) -> Result<(), Error> {
        let tokenizer = match self.tokenizer.take() {
            Some(tokenizer) => tokenizer,
            None => ClipTokenizer::sdxl()?.0,
        };
        let (tokens, short) = measure(&caption.text, &tokenizer);
        (caption.clip_tokens, caption.short) = (Some(tokens), short);
        self.tokenizer = Some(tokenizer);
        self.captions.insert(caption.caption_key, caption.clone());
        self.new_captions.push(caption);
        if self.new_captions.len() >= BATCH_ITEMS {
            self.commit()?;
            failpoint::pass("caption.after_batch");
        }
        Ok(())
    }

    /// [`Keeper::keep`] for what took a model's time: written down at once.
    pub(super) fn keep_now(&mut self, caption: CaptionRow) -> Result<(), Error> {
        let key = caption.caption_key;
        self.keep(caption)?;
        if let (Some(caption), false) = (self.captions.get(&key), self.new_captions.is_empty()) {
            self.journal.write(caption)?;
        }
        failpoint::pass("caption.after_answer");
        Ok(())
    }

    /// Takes a verdict in if it says something new.
    pub(super) fn judge(&mut self, verdict: VerdictRow) -> bool {
        let before = self.verdicts.get(&verdict.key());
        let is_new = !before.is_some_and(|before| before.says_the_same(&verdict));
        if is_new {
            self.new_verdicts.push(verdict);
        }
        is_new
    }

    /// Writes captions first, then the verdicts that name them.
    pub(super) fn commit(&mut self) -> Result<(), Error> {
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
            self.journal.clear()?;
            verdict_log.append(*run, verdicts)?;
        }
        Ok(())
    }

    /// Writes the rest; whether anything was written in this run.
    pub(super) fn finish(mut self) -> Result<bool, Error> {
        self.commit()?;
        Ok(self.logs.is_some())
    }
}
