//! The segments of a JPEG whose picture lies in one scan.

use std::rc::Rc;

use super::{
    Stop,
    frame::{Component, Frame},
    huffman::Decoder,
};

/// Markers.
const SOF0: u8 = 0xC0;
const SOF1: u8 = 0xC1;
const DHT: u8 = 0xC4;
const SOS: u8 = 0xDA;
const DQT: u8 = 0xDB;
const DRI: u8 = 0xDD;
const APP0: u8 = 0xE0;
const APP15: u8 = 0xEF;
const COM: u8 = 0xFE;

/// What the fast way needs to know of a file.
pub(super) struct Plain<'a> {
    pub frame: Frame,
    /// The tables of DC and AC, by component.
    pub decoders: Vec<(Rc<Decoder>, Rc<Decoder>)>,
    /// MCUs from one restart to the next; 0 for none.
    pub restart_interval: u32,
    /// The scan's data, and whatever follows.
    pub scan: &'a [u8],
}

/// The tables that a file has defined so far.
#[derive(Default)]
struct Tables {
    quantisation: [Option<[u16; 64]>; 4],
    dc: [Option<Rc<Decoder>>; 4],
    ac: [Option<Rc<Decoder>>; 4],
}

impl<'a> Plain<'a> {
    /// Reads the segments before the scan.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Stop> {
        let mut at = 2;
        let mut tables = Tables::default();
        let mut frame = None;
        let mut restart_interval = 0;
        loop {
            let [0xFF, marker, high, low] = *bytes.get(at..at + 4).ok_or(Stop::NotPlain)? else {
                return Err(Stop::NotPlain);
            };
            let length = usize::from(u16::from_be_bytes([high, low]));
            let end = at + 2 + length;
            let body = bytes.get(at + 4..end).ok_or(Stop::NotPlain)?;
            match marker {
                DQT => tables.read_quantisation(body)?,
                DHT => tables.read_huffman(body)?,
                SOF0 | SOF1 if frame.is_none() => frame = Some(body),
                DRI => match *body {
                    [high, low] => restart_interval = u32::from(u16::from_be_bytes([high, low])),
                    _ => return Err(Stop::NotPlain),
                },
                SOS => {
                    let (frame, decoders) = tables.choose(frame.ok_or(Stop::NotPlain)?, body)?;
                    return Ok(Self {
                        frame,
                        decoders,
                        restart_interval,
                        scan: &bytes[end..],
                    });
                }
                APP0..=APP15 | COM => {}
                _ => return Err(Stop::NotPlain),
            }
            at = end;
        }
    }
}

impl Tables {
    /// Takes in a segment of quantisation tables.
    fn read_quantisation(&mut self, mut body: &[u8]) -> Result<(), Stop> {
        while let Some((&head, rest)) = body.split_first() {
            let slot = self.quantisation.get_mut(usize::from(head & 15));
            let slot = slot.ok_or(Stop::NotPlain)?;
            match head >> 4 {
                0 => {
                    let (table, rest) = rest.split_first_chunk::<64>().ok_or(Stop::NotPlain)?;
                    *slot = Some(table.map(u16::from));
                    body = rest;
                }
                1 => {
                    let (table, rest) = rest.split_first_chunk::<128>().ok_or(Stop::NotPlain)?;
                    let (steps, _) = table.as_chunks::<2>();
                    *slot = Some(std::array::from_fn(|at| u16::from_be_bytes(steps[at])));
                    body = rest;
                }
                _ => return Err(Stop::NotPlain),
            }
        }
        Ok(())
    }

    /// Takes in a segment of Huffman tables.
    fn read_huffman(&mut self, mut body: &[u8]) -> Result<(), Stop> {
        while let Some((&head, rest)) = body.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(Stop::NotPlain)?;
            let count: usize = counts.iter().map(|count| usize::from(*count)).sum();
            let symbols = rest.get(..count).ok_or(Stop::NotPlain)?;
            let tables = match head >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(Stop::NotPlain),
            };
            let slot = tables.get_mut(usize::from(head & 15));
            let table = Decoder::new(counts, symbols).ok_or(Stop::NotPlain)?;
            *slot.ok_or(Stop::NotPlain)? = Some(Rc::new(table));
            body = &rest[count..];
        }
        Ok(())
    }

    /// The frame whose header is `sof`, and the tables that the scan header `sos` names for its components.
    #[expect(clippy::type_complexity, reason = "the pair is taken apart at once")]
    fn choose(
        &self,
        sof: &[u8],
        sos: &[u8],
    ) -> Result<(Frame, Vec<(Rc<Decoder>, Rc<Decoder>)>), Stop> {
        let (&[8, h1, h0, w1, w0, count], fields) =
            sof.split_first_chunk::<6>().ok_or(Stop::NotPlain)?
        else {
            return Err(Stop::NotPlain);
        };
        let (fields, []) = fields.as_chunks::<3>() else {
            return Err(Stop::NotPlain);
        };
        let components = usize::from(count);
        let is_whole = matches!(components, 1 | 3)
            && fields.len() == components
            && sos.len() == 4 + 2 * components
            && sos[0] == count
            && sos[1 + 2 * components..] == [0, 63, 0];
        if !is_whole {
            return Err(Stop::NotPlain);
        }
        let mut frame = Frame {
            width: u32::from(u16::from_be_bytes([w1, w0])),
            height: u32::from(u16::from_be_bytes([h1, h0])),
            components: Vec::new(),
        };
        let mut decoders = Vec::new();
        let (choices, _) = sos[1..].as_chunks::<2>();
        for (&[id, factors, table], &[chosen, tables]) in fields.iter().zip(choices) {
            // One component alone is coded block by block, whatever its sampling says.
            let (across, down) = match components {
                1 => (1, 1),
                _ => (u32::from(factors >> 4), u32::from(factors & 15)),
            };
            let is_plain = chosen == id && (1..=4).contains(&across) && (1..=4).contains(&down);
            let slot = |slot: u8| usize::from(slot & 15);
            let quantisation = self.quantisation.get(slot(table)).copied().flatten();
            let dc = self.dc.get(slot(tables >> 4)).cloned().flatten();
            let ac = self.ac.get(slot(tables)).cloned().flatten();
            let (true, Some(quantisation), Some(dc), Some(ac)) = (is_plain, quantisation, dc, ac)
            else {
                return Err(Stop::NotPlain);
            };
            frame.components.push(Component {
                across,
                down,
                quantisation,
            });
            decoders.push((dc, ac));
        }
        Ok((frame, decoders))
    }
}
