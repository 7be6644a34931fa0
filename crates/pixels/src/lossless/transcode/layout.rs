//! The segments of a plain baseline JPEG.

use std::{ops::Range, rc::Rc};

use super::{
    Stop,
    bits::PADDING,
    huffman::{AcStep, DcTable, ac_steps},
};
use crate::rect::Rect;

/// Markers.
const SOF0: u8 = 0xC0;
const DHT: u8 = 0xC4;
const SOS: u8 = 0xDA;
const DQT: u8 = 0xDB;
const DRI: u8 = 0xDD;
const APP0: u8 = 0xE0;
const APP14: u8 = 0xEE;
const COM: u8 = 0xFE;

/// A JFIF segment: version 1.1, no density, no thumbnail.
const JFIF: [u8; 18] = *b"\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0";

/// What the fast way needs to know of a file.
pub(super) struct Layout {
    width: u32,
    height: u32,
    sampling: (u32, u32),
    /// The components in the order of the scan.
    pub components: Vec<Component>,
    /// Segments of tables, which go out as they came in.
    tables: Vec<Range<usize>>,
    frame: Range<usize>,
    scan_header: Range<usize>,
}

/// One component of the scan.
pub(super) struct Component {
    /// Blocks in an MCU.
    pub blocks: u32,
    /// The codes of its DCs.
    pub dc: Rc<DcTable>,
    /// The steps of its ACs.
    pub ac: Rc<[AcStep]>,
}

/// The tables that a file has defined so far.
#[derive(Default)]
struct Tables {
    dc: [Option<Rc<DcTable>>; 4],
    ac: [Option<Rc<[AcStep]>>; 4],
}

impl Layout {
    /// Reads the segments before the scan.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Stop> {
        let mut at = 2;
        let mut tables = Tables::default();
        let mut kept = Vec::new();
        let mut frame = None;
        loop {
            let [0xFF, marker, high, low] = *bytes.get(at..at + 4).ok_or(Stop::NotPlain)? else {
                return Err(Stop::NotPlain);
            };
            let length = usize::from(u16::from_be_bytes([high, low]));
            let segment = at..at + 2 + length;
            let body = bytes.get(at + 4..segment.end).ok_or(Stop::NotPlain)?;
            match marker {
                DQT => kept.push(segment.clone()),
                DHT => {
                    tables.read(body)?;
                    kept.push(segment.clone());
                }
                SOF0 if frame.is_none() => frame = Some(segment.clone()),
                // An interval of 0 is none.
                DRI if body == [0, 0] => {}
                SOS => {
                    let frame = frame.ok_or(Stop::NotPlain)?;
                    return Self::new(bytes, frame, segment, kept, &tables);
                }
                // Adobe's segment says how colours are coded: the library knows what it means.
                APP14 => return Err(Stop::NotPlain),
                APP0..=0xEF | COM => {}
                _ => return Err(Stop::NotPlain),
            }
            at = segment.end;
        }
    }

    fn new(
        bytes: &[u8],
        frame: Range<usize>,
        scan_header: Range<usize>,
        kept: Vec<Range<usize>>,
        tables: &Tables,
    ) -> Result<Self, Stop> {
        let sof = &bytes[frame.start + 4..frame.end];
        let sos = &bytes[scan_header.start + 4..scan_header.end];
        let (&[8, h1, h0, w1, w0, count], fields) =
            sof.split_first_chunk::<6>().ok_or(Stop::NotPlain)?
        else {
            return Err(Stop::NotPlain);
        };
        let ids: &[u8] = match count {
            1 => &[1],
            3 => &[1, 2, 3],
            _ => return Err(Stop::NotPlain),
        };
        let is_whole = sof.len() == 6 + 3 * ids.len()
            && sos.len() == 4 + 2 * ids.len()
            && sos[0] == count
            && sos[1 + 2 * ids.len()..] == [0, 63, 0];
        if !is_whole {
            return Err(Stop::NotPlain);
        }
        let mut components = Vec::new();
        let mut sampling = (1, 1);
        for (number, id) in ids.iter().enumerate() {
            let (field, choice) = (&fields[3 * number..], &sos[1 + 2 * number..]);
            let (across, down) = (u32::from(field[1] >> 4), u32::from(field[1] & 15));
            let is_plain = field[0] == *id
                && choice[0] == *id
                && (1..=4).contains(&across)
                && (1..=4).contains(&down)
                // One component alone is coded block by block, whatever its sampling says.
                && (count == 3 || (across, down) == (1, 1));
            let (dc, ac) = (usize::from(choice[1] >> 4), usize::from(choice[1] & 15));
            let dc = tables.dc.get(dc).cloned().flatten();
            let ac = tables.ac.get(ac).cloned().flatten();
            let (true, Some(dc), Some(ac)) = (is_plain, dc, ac) else {
                return Err(Stop::NotPlain);
            };
            sampling = (sampling.0.max(across), sampling.1.max(down));
            let blocks = across * down;
            components.push(Component { blocks, dc, ac });
        }
        Ok(Self {
            width: u32::from(u16::from_be_bytes([w1, w0])),
            height: u32::from(u16::from_be_bytes([h1, h0])),
            sampling,
            components,
            tables: kept,
            frame,
            scan_header,
        })
    }

    /// Width and height of an MCU in pixels.
    pub(super) fn mcu_size(&self) -> (u32, u32) {
        (8 * self.sampling.0, 8 * self.sampling.1)
    }

    /// MCUs beside each other.
    pub(super) fn mcus_across(&self) -> u32 {
        self.width.div_ceil(self.mcu_size().0)
    }

    /// Whether a rectangle lies in the frame that the file itself names.
    pub(super) fn holds(&self, rect: Rect) -> bool {
        rect.left + rect.width <= self.width && rect.top + rect.height <= self.height
    }

    /// The bytes of the scan without the zeros behind bytes of ones, and zeros behind its end.
    pub(super) fn unstuffed_scan(&self, bytes: &[u8]) -> Result<Vec<u8>, Stop> {
        let mut rest = &bytes[self.scan_header.end..];
        let mut scan = Vec::with_capacity(rest.len() + PADDING);
        while let Some(at) = rest.iter().position(|byte| *byte == 0xFF) {
            scan.extend_from_slice(&rest[..at]);
            match rest.get(at + 1) {
                Some(0) => scan.push(0xFF),
                Some(0xD9) => break,
                // A restart, another scan, fill bytes.
                _ => return Err(Stop::NotPlain),
            }
            rest = &rest[at + 2..];
        }
        scan.extend_from_slice(&[0; PADDING]);
        Ok(scan)
    }

    /// Everything before the scan's data, for a picture as large as `rect`.
    pub(super) fn headers(&self, bytes: &[u8], rect: Rect) -> Vec<u8> {
        let mut out = vec![0xFF, 0xD8];
        out.extend_from_slice(&JFIF);
        for table in &self.tables {
            out.extend_from_slice(&bytes[table.clone()]);
        }
        let frame = out.len();
        out.extend_from_slice(&bytes[self.frame.clone()]);
        let size = [rect.height as u16, rect.width as u16].map(u16::to_be_bytes);
        out[frame + 5..frame + 9].copy_from_slice(size.as_flattened());
        out.extend_from_slice(&bytes[self.scan_header.clone()]);
        out
    }
}

impl Tables {
    /// Takes in a segment of Huffman tables.
    fn read(&mut self, mut body: &[u8]) -> Result<(), Stop> {
        while let Some((head, rest)) = body.split_first_chunk::<17>() {
            let (class, slot) = (head[0] >> 4, usize::from(head[0] & 15));
            let counts = &head[1..];
            let count: usize = counts.iter().map(|count| usize::from(*count)).sum();
            let symbols = rest.get(..count).ok_or(Stop::NotPlain)?;
            if slot > 3 || class > 1 {
                return Err(Stop::NotPlain);
            }
            if class == 0 {
                let table = DcTable::new(counts, symbols).ok_or(Stop::NotPlain)?;
                self.dc[slot] = Some(Rc::new(table));
            } else {
                let steps = ac_steps(counts, symbols).ok_or(Stop::NotPlain)?;
                self.ac[slot] = Some(steps.into());
            }
            body = &rest[count..];
        }
        if body.is_empty() {
            Ok(())
        } else {
            Err(Stop::NotPlain)
        }
    }
}
