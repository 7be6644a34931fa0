//! What a scan says, free of any Huffman table: so the tables can be made for it.

use super::{bits::BitWriter, frame::Frame, huffman::Optimal};

/// The kinds of tables: one of each for luma, one of each for chroma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Dc = 0,
    Ac = 1,
}

/// Symbols in the order of a scan, each with the bits behind it, and how often each occurs.
pub(super) struct Symbols {
    /// Value bits at the bottom, then the symbol, then the table.
    tokens: Vec<u32>,
    uses: [[u32; 256]; 4],
    /// DC of the block before, by component.
    before: [i32; 3],
}

/// A coefficient is larger than 8-bit samples can make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfRange;

/// The largest sizes of a difference of DCs and of an AC coefficient, in bits.
pub(super) const LARGEST_DC: u32 = 11;
pub(super) const LARGEST_AC: u32 = 10;

/// The table that a component's symbols are coded by.
fn table_of(component: usize, kind: Kind) -> usize {
    2 * component.min(1) + kind as usize
}

impl Symbols {
    pub(super) fn with_capacity(tokens: usize) -> Self {
        Self {
            tokens: Vec::with_capacity(tokens),
            uses: [[0; 256]; 4],
            before: [0; 3],
        }
    }

    /// Adds a symbol and the value behind it, whose size is the symbol's low half.
    #[inline]
    fn push(&mut self, table: usize, symbol: u8, value: u32) {
        self.uses[table][usize::from(symbol)] += 1;
        self.tokens
            .push(((table as u32) << 24) | (u32::from(symbol) << 16) | value);
    }

    /// Adds a symbol of AC coefficients with the bits behind it.
    #[inline]
    pub(super) fn push_ac(&mut self, component: usize, symbol: u8, value: u32) {
        self.push(table_of(component, Kind::Ac), symbol, value);
    }

    /// Adds the DC of a component's next block.
    #[inline]
    pub(super) fn push_dc(&mut self, component: usize, dc: i32) -> Result<(), OutOfRange> {
        let (size, value) = sized(dc - self.before[component]);
        if size > LARGEST_DC {
            return Err(OutOfRange);
        }
        self.before[component] = dc;
        self.push(table_of(component, Kind::Dc), size as u8, value);
        Ok(())
    }

    /// Adds a component's next block, whose coefficients stand in zigzag order.
    pub(super) fn push_block(
        &mut self,
        component: usize,
        block: &[i16; 64],
    ) -> Result<(), OutOfRange> {
        self.push_dc(component, i32::from(block[0]))?;
        let mut left = (1..64).fold(0_u64, |mask, k| mask | (u64::from(block[k] != 0) << k));
        let mut place = 0;
        while left != 0 {
            let at = left.trailing_zeros();
            let mut run = at - place - 1;
            while run > 15 {
                self.push_ac(component, 0xF0, 0);
                run -= 16;
            }
            let (size, value) = sized(i32::from(block[at as usize]));
            if size > LARGEST_AC {
                return Err(OutOfRange);
            }
            self.push_ac(component, ((run << 4) | size) as u8, value);
            place = at;
            left &= left - 1;
        }
        if place < 63 {
            self.push_ac(component, 0, 0);
        }
        Ok(())
    }

    /// A JPEG of these symbols, with the Huffman tables that suit them best.
    pub(super) fn write(mut self, frame: &Frame) -> Vec<u8> {
        let mut tables = Vec::new();
        // Code and length by table and symbol.
        let mut codes = [(0_u32, 0_u32); 4 * 256];
        let mut bits = 0;
        for (number, uses) in self.uses.iter_mut().enumerate().take(2 * frame.tables()) {
            if uses.iter().all(|uses| *uses == 0) {
                // Blocks that are full need no end, but a table needs a symbol.
                uses[0] = 1;
            }
            let table = Optimal::new(uses);
            for (symbol, code, length) in table.codes() {
                let size = u32::from(symbol & 15);
                codes[256 * number + usize::from(symbol)] = (code << size, length + size);
                bits += u64::from(uses[usize::from(symbol)]) * u64::from(length + size);
            }
            tables.push(table);
        }
        let mut out = frame.headers(&tables);
        // A 64th for zeros behind bytes of ones.
        out.reserve((bits / 8 + bits / 512) as usize + 64);
        let mut writer = BitWriter::behind(out);
        for token in self.tokens {
            let (code, count) = codes[(token >> 16) as usize & 1023];
            writer.put(u64::from(code | token & 0xFFFF), count);
        }
        let mut out = writer.finish();
        out.extend_from_slice(&[0xFF, 0xD9]);
        out
    }
}

/// The bits that a value needs, and they: a negative one is its ones' complement.
#[inline]
fn sized(value: i32) -> (u32, u32) {
    let size = 32 - value.unsigned_abs().leading_zeros();
    let bits = if value < 0 { value - 1 } else { value };
    (size, bits as u32 & ((1 << size) - 1))
}
