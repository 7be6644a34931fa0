//! JPEG: libjpeg-turbo's pixels, and a second decoder for what the first does not read.

use libjpeg_turbo_rs::{Decoder as TurboDecoder, JpegError, PixelFormat, read_coefficients};
use zune_jpeg::{
    JpegDecoder as ZuneDecoder,
    errors::DecodeErrors,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::samples::{Kind, Samples};
use crate::{
    Decoder, Error,
    Format::Jpeg,
    Header,
    header::{self, JpegCoding, Model},
    panic::AtWork,
    rect::Rect,
};

/// More scans than any encoder writes; each costs a pass over the whole picture.
const MAX_SCANS: u32 = 100;

pub(super) fn read(
    bytes: &[u8],
    header: &Header,
    rect: Rect,
    at_work: &AtWork,
) -> Result<Samples, Error> {
    if !header::jpeg::has_end(bytes) {
        return Err(Error::truncated(Jpeg, "the end marker is missing"));
    }
    if header.colour.bits != 8 {
        return Err(Error::unsupported(format!(
            "a JPEG of {} bits a sample",
            header.colour.bits
        )));
    }
    match turbo(bytes, header, rect) {
        // What it does not know another may know; what it found damaged stays damaged.
        Err(JpegError::Unsupported(_)) => {
            at_work.set(Some(Decoder::ZuneJpeg));
            zune(bytes, header, rect)
        }
        result => result.map_err(error),
    }
}

fn error(error: JpegError) -> Error {
    match error {
        JpegError::UnexpectedEof => Error::truncated(Jpeg, "a scan is cut off"),
        JpegError::Unsupported(what) => Error::unsupported(format!("this JPEG ({what})")),
        error => Error::corrupt(Jpeg, error.to_string()),
    }
}

fn kind(model: Model) -> (Kind, PixelFormat) {
    match model {
        Model::Grey => (Kind::Grey, PixelFormat::Grayscale),
        Model::Cmyk | Model::Ycck => (Kind::Cmyk, PixelFormat::Cmyk),
        Model::Rgb | Model::Palette => (Kind::Rgb, PixelFormat::Rgb),
    }
}

fn turbo(bytes: &[u8], header: &Header, rect: Rect) -> Result<Samples, JpegError> {
    let (kind, format) = kind(header.colour.model);
    let mut decoder = TurboDecoder::new(bytes)?;
    decoder.set_output_format(format);
    decoder.set_scan_limit(MAX_SCANS);
    let mut whole = Rect::whole(header.stored_width_px, header.stored_height_px);
    if let Some(wider) = with_margin(header, rect) {
        let Rect {
            top,
            left,
            width,
            height,
        } = wider;
        decoder.set_crop_region(left as usize, top as usize, width as usize, height as usize);
        decoder.set_merged_upsample(false);
        whole = wider;
    }
    let image = decoder.decode_image()?;
    let mut data = image.data;
    if data.len() != whole.width as usize * whole.height as usize * kind.channels() {
        return Err(JpegError::CorruptData(
            "the decoder gave a picture of another size".to_owned(),
        ));
    }
    if kind == Kind::Cmyk {
        // Adobe stores 255 for no ink, and every reader takes it so.
        for sample in &mut data {
            *sample = 255 - *sample;
        }
    }
    let inside = Rect {
        top: rect.top - whole.top,
        left: rect.left - whole.left,
        ..rect
    };
    Ok(Samples::cut(kind, data, whole.width, whole.height, inside))
}

/// The rectangle with a margin of one iMCU, its left edge on the grid, so that chroma is interpolated
/// inside it as in the whole picture; none where a part costs no less than the whole.
fn with_margin(header: &Header, rect: Rect) -> Option<Rect> {
    let (width, height) = (header.stored_width_px, header.stored_height_px);
    let is_part = rect != Rect::whole(width, height);
    let layout = header.jpeg.filter(|layout| {
        is_part
            && !header.is_progressive
            && matches!(layout.coding, JpegCoding::Grey | JpegCoding::YCbCr)
    })?;
    let (across, down) = (layout.mcu_width_px, layout.mcu_height_px);
    let left = (rect.left / across).saturating_sub(1) * across;
    let top = (rect.top / down).saturating_sub(1) * down;
    let right = ((rect.left + rect.width).div_ceil(across) + 1)
        .saturating_mul(across)
        .min(width);
    let bottom = ((rect.top + rect.height).div_ceil(down) + 1)
        .saturating_mul(down)
        .min(height);
    Some(Rect {
        top,
        left,
        width: right - left,
        height: bottom - top,
    })
}

/// The second decoder. Even its strict mode fills the end of a cut scan with grey, so that the first
/// decoder has to have read every coefficient before.
fn zune(bytes: &[u8], header: &Header, rect: Rect) -> Result<Samples, Error> {
    read_coefficients(bytes).map_err(error)?;
    let (kind, colour) = match header.colour.model {
        Model::Grey => (Kind::Grey, ColorSpace::Luma),
        Model::Rgb => (Kind::Rgb, ColorSpace::RGB),
        _ => return Err(Error::unsupported("this kind of CMYK JPEG")),
    };
    let (width, height) = (header.stored_width_px, header.stored_height_px);
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(width as usize)
        .set_max_height(height as usize)
        .jpeg_set_max_scans(MAX_SCANS as usize)
        .jpeg_set_out_colorspace(colour);
    let data = ZuneDecoder::new_with_options(ZCursor::new(bytes), options)
        .decode()
        .map_err(|error| match error {
            DecodeErrors::Unsupported(what) => Error::unsupported(format!("this JPEG ({what:?})")),
            DecodeErrors::ExhaustedData => Error::truncated(Jpeg, "a scan is cut off"),
            error => Error::corrupt(Jpeg, error.to_string()),
        })?;
    if data.len() != width as usize * height as usize * kind.channels() {
        return Err(Error::corrupt(
            Jpeg,
            "the decoder gave a picture of another size",
        ));
    }
    Ok(Samples::cut(kind, data, width, height, rect))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, inspect};

    #[test]
    fn the_second_decoder_sees_nearly_what_the_first_sees() {
        let names = [
            "444",
            "422",
            "420",
            "progressive",
            "grey",
            "restart",
            "srgb",
        ];
        for name in names {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
            let bytes = fs_err::read(folder.join(format!("{name}.jpg"))).unwrap();
            let header = inspect(&bytes, &Limits::default()).unwrap();
            let rect = Rect {
                top: 3,
                left: 5,
                width: 20,
                height: 15,
            };
            let first = turbo(&bytes, &header, rect).unwrap().data;
            let second = zune(&bytes, &header, rect).unwrap().data;
            assert_eq!(first.len(), second.len());
            let differences = first
                .iter()
                .zip(&second)
                .map(|(a, b)| f64::from(a.abs_diff(*b)));
            let mean = differences.clone().sum::<f64>() / first.len() as f64;
            let largest = differences.fold(0.0, f64::max);
            assert!(
                largest <= 8.0 && mean < 1.0,
                "{name}: mean {mean:.3}, largest {largest}"
            );
        }
    }

    #[test]
    fn the_second_decoder_refuses_a_cut_scan_too() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/420.jpg");
        let mut bytes = fs_err::read(path).unwrap();
        let header = inspect(&bytes, &Limits::default()).unwrap();
        let rect = Rect::whole(header.width_px, header.height_px);
        bytes.truncate(bytes.len() * 9 / 10);
        assert!(zune(&bytes, &header, rect).is_err());
        bytes.extend_from_slice(&[0xFF, 0xD9]);
        assert!(zune(&bytes, &header, rect).is_err());
        assert!(turbo(&bytes, &header, rect).is_err());
    }
}
