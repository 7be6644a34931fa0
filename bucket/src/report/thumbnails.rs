//! Small pictures for a page.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fs_err as fs;
use rayon::prelude::*;
use terminus_manifest::{ledger::LedgerRow, store::ContentStore};
use terminus_pixels::{RgbImage, Subsampling, decode, encode_jpeg};

use crate::BucketPlan;

/// Quality of a thumbnail's JPEG.
const QUALITY: u8 = 82;

/// The longer side of a thumbnail.
pub(super) const SIDE_PX: u32 = 240;

/// A `data:` address of each item's picture, its tile alone, at most [`SIDE_PX`] large; none where the bytes are gone
/// or are no picture.
pub(super) fn thumbnails(plan: &BucketPlan, rows: &[&LedgerRow]) -> Vec<Option<String>> {
    let store = ContentStore::new(plan.root.originals());
    rows.par_iter()
        .map(|row| thumbnail(plan, &store, row))
        .collect()
}

fn thumbnail(plan: &BucketPlan, store: &ContentStore, row: &LedgerRow) -> Option<String> {
    let bytes = fs::read(store.locate(row)?).ok()?;
    let picture = decode(&bytes, &plan.policy, &plan.limits).ok()?.image;
    let picture = of_tile(picture, row)?.thumbnail(SIDE_PX).ok()?;
    let bytes = encode_jpeg(&picture, QUALITY, Subsampling::Both).ok()?;
    Some(format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes)))
}

/// The part of a picture that an item is.
fn of_tile(picture: RgbImage, row: &LedgerRow) -> Option<RgbImage> {
    match row.tile_rect() {
        Some(tile) if row.tile != 0 => picture
            .crop(tile.top, tile.left, tile.width, tile.height)
            .ok(),
        _ => Some(picture),
    }
}
