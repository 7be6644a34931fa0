//! Huffman tables of a baseline JPEG (ITU-T T.81, annex C and F).

/// The codes of DC categories.
#[derive(Clone, Debug)]
pub(super) struct DcTable {
    /// Code and length by category; none if the table has no such code.
    codes: [Option<(u16, u32)>; 12],
}

/// What a code of AC coefficients means for someone who only wants to know where the next one begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AcStep {
    /// Bits of the code and of the value behind it; 0 if no code begins like this.
    pub bits: u8,
    /// Coefficients that are dealt with: the run of zeros and the value, or all that are left.
    pub places: u8,
}

/// Each symbol with its code and length, by annex C; none if there are more codes than fit.
fn codes(counts: &[u8], symbols: &[u8]) -> Option<Vec<(u8, u16, u32)>> {
    let mut codes = Vec::with_capacity(symbols.len());
    let mut code = 0_u32;
    let mut symbols = symbols.iter();
    for (length, count) in (1_u32..).zip(counts) {
        for _ in 0..*count {
            if code >= 1 << length {
                return None;
            }
            codes.push((*symbols.next()?, code as u16, length));
            code += 1;
        }
        code <<= 1;
    }
    Some(codes)
}

impl DcTable {
    /// `counts` are the 16 numbers of codes by length. None if it is no table of DC categories.
    pub(super) fn new(counts: &[u8], symbols: &[u8]) -> Option<Self> {
        let mut table = Self { codes: [None; 12] };
        for (category, code, length) in codes(counts, symbols)? {
            *table.codes.get_mut(usize::from(category))? = Some((code, length));
        }
        Some(table)
    }

    /// The length of the code that the bits begin with, and its category.
    pub(super) fn decode(&self, bits: u16) -> Option<(u32, u32)> {
        (0..).zip(&self.codes).find_map(|(category, code)| {
            let (code, length) = (*code)?;
            (bits >> (16 - length) == code).then_some((length, category))
        })
    }

    /// The code of a category, and its length.
    pub(super) fn code(&self, category: u32) -> Option<(u16, u32)> {
        *self.codes.get(category as usize)?
    }
}

/// The step for every 16 bits that a code may begin.
pub(super) fn ac_steps(counts: &[u8], symbols: &[u8]) -> Option<Vec<AcStep>> {
    let mut steps = vec![AcStep::default(); 1 << 16];
    for (symbol, code, length) in codes(counts, symbols)? {
        let (run, size) = (symbol >> 4, symbol & 15);
        let places = match (run, size) {
            (15, 0) => 16,
            // The end of the block; runs of blocks are for progressive files.
            (0, 0) => 64,
            (_, 0) => return None,
            (run, _) => run + 1,
        };
        let first = usize::from(code) << (16 - length);
        let step = AcStep {
            bits: length as u8 + size,
            places,
        };
        steps[first..first + (1 << (16 - length))].fill(step);
    }
    Some(steps)
}
