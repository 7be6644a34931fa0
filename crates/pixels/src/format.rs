//! Image formats, told apart by their first bytes.

use serde::{Deserialize, Serialize};

/// A file format that this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JPEG: baseline, extended or progressive.
    Jpeg,
    /// PNG, interlaced and animated ones included.
    Png,
    /// WebP: lossy, lossless or animated.
    WebP,
    /// GIF.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// TIFF and `BigTIFF`; the first page.
    Tiff,
}

impl Format {
    /// Every format that is read.
    pub const ALL: [Self; 6] = [
        Self::Jpeg,
        Self::Png,
        Self::WebP,
        Self::Gif,
        Self::Bmp,
        Self::Tiff,
    ];

    /// The usual file extension, without the dot: `jpg`, `png`, `webp`, `gif`, `bmp`, `tif`.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Gif => "gif",
            Self::Bmp => "bmp",
            Self::Tiff => "tif",
        }
    }

    /// The word that tables and messages hold: `jpeg`, `png`, `webp`, `gif`, `bmp`, `tiff`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Gif => "gif",
            Self::Bmp => "bmp",
            Self::Tiff => "tiff",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// The format that the first bytes show, whatever the file is called.
pub fn sniff(bytes: &[u8]) -> Option<Format> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Some(Format::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Format::Png),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some(Format::WebP),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Format::Tiff),
        // `BM` alone is too common in text: the size of the second header must be one that exists.
        [
            b'B',
            b'M',
            ..,
            12 | 16 | 40 | 52 | 56 | 64 | 108 | 124,
            0,
            0,
            0,
        ] if bytes.len() == 18 => Some(Format::Bmp),
        [b'B', b'M', ..] if bytes.len() > 18 => sniff(&bytes[..18]),
        _ => None,
    }
}

/// The name of a picture format that is recognised but not read, for an honest message.
pub(crate) fn known_but_unread(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [
            _,
            _,
            _,
            _,
            b'f',
            b't',
            b'y',
            b'p',
            b'a',
            b'v',
            b'i',
            b'f' | b's',
            ..,
        ] => Some("AVIF"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'h', b'e', ..]
        | [
            _,
            _,
            _,
            _,
            b'f',
            b't',
            b'y',
            b'p',
            b'm',
            b'i' | b's',
            b'f',
            b'1',
            ..,
        ] => Some("HEIF"),
        [0xFF, 0x0A, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => Some("JPEG XL"),
        [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] | [0xFF, 0x4F, 0xFF, 0x51, ..] => {
            Some("JPEG 2000")
        }
        [b'8', b'B', b'P', b'S', ..] => Some("Photoshop"),
        [b'q', b'o', b'i', b'f', ..] => Some("QOI"),
        [0, 0, 1, 0, ..] => Some("Windows icon"),
        [0x76, 0x2F, 0x31, 0x01, ..] => Some("OpenEXR"),
        [b'P', b'1'..=b'7', b'\n' | b' ' | b'\r' | b'\t', ..] => Some("Netpbm"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_does_not_matter_but_its_first_bytes_do() {
        assert_eq!(sniff(b"\xFF\xD8\xFF\xE0"), Some(Format::Jpeg));
        assert_eq!(sniff(b"\x89PNG\r\n\x1A\n"), Some(Format::Png));
        assert_eq!(sniff(b"RIFF\0\0\0\0WEBPVP8 "), Some(Format::WebP));
        assert_eq!(sniff(b"GIF89a"), Some(Format::Gif));
        assert_eq!(sniff(b"II*\0"), Some(Format::Tiff));
        assert_eq!(sniff(b"MM\0*"), Some(Format::Tiff));
        assert_eq!(
            sniff(b"BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0\0\0"),
            Some(Format::Bmp)
        );
        for other in [
            &b""[..],
            b"\xFF\xD8",
            b"RIFF\0\0\0\0WAVE",
            b"BMW is a maker of cars, not a bitmap",
        ] {
            assert_eq!(sniff(other), None);
        }
    }

    #[test]
    fn a_web_page_called_jpg_is_no_image_and_an_avif_is_named() {
        assert_eq!(known_but_unread(b"<!doctype html>"), None);
        assert_eq!(known_but_unread(b"\0\0\0\x1Cftypavif"), Some("AVIF"));
        assert_eq!(known_but_unread(b"\0\0\0\x18ftypheic"), Some("HEIF"));
    }
}
