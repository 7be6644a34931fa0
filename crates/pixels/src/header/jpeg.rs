//! JPEG markers up to the first scan.

use std::borrow::Cow;

use super::{Facts, Frames, JpegCoding, JpegLayout, Model};
use crate::{Error, Format::Jpeg, Limits, bytes::be16, exif::Camera};

/// The frame header (SOF), as far as this crate needs it.
struct Frame {
    marker: u8,
    bits: u8,
    height: u32,
    width: u32,
    components: Vec<Component>,
}

struct Component {
    id: u8,
    across: u8,
    down: u8,
}

/// One marker segment: its code, and its payload without the length.
struct Segment<'a> {
    marker: u8,
    payload: &'a [u8],
    /// Where the next marker is looked for.
    end: usize,
}

/// The next marker segment at or after `at`; stray bytes between segments are skipped, as libjpeg does.
fn next_segment(bytes: &[u8], mut at: usize) -> Result<Segment<'_>, Error> {
    loop {
        let found = bytes
            .get(at..)
            .and_then(|rest| rest.iter().position(|&byte| byte == 0xFF));
        at += found.ok_or_else(|| Error::truncated(Jpeg, "the header has no scan"))?;
        while bytes.get(at) == Some(&0xFF) {
            at += 1;
        }
        let Some(&marker) = bytes.get(at) else {
            return Err(Error::truncated(Jpeg, "the header has no scan"));
        };
        at += 1;
        match marker {
            // A stuffed byte, and the markers that carry nothing.
            0x00 | 0x01 | 0xD0..=0xD8 => continue,
            0xD9 => {
                return Ok(Segment {
                    marker,
                    payload: &[],
                    end: at,
                });
            }
            _ => {}
        }
        let length = be16(bytes, at).map(usize::from);
        let payload = match length {
            Some(length) if length < 2 => {
                return Err(Error::corrupt(
                    Jpeg,
                    format!("marker 0xFF{marker:02X} has length {length}"),
                ));
            }
            Some(length) => bytes.get(at + 2..at + length),
            None => None,
        };
        let Some(payload) = payload else {
            return Err(Error::truncated(
                Jpeg,
                format!("inside marker 0xFF{marker:02X}"),
            ));
        };
        return Ok(Segment {
            marker,
            payload,
            end: at + 2 + payload.len(),
        });
    }
}

pub(super) fn facts<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Facts<'a>, Error> {
    let mut frame = None;
    let (mut has_jfif, mut adobe, mut camera) = (false, None, None);
    let mut profile = ProfileParts::default();
    let mut at = 2;
    let components_of_scan = loop {
        let Segment {
            marker,
            payload,
            end,
        } = next_segment(bytes, at)?;
        at = end;
        match marker {
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF if frame.is_none() => {
                frame = Some(read_frame(marker, payload)?);
            }
            0xE0 if payload.starts_with(b"JFIF\0") => has_jfif = true,
            0xE1 if payload.starts_with(b"Exif\0") && camera.is_none() => {
                camera = Some(Camera::read(payload));
            }
            0xE2 => profile.take(payload),
            0xEE if payload.starts_with(b"Adobe") => adobe = payload.get(11).copied().or(adobe),
            0xDA => break payload.first().copied().unwrap_or(0),
            0xD9 => return Err(Error::truncated(Jpeg, "it ends before its first scan")),
            _ => {}
        }
    };
    let frame = frame.ok_or_else(|| Error::corrupt(Jpeg, "a scan without a frame header"))?;
    limits.check(frame.width, frame.height)?;
    let (model, coding) = colour(&frame, has_jfif, adobe)?;
    Ok(Facts {
        width: frame.width,
        height: frame.height,
        model,
        bits: frame.bits,
        has_alpha: false,
        frames: Frames::One,
        is_progressive: matches!(frame.marker, 0xC2 | 0xC6 | 0xCA | 0xCE),
        jpeg: Some(layout(&frame, coding, usize::from(components_of_scan))),
        profile: profile.whole(),
        says_srgb: false,
        camera: camera.unwrap_or_default(),
    })
}

fn read_frame(marker: u8, payload: &[u8]) -> Result<Frame, Error> {
    let short = || Error::corrupt(Jpeg, "the frame header is too short");
    let [bits, _, _, _, _, count, rest @ ..] = payload else {
        return Err(short());
    };
    let count = usize::from(*count);
    let components: Vec<_> = rest
        .chunks_exact(3)
        .take(count)
        .map(|part| Component {
            id: part[0],
            across: part[1] >> 4,
            down: part[1] & 15,
        })
        .collect();
    if components.len() != count || count == 0 {
        return Err(short());
    }
    if components
        .iter()
        .any(|c| !(1..=4).contains(&c.across) || !(1..=4).contains(&c.down))
    {
        return Err(Error::corrupt(Jpeg, "a sampling factor outside 1 to 4"));
    }
    let size = |at| be16(payload, at).map(u32::from).ok_or_else(short);
    Ok(Frame {
        marker,
        bits: *bits,
        height: size(1)?,
        width: size(3)?,
        components,
    })
}

/// The rule of libjpeg's `default_decompress_parms`.
fn colour(frame: &Frame, has_jfif: bool, adobe: Option<u8>) -> Result<(Model, JpegCoding), Error> {
    Ok(match (frame.components.as_slice(), adobe) {
        ([_], _) => (Model::Grey, JpegCoding::Grey),
        ([_, _, _], _) if has_jfif => (Model::Rgb, JpegCoding::YCbCr),
        ([_, _, _], Some(0)) => (Model::Rgb, JpegCoding::Rgb),
        ([r, g, b], None) if [r.id, g.id, b.id] == *b"RGB" => (Model::Rgb, JpegCoding::Rgb),
        ([_, _, _], _) => (Model::Rgb, JpegCoding::YCbCr),
        ([_, _, _, _], _) if !has_usual_inks(frame) => {
            return Err(Error::unsupported(
                "a CMYK JPEG with unusual sampling factors",
            ));
        }
        ([_, _, _, _], Some(1..)) => (Model::Ycck, JpegCoding::Other),
        ([_, _, _, _], _) => (Model::Cmyk, JpegCoding::Other),
        (other, _) => {
            return Err(Error::unsupported(format!(
                "a JPEG of {} components",
                other.len()
            )));
        }
    })
}

/// Whether four components are sampled as Photoshop does it: black as finely as the first, the two others
/// alike. libjpeg-turbo-rs 0.9 puts other layouts together wrongly, without saying so.
fn has_usual_inks(frame: &Frame) -> bool {
    let factors: Vec<_> = frame
        .components
        .iter()
        .map(|c| (c.across, c.down))
        .collect();
    matches!(factors.as_slice(), [first @ ((1 | 2, 1) | (2, 2)), (1, 1), (1, 1), last] if first == last)
}

fn layout(frame: &Frame, coding: JpegCoding, components_of_scan: usize) -> JpegLayout {
    let widest = |side: fn(&Component) -> u8| frame.components.iter().map(side).max().unwrap_or(1);
    // A scan of one component is not interleaved: its MCU is one block, whatever its factors say.
    let (across, down) = match frame.components.len() {
        1 => (1, 1),
        _ => (widest(|c| c.across), widest(|c| c.down)),
    };
    let chroma_is_single = frame
        .components
        .iter()
        .skip(1)
        .all(|c| (c.across, c.down) == (1, 1));
    // libjpeg-turbo-rs 0.9 reads a sequential file only if all of it lies in one scan.
    let is_in_one_scan = components_of_scan == frame.components.len();
    JpegLayout {
        mcu_width_px: u32::from(across) * 8,
        mcu_height_px: u32::from(down) * 8,
        coding,
        is_croppable: (frame.marker == 0xC2
            || matches!(frame.marker, 0xC0 | 0xC1) && is_in_one_scan)
            && frame.bits == 8
            && (frame.components.len() == 1 || chroma_is_single),
    }
}

/// The chunks of an ICC profile, which a JPEG spreads over APP2 segments.
#[derive(Default)]
struct ProfileParts<'a> {
    count: u8,
    parts: Vec<(u8, &'a [u8])>,
}

impl<'a> ProfileParts<'a> {
    fn take(&mut self, payload: &'a [u8]) {
        if let Some([number, count, part @ ..]) = payload.strip_prefix(b"ICC_PROFILE\0") {
            self.count = *count;
            self.parts.push((*number, part));
        }
    }

    /// The whole profile; none if a chunk is missing, as Pillow and browsers have it.
    fn whole(mut self) -> Option<Cow<'a, [u8]>> {
        self.parts.sort_by_key(|&(number, _)| number);
        let is_whole = !self.parts.is_empty()
            && self.parts.len() == usize::from(self.count)
            && self
                .parts
                .iter()
                .zip(1..)
                .all(|(&(number, _), place)| number == place);
        match self.parts.as_slice() {
            _ if !is_whole => None,
            [(_, part)] => Some(Cow::Borrowed(*part)),
            parts => Some(Cow::Owned(
                parts
                    .iter()
                    .flat_map(|(_, part)| part.iter().copied())
                    .collect(),
            )),
        }
    }
}

/// Whether the end marker follows the last scan, so that no scan can be missing: a progressive file
/// that is cut between two scans decodes without complaint, to a blurred picture.
pub(crate) fn has_end(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        match next_segment(bytes, at) {
            Ok(Segment { marker: 0xD9, .. }) => return true,
            Ok(Segment {
                marker: 0xDA, end, ..
            }) => at = end_of_scan(bytes, end),
            Ok(segment) => at = segment.end,
            Err(_) => return false,
        }
    }
}

/// The first marker after the entropy-coded bytes that start at `at`; the end of the file if none.
fn end_of_scan(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(|&b| b == 0xFF))
    {
        at += found;
        match bytes.get(at + 1) {
            Some(0x00 | 0xD0..=0xD7) => at += 2,
            Some(0xFF) => at += 1,
            _ => return at,
        }
    }
    bytes.len()
}

/// Where the JFIF segment ends that every plain JPEG starts with.
pub(crate) fn end_of_first_segment(jpeg: &[u8]) -> usize {
    match next_segment(jpeg, 2) {
        Ok(Segment {
            marker: 0xE0, end, ..
        }) => end,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_its_parts_in_their_order_and_none_without_all_of_them() {
        let whole = |payloads: &[&[u8]]| {
            let mut parts = ProfileParts::default();
            for payload in payloads {
                parts.take(payload);
            }
            parts.whole().map(Cow::into_owned)
        };
        let (first, second) = (b"ICC_PROFILE\0\x01\x02ab", b"ICC_PROFILE\0\x02\x02cd");
        assert_eq!(whole(&[second, first]), Some(b"abcd".to_vec()));
        assert_eq!(whole(&[b"ICC_PROFILE\0\x01\x01ab"]), Some(b"ab".to_vec()));
        assert_eq!(whole(&[second]), None);
        assert_eq!(whole(&[first, first]), None);
        assert_eq!(whole(&[b"http://ns.adobe.com/", b""]), None);
    }
}
