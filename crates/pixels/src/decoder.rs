//! The libraries that decode, by name and version.

use crate::Format;

/// The library that turned bytes into pixels; part of the identity of the pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decoder {
    /// `libjpeg-turbo-rs`, whose every byte equals libjpeg-turbo's.
    LibjpegTurbo,
    /// `zune-jpeg`, for the few JPEGs that the first one does not read.
    ZuneJpeg,
    /// libdeflate, as the crate `libdeflater` builds it, and filters of our own: PNGs of 8 bits in one pass.
    Libdeflate,
    /// `png`, for all others.
    Png,
    /// libwebp, as the crate `libwebp-sys` builds it.
    LibWebP,
    /// `image-webp`, for animations and what the first one does not read.
    ImageWebP,
    /// `gif`.
    Gif,
    /// The bitmap reader of `image`.
    Bmp,
    /// `tiff`.
    Tiff,
}

impl Decoder {
    /// Every decoder.
    pub const ALL: [Self; 9] = [
        Self::LibjpegTurbo,
        Self::ZuneJpeg,
        Self::Libdeflate,
        Self::Png,
        Self::LibWebP,
        Self::ImageWebP,
        Self::Gif,
        Self::Bmp,
        Self::Tiff,
    ];

    /// The decoder that a file of this format is given to first.
    pub(crate) fn first_for(format: Format) -> Self {
        match format {
            Format::Jpeg => Self::LibjpegTurbo,
            Format::Png => Self::Libdeflate,
            Format::WebP => Self::LibWebP,
            Format::Gif => Self::Gif,
            Format::Bmp => Self::Bmp,
            Format::Tiff => Self::Tiff,
        }
    }

    /// The crate that decodes.
    pub fn name(self) -> &'static str {
        self.crate_and_version().0
    }

    /// The version of that crate in this build.
    pub fn version(self) -> &'static str {
        self.crate_and_version().1
    }

    /// A test holds these against `Cargo.lock`.
    fn crate_and_version(self) -> (&'static str, &'static str) {
        match self {
            Self::LibjpegTurbo => ("libjpeg-turbo-rs", "0.9.0"),
            Self::ZuneJpeg => ("zune-jpeg", "0.5.15"),
            Self::Libdeflate => ("libdeflater", "1.26.1"),
            Self::Png => ("png", "0.18.1"),
            Self::LibWebP => ("libwebp-sys", "0.9.6"),
            Self::ImageWebP => ("image-webp", "0.2.4"),
            Self::Gif => ("gif", "0.14.2"),
            Self::Bmp => ("image", "0.25.10"),
            Self::Tiff => ("tiff", "0.11.3"),
        }
    }
}

impl std::fmt::Display for Decoder {
    /// `libjpeg-turbo-rs 0.9.0`: what the column `decoder` of the ledger holds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, version) = self.crate_and_version();
        write!(f, "{name} {version}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(name: &str) -> Vec<&'static str> {
        include_str!("../../../Cargo.lock")
            .split("\n[[package]]\n")
            .filter_map(|package| package.strip_prefix(&format!("name = \"{name}\"\nversion = \"")))
            .filter_map(|rest| rest.split('"').next())
            .collect()
    }

    #[test]
    fn every_version_is_the_one_that_is_built() {
        for decoder in Decoder::ALL {
            assert_eq!(
                locked(decoder.name()),
                [decoder.version()],
                "{}",
                decoder.name()
            );
        }
    }

    #[test]
    fn the_colour_engine_is_the_one_that_the_code_version_stands_for() {
        // A newer engine may move pixels: compare with ImageCms, then raise `CODE_VERSION`.
        assert_eq!(locked("moxcms"), ["0.8.1"]);
    }
}
