//! Bits in and out, the most significant first, with the zero byte that follows each byte of ones in a scan.

/// Reads the bits of a scan up to its next marker, and zeros from there on.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// The next byte to load.
    at: usize,
    /// Bits that are loaded, at the top.
    bits: u64,
    /// How many.
    count: u32,
    /// How many zeros were loaded for want of data.
    made_up: u32,
}

impl<'a> BitReader<'a> {
    /// Begins at the start of `bytes`.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            bits: 0,
            count: 0,
            made_up: 0,
        }
    }

    /// Loads until at least 32 bits can be looked at: a code and the value behind it are never longer.
    #[inline]
    pub(super) fn fill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some(&bytes) = self.bytes[self.at..].first_chunk::<4>() {
            let word = u32::from_be_bytes(bytes);
            if !holds_ones(word) {
                self.bits |= u64::from(word) << (32 - self.count);
                self.count += 32;
                self.at += 4;
                return;
            }
        }
        self.fill_bytewise();
    }

    fn fill_bytewise(&mut self) {
        while self.count <= 56 {
            let byte = match self.bytes[self.at..] {
                [0xFF, 0, ..] => {
                    self.at += 2;
                    0xFF
                }
                [] | [0xFF, ..] => {
                    self.made_up += 8;
                    0
                }
                [byte, ..] => {
                    self.at += 1;
                    byte
                }
            };
            self.bits |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The loaded bits, at the top of a word.
    #[inline]
    pub(super) fn bits(&self) -> u64 {
        self.bits
    }

    /// Goes on by `count` of the loaded bits.
    #[inline]
    pub(super) fn skip(&mut self, count: u32) {
        self.bits <<= count;
        self.count -= count;
    }

    /// Whether bits have been read that the scan does not have.
    pub(super) fn is_past_the_end(&self) -> bool {
        self.made_up > self.count
    }

    /// Goes over the marker that stands next, if it is the restart of this number and nothing but filling lies before it.
    pub(super) fn restart(&mut self, number: u32) -> bool {
        let left = self.count.saturating_sub(self.made_up);
        let is_there = left < 8
            && matches!(self.bytes[self.at..], [0xFF, marker, ..] if u32::from(marker) == 0xD0 + number % 8);
        if is_there {
            *self = Self {
                at: self.at + 2,
                ..Self::new(self.bytes)
            };
        }
        is_there
    }
}

/// Whether one of the four bytes is 0xFF.
#[inline]
fn holds_ones(word: u32) -> bool {
    let zeros = !word;
    zeros.wrapping_sub(0x0101_0101) & word & 0x8080_8080 != 0
}

/// Collects the bits of a scan behind what was written before.
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// The last bits, at the bottom.
    bits: u64,
    /// How many, below 32.
    count: u32,
}

impl BitWriter {
    /// Begins the scan behind `bytes`.
    pub(super) fn behind(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            bits: 0,
            count: 0,
        }
    }

    /// Adds the low `count` bits, up to 32; those above are zero.
    #[inline]
    pub(super) fn put(&mut self, bits: u64, count: u32) {
        self.bits = (self.bits << count) | bits;
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            let word = (self.bits >> self.count) as u32;
            if holds_ones(word) {
                self.push_stuffed(&word.to_be_bytes());
            } else {
                self.bytes.extend_from_slice(&word.to_be_bytes());
            }
        }
    }

    fn push_stuffed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.bytes.push(byte);
            if byte == 0xFF {
                self.bytes.push(0);
            }
        }
    }

    /// Everything, the last byte filled up with ones.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let fill = (8 - self.count % 8) % 8;
        self.put((1 << fill) - 1, fill);
        let rest = self.count;
        let last = ((self.bits & ((1 << rest) - 1)) << (32 - rest)) as u32;
        self.push_stuffed(&last.to_be_bytes()[..rest as usize / 8]);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(reader: &mut BitReader<'_>, count: u32) -> u32 {
        reader.fill();
        let bits = (reader.bits() >> (64 - count)) as u32;
        reader.skip(count);
        bits
    }

    #[test]
    fn bits_come_out_as_they_went_in() {
        let mut writer = BitWriter::behind(vec![7]);
        for n in 1..=32_u32 {
            writer.put(u64::from(u32::MAX >> (32 - n)) ^ 1, n);
        }
        let bytes = writer.finish();
        assert_eq!(bytes[0], 7);
        assert!(bytes.windows(2).any(|pair| pair == [0xFF, 0]));
        let mut reader = BitReader::new(&bytes[1..]);
        for n in 1..=32_u32 {
            assert_eq!(take(&mut reader, n), (u32::MAX >> (32 - n)) ^ 1, "{n}");
        }
        assert!(!reader.is_past_the_end());
        take(&mut reader, 32);
        assert!(reader.is_past_the_end());
    }

    #[test]
    fn a_restart_is_found_where_it_stands_and_nowhere_else() {
        let scan = [0xAB, 0xFF, 0xD1, 0xCD, 0xFF, 0xD9];
        let mut reader = BitReader::new(&scan);
        assert!(!reader.restart(1), "a whole byte was not read");
        assert_eq!(take(&mut reader, 5), 0xAB >> 3);
        assert!(!reader.restart(0), "it has another number");
        assert!(reader.restart(1));
        assert_eq!(take(&mut reader, 8), 0xCD);
        assert!(!reader.restart(2), "the picture ends");
    }

    #[test]
    fn bytes_of_ones_are_found_at_every_place() {
        assert!(!holds_ones(0xFEFE_FEFE) && !holds_ones(0) && !holds_ones(0x0100_8001));
        for place in 0..4 {
            assert!(holds_ones(0xFF << (8 * place)));
        }
    }
}
