//! What the stage will do: the recipe's settings, checked.

use terminus_manifest::{
    Root,
    overrides::Overrides,
    plan::{AnchorRatio, MixRules},
    ratio::Ratio,
    shard::ShardLimits,
    words::Role,
};
use terminus_pixels::{Limits, PixelPolicy};

use crate::{
    buckets::Size,
    config::{AspectRange, CaptionOf, CropStyle, OnShortfall, PackingChoice, Resample, Shape},
};

/// The whole stage.
#[derive(Clone, Debug)]
pub struct BucketPlan {
    /// Where everything lies.
    pub root: Root,
    /// The recipe's name.
    pub recipe: String,
    /// Hash of the effective recipe without its root and `[train]`.
    pub recipe_sha256: String,
    /// The seed of every draw.
    pub seed: u64,
    /// The shapes of crops.
    pub shape: Shape,
    /// Side of a square crop; an aspect bucket has at most the square of it in pixels.
    pub target_px: u32,
    /// Every side of an aspect bucket is a multiple of this.
    pub step_px: u32,
    /// The narrowest and the widest bucket.
    pub aspects: AspectRange,
    /// The buckets themselves, instead of the rule.
    pub sizes: Vec<Size>,
    /// Where pictures are cut.
    pub style: CropStyle,
    /// The least share of a picture that its crop may show.
    pub min_kept_area: Ratio,
    /// Whether pictures may be resized.
    pub resample: Resample,
    /// How many crops are drawn from one picture.
    pub crops_per_image: u32,
    /// What captions describe.
    pub caption_of: CaptionOf,
    /// How samples are stored.
    pub packing: PackingChoice,
    /// When a shard is full.
    pub shard_limits: ShardLimits,
    /// The share of duplicate groups that is held out.
    pub validation_share: Ratio,
    /// How many anchors an epoch has.
    pub anchor: Option<AnchorRatio>,
    /// The parts of collections in the places of their role.
    pub rules: MixRules,
    /// What happens when that cannot be reached.
    pub on_shortfall: OnShortfall,
    /// How many generations of the recipe `gc` leaves.
    pub keep_generations: u32,
    /// What becomes of pixels that are no 8-bit sRGB.
    pub policy: PixelPolicy,
    /// What is refused by its header.
    pub limits: Limits,
    /// The collections in the recipe's order.
    pub collections: Vec<CollectionPlan>,
    /// People's decisions.
    pub overrides: Overrides,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// One collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionPlan {
    /// Its name.
    pub name: String,
    /// What its samples are for.
    pub role: Role,
    /// Hash of the ingest settings under which its items were passed.
    pub ingest_config_hash: String,
    /// Hash of the caption settings under which they were passed.
    pub caption_config_hash: String,
    /// Hash of all that its bucket verdicts depend on.
    pub config_hash: String,
}
