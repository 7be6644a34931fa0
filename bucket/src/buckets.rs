//! The sizes that samples may have.
//!
//! The rule: for each width that is a multiple of the step, the largest height that is one, with width · height at
//! most target²; and the same transposed. A picture goes to the bucket that fits inside it and is nearest in aspect;
//! among equals to the larger, then to the smaller (width, height).

use std::cmp::{Ordering, Reverse};

use crate::config::{AspectRange, Shape};

/// A size, (width, height) in pixels.
pub type Size = (u32, u32);

/// The buckets of a recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    sizes: Vec<Size>,
}

impl Buckets {
    /// One square bucket, or those of the rule within the allowed aspects.
    pub fn new(shape: Shape, target_px: u32, step_px: u32, aspects: &AspectRange) -> Self {
        let mut sizes = match shape {
            Shape::Square => vec![(target_px, target_px)],
            Shape::Aspect => rule(target_px, step_px),
        };
        if shape == Shape::Aspect {
            sizes.retain(|&size| is_within(size, aspects));
        }
        Self { sizes }
    }

    /// These buckets and no others.
    pub fn of_sizes(sizes: &[Size]) -> Self {
        let mut sizes = sizes.to_vec();
        sizes.sort_by(|a, b| compare_ratio(*a, *b).then_with(|| a.cmp(b)));
        sizes.dedup();
        Self { sizes }
    }

    /// Every bucket, narrow to wide.
    pub fn sizes(&self) -> &[Size] {
        &self.sizes
    }

    /// The bucket of a picture; none if no bucket fits inside it.
    pub fn of(&self, width: u32, height: u32) -> Option<Size> {
        self.nearest(width, height, |(w, h)| w <= width && h <= height)
    }

    /// The bucket of a picture that may be enlarged: the nearest in aspect.
    pub fn of_any(&self, width: u32, height: u32) -> Option<Size> {
        self.nearest(width, height, |_| true)
    }

    fn nearest(&self, width: u32, height: u32, fits: impl Fn(Size) -> bool) -> Option<Size> {
        let fitting = self.sizes.iter().copied().filter(|&size| fits(size));
        fitting.min_by(|&a, &b| {
            aspect_distance(a, (width, height), b)
                .then_with(|| Reverse(area(a)).cmp(&Reverse(area(b))))
                .then_with(|| a.cmp(&b))
        })
    }
}

/// The size of a picture of `picture` pixels once `bucket` just fits inside it: one side is the bucket's own.
pub fn covering(picture: Size, bucket: Size) -> Size {
    let [width, height] = [picture.0, picture.1].map(u64::from);
    let [w, h] = [bucket.0, bucket.1].map(u64::from);
    let nearest = |product: u64, by: u64| (product + by / 2) / by.max(1);
    if w * height >= h * width {
        (bucket.0, (nearest(height * w, width) as u32).max(bucket.1))
    } else {
        ((nearest(width * h, height) as u32).max(bucket.0), bucket.1)
    }
}

fn rule(target_px: u32, step_px: u32) -> Vec<Size> {
    let most = u64::from(target_px) * u64::from(target_px);
    let step = u64::from(step_px.max(1));
    let mut sizes = Vec::new();
    let mut width = step;
    while width * step <= most {
        let height = most / width / step * step;
        if let (Ok(width), Ok(height)) = (u32::try_from(width), u32::try_from(height)) {
            sizes.push((width, height));
            sizes.push((height, width));
        }
        width += step;
    }
    // Narrow to wide; sizes of one aspect by width.
    sizes.sort_by(|a, b| compare_ratio(*a, *b).then_with(|| a.cmp(b)));
    sizes.dedup();
    sizes
}

fn is_within((width, height): Size, aspects: &AspectRange) -> bool {
    aspects.narrowest.compare_size(width, height) != Ordering::Less
        && aspects.widest.compare_size(width, height) != Ordering::Greater
}

fn area((width, height): Size) -> u64 {
    u64::from(width) * u64::from(height)
}

/// Compares width / height, exactly.
fn compare_ratio(a: Size, b: Size) -> Ordering {
    (u64::from(a.0) * u64::from(b.1)).cmp(&(u64::from(b.0) * u64::from(a.1)))
}

/// Compares |ln(aspect of a / aspect of picture)| with that of b, exactly: the logarithm's size grows with the larger
/// of the quotient and its inverse, and quotients of whole numbers compare by cross-multiplication.
fn aspect_distance(a: Size, picture: Size, b: Size) -> Ordering {
    let quotient = |size: Size| {
        let x = u128::from(size.0) * u128::from(picture.1);
        let y = u128::from(size.1) * u128::from(picture.0);
        (x.max(y), x.min(y))
    };
    let ((a_high, a_low), (b_high, b_low)) = (quotient(a), quotient(b));
    (a_high * b_low).cmp(&(b_high * a_low))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(target: u32, width: u32, height: u32) -> Option<Size> {
        Buckets::new(Shape::Aspect, target, 64, &AspectRange::default()).of(width, height)
    }

    #[test]
    fn midjourney_sizes_go_to_the_buckets_of_the_reference() {
        assert_eq!(of(1024, 1456, 816), Some((1344, 768)));
        assert_eq!(of(1024, 1344, 896), Some((1216, 832)));
        assert_eq!(of(1024, 1232, 928), Some((1152, 896)));
        assert_eq!(of(1024, 1680, 720), Some((1536, 640)));
        assert_eq!(of(1024, 1024, 1024), Some((1024, 1024)));
        assert_eq!(of(1024, 2048, 2048), Some((1024, 1024)));
        assert_eq!(of(512, 1024, 573), Some((640, 384)));
    }

    #[test]
    fn a_tall_picture_gets_the_transposed_bucket() {
        for (width, height) in [(1456, 816), (1344, 896), (1232, 928), (1680, 720)] {
            let (w, h) = of(1024, width, height).unwrap();
            assert_eq!(of(1024, height, width), Some((h, w)));
        }
    }

    #[test]
    fn a_picture_that_is_too_small_gets_none() {
        assert_eq!(of(1024, 63, 2000), None);
        let square = Buckets::new(Shape::Square, 1024, 64, &AspectRange::default());
        assert_eq!(square.of(1456, 816), None);
        assert_eq!(square.of(1024, 1024), Some((1024, 1024)));
    }

    #[test]
    fn a_resized_picture_just_covers_its_bucket() {
        assert_eq!(covering((2048, 2048), (1024, 1024)), (1024, 1024));
        assert_eq!(covering((1456, 816), (1344, 768)), (1370, 768));
        assert_eq!(covering((816, 1456), (768, 1344)), (768, 1370));
        assert_eq!(covering((512, 512), (1024, 1024)), (1024, 1024));
        assert_eq!(covering((3, 1000), (64, 64)), (64, 21333));
    }

    /// "Sizes, and what they yield": what Midjourney gives, its grids and its upscales.
    #[test]
    fn the_table_of_sizes_yields_what_the_reference_says() {
        let square = Buckets::new(Shape::Square, 1024, 64, &AspectRange::default());
        let table = [
            ((1024, 1024), (1024, 1024)),
            ((1232, 928), (1152, 896)),
            ((1344, 896), (1216, 832)),
            ((1456, 816), (1344, 768)),
            ((1680, 720), (1536, 640)),
        ];
        for ((width, height), bucket) in table {
            assert_eq!(of(1024, width, height), Some(bucket));
            // A tile of a grid is as large as the single; a 2x upscale has the same shape, and its bucket may be
            // nearer in aspect, never smaller.
            let (w, h) = of(1024, 2 * width, 2 * height).unwrap();
            let distance = aspect_distance((w, h), (width, height), bucket);
            assert_ne!(distance, Ordering::Greater);
            let fits = square.of(width, height).is_some();
            assert_eq!(fits, width == 1024, "a square crop fits only 1:1 singles");
            assert!(square.of(2 * width, 2 * height).is_some(), "and upscales");
        }
    }

    #[test]
    fn no_bucket_is_larger_than_the_target() {
        let buckets = Buckets::new(Shape::Aspect, 1024, 64, &AspectRange::default());
        assert!(
            buckets
                .sizes()
                .iter()
                .all(|&size| area(size) <= 1024 * 1024)
        );
        assert!(buckets.sizes().contains(&(1024, 1024)));
        assert!(
            buckets
                .sizes()
                .iter()
                .all(|&(w, h)| w <= 3 * h && h <= 3 * w)
        );
    }
}
