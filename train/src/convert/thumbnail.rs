//! A small picture in a file's metadata.

use std::path::Path;

use tch::Device;
use terminus_pixels::{Subsampling, encode_jpeg};

use crate::{Error, draw::files::Picture, pictures};

/// The longest side that `ModelSpec` allows, in pixels.
const LONGEST: f64 = 256.0;
const QUALITY: u8 = 85;

/// The picture in the file at `path` as a `data:` address of a JPEG whose longer side is at most 256 pixels.
///
/// # Errors
/// The file is no picture.
pub fn thumbnail(path: &Path) -> Result<String, Error> {
    let picture = Picture::read(path)?;
    let (width, height) = picture.size();
    let scale = (LONGEST / f64::from(width.max(height))).min(1.0);
    let side = |side: u32| ((f64::from(side) * scale).round() as i64).max(1);
    let pixels = pictures::to_tensor(&picture.image, Device::Cpu)?
        .f_internal_upsample_bicubic2d_aa([side(height), side(width)], false, None, None)?;
    let images = pictures::to_images(&pixels)?;
    let image = images.first().ok_or(Error::NothingDrawn)?;
    let jpeg = encode_jpeg(image, QUALITY, Subsampling::Both)?;
    Ok(format!("data:image/jpeg;base64,{}", base64(&jpeg)))
}

/// Base64 with padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            if place <= group.len() {
                let index = bits >> (18 - 6 * place) & 63;
                text.push(char::from(ALPHABET[index as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
