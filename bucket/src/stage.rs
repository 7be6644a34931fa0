//! The stage: plan crops, write what is new, judge, publish.

use std::{
    collections::{BTreeMap, HashMap},
    panic::resume_unwind,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use fs_err as fs;
use rayon::prelude::*;
use serde::Serialize;
use terminus_manifest::{
    caption::CaptionRow,
    failpoint,
    generation::{Draft, Generation, ShardRecord, StageCounts},
    ids::{CaptionKey, ItemId, SampleId, hash_u64},
    index::IndexRow,
    ledger::LedgerRow,
    log::COMPACT_PAST_PARTS,
    run::{Cancel, Progress},
    shard::{ShardReader, ShardRow, ShardWriter},
    store::ContentStore,
    verdict::VerdictRow,
    words::{Outcome, Packing, Reason, Stage},
};

use crate::{
    BucketPlan, Error,
    accounts::Facts,
    pack::{PackFault, Packer, PlannedSample},
    publish::publish,
    sampling::{Planned, Sampling},
    sides::Sides,
};

/// Samples that are packed side by side before they are sent to be written.
const WINDOW: usize = 64;

/// Samples that may wait to be written.
const WAITING: usize = 16;

/// A sample that was packed, and the item that it was cut from.
type Packed = (ItemId, Result<ShardRow, PackFault>);

/// What the stage did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Items that were judged.
    pub decided: u64,
    /// Verdicts that are new or say something else than before.
    pub changed: u64,
    /// Samples of the generation.
    pub samples: u64,
    /// Samples that were cut and packed by this run.
    pub packed: u64,
    /// Samples that an unfinished run had packed already.
    pub recovered: u64,
    /// Samples that could not be made.
    pub failed: u64,
    /// Crops that give no sample because no caption describes them, with `caption_of = "crop"`.
    pub uncaptioned: u64,
    /// Shards that this run wrote.
    pub shards_written: u64,
    /// The generation that is now the latest; none if nothing was published yet.
    pub generation: Option<u32>,
    /// Whether this run published it.
    pub published: bool,
    /// The manifest of that generation.
    pub manifest: Option<String>,
    /// Verdicts, all of them: `in` is what captioning passed.
    pub counts: StageCounts,
    /// Rejected and failed items by reason.
    pub reasons: BTreeMap<Reason, u64>,
}

/// Where a sample's pixels lie.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    /// The shard's path, relative to any manifest of the root.
    pub shard: String,
    /// The row in it.
    pub row: u32,
    /// How they are stored there: of the lossless ways whichever came first.
    pub packing: Packing,
}

/// Where the samples of a root lie.
pub(crate) type Locations = HashMap<SampleId, Location>;

/// Runs the stage.
///
/// # Errors
/// A file of the root that cannot be read or written; nothing to publish; [`Error::Interrupted`]. Finished shards
/// are kept, and the next run goes on from there.
pub fn bucket(
    plan: &BucketPlan,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Summary, Error> {
    let _lock = if plan.dry_run {
        None
    } else {
        Some(plan.root.lock("bucket")?)
    };
    let mut facts = Facts::read(&plan.root)?;
    let captions = plan.root.captions().latest()?;
    let parent = Generation::latest(&plan.root, &plan.recipe)?;
    let parent_index = parent
        .as_ref()
        .map(Generation::index)
        .transpose()?
        .unwrap_or_default();
    let mut summary = Summary::default();
    let draft = Draft::unfinished(&plan.root, &plan.recipe)?;
    let mut locations = locate(plan, draft.as_ref(), &mut summary.recovered)?;

    let mut sampling = Sampling::new(plan);
    let rows: Vec<&LedgerRow> = sampling.entered(&facts).map(|(row, ..)| row).collect();
    sampling.measure(rows.into_iter(), progress, cancel)?;
    let planned = sampling.plan(&facts, &captions);
    let mut faults: HashMap<ItemId, PackFault> = HashMap::new();
    let mut written = HashMap::new();
    let new: Vec<&PlannedSample<'_>> = new_samples(plan, &planned, &locations, &facts, &mut faults);
    summary.packed = new.len() as u64;
    if !plan.dry_run && !new.is_empty() {
        plan.root.remove_leftovers()?;
        let writer = Writing {
            plan,
            progress,
            cancel,
        };
        summary.packed = writer.write(&new, &mut locations, &mut faults, &mut written)?;
        summary.shards_written = written.len() as u64;
    }
    summary.failed = faults.len() as u64;
    summary.uncaptioned = planned.iter().map(|item| item.uncaptioned).sum();

    let verdicts = verdicts(&planned, &faults, &facts, &mut summary);
    let sides = Sides::new(
        &facts.ledger,
        &parent_index,
        plan.seed,
        plan.validation_share,
    );
    let rows = index_rows(&planned, &captions, &locations, &sides);
    summary.samples = rows.len() as u64;
    // The index says all of it.
    drop(planned);
    drop((captions, locations));
    if plan.dry_run {
        return Ok(summary);
    }
    if !verdicts.is_empty() {
        let run = plan.root.claim_run("bucket", 0, 1)?;
        let mut log = plan.root.verdicts();
        facts.judge(verdicts.iter().map(|row| VerdictRow {
            run: run.number,
            ..row.clone()
        }));
        log.append(run, verdicts)?;
        log.compact(COMPACT_PAST_PARTS)?;
    }
    publish(
        plan,
        &facts,
        parent.as_ref(),
        &parent_index,
        &rows,
        &written,
        &mut summary,
    )?;
    Ok(summary)
}

/// Every sample that a finished shard of the root holds: pixels are shared by recipes and by generations. Counts those
/// of `draft`, which a run that was stopped had finished.
fn locate(
    plan: &BucketPlan,
    draft: Option<&Draft>,
    recovered: &mut u64,
) -> Result<Locations, Error> {
    let mut locations = Locations::new();
    for path in plan.root.shard_files()? {
        let relative = relative_shard(&path);
        let is_drafts = draft.is_some_and(|draft| draft.owns(&path));
        let samples = ShardReader::open(&path)?.samples()?;
        for (row, (id, packing)) in (0..).zip(samples) {
            *recovered += u64::from(is_drafts);
            locations.entry(id).or_insert_with(|| Location {
                shard: relative.clone(),
                row,
                packing,
            });
        }
    }
    Ok(locations)
}

/// A shard's path as seen from any manifest of the root.
pub(crate) fn relative_shard(path: &std::path::Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("../../../shards/{name}")
}

/// Samples without pixels yet, in the order in which they are written. Items whose failure is settled are left out:
/// the same bytes under the same settings fail the same way.
fn new_samples<'a>(
    plan: &BucketPlan,
    planned: &'a [Planned<'a>],
    locations: &Locations,
    facts: &Facts,
    faults: &mut HashMap<ItemId, PackFault>,
) -> Vec<&'a PlannedSample<'a>> {
    let mut new = Vec::new();
    for item in planned {
        let missing = || {
            item.samples
                .iter()
                .filter(|s| !locations.contains_key(&s.sample_id))
        };
        if missing().next().is_none() {
            continue;
        }
        let settled = facts
            .verdict(item.row.item_id, Stage::Bucket, item.config_hash)
            .filter(|v| v.verdict == Outcome::Failed && !v.retryable && v.run > item.row.run);
        if let Some((verdict, reason)) = settled.and_then(|v| Some((v, v.reason?))) {
            let detail = verdict.detail.clone().unwrap_or_default();
            faults.insert(
                item.row.item_id,
                PackFault {
                    reason,
                    detail,
                    is_retryable: false,
                },
            );
        } else {
            new.extend(missing());
        }
    }
    let seed = plan.seed.to_string();
    new.sort_by_cached_key(|sample| {
        (
            hash_u64("shard", &[&seed, &sample.sample_id.to_string()]),
            sample.sample_id,
        )
    });
    // Two items kept by hand may share their bytes, hence their samples.
    new.dedup_by_key(|sample| sample.sample_id);
    new
}

struct Writing<'a> {
    plan: &'a BucketPlan,
    progress: &'a dyn Progress,
    cancel: &'a Cancel,
}

impl Writing<'_> {
    /// Packs `samples` and writes them in their order, into shards that `written` gets; gives how many.
    fn write(
        &self,
        samples: &[&PlannedSample<'_>],
        locations: &mut Locations,
        faults: &mut HashMap<ItemId, PackFault>,
        written: &mut HashMap<String, ShardRecord>,
    ) -> Result<u64, Error> {
        let plan = self.plan;
        let store = ContentStore::new(plan.root.originals());
        let packer = Packer {
            store: &store,
            policy: &plan.policy,
            limits: &plan.limits,
        };
        let draft = Draft::claim(&plan.root, &plan.recipe)?;
        fs::create_dir_all(plan.root.shards())?;
        let mut shards = Shards::new(plan, &draft);
        self.progress
            .start("bucket", Some(samples.len() as u64), "samples");
        // Rows are written while the next ones are packed.
        thread::scope(|scope| {
            let (sender, packed) = sync_channel(WAITING);
            let shards = &mut shards;
            let writing = scope.spawn(move || shards.push_all(packed, faults));
            let cut = self.cut(samples, &packer, &sender);
            drop(sender);
            let pushed = writing.join();
            pushed.unwrap_or_else(|panic| resume_unwind(panic))?;
            cut
        })?;
        shards.close()?;
        self.progress.finish();
        written.extend(shards.written);
        let count = shards.rows.len() as u64;
        locations.extend(shards.rows);
        Ok(count)
    }

    /// Packs `samples`, side by side, and sends them in their order.
    fn cut(
        &self,
        samples: &[&PlannedSample<'_>],
        packer: &Packer<'_>,
        sender: &SyncSender<Packed>,
    ) -> Result<(), Error> {
        for window in samples.chunks(WINDOW) {
            if self.cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            let rows: Vec<Packed> = window
                .par_iter()
                .map(|sample| {
                    let row = packer.pack(sample);
                    self.progress.advance(1);
                    (sample.row.item_id, row)
                })
                .collect();
            for row in rows {
                if sender.send(row).is_err() {
                    // The writer has failed, and says why.
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// The shards of a draft, filled one after the other.
struct Shards<'a> {
    plan: &'a BucketPlan,
    draft: &'a Draft,
    next: u32,
    written: HashMap<String, ShardRecord>,
    open: Option<(String, ShardWriter)>,
    rows: Locations,
}

impl<'a> Shards<'a> {
    fn new(plan: &'a BucketPlan, draft: &'a Draft) -> Self {
        let mut next = 0;
        while draft.shard_path(next).exists() {
            next += 1;
        }
        Self {
            plan,
            draft,
            next,
            written: HashMap::new(),
            open: None,
            rows: Locations::new(),
        }
    }

    fn push_all(
        &mut self,
        packed: Receiver<Packed>,
        faults: &mut HashMap<ItemId, PackFault>,
    ) -> Result<(), Error> {
        for (item, row) in packed {
            match row {
                Ok(row) => self.push(row)?,
                Err(fault) => {
                    faults.insert(item, fault);
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, row: ShardRow) -> Result<(), Error> {
        let (relative, mut writer) = if let Some(open) = self.open.take() {
            open
        } else {
            let path = self.draft.shard_path(self.next);
            let writer = ShardWriter::create(&path, self.plan.shard_limits)?;
            (relative_shard(&path), writer)
        };
        let location = Location {
            shard: relative.clone(),
            row: writer.rows() as u32,
            packing: row.packing,
        };
        self.rows.insert(row.sample_id, location);
        writer.push(row)?;
        let is_full = writer.is_full();
        self.open = Some((relative, writer));
        if is_full { self.close() } else { Ok(()) }
    }

    fn close(&mut self) -> Result<(), Error> {
        if let Some((path, writer)) = self.open.take() {
            let rows = writer.rows();
            let written = writer.finish()?;
            self.next += 1;
            let record = ShardRecord {
                path: path.clone(),
                rows,
                size_bytes: written.size_bytes,
                sha256: written.sha256.to_string(),
            };
            self.written.insert(path, record);
            failpoint::pass("bucket.after_shard");
        }
        Ok(())
    }
}

/// Judges every item that came in; gives the verdicts that changed.
fn verdicts(
    planned: &[Planned<'_>],
    faults: &HashMap<ItemId, PackFault>,
    facts: &Facts,
    summary: &mut Summary,
) -> Vec<VerdictRow> {
    let mut changed = Vec::new();
    for item in planned {
        let passed = VerdictRow::passed(item.row.item_id, Stage::Bucket, item.config_hash);
        let verdict = match (&item.rejected, faults.get(&item.row.item_id)) {
            (Some(rejected), _) => rejected.clone(),
            (None, Some(fault)) => {
                let verdict = passed
                    .because(Outcome::Failed, fault.reason)
                    .detail(fault.detail.clone());
                if fault.is_retryable {
                    verdict.retryable()
                } else {
                    verdict
                }
            }
            (None, None) if item.uncaptioned > 0 => passed.detail(format!(
                "{} of its {} crops have no caption",
                item.uncaptioned,
                item.uncaptioned + item.samples.len() as u64
            )),
            (None, None) => passed,
        };
        summary.decided += 1;
        summary.counts.add(verdict.verdict);
        if let Some(reason) = verdict.reason {
            *summary.reasons.entry(reason).or_default() += 1;
        }
        let before = facts.verdict(verdict.item_id, verdict.stage, &verdict.config_hash);
        if !before.is_some_and(|before| before.says_the_same(&verdict)) {
            summary.changed += 1;
            changed.push(verdict);
        }
    }
    changed
}

/// The index: every planned sample that has pixels, sorted by sample id.
fn index_rows(
    planned: &[Planned<'_>],
    captions: &HashMap<CaptionKey, CaptionRow>,
    locations: &Locations,
    sides: &Sides,
) -> Vec<IndexRow> {
    let mut rows: Vec<IndexRow> = planned
        .iter()
        .flat_map(|item| item.samples.iter().map(move |sample| (item, sample)))
        .filter_map(|(item, sample)| {
            let location = locations.get(&sample.sample_id)?;
            Some(item.index_row(sample, location, captions, sides))
        })
        .collect();
    rows.sort_by_key(|row| row.sample_id);
    rows.dedup_by_key(|row| row.sample_id);
    rows
}
