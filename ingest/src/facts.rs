//! Reads one item: its bytes, its header, its pixels (to know that they are whole) and its sidecars.

use fs_err as fs;
use terminus_manifest::{
    ids::Sha256Digest, ledger::LedgerRow, store::ContentStore, time::Timestamp, words::Reason,
};
use terminus_pixels::{Frames, Limits, PixelPolicy, decode, inspect, sniff};
use terminus_prompt::Prompt;

use crate::{CollectionPlan, Error, config::StoreMode, folder::Found, sidecar};

/// The facts of one item. What is wrong with it is a fact too.
///
/// # Errors
/// The original cannot be kept in the store, as on a full disk.
pub fn read(
    found: &Found,
    collection: &CollectionPlan,
    store: &ContentStore,
) -> Result<LedgerRow, Error> {
    let mut row = LedgerRow::found(
        found.item_id,
        found.source_id.clone(),
        collection.name.clone(),
        found.path.to_string_lossy().into_owned(),
    );
    row.source_size = Some(found.stat.size);
    row.source_mtime_ns = Some(found.stat.mtime_ns);
    row.source_ctime_ns = Some(found.stat.ctime_ns);
    row.sidecar_stat = found.sidecar_stat();
    row.seen_at = Timestamp::now();
    if found.stat.size > collection.max_file_bytes {
        let (size, most) = (found.stat.size, collection.max_file_bytes);
        row.fault = Some(Reason::TooLarge);
        row.fault_detail = Some(format!(
            "the file has {size} bytes, at most {most} are read"
        ));
        return Ok(row);
    }
    match fs::read(&found.path) {
        Ok(bytes) => {
            read_bytes(&bytes, collection.limits, &mut row);
            if collection.store == StoreMode::Copy
                && row.fault.is_none()
                && let (Some(sha256), Some(format)) = (row.sha256, sniff(&bytes))
            {
                store.keep(&bytes, sha256, format.extension())?;
            }
        }
        Err(error) => {
            row.fault = Some(Reason::Unreadable);
            row.fault_detail = Some(error.to_string());
        }
    }
    if row.fault.is_none() {
        read_sidecars(found, collection.max_sidecar_bytes, &mut row);
    }
    Ok(row)
}

/// Facts that the bytes tell.
fn read_bytes(bytes: &[u8], limits: Limits, row: &mut LedgerRow) {
    row.sha256 = Some(Sha256Digest::of(bytes));
    row.size_bytes = Some(bytes.len() as u64);
    row.format = sniff(bytes).map(|format| format.name().to_owned());
    let header = match inspect(bytes, &limits) {
        Ok(header) => header,
        Err(error) => return record_fault(&error, row),
    };
    row.width_px = Some(header.width_px);
    row.height_px = Some(header.height_px);
    row.orientation = Some(u32::from(header.orientation.exif()));
    row.colour = Some(header.colour_text());
    row.is_animated = Some(header.frames == Frames::Many);
    row.is_plain = Some(header.is_plain());
    let grid = header.lossless_crop_grid();
    row.mcu_width_px = grid.map(|(width, _)| width);
    row.mcu_height_px = grid.map(|(_, height)| height);
    row.tile_top = Some(0);
    row.tile_left = Some(0);
    row.tile_width = Some(header.width_px);
    row.tile_height = Some(header.height_px);
    row.camera_make.clone_from(&header.camera_make);
    row.camera_model.clone_from(&header.camera_model);
    // A policy that refuses is a decision, and may change; here everything is converted that can be.
    match decode(bytes, &PixelPolicy::default(), &limits) {
        Ok(decoded) => {
            row.decoder = Some(format!(
                "{} {}",
                decoded.decoder.name(),
                decoded.decoder.version()
            ));
        }
        Err(error) => record_fault(&error, row),
    }
}

fn record_fault(error: &terminus_pixels::Error, row: &mut LedgerRow) {
    row.fault = Some(error.reason().parse().unwrap_or(Reason::Corrupt));
    row.fault_detail = Some(error.to_string());
}

/// Facts that people wrote down.
fn read_sidecars(found: &Found, max_bytes: u64, row: &mut LedgerRow) {
    match sidecar::read(&found.sidecars, max_bytes) {
        Ok(facts) => {
            if let Some(text) = &facts.prompt {
                let prompt = Prompt::parse(text);
                row.prompt_text = Some(prompt.text()).filter(|text| !text.is_empty());
                row.prompt_args = Some(prompt.args()).filter(|args| !args.is_empty());
                if let Some((generator, version)) = prompt.generator_and_version() {
                    row.generator = Some(generator);
                    row.generator_version = version;
                }
            }
            row.prompt = facts.prompt;
            row.license = facts.license;
            row.author = facts.author;
            row.consent = facts.consent;
        }
        Err(detail) => {
            row.fault = Some(Reason::BadSidecar);
            row.fault_detail = Some(detail);
        }
    }
}
