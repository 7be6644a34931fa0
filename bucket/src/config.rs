//! The settings of cutting, packing and mixing: `[bucket]` and `[mix]` of a recipe.

mod aspect;
mod contract;

use std::{
    collections::BTreeMap,
    num::{NonZeroU32, NonZeroU64},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terminus_manifest::{
    plan::{AnchorRatio, CollectionRule, MixRules},
    ratio::Ratio,
};

pub use aspect::{Aspect, AspectError};
pub use terminus_manifest::plan::Shape;

/// Which crops become samples, and how they are stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BucketConfig {
    /// The shapes of crops.
    #[schemars(schema_with = "contract::shape")]
    pub shape: Shape,
    /// Side of a square crop; an aspect bucket has at most the square of it in pixels.
    pub target_px: NonZeroU32,
    /// The grid of bucket sides: each is a multiple of this.
    #[schemars(extend("multipleOf" = 8))]
    pub step_px: NonZeroU32,
    /// The narrowest and the widest bucket.
    pub aspects: AspectRange,
    /// The buckets themselves, instead of the rule that `target_px`, `step_px` and `aspects` give.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<BucketSize>,
    /// Where a picture is cut.
    pub style: CropStyle,
    /// The least share of a picture that its crop may show; one that shows less is not taken.
    #[schemars(schema_with = "contract::share")]
    pub min_kept_area: Ratio,
    /// Whether pictures may be resized before they are cut.
    pub resample: Resample,
    /// How many crops are drawn from one picture.
    pub crops_per_image: NonZeroU32,
    /// What captioners that look at pixels are shown, and so what captions describe.
    pub caption_of: CaptionOf,
    /// How the pixels of a sample are stored.
    pub packing: PackingChoice,
    /// A shard is closed at this many rows.
    pub shard_rows: NonZeroU32,
    /// A shard is closed at this size, in MiB.
    pub shard_size_mb: NonZeroU64,
    /// The share of duplicate groups that is held out of training; 0 holds out none.
    #[schemars(schema_with = "contract::share_below_one")]
    pub validation_share: Ratio,
    /// How many generations of this recipe `terminus gc` leaves.
    pub keep_generations: NonZeroU32,
}

impl Default for BucketConfig {
    fn default() -> Self {
        Self {
            shape: Shape::Square,
            target_px: const { NonZeroU32::new(1024).unwrap() },
            step_px: const { NonZeroU32::new(64).unwrap() },
            aspects: AspectRange::default(),
            sizes: Vec::new(),
            style: CropStyle::Random,
            min_kept_area: Ratio::ZERO,
            resample: Resample::Never,
            crops_per_image: NonZeroU32::MIN,
            caption_of: CaptionOf::Picture,
            packing: PackingChoice::Auto,
            shard_rows: const { NonZeroU32::new(4096).unwrap() },
            shard_size_mb: const { NonZeroU64::new(512).unwrap() },
            validation_share: Ratio::new(1, 50).unwrap_or(Ratio::ZERO),
            keep_generations: const { NonZeroU32::new(3).unwrap() },
        }
    }
}

/// The aspects that buckets may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AspectRange {
    /// The narrowest, as `width:height`.
    pub narrowest: Aspect,
    /// The widest, as `width:height`.
    pub widest: Aspect,
}

impl Default for AspectRange {
    fn default() -> Self {
        Self {
            narrowest: Aspect::ONE_TO_THREE,
            widest: Aspect::THREE_TO_ONE,
        }
    }
}

/// Whether pictures may be resized before they are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resample {
    /// A sample's pixels are the original's own.
    #[default]
    Never,
    /// A picture is shrunk, by Lanczos3, until its bucket just fits inside it; none is enlarged.
    Down,
    /// A picture is shrunk or enlarged, by Lanczos3, until its bucket just fits inside it.
    Any,
}

/// Where a picture is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CropStyle {
    /// Anywhere, drawn from the seed.
    #[default]
    Random,
    /// In the middle.
    Center,
    /// Where most edges are: faces and line work.
    Interest,
}

/// What captions describe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaptionOf {
    /// The whole picture, once for all of its crops.
    #[default]
    Picture,
    /// The pixels of each crop: every crop is captioned anew, and so is one that moves.
    Crop,
}

/// A size of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketSize {
    /// Columns.
    #[schemars(extend("multipleOf" = 8))]
    pub width_px: NonZeroU32,
    /// Rows.
    #[schemars(extend("multipleOf" = 8))]
    pub height_px: NonZeroU32,
}

/// How the pixels of a sample are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PackingChoice {
    /// The cheapest that the picture allows: `verbatim`, else `jpeg-lossless`, else `png`.
    #[default]
    Auto,
    /// The original's own bytes; pictures that would have to be cut are rejected.
    Verbatim,
    /// Encoded anew, without loss.
    Png,
    /// Encoded anew as WebP, without loss: smaller than PNG, and slower to write.
    WebpLossless,
    /// A crop of a JPEG's coefficients; pictures that are no such JPEG are rejected.
    JpegLossless,
}

/// How train and anchor samples are mixed in an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MixConfig {
    /// How many anchors an epoch has; without it every anchor comes once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "contract::anchor_ratio")]
    pub anchor: Option<AnchorRatio>,
    /// The most places that one sample takes in an epoch; without it a small collection is repeated as often as the
    /// ratio asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_repeats: Option<NonZeroU32>,
    /// The parts of collections in the places of their role, by name: `{ share = 0.4 }`, or `{ weight = 2 }` for the
    /// places that shares leave. Samples are repeated for it, and none is dropped.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "contract::collection_rules")]
    pub collections: BTreeMap<String, CollectionRule>,
    /// What happens when places are left that no sample can take.
    pub on_shortfall: OnShortfall,
}

impl MixConfig {
    /// The rules of collections, as the plan of an epoch takes them.
    pub fn rules(&self) -> MixRules {
        MixRules {
            max_repeats: self.max_repeats,
            collections: self.collections.clone(),
        }
    }
}

/// What happens when the ratio cannot be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnShortfall {
    /// The generation is published with what there is, and its report says so.
    #[default]
    Report,
    /// Nothing is published.
    Error,
}
