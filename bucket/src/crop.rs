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
}

/// The crop with number `index` of a picture, `size` large, which fits inside it.
///
/// The corner is drawn uniformly from all places; where coefficients can be kept, from those on the JPEG's grid.
/// `corner` is a person's choice of (top, left) instead of a draw.
///
/// # Errors
/// The corner leaves the picture, or the fixed packing is impossible.
pub fn crop(
    picture: &Picture<'_>,
    size: Size,
    choice: PackingChoice,
    seed: u64,
    index: u32,
    corner: Option<(u32, u32)>,
) -> Result<Crop, CropFault> {
    let (width, height) = size;
    let tile = picture.tile;
    let rect = |top, left| Rect {
        top,
        left,
        width,
        height,
    };
    let free = (tile.height - height, tile.width - width);
    if let Some((top, left)) = corner {
        if !rect(top, left).fits(tile.width, tile.height) {
            return Err(CropFault::Outside);
        }
        let packing = packing_of(picture, rect(top, left), choice).ok_or(CropFault::Packing)?;
        return Ok(Crop {
            rect: rect(top, left),
            packing,
        });
    }
    let on_grid = matches!(choice, PackingChoice::Auto | PackingChoice::JpegLossless);
    let grid = picture.grid.filter(|_| on_grid);
    let place = |k: u32, free: u32, origin: u32, step: u32| {
        // The first place on the file's grid, counted from the tile's own origin.
        let first = origin.next_multiple_of(step) - origin;
        let bits = draw(seed, picture.id, index, k);
        if first > free {
            return below(bits, u64::from(free) + 1) as u32;
        }
        first + step * below(bits, u64::from((free - first) / step) + 1) as u32
    };
    let (step_x, step_y) = grid.unwrap_or((1, 1));
    let top = place(0, free.0, tile.top, step_y);
    let left = place(1, free.1, tile.left, step_x);
    let packing = packing_of(picture, rect(top, left), choice).ok_or(CropFault::Packing)?;
    Ok(Crop {
        rect: rect(top, left),
        packing,
    })
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        #[test]
        fn a_crop_never_leaves_the_image(
            width in 1_u32..3000, height in 1_u32..3000, w in 1_u32..3000, h in 1_u32..3000,
            seed: u64, index in 0_u32..4, grid in prop::option::of((1_u32..5, 1_u32..5)),
        ) {
            let (w, h) = (w.min(width), h.min(height));
            let grid = grid.map(|(x, y)| (8 * x, 8 * y));
            let picture = picture(&seed.to_le_bytes(), width, height, grid);
            let crop = |choice| crop(&picture, (w, h), choice, seed, index, None);
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
            let cut = crop(&picture, (64, 64), PackingChoice::Auto, 7, 0, None).unwrap();
            seen[cut.rect.left as usize] += 1;
        }
        assert!(
            seen.iter().all(|&count| (150..250).contains(&count)),
            "{seen:?}"
        );
    }

    #[test]
    fn a_fixed_packing_is_kept_or_refused() {
        let jpeg = picture(b"j", 100, 100, Some((16, 16)));
        let png = picture(b"p", 100, 100, None);
        let cut = |picture, choice, corner| crop(picture, (64, 64), choice, 1, 0, corner);
        assert_eq!(
            cut(&png, PackingChoice::JpegLossless, None),
            Err(CropFault::Packing)
        );
        assert_eq!(
            cut(&jpeg, PackingChoice::Verbatim, None),
            Err(CropFault::Packing)
        );
        assert_eq!(
            cut(&jpeg, PackingChoice::Auto, Some((40, 0))),
            Err(CropFault::Outside)
        );
        assert_eq!(
            cut(&jpeg, PackingChoice::Auto, Some((16, 32)))
                .unwrap()
                .packing,
            Packing::JpegLossless
        );
        assert_eq!(
            cut(&jpeg, PackingChoice::Auto, Some((1, 0)))
                .unwrap()
                .packing,
            Packing::Png
        );
    }
}
