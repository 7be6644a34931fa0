//! Turns one planned sample into a row of a shard.

use fs_err as fs;
use terminus_manifest::{
    ids::{Rect, SampleId, Sha256Digest},
    ledger::LedgerRow,
    shard::{EncodedImage, ShardRow},
    store::ContentStore,
    words::{Packing, Reason, Role},
};
use terminus_pixels::{
    Effort, Error as PixelError, Limits, PixelPolicy, RgbImage, crop_jpeg_lossless, decode_region,
    encode_png, encode_webp_lossless, sniff,
};

use crate::{buckets::Size, crop::Crop};

/// A sample that has been planned: which pixels of which item, and what they are called.
#[derive(Clone, Debug)]
pub(crate) struct PlannedSample<'a> {
    pub sample_id: SampleId,
    pub row: &'a LedgerRow,
    pub tile: Rect,
    /// The size to which the tile is resized before it is cut.
    pub resized: Option<Size>,
    pub role: Role,
    pub crop: Crop,
    pub caption: &'a str,
}

/// Why a sample could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PackFault {
    pub reason: Reason,
    pub detail: String,
    pub is_retryable: bool,
}

/// What packing needs besides the sample.
pub(crate) struct Packer<'a> {
    pub store: &'a ContentStore,
    pub policy: &'a PixelPolicy,
    pub limits: &'a Limits,
}

impl Packer<'_> {
    /// Reads the original, checks that it is the one of the ledger, and cuts the sample out of it.
    pub(crate) fn pack(&self, sample: &PlannedSample<'_>) -> Result<ShardRow, PackFault> {
        let bytes = self.original(sample.row)?;
        let Crop { rect, packing } = sample.crop;
        let (top, left) = (sample.tile.top + rect.top, sample.tile.left + rect.left);
        let image = match packing {
            Packing::Verbatim => Ok(bytes),
            Packing::JpegLossless => crop_jpeg_lossless(&bytes, top, left, rect.width, rect.height),
            Packing::Png | Packing::WebpLossless => {
                self.cut(&bytes, sample).and_then(|image| match packing {
                    Packing::WebpLossless => encode_webp_lossless(&image),
                    _ => encode_png(&image, Effort::Fast),
                })
            }
        };
        let image = image.map_err(|error| PackFault {
            reason: error.reason().parse().unwrap_or(Reason::Corrupt),
            detail: error.to_string(),
            is_retryable: false,
        })?;
        let extension = sniff(&image).map_or("bin", terminus_pixels::Format::extension);
        Ok(shard_row(sample, image, extension))
    }

    /// The pixels of a sample that is encoded anew.
    fn cut(&self, bytes: &[u8], sample: &PlannedSample<'_>) -> Result<RgbImage, PixelError> {
        let (tile, rect) = (sample.tile, sample.crop.rect);
        let region = |at: Rect| {
            let Rect {
                top,
                left,
                width,
                height,
            } = at;
            decode_region(bytes, top, left, width, height, self.policy, self.limits)
                .map(|decoded| decoded.image)
        };
        match sample.resized {
            None => region(Rect {
                top: tile.top + rect.top,
                left: tile.left + rect.left,
                ..rect
            }),
            Some((width, height)) => region(tile)?.resample(width, height)?.crop(
                rect.top,
                rect.left,
                rect.width,
                rect.height,
            ),
        }
    }

    fn original(&self, row: &LedgerRow) -> Result<Vec<u8>, PackFault> {
        let fault = |reason, detail: String| PackFault {
            reason,
            detail,
            is_retryable: true,
        };
        let path = self.store.locate(row).ok_or_else(|| {
            fault(
                Reason::Unreadable,
                "the ledger has no bytes of this item".to_owned(),
            )
        })?;
        let bytes =
            fs::read(&path).map_err(|error| fault(Reason::Unreadable, error.to_string()))?;
        let found = Sha256Digest::of(&bytes);
        if Some(found) == row.sha256 {
            Ok(bytes)
        } else {
            let detail = format!(
                "`{}` now has sha256 {found}; run ingest again",
                path.display()
            );
            Err(fault(Reason::SourceChanged, detail))
        }
    }
}

/// The row of a sample whose pixels are `image`.
fn shard_row(sample: &PlannedSample<'_>, image: Vec<u8>, extension: &str) -> ShardRow {
    let PlannedSample {
        sample_id,
        row,
        tile,
        resized,
        role,
        crop,
        caption,
    } = sample;
    let sha256 = row.sha256.unwrap_or(Sha256Digest([0; 32]));
    ShardRow {
        image: EncodedImage {
            bytes: image,
            path: format!("{sample_id}.{extension}"),
        },
        sample_id: *sample_id,
        item_id: row.item_id,
        picture_id: terminus_manifest::ids::PictureId::new(sha256, *tile),
        sha256,
        source_id: row.source_id.clone(),
        collection: row.collection.clone(),
        role: *role,
        caption: (*caption).to_owned(),
        original_width: tile.width,
        original_height: tile.height,
        crop_top: crop.rect.top,
        crop_left: crop.rect.left,
        tile_top: tile.top,
        tile_left: tile.left,
        resized_width: resized.map(|(width, _)| width),
        resized_height: resized.map(|(_, height)| height),
        width: crop.rect.width,
        height: crop.rect.height,
        packing: crop.packing,
    }
}
