//! Bits in and out, the most significant first.

/// Reads bits of bytes that are followed by nothing but zeros.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    position: usize,
}

/// Zero bytes that must follow the last byte, so that a whole word can always be loaded.
pub(super) const PADDING: usize = 16;

impl<'a> BitReader<'a> {
    /// `bytes` end with [`PADDING`] zeros.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Bits that have been read.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Whether more bits have been read than there are.
    pub(super) fn is_past_the_end(&self) -> bool {
        self.position > 8 * (self.bytes.len() - PADDING)
    }

    /// At least 57 bits from `position` on, at the top of a word; zeros past the end.
    #[inline]
    fn word(&self, position: usize) -> u64 {
        let at = position / 8;
        let bytes: [u8; 8] = self
            .bytes
            .get(at..at + 8)
            .and_then(|bytes| bytes.try_into().ok())
            .unwrap_or_default();
        u64::from_be_bytes(bytes) << (position % 8)
    }

    /// The next 16 bits.
    #[inline]
    pub(super) fn peek16(&self) -> u16 {
        (self.word(self.position) >> 48) as u16
    }

    /// Goes on by `count` bits.
    #[inline]
    pub(super) fn skip(&mut self, count: u32) {
        self.position += count as usize;
    }

    /// The next `count` bits, 1 to 32 of them.
    #[inline]
    pub(super) fn take(&mut self, count: u32) -> u32 {
        let bits = self.word(self.position) >> (64 - count);
        self.skip(count);
        bits as u32
    }

    /// Writes the bits from `start` to here.
    #[inline]
    pub(super) fn copy(&self, start: usize, writer: &mut BitWriter) {
        let mut at = start;
        while at < self.position {
            let count = (self.position - at).min(32) as u32;
            writer.put(self.word(at) >> (64 - count), count);
            at += count as usize;
        }
    }
}

/// Collects bits.
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// The last bits, at the bottom.
    bits: u64,
    /// How many, below 32.
    count: u32,
}

impl BitWriter {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            bits: 0,
            count: 0,
        }
    }

    /// Adds the low `count` bits, up to 32; those above are zero.
    #[inline]
    pub(super) fn put(&mut self, bits: u64, count: u32) {
        self.bits = self.bits << count | bits;
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            let word = (self.bits >> self.count) as u32;
            self.bytes.extend_from_slice(&word.to_be_bytes());
            self.bits &= (1 << self.count) - 1;
        }
    }

    /// Appends everything to `out`, filled up with ones, a zero byte behind each byte of ones.
    pub(super) fn finish_stuffed(mut self, out: &mut Vec<u8>) {
        let fill = (8 - self.count % 8) % 8;
        self.put((1 << fill) - 1, fill);
        let rest = self.count;
        let last = (self.bits << (32 - rest)) as u32;
        self.bytes
            .extend_from_slice(&last.to_be_bytes()[..rest as usize / 8]);
        out.reserve(self.bytes.len() + self.bytes.len() / 64);
        for part in self.bytes.split_inclusive(|byte| *byte == 0xFF) {
            out.extend_from_slice(part);
            if part.last() == Some(&0xFF) {
                out.push(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_out_as_they_went_in() {
        let mut writer = BitWriter::with_capacity(0);
        for n in 1..=32_u32 {
            writer.put(u64::from(u32::MAX >> (32 - n)) ^ 1, n);
        }
        let mut out = Vec::new();
        writer.finish_stuffed(&mut out);
        let mut bytes = Vec::new();
        let mut at = 0;
        while at < out.len() {
            bytes.push(out[at]);
            at += if out[at] == 0xFF { 2 } else { 1 };
        }
        let length = bytes.len();
        bytes.extend([0; PADDING]);
        let mut reader = BitReader::new(&bytes);
        for n in 1..=32_u32 {
            assert_eq!(reader.take(n), (u32::MAX >> (32 - n)) ^ 1, "{n}");
        }
        assert!(!reader.is_past_the_end());
        reader.skip(8 * length as u32);
        assert!(reader.is_past_the_end());
        assert_eq!(reader.peek16(), 0);
    }
}
