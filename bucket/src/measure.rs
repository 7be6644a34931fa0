//! Measures where pictures are busiest, once for each, before crops by interest are planned.

use std::collections::HashMap;

use fs_err as fs;
use rayon::prelude::*;
use terminus_manifest::{
    interest::{InterestRow, interest_key},
    ledger::LedgerRow,
    log::{COMPACT_PAST_PARTS, LogRow as _},
    run::{Cancel, Progress},
    store::ContentStore,
};
use terminus_pixels::decode_region;

use crate::{
    BucketPlan, Error,
    crop::{places, step},
    interest::{LOGIC_VERSION, Line, busiest},
    sampling::Fitted,
};

/// Pictures that are measured between two appends: what a kill may cost.
const WINDOW: usize = 256;

/// A picture to be measured, as it will be cut.
pub(crate) struct Unmeasured<'a> {
    pub row: &'a LedgerRow,
    pub fitted: Fitted<'a>,
}

/// What is known of interest, by key.
pub(crate) type Interest = HashMap<String, InterestRow>;

/// The key of crop `index` of a picture that is cut as `fitted` says.
pub(crate) fn key_of(fitted: &Fitted<'_>, index: u32, plan: &BucketPlan) -> String {
    let picture = &fitted.picture;
    let grid = step(picture, plan.packing, fitted.size);
    let whole = (picture.tile.width, picture.tile.height);
    interest_key(picture.id, whole, fitted.size, index, grid, LOGIC_VERSION)
}

/// Measures `pictures` and adds them to what is known; in a dry run, without keeping it. A picture that cannot be read
/// stays unmeasured: packing will say why.
///
/// # Errors
/// The log cannot be written; [`Error::Interrupted`]. What was measured before is kept.
pub(crate) fn measure(
    plan: &BucketPlan,
    pictures: &[Unmeasured<'_>],
    interest: &mut Interest,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<(), Error> {
    if pictures.is_empty() {
        return Ok(());
    }
    let store = ContentStore::new(plan.root.originals());
    let mut log = plan.root.interest();
    let run = if plan.dry_run {
        None
    } else {
        Some(plan.root.claim_run("bucket", 0, 1)?)
    };
    progress.start("interest", Some(pictures.len() as u64), "pictures");
    for window in pictures.chunks(WINDOW) {
        if cancel.is_cancelled() {
            return Err(Error::Interrupted);
        }
        let rows: Vec<Vec<InterestRow>> = window
            .par_iter()
            .map(|picture| {
                let rows = rows_of(plan, &store, picture).unwrap_or_default();
                progress.advance(1);
                rows
            })
            .collect();
        let rows: Vec<InterestRow> = rows.into_iter().flatten().collect();
        interest.extend(rows.iter().map(|row| (row.key(), row.clone())));
        if let Some(run) = run {
            log.append(run, rows)?;
        }
    }
    progress.finish();
    if run.is_some() {
        log.compact(COMPACT_PAST_PARTS)?;
    }
    Ok(())
}

fn rows_of(
    plan: &BucketPlan,
    store: &ContentStore,
    unmeasured: &Unmeasured<'_>,
) -> Option<Vec<InterestRow>> {
    let Unmeasured { row, fitted } = unmeasured;
    let bytes = fs::read(store.locate(row)?).ok()?;
    let tile = fitted.tile;
    let decoded = decode_region(
        &bytes,
        tile.top,
        tile.left,
        tile.width,
        tile.height,
        &plan.policy,
        &plan.limits,
    );
    let mut image = decoded.ok()?.image;
    if let Some((width, height)) = fitted.resized {
        image = image.resample(width, height).ok()?;
    }
    let [(top, rows), (left, columns)] = places(&fitted.picture, fitted.size, plan.packing);
    let (step_x, step_y) = step(&fitted.picture, plan.packing, fitted.size);
    let rows = Line {
        first: top,
        step: step_y,
        count: rows,
    };
    let columns = Line {
        first: left,
        step: step_x,
        count: columns,
    };
    let found = busiest(&image, fitted.size, rows, columns, plan.crops_per_image);
    let rows = (0..).zip(found).map(|(index, crop)| InterestRow {
        run: 0,
        interest_key: key_of(fitted, index, plan),
        picture_id: fitted.picture.id,
        crop_top: crop.top,
        crop_left: crop.left,
        share: crop.share,
    });
    Some(rows.collect())
}
