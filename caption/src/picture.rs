//! The pixels of an item, as captioners see them.

use terminus_manifest::{
    Root,
    ids::{Rect, Sha256Digest},
    ledger::LedgerRow,
    store::ContentStore,
    view::Cut,
    words::Reason,
};
use terminus_pixels::{Error as PixelError, Limits, PixelPolicy, RgbImage, decode, decode_region};

use crate::speaker::Reply;

/// Finds pictures and decodes them; shared by threads.
#[derive(Clone, Debug)]
pub(crate) struct Pictures {
    store: ContentStore,
    policy: PixelPolicy,
    limits: Limits,
}

impl Pictures {
    pub(crate) fn new(root: &Root, policy: PixelPolicy, limits: Limits) -> Self {
        Self {
            store: ContentStore::new(root.originals()),
            policy,
            limits,
        }
    }

    /// The picture or tile of an item, or a crop of it; or why there is none today.
    pub(crate) fn load(&self, row: &LedgerRow, crop: Option<Cut>) -> Result<RgbImage, Reply> {
        let fault = |reason, detail: String| Reply::Fault { reason, detail };
        let path = self
            .store
            .locate(row)
            .ok_or_else(|| fault(Reason::Unreadable, "its bytes were never read".to_owned()))?;
        let bytes =
            fs_err::read(&path).map_err(|error| fault(Reason::Unreadable, error.to_string()))?;
        if row.sha256 != Some(Sha256Digest::of(&bytes)) {
            let detail = format!("`{}` is not what it was; ingest again", path.display());
            return Err(fault(Reason::SourceChanged, detail));
        }
        self.pixels(&bytes, row, crop)
            .map_err(|error| fault(Reason::Unreadable, format!("`{}`: {error}", path.display())))
    }

    fn pixels(
        &self,
        bytes: &[u8],
        row: &LedgerRow,
        crop: Option<Cut>,
    ) -> Result<RgbImage, PixelError> {
        let region = |at: Rect| {
            let Rect {
                top,
                left,
                width,
                height,
            } = at;
            decode_region(bytes, top, left, width, height, &self.policy, &self.limits)
                .map(|decoded| decoded.image)
        };
        let tile = row.tile_rect().filter(|_| row.tile > 0);
        let whole = || match tile {
            Some(tile) => region(tile),
            None => decode(bytes, &self.policy, &self.limits).map(|decoded| decoded.image),
        };
        let Some(Cut { rect, resized }) = crop else {
            return whole();
        };
        match resized {
            None => region(Rect {
                top: tile.map_or(0, |tile| tile.top) + rect.top,
                left: tile.map_or(0, |tile| tile.left) + rect.left,
                ..rect
            }),
            Some((width, height)) => {
                whole()?
                    .resample(width, height)?
                    .crop(rect.top, rect.left, rect.width, rect.height)
            }
        }
    }
}
