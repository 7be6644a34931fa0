//! WebP by libwebp; animations, and files that it refuses, by the `image` crate, which says what is wrong with them.

use webp::Decoder as LibWebP;

use super::{
    samples::{Kind, Samples},
    still,
};
use crate::{Decoder, Error, Format, Header, bytes::le32, panic::AtWork, rect::Rect};

pub(super) fn read(
    bytes: &[u8],
    header: &Header,
    rect: Rect,
    at_work: &AtWork,
) -> Result<Samples, Error> {
    let announced = le32(bytes, 4)
        .map_or(usize::MAX, |size| size as usize)
        .saturating_add(8);
    if announced > bytes.len() {
        let detail = format!("{announced} bytes are announced, {} are there", bytes.len());
        return Err(Error::truncated(Format::WebP, detail));
    }
    let (width, height) = (header.stored_width_px, header.stored_height_px);
    match LibWebP::new(bytes).decode() {
        Some(image) if (image.width(), image.height()) == (width, height) => {
            let kind = if image.is_alpha() {
                Kind::Rgba
            } else {
                Kind::Rgb
            };
            Ok(Samples::cut(kind, image.to_vec(), width, height, rect))
        }
        _ => {
            at_work.set(Some(Decoder::ImageWebP));
            still::webp(bytes, header, rect)
        }
    }
}
