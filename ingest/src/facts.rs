//! Reads one item: its bytes, its header, its pixels and what was stated of it.

use bytes::Bytes;
use terminus_manifest::{
    ids::{ItemId, Sha256Digest},
    ledger::LedgerRow,
    store::ContentStore,
    time::Timestamp,
    words::Reason,
};
use terminus_pixels::{Frames, inspect, sniff};
use terminus_prompt::Prompt;

use crate::{
    CollectionPlan, Error,
    config::StoreMode,
    decoding::{DecodeFault, decode_within},
    grid, measure, sidecar,
    source::{Found, Place, Stated},
    version,
};

/// What reading an item gives.
pub(crate) struct Taken {
    /// Its facts, and those of its tiles if it is a grid.
    pub rows: Vec<LedgerRow>,
    /// Its bytes, if the store is to keep them; the rows count once it does.
    pub original: Option<Original>,
}

impl From<LedgerRow> for Taken {
    fn from(row: LedgerRow) -> Self {
        Self {
            rows: vec![row],
            original: None,
        }
    }
}

/// Bytes for the store.
pub(crate) struct Original {
    bytes: Bytes,
    sha256: Sha256Digest,
    extension: &'static str,
}

impl Original {
    /// Keeps them.
    ///
    /// # Errors
    /// They cannot be written, as on a full disk.
    pub(crate) fn keep(&self, store: &ContentStore) -> Result<(), Error> {
        store.keep(&self.bytes, self.sha256, self.extension)?;
        Ok(())
    }
}

/// The facts of one item, and those of its tiles if it is a grid. What is wrong with it is a fact too.
pub(crate) fn read(found: &Found, collection: &CollectionPlan) -> Taken {
    let mut row = blank(found, collection);
    match &found.place {
        Place::Nothing { reason, detail } => set_fault(&mut row, *reason, detail.clone()),
        place => {
            let size = place.size(found.stat).unwrap_or(0);
            if size > collection.max_file_bytes {
                let most = collection.max_file_bytes;
                let detail = format!("the file has {size} bytes, at most {most} are read");
                set_fault(&mut row, Reason::TooLarge, detail);
            } else {
                match place.read() {
                    Ok(bytes) => return of_bytes(&bytes, row, found, collection),
                    Err(error) => set_fault(&mut row, Reason::Unreadable, error.to_string()),
                }
            }
        }
    }
    state(&mut row, found, collection);
    row.into()
}

/// The facts of an item whose bytes are here.
pub(crate) fn of_bytes(
    bytes: &Bytes,
    mut row: LedgerRow,
    found: &Found,
    collection: &CollectionPlan,
) -> Taken {
    // What was stated comes first: whether it is a grid rests on it.
    state(&mut row, found, collection);
    let sidecar_fault = row.fault.take().zip(row.fault_detail.take());
    let tiles = read_bytes(bytes, collection, &mut row);
    check_hash(&mut row, found);
    let is_kept = collection.store == StoreMode::Copy || !found.place.is_file();
    let original = row.sha256.zip(sniff(bytes));
    let original = original
        .filter(|_| is_kept && row.fault.is_none())
        .map(|(sha256, format)| Original {
            bytes: bytes.clone(),
            sha256,
            extension: format.extension(),
        });
    if row.fault.is_none()
        && let Some((reason, detail)) = sidecar_fault
    {
        set_fault(&mut row, reason, detail);
    }
    let mut rows = vec![row];
    if rows[0].fault.is_none() {
        let tiles: Vec<LedgerRow> = tiles.into_iter().map(|tile| tile.of(&rows[0])).collect();
        rows.extend(tiles);
    }
    Taken { rows, original }
}

/// A row that knows where its item is and nothing more.
pub(crate) fn blank(found: &Found, collection: &CollectionPlan) -> LedgerRow {
    let mut row = LedgerRow::found(
        found.item_id,
        found.source_id.clone(),
        collection.name.clone(),
        found.origin.clone(),
    );
    row.source_size = found.stat.map(|stat| stat.size);
    row.source_mtime_ns = found.stat.map(|stat| stat.mtime_ns);
    row.source_ctime_ns = found.stat.map(|stat| stat.ctime_ns);
    row.sidecar_stat = found.sidecar_stat();
    row.seen_at = Timestamp::now();
    row
}

/// Records a fault.
pub(crate) fn set_fault(row: &mut LedgerRow, reason: Reason, detail: String) {
    row.fault = Some(reason);
    row.fault_detail = Some(detail);
}

fn check_hash(row: &mut LedgerRow, found: &Found) {
    let expected = found
        .stated
        .as_ref()
        .and_then(|stated| stated.sha256.as_ref());
    let is_hex = |text: &&String| text.len() == 64;
    if let (Some(expected), Some(sha256)) = (expected.filter(is_hex), row.sha256)
        && *expected != sha256.to_string()
    {
        let detail = format!("its sha256 is {sha256}, the list says {expected}");
        set_fault(row, Reason::WrongHash, detail);
    }
}

/// A tile of a grid, measured.
struct Tile {
    measured: LedgerRow,
}

impl Tile {
    /// Its row, with what its grid was said to be.
    fn of(self, grid: &LedgerRow) -> LedgerRow {
        let tile = self.measured;
        LedgerRow {
            item_id: ItemId::new(&grid.source_id, tile.tile),
            tile: tile.tile,
            tile_top: tile.tile_top,
            tile_left: tile.tile_left,
            tile_width: tile.tile_width,
            tile_height: tile.tile_height,
            pixels_hash: tile.pixels_hash,
            phash: tile.phash,
            dhash: tile.dhash,
            layout: tile.layout,
            brightness: tile.brightness,
            dark: tile.dark,
            light: tile.light,
            entropy: tile.entropy,
            sharpness: tile.sharpness,
            flatness: tile.flatness,
            palette: tile.palette,
            looks_like: tile.looks_like,
            kind: Some("tile".to_owned()),
            parent_id: Some(grid.item_id),
            ..grid.clone()
        }
    }
}

/// Facts that the bytes tell.
fn read_bytes(bytes: &Bytes, collection: &CollectionPlan, row: &mut LedgerRow) -> Vec<Tile> {
    row.sha256 = Some(Sha256Digest::of(bytes));
    row.size_bytes = Some(bytes.len() as u64);
    row.format = sniff(bytes).map(|format| format.name().to_owned());
    let header = match inspect(bytes, &collection.limits) {
        Ok(header) => header,
        Err(error) => {
            record_fault(&error, row);
            return Vec::new();
        }
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
    let decoded = match decode_within(bytes, collection.limits, collection.decode_timeout) {
        Ok(decoded) => decoded,
        Err(DecodeFault::Picture(error)) => {
            record_fault(&error, row);
            return Vec::new();
        }
        Err(DecodeFault::Timeout) => {
            let seconds = collection.decode_timeout.as_secs();
            let detail = format!(
                "decoding took longer than {seconds} s\nhint: raise `ingest.decode_timeout_s`"
            );
            set_fault(row, Reason::DecodeTimeout, detail);
            return Vec::new();
        }
    };
    row.decoder = Some(decoded.decoder.to_string());
    measure::measure(&decoded.image, row);
    if !grid::is_grid(row, collection.role, &decoded.image) {
        return Vec::new();
    }
    row.kind = Some("grid".to_owned());
    grid::tiles(decoded.image.width_px, decoded.image.height_px)
        .into_iter()
        .zip(1..)
        .filter_map(|(rect, number)| {
            let image = decoded
                .image
                .crop(rect.top, rect.left, rect.width, rect.height)
                .ok()?;
            let mut measured = row.clone();
            measure::measure(&image, &mut measured);
            measured.tile = number;
            measured.tile_top = Some(rect.top);
            measured.tile_left = Some(rect.left);
            measured.tile_width = Some(rect.width);
            measured.tile_height = Some(rect.height);
            Some(Tile { measured })
        })
        .collect()
}

fn record_fault(error: &terminus_pixels::Error, row: &mut LedgerRow) {
    row.fault = Some(error.reason().parse().unwrap_or(Reason::Corrupt));
    row.fault_detail = Some(error.to_string());
}

/// Facts that people and sources state; a sidecar that cannot be read is a fault.
pub(crate) fn state(row: &mut LedgerRow, found: &Found, collection: &CollectionPlan) {
    let beside = sidecar::read(
        &found.sidecars,
        &collection.columns,
        collection.max_sidecar_bytes,
    );
    let stated = found.stated.as_deref().cloned().unwrap_or_default();
    let stated = match beside {
        Ok(beside) => stated.or(beside),
        Err(detail) => {
            if row.fault.is_none() {
                set_fault(row, Reason::BadSidecar, detail);
            }
            stated
        }
    };
    apply(row, stated, collection);
}

fn apply(row: &mut LedgerRow, stated: Stated, collection: &CollectionPlan) {
    row.generator = stated.generator;
    row.generator_version = stated.version;
    if let Some(text) = &stated.prompt {
        let prompt = Prompt::parse(text);
        row.prompt_text = Some(prompt.text()).filter(|text| !text.is_empty());
        row.prompt_args = Some(prompt.args()).filter(|args| !args.is_empty());
        if let Some((generator, version)) = prompt.generator_and_version() {
            row.generator = Some(generator);
            row.generator_version = version.or(row.generator_version.take());
        }
    }
    let assumed = &collection.defaults;
    if row.generator.is_none() {
        row.generator = assumed
            .generator
            .map(|generator| generator.as_str().to_owned());
    }
    // By flag, else by the day, else as the collection says.
    if row.generator_version.is_none()
        && let Some(generator) = &row.generator
    {
        let on_the_day = stated
            .posted_at
            .and_then(|day| version::on_the_day(generator, day));
        row.generator_version = on_the_day
            .map(str::to_owned)
            .or_else(|| assumed.version.clone());
    }
    row.prompt = stated.prompt;
    row.found_caption = stated.caption;
    row.license = stated.license;
    row.author = stated.author;
    row.consent = stated.consent;
    row.kind = stated.kind;
    row.parent_id = stated
        .parent
        .map(|parent| ItemId::new(&parent, stated.parent_tile.unwrap_or(0)));
    row.reactions = stated.reactions;
    row.posted_at = stated.posted_at;
}
