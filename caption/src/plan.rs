//! What captioning will do: the recipe's settings, checked.

use std::collections::HashMap;

use terminus_manifest::{Root, ids::ItemId, ledger::LedgerRow, overrides::Overrides, view::View};
use terminus_pixels::{Limits, PixelPolicy};

use crate::{Secret, config::CaptionerConfig};

/// The whole stage.
#[derive(Clone, Debug)]
pub struct CaptionPlan {
    /// Where ledger, verdicts and captions lie.
    pub root: Root,
    /// The collections in the recipe's order.
    pub collections: Vec<CollectionPlan>,
    /// People's decisions.
    pub overrides: Overrides,
    /// What captioners that look at pixels are shown of each item; the whole picture if none. An item that is not among
    /// them gives no crop, and so needs no caption of one.
    pub views: Option<HashMap<ItemId, Vec<View>>>,
    /// How pictures become pixels.
    pub policy: PixelPolicy,
    /// The most that is decoded.
    pub limits: Limits,
    /// `i` of `--shard i/N`.
    pub shard: u32,
    /// `N` of it; 1 for all items.
    pub of: u32,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// One collection.
#[derive(Clone, Debug)]
pub struct CollectionPlan {
    /// Its name.
    pub name: String,
    /// What captions its pictures, each of them.
    pub captioners: Vec<CaptionerPlan>,
    /// Hash of the ingest settings under which its items were passed.
    pub ingest_config_hash: String,
    /// Hash of all that its caption verdicts depend on.
    pub config_hash: String,
}

/// A captioner with its name in the recipe.
#[derive(Clone, Debug)]
pub struct CaptionerPlan {
    /// Its name.
    pub name: String,
    /// Its settings.
    pub config: CaptionerConfig,
    /// Hash of its settings.
    pub config_hash: String,
    /// The key of its endpoint, if it has one.
    pub key: Option<Secret>,
}

impl CaptionPlan {
    /// What `captioner` is shown of an item.
    pub(crate) fn views_of(&self, captioner: &CaptionerPlan, row: &LedgerRow) -> Vec<View> {
        match &self.views {
            Some(views) if captioner.config.asks_a_model() => {
                views.get(&row.item_id).cloned().unwrap_or_default()
            }
            _ => row.picture_id().map(View::whole).into_iter().collect(),
        }
    }
}
