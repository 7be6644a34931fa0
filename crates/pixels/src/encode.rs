//! Pixels back into files.

use image_webp::{ColorType as WebPColour, WebPEncoder};
use libjpeg_turbo_rs::Subsampling as TurboSubsampling;

use crate::{Error, Format, RgbImage};

/// How much time a PNG may cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effort {
    /// For shards: about as small as Pillow's default, at several times its speed.
    #[default]
    Fast,
}

/// How much coarser than luma a JPEG's chroma is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subsampling {
    /// 4:4:4: as fine.
    None,
    /// 4:2:2: half the columns.
    Horizontal,
    /// 4:2:0: half the columns and half the rows.
    Both,
    /// 4:4:0: half the rows.
    Vertical,
}

/// A PNG of these pixels, without metadata. The same pixels give the same bytes.
///
/// # Errors
/// [`Error::Encode`] if the picture has no area or does not fill its size.
pub fn encode_png(image: &RgbImage, effort: Effort) -> Result<Vec<u8>, Error> {
    encode_png_with_text(image, effort, &[])
}

/// [`encode_png`] with texts in front of the pixels, each a (keyword, text): `tEXt` where Latin-1 holds the text, `iTXt`
/// elsewhere, as Pillow chooses.
///
/// # Errors
/// As [`encode_png`]; a keyword that PNG does not allow.
pub fn encode_png_with_text(
    image: &RgbImage,
    effort: Effort,
    texts: &[(&str, &str)],
) -> Result<Vec<u8>, Error> {
    let Effort::Fast = effort;
    let fail = |e: png::EncodingError| encode_error(Format::Png, e.to_string());
    let mut out = Vec::with_capacity(image.data.len() / 2);
    let mut encoder = png::Encoder::new(&mut out, image.width_px, image.height_px);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    for &(keyword, text) in texts {
        let (keyword, text) = (keyword.to_owned(), text.to_owned());
        if text.chars().all(|c| u32::from(c) < 256) {
            encoder.add_text_chunk(keyword, text).map_err(fail)?;
        } else {
            encoder.add_itxt_chunk(keyword, text).map_err(fail)?;
        }
    }
    let mut writer = encoder.write_header().map_err(fail)?;
    writer.write_image_data(&image.data).map_err(fail)?;
    writer.finish().map_err(fail)?;
    Ok(out)
}

/// A baseline JPEG of these pixels, quality 1 to 100, as libjpeg-turbo writes it.
///
/// # Errors
/// [`Error::Encode`] if the picture has no area, does not fill its size or is over 65,535 pixels a side.
pub fn encode_jpeg(
    image: &RgbImage,
    quality: u8,
    subsampling: Subsampling,
) -> Result<Vec<u8>, Error> {
    let subsampling = match subsampling {
        Subsampling::None => TurboSubsampling::S444,
        Subsampling::Horizontal => TurboSubsampling::S422,
        Subsampling::Both => TurboSubsampling::S420,
        Subsampling::Vertical => TurboSubsampling::S440,
    };
    libjpeg_turbo_rs::compress(
        &image.data,
        image.width_px as usize,
        image.height_px as usize,
        libjpeg_turbo_rs::PixelFormat::Rgb,
        quality,
        subsampling,
    )
    .map_err(|e| encode_error(Format::Jpeg, e.to_string()))
}

/// A lossless WebP of these pixels.
///
/// # Errors
/// [`Error::Encode`] if the picture has no area, does not fill its size or is over 16,384 pixels a side.
pub fn encode_webp_lossless(image: &RgbImage) -> Result<Vec<u8>, Error> {
    let RgbImage {
        width_px,
        height_px,
        data,
    } = image;
    if data.len() != *width_px as usize * *height_px as usize * 3 {
        return Err(encode_error(
            Format::WebP,
            "the pixels do not fill the picture",
        ));
    }
    let mut out = Vec::new();
    WebPEncoder::new(&mut out)
        .encode(data, *width_px, *height_px, WebPColour::Rgb8)
        .map_err(|e| encode_error(Format::WebP, e.to_string()))?;
    Ok(out)
}

fn encode_error(format: Format, detail: impl Into<String>) -> Error {
    Error::Encode {
        format,
        detail: detail.into(),
    }
}
