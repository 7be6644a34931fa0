//! The segments of the JPEG that is written.

use super::huffman::Optimal;

/// A JFIF segment: version 1.1, no density, no thumbnail.
const JFIF: [u8; 18] = *b"\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0";

/// A baseline picture: grey, or luma and two chromas.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub width: u32,
    pub height: u32,
    pub components: Vec<Component>,
}

/// One component of it.
#[derive(Clone, Debug)]
pub(super) struct Component {
    /// Blocks beside each other in an MCU.
    pub across: u32,
    /// Blocks below each other in an MCU.
    pub down: u32,
    /// Its quantisation table, in zigzag order.
    pub quantisation: [u16; 64],
}

impl Frame {
    /// Width and height of an MCU in pixels.
    pub(super) fn mcu_size(&self) -> (u32, u32) {
        let widest = |side: fn(&Component) -> u32| self.components.iter().map(side).max();
        (
            8 * widest(|c| c.across).unwrap_or(1),
            8 * widest(|c| c.down).unwrap_or(1),
        )
    }

    /// Huffman tables of each kind: one for luma, one for chroma.
    pub(super) fn tables(&self) -> usize {
        self.components.len().min(2)
    }

    /// Everything before the scan's data. `huffman` are the tables for DC and AC of luma, then of chroma.
    pub(super) fn headers(&self, huffman: &[Optimal]) -> Vec<u8> {
        let mut out = vec![0xFF, 0xD8];
        out.extend_from_slice(&JFIF);
        // Components with equal tables share one.
        let mut tables: Vec<&[u16; 64]> = Vec::new();
        let mut choices = Vec::new();
        for component in &self.components {
            let table = &component.quantisation;
            let known = tables.iter().position(|known| *known == table);
            choices.push(known.unwrap_or(tables.len()) as u8);
            if known.is_none() {
                tables.push(table);
            }
        }
        let is_wide = |table: &&[u16; 64]| table.iter().any(|&step| step > 255);
        let mut quantisation = Vec::new();
        for (number, table) in (0_u8..).zip(&tables) {
            if is_wide(table) {
                quantisation.push(0x10 | number);
                quantisation.extend(table.iter().flat_map(|step| step.to_be_bytes()));
            } else {
                quantisation.push(number);
                quantisation.extend(table.iter().map(|&step| step as u8));
            }
        }
        segment(&mut out, 0xDB, &quantisation);
        let mut frame = vec![8];
        frame.extend_from_slice(&(self.height as u16).to_be_bytes());
        frame.extend_from_slice(&(self.width as u16).to_be_bytes());
        frame.push(self.components.len() as u8);
        for ((id, component), choice) in (1_u8..).zip(&self.components).zip(&choices) {
            frame.extend_from_slice(&[
                id,
                ((component.across << 4) | component.down) as u8,
                *choice,
            ]);
        }
        // Baseline has steps of one byte; wider ones make it extended.
        let marker = if tables.iter().any(is_wide) {
            0xC1
        } else {
            0xC0
        };
        segment(&mut out, marker, &frame);
        let mut codes = Vec::new();
        for (number, table) in (0_u8..).zip(huffman) {
            codes.push(((number % 2) << 4) | (number / 2));
            codes.extend_from_slice(&table.counts);
            codes.extend_from_slice(&table.symbols);
        }
        segment(&mut out, 0xC4, &codes);
        let mut scan = vec![self.components.len() as u8];
        for (number, _) in (0_u8..).zip(&self.components) {
            let table = number.min(1);
            scan.extend_from_slice(&[number + 1, (table << 4) | table]);
        }
        scan.extend_from_slice(&[0, 63, 0]);
        segment(&mut out, 0xDA, &scan);
        out
    }
}

fn segment(out: &mut Vec<u8>, marker: u8, body: &[u8]) {
    out.extend_from_slice(&[0xFF, marker]);
    out.extend_from_slice(&(body.len() as u16 + 2).to_be_bytes());
    out.extend_from_slice(body);
}
