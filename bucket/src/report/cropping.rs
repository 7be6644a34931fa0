//! What cutting keeps of the pictures, and what it loses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use terminus_manifest::index::IndexRow;

use super::histogram::Histogram;

/// What cutting keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cropping {
    /// The buckets, the fullest first.
    pub buckets: Vec<BucketCropping>,
    /// The kept share of each sample's picture, in percent.
    pub kept_area_percent: Histogram,
}

/// What cutting to one size keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketCropping {
    /// Width of the samples.
    pub width: u32,
    /// Height of the samples.
    pub height: u32,
    /// How many.
    pub samples: u64,
    /// Pixels of the samples.
    pub kept_pixels: u64,
    /// Pixels of their pictures that the samples do not show; counted for every sample.
    pub lost_pixels: u64,
}

impl Cropping {
    /// What the samples of an index keep. A resized sample keeps what it shows of its original.
    pub(super) fn of(index: &[IndexRow]) -> Self {
        let mut buckets: BTreeMap<(u32, u32), (u64, u64, u64)> = BTreeMap::new();
        let mut shares = Vec::with_capacity(index.len());
        for row in index {
            let whole = u64::from(row.resized_width.unwrap_or(row.original_width))
                * u64::from(row.resized_height.unwrap_or(row.original_height));
            let kept = u64::from(row.width) * u64::from(row.height);
            let (samples, kept_pixels, lost_pixels) =
                buckets.entry((row.width, row.height)).or_default();
            *samples += 1;
            *kept_pixels += kept;
            *lost_pixels += whole.saturating_sub(kept);
            shares.push(100.0 * kept as f64 / whole.max(1) as f64);
        }
        let mut buckets: Vec<BucketCropping> = buckets
            .into_iter()
            .map(
                |((width, height), (samples, kept_pixels, lost_pixels))| BucketCropping {
                    width,
                    height,
                    samples,
                    kept_pixels,
                    lost_pixels,
                },
            )
            .collect();
        buckets.sort_by_key(|bucket| std::cmp::Reverse(bucket.samples));
        Self {
            buckets,
            kept_area_percent: Histogram::by_step(shares, 5.0),
        }
    }
}
