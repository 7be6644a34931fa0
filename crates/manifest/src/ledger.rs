//! The ledger: facts about every item that was ever found, shared by all recipes of a root.

use crate::{
    ids::{GroupId, ItemId, PictureId, Rect, Sha256Digest},
    log::LogRow,
    table::table,
    time::Timestamp,
    words::Reason,
};

table! {
    /// What is known of one item. Facts only: whether it is wanted is a verdict.
    #[derive(Clone, Debug, PartialEq)]
    pub struct LedgerRow as "ledger" {
        /// The run that wrote the row; the highest counts.
        run: u32,
        /// `H("item", source_id, tile)`.
        item_id: ItemId,
        /// Where it was found: `<collection>:<path>` and the like.
        source_id: String,
        /// The collection's name.
        collection: String,
        /// The path or address that its bytes came from.
        origin: String,
        /// Size of the source file in bytes, when it was read.
        source_size: Option<u64>,
        /// Its modification time, nanoseconds since 1970.
        source_mtime_ns: Option<i64>,
        /// Its change time, nanoseconds since 1970.
        source_ctime_ns: Option<i64>,
        /// Name, size, mtime and ctime of its sidecar, `name:size:mtime:ctime`; null without one.
        sidecar_stat: Option<String>,
        /// The `ETag` of a download.
        etag: Option<String>,
        /// The `Last-Modified` of a download.
        last_modified: Option<String>,
        /// SHA-256 of the bytes; null if they could not be read.
        sha256: Option<Sha256Digest>,
        /// How many bytes.
        size_bytes: Option<u64>,
        /// The format that the bytes have, whatever the name says.
        format: Option<String>,
        /// The decoder that read the pixels, with its version.
        decoder: Option<String>,
        /// Width of the oriented picture.
        width_px: Option<u32>,
        /// Height of the oriented picture.
        height_px: Option<u32>,
        /// EXIF orientation, 1 to 8.
        orientation: Option<u32>,
        /// Colour as found: `rgb8`, `grey8`, `cmyk8`, `rgba16+icc`, …
        colour: Option<String>,
        /// Whether the file holds many frames or pages, of which the first counts.
        is_animated: Option<bool>,
        /// Whether its own bytes can be a sample: orientation 1, 8-bit RGB or grey, no alpha, sRGB, one frame.
        is_plain: Option<bool>,
        /// Width of the JPEG's coefficient grid, if it can be cropped without loss.
        mcu_width_px: Option<u32>,
        /// Height of that grid.
        mcu_height_px: Option<u32>,
        /// 0 for the whole picture, else the number of the tile in it.
        tile: u32,
        /// Rows above the tile.
        tile_top: Option<u32>,
        /// Columns left of the tile.
        tile_left: Option<u32>,
        /// Width of the tile.
        tile_width: Option<u32>,
        /// Height of the tile.
        tile_height: Option<u32>,
        /// Hash of the decoded pixels and their size: the same picture in another file has the same one.
        pixels_hash: Option<String>,
        /// Perceptual hash: the signs of 64 low frequencies of the luminance; null where the picture is nearly flat.
        phash: Option<u64>,
        /// Gradient hash of a 9x8 grey copy, which confirms `phash`.
        dhash: Option<u64>,
        /// Mean colours of a 4x4 grid, as hex, which confirm it on flat art.
        layout: Option<String>,
        /// Duplicates share one.
        group_id: Option<GroupId>,
        /// The prompt as found.
        prompt: Option<String>,
        /// The prompt without its parameters.
        prompt_text: Option<String>,
        /// Its parameters.
        prompt_args: Option<String>,
        /// A description that came with it and is no prompt.
        found_caption: Option<String>,
        /// What made the picture: `midjourney`, `niji`.
        generator: Option<String>,
        /// Which version of it.
        generator_version: Option<String>,
        /// What kind of output it is: `grid`, `tile`, `single`, `upscale`, `reduced`, `progress`.
        kind: Option<String>,
        /// The item that it was made from: the grid of a tile, or of an `Image #n`.
        parent_id: Option<ItemId>,
        /// Reactions that people gave it.
        reactions: Option<u32>,
        /// When it was posted.
        posted_at: Option<Timestamp>,
        /// Camera maker, from EXIF.
        camera_make: Option<String>,
        /// Camera model, from EXIF.
        camera_model: Option<String>,
        /// Licence, as its sidecar states it.
        license: Option<String>,
        /// Author, as its sidecar states it.
        author: Option<String>,
        /// Consent of the person shown, as its sidecar states it.
        consent: Option<String>,
        /// Mean luminance, 0 to 1.
        brightness: Option<f64>,
        /// The luminance that 90 of 100 pixels stay below, 0 to 1: low in a dark picture.
        dark: Option<f64>,
        /// The luminance that 90 of 100 pixels lie above, 0 to 1: high in a light picture.
        light: Option<f64>,
        /// Entropy of the luminance histogram, in bits.
        entropy: Option<f64>,
        /// Variance of an edge filter on a small grey copy.
        sharpness: Option<f64>,
        /// Share of neighbouring pixels that are as good as equal: high in drawings, low in photographs.
        flatness: Option<f64>,
        /// Share of all coarse colours that occur.
        palette: Option<f64>,
        /// `photo` or `drawing`, told by camera, flatness and palette; null where they do not tell.
        looks_like: Option<String>,
        /// Why it cannot be used at all, from the closed list of reasons.
        fault: Option<Reason>,
        /// That fault in words.
        fault_detail: Option<String>,
        /// When the row was written.
        seen_at: Timestamp,
    }
}

impl LedgerRow {
    /// A row that knows where the item was found and nothing more.
    pub fn found(item_id: ItemId, source_id: String, collection: String, origin: String) -> Self {
        Self {
            run: 0,
            item_id,
            source_id,
            collection,
            origin,
            source_size: None,
            source_mtime_ns: None,
            source_ctime_ns: None,
            sidecar_stat: None,
            etag: None,
            last_modified: None,
            sha256: None,
            size_bytes: None,
            format: None,
            decoder: None,
            width_px: None,
            height_px: None,
            orientation: None,
            colour: None,
            is_animated: None,
            is_plain: None,
            mcu_width_px: None,
            mcu_height_px: None,
            tile: 0,
            tile_top: None,
            tile_left: None,
            tile_width: None,
            tile_height: None,
            pixels_hash: None,
            phash: None,
            dhash: None,
            layout: None,
            group_id: None,
            prompt: None,
            prompt_text: None,
            prompt_args: None,
            found_caption: None,
            generator: None,
            generator_version: None,
            kind: None,
            parent_id: None,
            reactions: None,
            posted_at: None,
            camera_make: None,
            camera_model: None,
            license: None,
            author: None,
            consent: None,
            brightness: None,
            dark: None,
            light: None,
            entropy: None,
            sharpness: None,
            flatness: None,
            palette: None,
            looks_like: None,
            fault: None,
            fault_detail: None,
            seen_at: Timestamp::default(),
        }
    }

    /// The tile's rectangle in the oriented original, if the header was read.
    pub fn tile_rect(&self) -> Option<Rect> {
        Some(Rect {
            top: self.tile_top?,
            left: self.tile_left?,
            width: self.tile_width?,
            height: self.tile_height?,
        })
    }

    /// The identity of its pixels' origin, if bytes and header were read.
    pub fn picture_id(&self) -> Option<PictureId> {
        Some(PictureId::new(self.sha256?, self.tile_rect()?))
    }
}

impl LogRow for LedgerRow {
    type Key = ItemId;

    fn key(&self) -> ItemId {
        self.item_id
    }

    fn run(&self) -> u32 {
        self.run
    }

    fn set_run(&mut self, run: u32) {
        self.run = run;
    }
}
