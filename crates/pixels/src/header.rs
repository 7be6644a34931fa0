//! What a file says about its picture before a pixel is decoded.

mod bmp;
mod gif;
pub(crate) mod jpeg;
pub(crate) mod png;
mod tiff;
mod webp;

use std::borrow::Cow;

use crate::{Error, Format, Limits, Orientation, exif::Camera, format, icc, panic};

/// Facts from a file's header; sizes in pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// By the first bytes, never by the extension.
    pub format: Format,
    /// Width of the picture as people see it, after [`Header::orientation`].
    pub width_px: u32,
    /// Height of the picture as people see it, after [`Header::orientation`].
    pub height_px: u32,
    /// Width as stored.
    pub stored_width_px: u32,
    /// Height as stored.
    pub stored_height_px: u32,
    /// How the stored picture is turned; upright where nothing is said.
    pub orientation: Orientation,
    /// What the samples mean.
    pub colour: Colour,
    /// Whether there is one picture or an animation.
    pub frames: Frames,
    /// Whether rows come in several passes: a progressive JPEG, an interlaced PNG or GIF.
    pub is_progressive: bool,
    /// What only a JPEG has.
    pub jpeg: Option<JpegLayout>,
    /// EXIF `Make`.
    pub camera_make: Option<String>,
    /// EXIF `Model`.
    pub camera_model: Option<String>,
}

/// What the samples of a picture mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Colour {
    /// The kind of samples.
    pub model: Model,
    /// Bits per sample, or per palette index.
    pub bits: u8,
    /// Whether pixels can be transparent.
    pub has_alpha: bool,
    /// The embedded colour profile.
    pub icc: Icc,
}

/// Kinds of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Model {
    /// One brightness.
    Grey,
    /// Red, green and blue, or the luma and chroma that a codec makes of them.
    Rgb,
    /// Indices into a table of colours.
    Palette,
    /// Four inks.
    Cmyk,
    /// Four inks, the first three as luma and chroma.
    Ycck,
}

/// What an embedded ICC profile asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Icc {
    /// No profile.
    None,
    /// A profile that names sRGB, or changes no sRGB colour by more than one code.
    Srgb,
    /// Any other profile, unreadable ones included.
    Foreign,
}

/// Whether a file holds one picture or many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Frames {
    /// A still picture.
    One,
    /// An animation, or a file of several pages.
    Many,
}

/// The parts of a JPEG that a crop in the coefficient domain rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JpegLayout {
    /// Width of an iMCU, the smallest block that can be cut off losslessly, in pixels.
    pub mcu_width_px: u32,
    /// Height of an iMCU, in pixels.
    pub mcu_height_px: u32,
    /// What the components are.
    pub coding: JpegCoding,
    /// Whether the frame is one that [`crop_jpeg_lossless`](crate::crop_jpeg_lossless) reads: 8-bit,
    /// Huffman-coded baseline or extended in one scan, or progressive; chroma no finer than luma.
    pub is_croppable: bool,
}

/// The components of a JPEG.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JpegCoding {
    /// Luma alone.
    Grey,
    /// Luma and two chroma planes.
    YCbCr,
    /// Red, green and blue planes.
    Rgb,
    /// Four inks, or two of an unknown kind.
    Other,
}

/// Reads a file's header; decodes no pixels and refuses decompression bombs by the size it names.
///
/// # Errors
/// [`Error::Empty`], [`Error::NotAnImage`], [`Error::UnsupportedFormat`], [`Error::TooLarge`], and
/// [`Error::Truncated`] or [`Error::Corrupt`] where the damage is in the header already.
pub fn inspect(bytes: &[u8], limits: &Limits) -> Result<Header, Error> {
    panic::guard(|_| read(bytes, limits).map(|found| found.header))
}

impl Header {
    /// Whether the file shows everyone the same 8-bit sRGB or grey picture without any conversion, so
    /// that its own bytes or coefficients can stand for it: upright, opaque, untagged or sRGB, one frame.
    pub fn is_plain(&self) -> bool {
        self.orientation.is_upright()
            && matches!(self.colour.model, Model::Grey | Model::Rgb)
            && self.colour.bits == 8
            && !self.colour.has_alpha
            && self.colour.icc != Icc::Foreign
            && self.frames == Frames::One
    }

    /// The grid, (width, height) in pixels, on which the origin of a lossless JPEG crop must lie; none
    /// where the file allows no such crop.
    pub fn lossless_crop_grid(&self) -> Option<(u32, u32)> {
        let layout = self.jpeg.filter(|layout| layout.is_croppable)?;
        let is_cut =
            self.is_plain() && matches!(layout.coding, JpegCoding::Grey | JpegCoding::YCbCr);
        is_cut.then_some((layout.mcu_width_px, layout.mcu_height_px))
    }

    /// The colour as found, in one stable word: `rgb8`, `grey8`, `rgba16`, `palette8+alpha`, `rgb8+icc`
    /// (foreign profile), `rgb8+srgb` (sRGB profile), `cmyk8`, `ycck8`.
    pub fn colour_text(&self) -> String {
        let Colour {
            model,
            bits,
            has_alpha,
            icc,
        } = self.colour;
        let (name, alpha) = match (model, has_alpha) {
            (Model::Grey, false) => ("grey", ""),
            (Model::Grey, true) => ("greya", ""),
            (Model::Rgb, false) => ("rgb", ""),
            (Model::Rgb, true) => ("rgba", ""),
            (Model::Palette, false) => ("palette", ""),
            (Model::Palette, true) => ("palette", "+alpha"),
            (Model::Cmyk, _) => ("cmyk", ""),
            (Model::Ycck, _) => ("ycck", ""),
        };
        let icc = match icc {
            Icc::None => "",
            Icc::Srgb => "+srgb",
            Icc::Foreign => "+icc",
        };
        format!("{name}{bits}{alpha}{icc}")
    }
}

/// A header together with what the decoders need from it.
pub(crate) struct Found<'a> {
    pub header: Header,
    pub profile: Option<Cow<'a, [u8]>>,
}

/// What a format's reader finds; orientation and camera come from `exif`, the rest from the format.
pub(super) struct Facts<'a> {
    pub width: u32,
    pub height: u32,
    pub model: Model,
    pub bits: u8,
    pub has_alpha: bool,
    pub frames: Frames,
    pub is_progressive: bool,
    pub jpeg: Option<JpegLayout>,
    pub profile: Option<Cow<'a, [u8]>>,
    /// sRGB said otherwise than by a profile, as PNG can.
    pub says_srgb: bool,
    pub camera: Camera,
}

pub(crate) fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Found<'a>, Error> {
    if bytes.is_empty() {
        return Err(Error::Empty);
    }
    let Some(format) = format::sniff(bytes) else {
        return Err(match format::known_but_unread(bytes) {
            Some(name) => Error::unsupported(name),
            None => Error::NotAnImage {
                start: start_of(bytes),
            },
        });
    };
    let facts = match format {
        Format::Jpeg => jpeg::facts(bytes, limits),
        Format::Png => png::facts(bytes, limits),
        Format::WebP => webp::facts(bytes, limits),
        Format::Gif => gif::facts(bytes, limits),
        Format::Bmp => bmp::facts(bytes, limits),
        Format::Tiff => tiff::facts(bytes, limits),
    }?;
    if facts.width == 0 || facts.height == 0 {
        let detail = format!("its size is {}x{}", facts.width, facts.height);
        return Err(Error::corrupt(format, detail));
    }
    let Facts {
        width,
        height,
        model,
        bits,
        has_alpha,
        camera,
        ..
    } = facts;
    let orientation = camera.orientation;
    let (width_px, height_px) = orientation.seen_size(width, height);
    let icc = match &facts.profile {
        Some(profile) => icc::classify(profile, model),
        None if facts.says_srgb => Icc::Srgb,
        None => Icc::None,
    };
    let header = Header {
        format,
        width_px,
        height_px,
        stored_width_px: width,
        stored_height_px: height,
        orientation,
        colour: Colour {
            model,
            bits,
            has_alpha,
            icc,
        },
        frames: facts.frames,
        is_progressive: facts.is_progressive,
        jpeg: facts.jpeg,
        camera_make: camera.make,
        camera_model: camera.model,
    };
    Ok(Found {
        header,
        profile: facts.profile,
    })
}

/// The first bytes, for people: text as text, the rest escaped.
fn start_of(bytes: &[u8]) -> String {
    format!("`{}`", bytes[..bytes.len().min(16)].escape_ascii())
}
