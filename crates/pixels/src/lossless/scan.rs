//! The fast way to cut a JPEG whose picture lies in one scan: its symbols are copied, and no coefficient is made.
//!
//! Only the DC of each block is coded against the block before it, so only that is decoded and coded anew. What is not
//! one interleaved sequential scan of 8-bit grey or YCbCr is left to the library, and so is a damaged one, which the
//! library reads as others do or refuses.

use std::rc::Rc;

use super::{
    Stop,
    bits::BitReader,
    huffman::Decoder,
    plain::Plain,
    symbols::{LARGEST_AC, LARGEST_DC, OutOfRange, Symbols},
};
use crate::rect::Rect;

/// A JPEG of the rectangle, whose origin lies on the grid.
pub(super) fn cut(bytes: &[u8], rect: Rect) -> Result<Vec<u8>, Stop> {
    let Plain {
        mut frame,
        decoders,
        restart_interval,
        scan,
    } = Plain::read(bytes)?;
    if rect.left + rect.width > frame.width || rect.top + rect.height > frame.height {
        return Err(Stop::NotPlain);
    }
    let (mcu_width, mcu_height) = frame.mcu_size();
    let across = frame.width.div_ceil(mcu_width);
    let columns = rect.left / mcu_width..(rect.left + rect.width).div_ceil(mcu_width);
    let rows = rect.top / mcu_height..(rect.top + rect.height).div_ceil(mcu_height);
    let share = f64::from(columns.end - columns.start) / f64::from(across)
        * f64::from(rows.end - rows.start)
        / f64::from(frame.height.div_ceil(mcu_height));
    let mut reader = Scan {
        bits: BitReader::new(scan),
        dc: [0; 3],
    };
    // A symbol and its value take five bits and more in a picture of high quality.
    let mut symbols = Symbols::with_capacity((scan.len() as f64 * share * 1.5) as usize);
    let (mut until_restart, mut restarts) = (restart_interval, 0);
    for row in 0..rows.end {
        for column in 0..across {
            if restart_interval > 0 {
                if until_restart == 0 {
                    if reader.bits.is_past_the_end() {
                        return Err(Stop::Truncated);
                    }
                    if !reader.bits.restart(restarts) {
                        return Err(Stop::NotPlain);
                    }
                    reader.dc = [0; 3];
                    restarts += 1;
                    until_restart = restart_interval;
                }
                until_restart -= 1;
            }
            let is_wanted = rows.contains(&row) && columns.contains(&column);
            for (number, (component, tables)) in frame.components.iter().zip(&decoders).enumerate()
            {
                for _ in 0..component.across * component.down {
                    if is_wanted {
                        reader.copy_block(number, tables, &mut symbols)?;
                    } else {
                        reader.skip_block(number, tables)?;
                    }
                }
            }
        }
        if reader.bits.is_past_the_end() {
            return Err(Stop::Truncated);
        }
    }
    (frame.width, frame.height) = (rect.width, rect.height);
    Ok(symbols.write(&frame))
}

/// A scan that is being read.
struct Scan<'a> {
    bits: BitReader<'a>,
    /// DC of the last block, by component.
    dc: [i32; 3],
}

impl Scan<'_> {
    /// The next symbol and the bits behind it, as many as its low half says.
    #[inline]
    fn next(&mut self, table: &Decoder, largest: u32) -> Result<(u8, u32), Stop> {
        self.bits.fill();
        let bits = self.bits.bits();
        let (symbol, length) = table.decode(bits).ok_or(Stop::NotPlain)?;
        let size = u32::from(symbol & 15);
        if size > largest {
            return Err(Stop::NotPlain);
        }
        self.bits.skip(length + size);
        // In two steps, because no bits at all would be a shift by the whole word.
        let value = (bits << length) >> 1 >> (63 - size);
        Ok((symbol, value as u32))
    }

    /// Reads a block's DC.
    #[inline]
    fn read_dc(&mut self, component: usize, table: &Decoder) -> Result<i32, Stop> {
        let (size, bits) = self.next(table, LARGEST_DC)?;
        if size > 15 {
            return Err(Stop::NotPlain);
        }
        if size > 0 {
            let half = 1 << (size - 1);
            let bits = bits as i32;
            self.dc[component] += if bits < half {
                bits - 2 * half + 1
            } else {
                bits
            };
        }
        Ok(self.dc[component])
    }

    /// Goes over a block's ACs, and tells `each` of their symbols.
    #[inline]
    fn read_ac(&mut self, table: &Decoder, mut each: impl FnMut(u8, u32)) -> Result<(), Stop> {
        let mut place = 1_u32;
        while place < 64 {
            let (symbol, value) = self.next(table, LARGEST_AC)?;
            place += match (symbol >> 4, symbol & 15) {
                (0, 0) => 64,
                (15, 0) => 16,
                // Runs of blocks are for progressive files.
                (_, 0) => return Err(Stop::NotPlain),
                (run, _) => u32::from(run) + 1,
            };
            each(symbol, value);
        }
        Ok(())
    }

    fn copy_block(
        &mut self,
        component: usize,
        (dc, ac): &(Rc<Decoder>, Rc<Decoder>),
        symbols: &mut Symbols,
    ) -> Result<(), Stop> {
        let dc = self.read_dc(component, dc)?;
        symbols.push_dc(component, dc)?;
        self.read_ac(ac, |symbol, value| {
            symbols.push_ac(component, symbol, value);
        })
    }

    fn skip_block(
        &mut self,
        component: usize,
        (dc, ac): &(Rc<Decoder>, Rc<Decoder>),
    ) -> Result<(), Stop> {
        self.read_dc(component, dc)?;
        self.read_ac(ac, |_, _| {})
    }
}

impl From<OutOfRange> for Stop {
    fn from(_: OutOfRange) -> Self {
        Self::NotPlain
    }
}
