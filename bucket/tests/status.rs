//! The report's fast counts are those of the whole report, over a root with every verdict and every reason.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use terminus_bucket::{
    BucketPlan, CollectionPlan, bucket,
    config::{AspectRange, CaptionOf, CropStyle, OnShortfall, PackingChoice, Resample, Shape},
    report::{Report, Survey},
};
use terminus_manifest::{
    Root,
    caption::CaptionRow,
    ids::{CaptionKey, ItemId, Sha256Digest},
    ledger::LedgerRow,
    overrides::Overrides,
    plan::MixRules,
    ratio::Ratio,
    run::{Cancel, Silent},
    shard::ShardLimits,
    store::ContentStore,
    verdict::VerdictRow,
    view::View,
    words::{Outcome, Reason, Role, Stage},
};
use terminus_pixels::{Decoder, Effort, Limits, PixelPolicy, RgbImage, encode_png};

const NAMES: [&str; 2] = ["drawn", "anchors"];

fn plan(root: &Root) -> BucketPlan {
    let collection = |name: &str| CollectionPlan {
        name: name.to_owned(),
        role: if name == "anchors" {
            Role::Anchor
        } else {
            Role::Train
        },
        ingest_config_hash: format!("{name} ingest"),
        caption_config_hash: format!("{name} caption"),
        config_hash: format!("{name} bucket"),
    };
    BucketPlan {
        root: root.clone(),
        recipe: "recipe".to_owned(),
        recipe_sha256: "0".repeat(64),
        seed: 1,
        shape: Shape::Square,
        target_px: 16,
        step_px: 8,
        aspects: AspectRange::default(),
        sizes: Vec::new(),
        style: CropStyle::Random,
        min_kept_area: Ratio::ZERO,
        resample: Resample::Never,
        crops_per_image: 1,
        caption_of: CaptionOf::Picture,
        packing: PackingChoice::Auto,
        shard_limits: ShardLimits::default(),
        validation_share: Ratio::new(1, 4).unwrap(),
        anchor: None,
        rules: MixRules::default(),
        on_shortfall: OnShortfall::Report,
        keep_generations: 3,
        policy: PixelPolicy::default(),
        limits: Limits::default(),
        collections: NAMES.iter().map(|name| collection(name)).collect(),
        overrides: Overrides::default(),
        dry_run: false,
    }
}

/// An item of a picture of `width` by 20.
fn item(root: &Root, collection: &str, name: &str, width: u32) -> LedgerRow {
    let source_id = format!("{collection}:{name}");
    let id = ItemId::new(&source_id, 0);
    let mut row = LedgerRow::found(id, source_id, collection.to_owned(), name.to_owned());
    let shade = Sha256Digest::of(row.source_id.as_bytes()).0[0];
    let image = RgbImage::new(width, 20, vec![shade; width as usize * 60]).unwrap();
    let bytes = encode_png(&image, Effort::Fast).unwrap();
    let sha256 = Sha256Digest::of(&bytes);
    ContentStore::new(root.originals())
        .keep(&bytes, sha256, "png")
        .unwrap();
    row.sha256 = Some(sha256);
    row.format = Some("png".to_owned());
    row.decoder = Some(format!("{} 1", Decoder::ALL[0].name()));
    (row.width_px, row.height_px) = (Some(width), Some(20));
    (row.tile_top, row.tile_left) = (Some(0), Some(0));
    (row.tile_width, row.tile_height) = (Some(width), Some(20));
    row.is_plain = Some(true);
    row
}

/// The verdicts of the first `upto` stages, all passed.
fn passed(row: &LedgerRow, collection: &CollectionPlan, upto: usize) -> Vec<VerdictRow> {
    let before = collection.stages().into_iter().take(upto);
    before
        .map(|(stage, hash)| VerdictRow::passed(row.item_id, stage, hash))
        .collect()
}

/// Pictures that wait to be cut, one of them too small.
fn fill(root: &Root, plan: &BucketPlan) {
    let (mut ledger, mut verdicts, mut captions) = (Vec::new(), Vec::new(), Vec::new());
    for collection in &plan.collections {
        for (number, width) in [16, 20, 20, 24, 40, 8].into_iter().enumerate() {
            let row = item(root, &collection.name, &format!("cut {number}"), width);
            let view = View::whole(row.picture_id().unwrap());
            let key = CaptionKey::new(view.picture, "fixed", "");
            captions.push(CaptionRow {
                text: format!("picture {number}"),
                ..CaptionRow::new(key, view)
            });
            let mut own = passed(&row, collection, 2);
            own[1].detail = Some(key.to_string());
            verdicts.extend(own);
            ledger.push(row);
        }
    }
    let run = root.claim_run("test", 0, 1).unwrap();
    root.ledger().append(run, ledger).unwrap();
    root.captions().append(run, captions).unwrap();
    root.verdicts().append(run, verdicts).unwrap();
}

/// Everything that can be said of an item, each of it in both collections.
fn fill_with_every_verdict(root: &Root, plan: &BucketPlan) {
    let (mut ledger, mut verdicts) = (Vec::new(), Vec::new());
    for collection in &plan.collections {
        for (at, (stage, hash)) in collection.stages().into_iter().enumerate() {
            for outcome in Outcome::ALL {
                for reason in std::iter::once(None).chain(Reason::ALL.iter().copied().map(Some)) {
                    let name = format!("{stage} {outcome} {reason:?}");
                    let width = 10 + (at as u32 * 7 + reason.map_or(0, |r| r as u32)) % 15;
                    let mut row = item(root, &collection.name, &name, width);
                    if reason == Some(Reason::NotAnImage) {
                        // A file that was never a picture has no size.
                        (row.tile_width, row.tile_height) = (None, None);
                    }
                    verdicts.extend(passed(&row, collection, at));
                    let mut verdict = VerdictRow::passed(row.item_id, stage, hash);
                    (verdict.verdict, verdict.reason) = (*outcome, reason);
                    verdicts.push(verdict);
                    ledger.push(row);
                }
            }
        }
        // Never judged; judged under other settings alone.
        ledger.push(item(root, &collection.name, "new", 20));
        let row = item(root, &collection.name, "other settings", 20);
        for (stage, _) in collection.stages() {
            verdicts.push(VerdictRow::passed(row.item_id, stage, "other"));
        }
        ledger.push(row);
    }
    // Of a collection that the recipe no longer has.
    let row = item(root, "left", "a", 20);
    verdicts.push(VerdictRow::passed(
        row.item_id,
        Stage::Ingest,
        "drawn ingest",
    ));
    ledger.push(row);
    let run = root.claim_run("test", 0, 1).unwrap();
    root.ledger().append(run, ledger).unwrap();
    // Whatever was said of an item before does not count.
    let before = verdicts.iter().map(|verdict| {
        let (outcome, reason) = (Outcome::Failed, Reason::Unreadable);
        let id = verdict.item_id;
        VerdictRow::passed(id, verdict.stage, &verdict.config_hash).because(outcome, reason)
    });
    root.verdicts().append(run, before.collect()).unwrap();
    let run = root.claim_run("test", 0, 1).unwrap();
    root.verdicts().append(run, verdicts).unwrap();
}

fn compare(plan: &BucketPlan, number: Option<u32>) -> Report {
    let survey = Survey::read(plan, number).unwrap();
    let whole = Report::of(plan, &survey).unwrap();
    let fast = Report::status(plan, number).unwrap();
    assert!(whole.adds_up());
    // What the fast way leaves out.
    let counts = Report {
        uses: Vec::new(),
        texts: Vec::new(),
        captioners: Vec::new(),
        scores: Vec::new(),
        safety: Vec::new(),
        rights: Vec::new(),
        ..whole
    };
    assert_eq!(fast, counts);
    fast
}

#[test]
fn the_fast_counts_are_those_of_the_whole_report() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::new(folder.path());
    let plan = plan(&root);
    assert!(
        compare(&plan, None)
            .collections
            .iter()
            .all(|c| c.samples == 0)
    );
    fill(&root, &plan);
    let before = compare(&plan, None);
    assert_eq!(before.generation, None);

    let summary = bucket(&plan, &Silent, &Cancel::new()).unwrap();
    assert_eq!((summary.generation, summary.samples), (Some(1), 10));
    compare(&plan, None);
    fill_with_every_verdict(&root, &plan);
    let report = compare(&plan, None);
    assert_eq!(report.generation, Some(1));
    assert_eq!(report, compare(&plan, Some(1)));
    assert!(report.validation_samples > 0 && report.yields.len() > 4);
    for collection in &report.collections {
        let account = &collection.account;
        for stage in Stage::ALL {
            let counts = &account.stages[stage];
            let kinds = [
                counts.passed,
                counts.rejected,
                counts.failed,
                counts.pending,
                counts.gone,
            ];
            let is_seen = |count: &u64| *count > 0;
            assert!(kinds.iter().all(is_seen), "{stage}: {counts:?}");
            let reasons = Reason::ALL
                .iter()
                .filter(|reason| account.reasons[stage].contains_key(reason));
            assert_eq!(reasons.count(), Reason::ALL.len(), "{stage}");
        }
    }
    assert!(
        Path::new(folder.path())
            .join("generations/recipe/000001")
            .exists()
    );
}
