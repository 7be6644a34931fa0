//! PNG: the usual kind by parts of our own, anything unusual by the `png` crate, which says what is wrong with it.

mod plain;
mod unfilter;

use std::io::Cursor;

use png::{ColorType, Decoder as PngDecoder, Transformations};

use super::samples::{Kind, Samples};
use crate::{
    Decoder, Error,
    Format::Png,
    Header,
    header::png::{error, has_end},
    panic::AtWork,
    rect::Rect,
};

pub(super) fn read(
    bytes: &[u8],
    header: &Header,
    rect: Rect,
    at_work: &AtWork,
) -> Result<Samples, Error> {
    if !has_end(bytes) {
        return Err(Error::truncated(Png, "the last chunk is missing"));
    }
    if let Some(samples) = plain::read(bytes, rect) {
        return Ok(samples);
    }
    at_work.set(Some(Decoder::Png));
    let mut decoder = PngDecoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(error)?;
    let kind = match reader.output_color_type().0 {
        ColorType::Grayscale => Kind::Grey,
        ColorType::GrayscaleAlpha => Kind::GreyAlpha,
        ColorType::Rgb => Kind::Rgb,
        ColorType::Rgba => Kind::Rgba,
        ColorType::Indexed => {
            return Err(Error::corrupt(Png, "a palette picture without a palette"));
        }
    };
    let (width, height) = (header.stored_width_px, header.stored_height_px);
    let size = width as usize * height as usize * kind.channels();
    if header.is_progressive || rect == Rect::whole(width, height) {
        let mut data = vec![0; size];
        reader.next_frame(&mut data).map_err(error)?;
        return Ok(Samples::cut(kind, data, width, height, rect));
    }
    let (start, length) = (
        rect.left as usize * kind.channels(),
        rect.width as usize * kind.channels(),
    );
    let mut data = Vec::with_capacity(length * rect.height as usize);
    for y in 0..rect.top + rect.height {
        let row = reader.next_row().map_err(error)?;
        let row = row.ok_or_else(|| Error::truncated(Png, "rows are missing"))?;
        if y >= rect.top {
            let part = row.data().get(start..start + length);
            data.extend_from_slice(part.ok_or_else(|| Error::corrupt(Png, "a row is too short"))?);
        }
    }
    Ok(Samples { kind, data })
}
