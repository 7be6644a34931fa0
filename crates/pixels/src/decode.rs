//! From a file's bytes to upright sRGB pixels.

mod jpeg;
mod png;
mod samples;
mod still;
pub(crate) mod tiff;
mod webp;

use crate::{
    Decoder, Error, Format, Header, Limits, PixelPolicy, RgbImage,
    header::{self, Found},
    icc::Conversion,
    panic::{self, AtWork},
    rect::Rect,
};
use samples::Samples;

/// Pixels, and who made them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The upright picture in sRGB.
    pub image: RgbImage,
    /// The library that read the file.
    pub decoder: Decoder,
}

/// The whole picture: turned upright, laid on the matte, 8 bits a channel, in sRGB, the first frame.
///
/// # Errors
/// Every [`Error`] that [`inspect`](crate::inspect) gives, [`Error::ColourPolicy`] and
/// [`Error::Animated`] as the policy says, and [`Error::Truncated`], [`Error::Corrupt`] or
/// [`Error::DecoderPanic`] for damage behind the header. Missing pixels are never made up.
pub fn decode(bytes: &[u8], policy: &PixelPolicy, limits: &Limits) -> Result<Decoded, Error> {
    panic::guard(|at_work| {
        let found = header::read(bytes, limits)?;
        policy.admit(&found.header)?;
        let (width, height) = (found.header.stored_width_px, found.header.stored_height_px);
        convert(
            bytes,
            &found,
            Rect::whole(width, height),
            policy.matte,
            at_work,
        )
    })
}

/// The rectangle of the upright picture with rows `top .. top + height` and columns
/// `left .. left + width`: the same bytes as [`decode`] and then [`RgbImage::crop`], with less work
/// where the format allows it.
///
/// Damage behind the rectangle may go unnoticed.
///
/// # Errors
/// As [`decode`], and [`Error::OutsideImage`].
pub fn decode_region(
    bytes: &[u8],
    top: u32,
    left: u32,
    width: u32,
    height: u32,
    policy: &PixelPolicy,
    limits: &Limits,
) -> Result<Decoded, Error> {
    panic::guard(|at_work| {
        let found = header::read(bytes, limits)?;
        policy.admit(&found.header)?;
        let seen = Rect {
            top,
            left,
            width,
            height,
        };
        let (seen_width, seen_height) = (found.header.width_px, found.header.height_px);
        seen.check(seen_width, seen_height)?;
        let stored = found
            .header
            .orientation
            .stored_rect(seen, seen_width, seen_height);
        convert(bytes, &found, stored, policy.matte, at_work)
    })
}

/// The opacity of every pixel of the upright picture, row by row, 0 is transparent; none of a picture without alpha.
///
/// # Errors
/// Those of [`decode`] but for the policy's.
pub fn decode_alpha(bytes: &[u8], limits: &Limits) -> Result<Option<Vec<u8>>, Error> {
    panic::guard(|at_work| {
        let found = header::read(bytes, limits)?;
        let header = &found.header;
        if !header.colour.has_alpha {
            return Ok(None);
        }
        let (width, height) = (header.stored_width_px, header.stored_height_px);
        at_work.set(Some(Decoder::first_for(header.format)));
        let samples = read(bytes, header, Rect::whole(width, height), at_work)?;
        Ok(samples.into_alpha().map(|alpha| {
            // Turned as the colours are: a grey picture of the opacity.
            let grey = RgbImage {
                width_px: width,
                height_px: height,
                data: alpha.into_iter().flat_map(|a| [a; 3]).collect(),
            };
            let upright = header.orientation.apply(grey);
            upright.data.into_iter().step_by(3).collect()
        }))
    })
}

/// Decodes the stored rectangle, then colour, alpha and orientation, in this order.
fn convert(
    bytes: &[u8],
    found: &Found<'_>,
    rect: Rect,
    matte: [u8; 3],
    at_work: &AtWork,
) -> Result<Decoded, Error> {
    let decoder = Decoder::first_for(found.header.format);
    at_work.set(Some(decoder));
    let samples = read(bytes, &found.header, rect, at_work)?;
    let conversion = match (&found.profile, found.header.colour.icc) {
        (Some(profile), header::Icc::Foreign) => Conversion::new(profile),
        _ => None,
    };
    let rgb = samples.into_srgb(conversion.as_ref(), matte);
    let image = RgbImage {
        width_px: rect.width,
        height_px: rect.height,
        data: rgb,
    };
    let image = found.header.orientation.apply(image);
    Ok(Decoded {
        image,
        decoder: at_work.get().unwrap_or(decoder),
    })
}

fn read(bytes: &[u8], header: &Header, rect: Rect, at_work: &AtWork) -> Result<Samples, Error> {
    match header.format {
        Format::Jpeg => jpeg::read(bytes, header, rect, at_work),
        Format::Png => png::read(bytes, header, rect, at_work),
        Format::WebP => webp::read(bytes, header, rect, at_work),
        Format::Gif => still::gif(bytes, header, rect),
        Format::Bmp => still::bmp(bytes, header, rect),
        Format::Tiff => tiff::read(bytes, header, rect),
    }
}
