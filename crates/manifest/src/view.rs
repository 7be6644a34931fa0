//! What of a picture is looked at: the whole of it, or one crop.

use crate::ids::{PictureId, Rect, hash};

/// A crop as pixels: its rectangle, and the size of the picture in whose pixels the rectangle counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cut {
    /// The rectangle.
    pub rect: Rect,
    /// The (width, height) to which the picture is resized before it is cut; none if it is cut as it is.
    pub resized: Option<(u32, u32)>,
}

/// What a captioner is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct View {
    /// The picture.
    pub picture: PictureId,
    /// The part of it; none is the whole.
    pub crop: Option<Cut>,
}

impl View {
    /// The whole of a picture.
    pub fn whole(picture: PictureId) -> Self {
        Self {
            picture,
            crop: None,
        }
    }

    /// A crop of a picture of `size`, (width, height). One that leaves nothing out, at the picture's own size, is the
    /// whole.
    pub fn of_crop(picture: PictureId, size: (u32, u32), cut: Cut) -> Self {
        let is_whole = cut.resized.is_none() && cut.rect == Rect::whole(size.0, size.1);
        Self {
            picture,
            crop: (!is_whole).then_some(cut),
        }
    }

    /// The picture's id for the whole of it; for a crop `H("view", picture_id, top, left, width, height)`, followed by
    /// the width and the height of a resized picture.
    pub fn id(&self) -> PictureId {
        let Some(Cut { rect, resized }) = self.crop else {
            return self.picture;
        };
        let mut fields = vec![self.picture.to_string()];
        let numbers = [rect.top, rect.left, rect.width, rect.height];
        fields.extend(numbers.map(|n| n.to_string()));
        fields.extend(
            resized
                .iter()
                .flat_map(|(w, h)| [w.to_string(), h.to_string()]),
        );
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        PictureId(hash("view", &fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CaptionKey, Sha256Digest};

    #[test]
    fn every_view_has_its_own_caption_key() {
        let size = (64, 48);
        let picture = PictureId::new(Sha256Digest::of(b"a"), Rect::whole(64, 48));
        let crop = |top, left, resized| {
            let rect = Rect {
                top,
                left,
                width: 32,
                height: 32,
            };
            View::of_crop(picture, size, Cut { rect, resized })
        };
        let views = [
            View::whole(picture),
            crop(0, 0, None),
            crop(0, 1, None),
            crop(1, 0, None),
            crop(0, 0, Some((48, 36))),
        ];
        let keys: std::collections::BTreeSet<CaptionKey> = views
            .iter()
            .map(|view| CaptionKey::new(view.id(), "captioner", "Describe."))
            .collect();
        assert_eq!(keys.len(), views.len());
    }

    #[test]
    fn a_crop_that_leaves_nothing_out_is_the_whole() {
        let picture = PictureId::new(Sha256Digest::of(b"a"), Rect::whole(64, 48));
        let whole = |resized| Cut {
            rect: Rect::whole(64, 48),
            resized,
        };
        let view = |resized| View::of_crop(picture, (64, 48), whole(resized));
        assert_eq!(view(None), View::whole(picture));
        assert_eq!(view(None).id(), picture);
        assert_ne!(view(Some((64, 48))), View::whole(picture));
    }
}
