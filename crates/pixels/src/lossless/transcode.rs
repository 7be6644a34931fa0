//! The fast way to cut a plain baseline JPEG: its AC coefficients are copied as the bits that they are.
//!
//! Only the DC of each block is coded against the block before it, so only that is decoded and coded anew; of the AC
//! coefficients nothing but the length is read. The tables of the original stay in use. What is not one interleaved
//! baseline scan of 8-bit grey or YCbCr without restart markers is left to the library, and so is a file whose
//! Huffman table lacks a code that the new neighbours of a block need.

mod bits;
mod huffman;
mod layout;

use crate::rect::Rect;
use bits::{BitReader, BitWriter};
use huffman::{AcStep, DcTable};
use layout::Layout;

/// Why the fast way ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The file is of another kind: the library's turn.
    NotPlain,
    /// The scan ends before the picture does.
    Truncated,
}

/// A JPEG of the rectangle, whose origin lies on the grid.
pub(super) fn transcode(bytes: &[u8], rect: Rect) -> Result<Vec<u8>, Stop> {
    let layout = Layout::read(bytes)?;
    if !layout.holds(rect) {
        return Err(Stop::NotPlain);
    }
    let scan = layout.unstuffed_scan(bytes)?;
    let mut reader = BitReader::new(&scan);
    let mut writer = BitWriter::with_capacity(scan.len() / 2);
    let (mcu_width, mcu_height) = layout.mcu_size();
    let columns = rect.left / mcu_width..(rect.left + rect.width).div_ceil(mcu_width);
    let rows = rect.top / mcu_height..(rect.top + rect.height).div_ceil(mcu_height);
    let mut seen = [0_i32; 3];
    let mut written = [0_i32; 3];
    for row in 0..rows.end {
        for column in 0..layout.mcus_across() {
            let is_wanted = rows.contains(&row) && columns.contains(&column);
            for (number, component) in layout.components.iter().enumerate() {
                for _ in 0..component.blocks {
                    seen[number] += difference(&mut reader, &component.dc)?;
                    let start = reader.position();
                    skip_ac(&mut reader, &component.ac)?;
                    if is_wanted {
                        let change = seen[number] - written[number];
                        written[number] = seen[number];
                        write_dc(&mut writer, &component.dc, change)?;
                        reader.copy(start, &mut writer);
                    }
                }
            }
        }
        if reader.is_past_the_end() {
            return Err(Stop::Truncated);
        }
    }
    let mut out = layout.headers(bytes, rect);
    writer.finish_stuffed(&mut out);
    out.extend_from_slice(&[0xFF, 0xD9]);
    Ok(out)
}

/// The difference of a DC from the one before.
fn difference(reader: &mut BitReader<'_>, table: &DcTable) -> Result<i32, Stop> {
    let (length, category) = table.decode(reader.peek16()).ok_or(Stop::NotPlain)?;
    reader.skip(length);
    if category == 0 {
        return Ok(0);
    }
    let bits = reader.take(category) as i32;
    let half = 1 << (category - 1);
    Ok(if bits < half {
        bits - 2 * half + 1
    } else {
        bits
    })
}

/// Goes over the AC coefficients of a block.
#[inline]
fn skip_ac(reader: &mut BitReader<'_>, table: &[AcStep]) -> Result<(), Stop> {
    let mut place = 1_u32;
    while place < 64 {
        let step = table[usize::from(reader.peek16())];
        if step.bits == 0 {
            return Err(Stop::NotPlain);
        }
        reader.skip(u32::from(step.bits));
        place += u32::from(step.places);
    }
    Ok(())
}

fn write_dc(writer: &mut BitWriter, table: &DcTable, change: i32) -> Result<(), Stop> {
    let category = 32 - change.unsigned_abs().leading_zeros();
    let (code, length) = table.code(category).ok_or(Stop::NotPlain)?;
    writer.put(u64::from(code), length);
    // A negative value is its ones' complement.
    let value = if change < 0 { change - 1 } else { change };
    writer.put(u64::from(value as u32) & ((1 << category) - 1), category);
    Ok(())
}
