//! The way through coefficients, for files whose picture lies in several scans, and odd ones: the library reads them.

use libjpeg_turbo_rs::{ComponentCoefficients, JpegError, Result, read_coefficients};

use super::{
    frame::{Component, Frame},
    symbols::{OutOfRange, Symbols},
};
use crate::rect::Rect;

/// Where the coefficient at each place of the zigzag stands in a block by rows.
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// A JPEG of the rectangle, whose origin lies on the grid.
pub(super) fn cut(bytes: &[u8], rect: Rect) -> Result<Vec<u8>> {
    let found = read_coefficients(bytes)?;
    let corrupt = |what: &str| JpegError::CorruptData(what.to_owned());
    let is_single = found.components.len() == 1;
    let component = |component: &ComponentCoefficients| {
        let table = found
            .quant_tables
            .get(usize::from(component.quant_table_index));
        let by_rows = table.ok_or_else(|| corrupt("a component without a quantisation table"))?;
        // One component alone is coded block by block, whatever its sampling says.
        let factor = |factor: u8| if is_single { 1 } else { u32::from(factor) };
        Ok(Component {
            across: factor(component.h_sampling),
            down: factor(component.v_sampling),
            quantisation: ZIGZAG.map(|at| by_rows[at]),
        })
    };
    let frame = Frame {
        width: rect.width,
        height: rect.height,
        components: found
            .components
            .iter()
            .map(component)
            .collect::<Result<_>>()?,
    };
    let (mcu_width, mcu_height) = frame.mcu_size();
    let mut symbols = Symbols::with_capacity(bytes.len());
    for row in rect.top / mcu_height..(rect.top + rect.height).div_ceil(mcu_height) {
        for column in rect.left / mcu_width..(rect.left + rect.width).div_ceil(mcu_width) {
            for (number, (component, source)) in
                frame.components.iter().zip(&found.components).enumerate()
            {
                for down in 0..component.down {
                    let left = (column * component.across) as usize;
                    let at = (row * component.down + down) as usize * source.blocks_x + left;
                    let blocks = source.blocks.get(at..at + component.across as usize);
                    for block in blocks.ok_or_else(|| corrupt("too few blocks"))? {
                        let pushed = symbols.push_block(number, block);
                        pushed.map_err(|OutOfRange| corrupt("a coefficient out of range"))?;
                    }
                }
            }
        }
    }
    Ok(symbols.write(&frame))
}
