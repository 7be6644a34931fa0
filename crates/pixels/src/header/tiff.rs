//! The first directory of a TIFF.

use std::borrow::Cow;

use tiff::{ColorType, tags::Tag};

use super::{Facts, Frames, Model};
use crate::{
    Error, Limits, Orientation,
    decode::tiff::{GREY_ALPHA, GREY_ALPHA_16, Page, error, unsupported},
    exif::Camera,
};

pub(super) fn facts<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Facts<'a>, Error> {
    let Page {
        mut decoder,
        palette,
        colour,
    } = Page::open(bytes)?;
    let (width, height) = decoder.dimensions().map_err(error)?;
    limits.check(width, height)?;
    let (model, has_alpha) = match colour {
        ColorType::Gray(_) if palette.is_some() => (Model::Palette, false),
        ColorType::Gray(_) => (Model::Grey, false),
        ColorType::GrayA(_) | GREY_ALPHA | GREY_ALPHA_16 => (Model::Grey, true),
        ColorType::RGB(_) => (Model::Rgb, false),
        ColorType::RGBA(_) => (Model::Rgb, true),
        ColorType::CMYK(_) => (Model::Cmyk, false),
        other => return Err(unsupported(other)),
    };
    let orientation = decoder
        .find_tag_unsigned::<u32>(Tag::Orientation)
        .ok()
        .flatten()
        .and_then(Orientation::from_exif)
        .unwrap_or_default();
    let mut text = |tag| {
        decoder
            .get_tag_ascii_string(tag)
            .ok()
            .filter(|text| !text.is_empty())
    };
    let camera = Camera {
        orientation,
        make: text(Tag::Make),
        model: text(Tag::Model),
    };
    Ok(Facts {
        width,
        height,
        model,
        bits: colour.bit_depth(),
        has_alpha,
        frames: if decoder.more_images() {
            Frames::Many
        } else {
            Frames::One
        },
        is_progressive: false,
        jpeg: None,
        profile: decoder.get_tag_u8_vec(Tag::IccProfile).ok().map(Cow::Owned),
        says_srgb: false,
        camera,
    })
}
