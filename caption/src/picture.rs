//! The pixels of an item, as captioners see them.

use terminus_manifest::{
    Root, ids::Sha256Digest, ledger::LedgerRow, store::ContentStore, words::Reason,
};
use terminus_pixels::{Limits, PixelPolicy, RgbImage, decode, decode_region};

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

    /// The picture or tile of an item; or why there is none today.
    pub(crate) fn load(&self, row: &LedgerRow) -> Result<RgbImage, Reply> {
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
        let decoded = match row.tile_rect().filter(|_| row.tile > 0) {
            Some(tile) => decode_region(
                &bytes,
                tile.top,
                tile.left,
                tile.width,
                tile.height,
                &self.policy,
                &self.limits,
            ),
            None => decode(&bytes, &self.policy, &self.limits),
        };
        decoded
            .map(|decoded| decoded.image)
            .map_err(|error| fault(Reason::Unreadable, format!("`{}`: {error}", path.display())))
    }
}
