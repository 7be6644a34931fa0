//! GIF, BMP and what libwebp does not read of WebP, through the `image` crate: one still picture each.

use std::io::Cursor;

use image::{
    ColorType, ImageDecoder, ImageError,
    codecs::{bmp::BmpDecoder, gif::GifDecoder, webp::WebPDecoder},
};

use super::samples::{Kind, Samples};
use crate::{Error, Format, Header, rect::Rect};

pub(super) fn webp(bytes: &[u8], header: &Header, rect: Rect) -> Result<Samples, Error> {
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|e| error(Format::WebP, e))?;
    read(decoder, header, rect)
}

pub(super) fn gif(bytes: &[u8], header: &Header, rect: Rect) -> Result<Samples, Error> {
    let decoder = GifDecoder::new(Cursor::new(bytes)).map_err(|e| error(Format::Gif, e))?;
    read(decoder, header, rect)
}

pub(super) fn bmp(bytes: &[u8], header: &Header, rect: Rect) -> Result<Samples, Error> {
    let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(|e| error(Format::Bmp, e))?;
    read(decoder, header, rect)
}

fn read(decoder: impl ImageDecoder, header: &Header, rect: Rect) -> Result<Samples, Error> {
    let format = header.format;
    let (width, height) = (header.stored_width_px, header.stored_height_px);
    if decoder.dimensions() != (width, height) {
        return Err(Error::corrupt(
            format,
            "its headers disagree about its size",
        ));
    }
    let kind = match decoder.color_type() {
        ColorType::L8 => Kind::Grey,
        ColorType::La8 => Kind::GreyAlpha,
        ColorType::Rgb8 => Kind::Rgb,
        ColorType::Rgba8 => Kind::Rgba,
        other => {
            return Err(Error::unsupported(format!(
                "a {format} of colour type {other:?}"
            )));
        }
    };
    let mut data = vec![0; width as usize * height as usize * kind.channels()];
    decoder
        .read_image(&mut data)
        .map_err(|e| error(format, e))?;
    Ok(Samples::cut(kind, data, width, height, rect))
}

fn error(format: Format, error: ImageError) -> Error {
    let is_end = |kind| kind == std::io::ErrorKind::UnexpectedEof;
    match error {
        ImageError::IoError(e) if is_end(e.kind()) => Error::truncated(format, e.to_string()),
        ImageError::Unsupported(e) => Error::unsupported(format!("this {format} ({e})")),
        e => Error::corrupt(format, e.to_string()),
    }
}
