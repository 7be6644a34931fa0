//! Where a picture is cut.

use terminus_manifest::{
    ids::{PictureId, Rect, below, draw},
    words::Packing,
};

use crate::{buckets::Size, config::PackingChoice};

/// What the ledger knows of a picture that decides how it can be cut.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Its identity.
    pub id: PictureId,
    /// Its rectangle in the oriented file.
    pub tile: Rect,
    /// Size of the oriented file.
    pub file_size: Size,
    /// Its format.
    pub format: &'a str,
    /// Whether its own bytes can be a sample.
    pub is_plain: bool,
    /// The JPEG's coefficient grid, (width, height), if it can be cropped without loss.
    pub grid: Option<Size>,
}

/// A crop and how it will be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// Rectangle in pixels of the tile.
    pub rect: Rect,
    /// How its pixels are stored.
    pub packing: Packing,
}

/// Why a picture cannot be cut as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CropFault {
    /// The crop that a person asked for leaves the picture.
    Outside,
    /// The recipe fixes a packing that this picture does not allow.
    Packing,
    /// The crop would show less of the picture than the recipe allows.
    KeptArea,
}

/// Where a crop is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corner {
    /// At a place that the seed and the crop's number draw.
    Drawn {
        /// The recipe's seed.
        seed: u64,
        /// The crop's number.
        index: u32,
    },
    /// In the middle, or at the place on the JPEG's grid that is nearest before it.
    Center,
    /// At this (top, left), as a person or a measurement says.
    At(u32, u32),
}

/// A crop of a picture, `size` large, which fits inside it.
///
/// A drawn corner is uniform over all places; where coefficients can be kept, over those on the JPEG's grid.
///
/// # Errors
/// The corner leaves the picture, or the fixed packing is impossible.
pub fn crop(
    picture: &Picture<'_>,
    size: Size,
    choice: PackingChoice,
    corner: Corner,
) -> Result<Crop, CropFault> {
    let (width, height) = size;
    let (top, left) = match corner {
        Corner::At(top, left) => (top, left),
        Corner::Drawn { seed, index } => {
            let [(first_top, rows), (first_left, columns)] = places(picture, size, choice);
            let pick = |k, count| below(draw(seed, picture.id, index, k), count) as u32;
            let (step_x, step_y) = step(picture, choice, size);
            (
                first_top + step_y * pick(0, rows),
                first_left + step_x * pick(1, columns),
            )
        }
        Corner::Center => {
            let [(first_top, rows), (first_left, columns)] = places(picture, size, choice);
            let (step_x, step_y) = step(picture, choice, size);
            let middle = |side: u32, part: u32, first: u32, step: u32, count: u64| {
                let wanted = (side - part) / 2;
                let at = wanted.saturating_sub(first) / step;
                first + step * at.min(count as u32 - 1)
            };
            let tile = picture.tile;
            (
                middle(tile.height, height, first_top, step_y, rows),
                middle(tile.width, width, first_left, step_x, columns),
            )
        }
    };
    let rect = Rect {
        top,
        left,
        width,
        height,
    };
    if !rect.fits(picture.tile.width, picture.tile.height) {
        return Err(CropFault::Outside);
    }
    let packing = packing_of(picture, rect, choice).ok_or(CropFault::Packing)?;
    Ok(Crop { rect, packing })
}

/// The distance between the places where a crop may begin, (across, down): the JPEG's grid where a crop on it is
/// wanted and fits, else 1.
pub fn step(picture: &Picture<'_>, choice: PackingChoice, size: Size) -> Size {
    let on_grid = matches!(choice, PackingChoice::Auto | PackingChoice::JpegLossless);
    let (step_x, step_y) = picture.grid.filter(|_| on_grid).unwrap_or((1, 1));
    let tile = picture.tile;
    let fits = |origin: u32, step: u32, free: u32| first_on_grid(origin, step) <= free;
    (
        if fits(tile.left, step_x, tile.width - size.0) {
            step_x
        } else {
            1
        },
        if fits(tile.top, step_y, tile.height - size.1) {
            step_y
        } else {
            1
        },
    )
}

/// Where crops may begin, first from the top and then from the left: the first place and how many there are, each
/// [`step`] from the one before.
pub fn places(picture: &Picture<'_>, size: Size, choice: PackingChoice) -> [(u32, u64); 2] {
    let (step_x, step_y) = step(picture, choice, size);
    let tile = picture.tile;
    let places = |origin: u32, step: u32, free: u32| {
        let first = first_on_grid(origin, step);
        (first, u64::from((free - first) / step) + 1)
    };
    [
        places(tile.top, step_y, tile.height - size.1),
        places(tile.left, step_x, tile.width - size.0),
    ]
}

/// The first place on the file's grid, counted from the tile's own origin.
fn first_on_grid(origin: u32, step: u32) -> u32 {
    origin.next_multiple_of(step) - origin
}

/// How a crop can be stored under a choice; none if the choice is impossible for it.
fn packing_of(picture: &Picture<'_>, crop: Rect, choice: PackingChoice) -> Option<Packing> {
    let tile = picture.tile;
    let is_whole = crop == Rect::whole(tile.width, tile.height)
        && tile == Rect::whole(picture.file_size.0, picture.file_size.1);
    // Formats that every reader of training sets decodes.
    let is_common = matches!(picture.format, "jpeg" | "png" | "webp");
    let verbatim = (is_whole && picture.is_plain && is_common).then_some(Packing::Verbatim);
    let lossless = picture.grid.and_then(|(step_x, step_y)| {
        let is_on_grid = (tile.top + crop.top).is_multiple_of(step_y)
            && (tile.left + crop.left).is_multiple_of(step_x);
        is_on_grid.then_some(Packing::JpegLossless)
    });
    match choice {
        PackingChoice::Auto => verbatim.or(lossless).or(Some(Packing::Png)),
        PackingChoice::Verbatim => verbatim,
        PackingChoice::JpegLossless => lossless,
        PackingChoice::Png => Some(Packing::Png),
        PackingChoice::WebpLossless => Some(Packing::WebpLossless),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        buckets::Buckets,
        config::{AspectRange, Shape},
    };
    use proptest::prelude::*;
    use terminus_manifest::ids::Sha256Digest;

    fn picture(bytes: &[u8], width: u32, height: u32, grid: Option<Size>) -> Picture<'static> {
        let tile = Rect::whole(width, height);
        let id = PictureId::new(Sha256Digest::of(bytes), tile);
        let format = if grid.is_some() { "jpeg" } else { "png" };
        Picture {
            id,
            tile,
            file_size: (width, height),
            format,
            is_plain: true,
            grid,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_bucketed_crop_of_any_picture_lies_inside_it_on_the_pixel_and_stays(
            width in 1_u32..6000, height in 1_u32..6000, target in 1_u32..40, seed: u64,
            index in 0_u32..4, is_square: bool, grid in prop::option::of((1_u32..5, 1_u32..3)),
        ) {
            let shape = if is_square { Shape::Square } else { Shape::Aspect };
            let buckets = Buckets::new(shape, 64 * target, 64, &AspectRange::default());
            let grid = grid.map(|(x, y)| (8 * x, 8 * y));
            let picture = picture(&seed.to_be_bytes(), width, height, grid);
            let Some(size) = buckets.of(width, height) else {
                let fits = buckets.sizes().iter().any(|&(w, h)| w <= width && h <= height);
                prop_assert!(!fits, "only a picture that no bucket fits gets none");
                return Ok(());
            };
            for corner in [Corner::Drawn { seed, index }, Corner::Center] {
                let cut = crop(&picture, size, PackingChoice::Auto, corner);
                prop_assert_eq!(cut, crop(&picture, size, PackingChoice::Auto, corner));
                let cut = cut.unwrap();
                prop_assert!(cut.rect.fits(width, height));
                prop_assert_eq!((cut.rect.width, cut.rect.height), size);
                prop_assert!(grid.is_none() || cut.packing != Packing::Png);
            }
        }

        #[test]
        fn a_crop_never_leaves_the_image(
            width in 1_u32..3000, height in 1_u32..3000, w in 1_u32..3000, h in 1_u32..3000,
            seed: u64, index in 0_u32..4, grid in prop::option::of((1_u32..5, 1_u32..5)),
        ) {
            let (w, h) = (w.min(width), h.min(height));
            let grid = grid.map(|(x, y)| (8 * x, 8 * y));
            let picture = picture(&seed.to_le_bytes(), width, height, grid);
            let crop = |choice| crop(&picture, (w, h), choice, Corner::Drawn { seed, index });
            let cut = crop(PackingChoice::Auto).unwrap();
            prop_assert!(cut.rect.fits(width, height));
            prop_assert_eq!(Ok(cut), crop(PackingChoice::Auto));
            if let Some((x, y)) = grid {
                prop_assert!(cut.rect.top % y == 0 && cut.rect.left % x == 0);
                prop_assert!(cut.packing != Packing::Png);
            } else {
                prop_assert_eq!(cut.packing == Packing::Verbatim, (w, h) == (width, height));
            }
        }
    }

    #[test]
    fn corners_are_spread_over_all_places() {
        let mut seen = [0; 5];
        for n in 0..1000_u32 {
            let picture = picture(&n.to_le_bytes(), 68, 64, None);
            let cut = crop(
                &picture,
                (64, 64),
                PackingChoice::Auto,
                Corner::Drawn { seed: 7, index: 0 },
            )
            .unwrap();
            seen[cut.rect.left as usize] += 1;
        }
        assert!(
            seen.iter().all(|&count| (150..250).contains(&count)),
            "{seen:?}"
        );
    }

    #[test]
    fn the_middle_is_in_the_middle_and_on_the_grid() {
        let png = picture(b"p", 101, 100, None);
        let cut = crop(&png, (64, 64), PackingChoice::Auto, Corner::Center).unwrap();
        assert_eq!((cut.rect.left, cut.rect.top), (18, 18));
        let jpeg = picture(b"j", 101, 100, Some((16, 8)));
        let cut = crop(&jpeg, (64, 64), PackingChoice::Auto, Corner::Center).unwrap();
        assert_eq!((cut.rect.left, cut.rect.top), (16, 16));
    }

    #[test]
    fn a_fixed_packing_is_kept_or_refused() {
        let jpeg = picture(b"j", 100, 100, Some((16, 16)));
        let png = picture(b"p", 100, 100, None);
        let drawn = Corner::Drawn { seed: 1, index: 0 };
        let cut = |picture, choice, corner| crop(picture, (64, 64), choice, corner);
        assert_eq!(
            cut(&png, PackingChoice::JpegLossless, drawn),
            Err(CropFault::Packing)
        );
        assert_eq!(
            cut(&jpeg, PackingChoice::Verbatim, drawn),
            Err(CropFault::Packing)
        );
        assert_eq!(
            cut(&jpeg, PackingChoice::Auto, Corner::At(40, 0)),
            Err(CropFault::Outside)
        );
        assert_eq!(
            cut(&jpeg, PackingChoice::Auto, Corner::At(16, 32))
                .unwrap()
                .packing,
            Packing::JpegLossless
        );
        assert_eq!(
            cut(&jpeg, PackingChoice::Auto, Corner::At(1, 0))
                .unwrap()
                .packing,
            Packing::Png
        );
    }
}
