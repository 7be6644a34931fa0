//! A PNG whose picture data lies there unpacked, for the library that reads it on: libdeflate unpacks half as fast again as the
//! library's own inflate, but only a whole stream into memory of known size.

use std::cell::RefCell;

use libdeflater::{Crc, Decompressor};

use crate::bytes::be32;

const SIGNATURE: usize = 8;
/// Length, kind and checksum of a chunk.
const AROUND: usize = 12;
/// A stored block of deflate has at most so many bytes.
const BLOCK: usize = 65_535;
/// Deflate makes no more of a byte, so that a small file which lies of its size takes no memory.
const MOST_UNPACKED: usize = 1032;
/// Memory that a thread keeps for its next picture, in bytes; a picture of 16 MP and 8 bits fits.
const KEPT: usize = 48 << 20;

/// What a thread works in. Fresh pages for each picture would cost as much as is won.
#[derive(Default)]
struct Memory {
    packed: Vec<u8>,
    rows: Vec<u8>,
    file: Vec<u8>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// `read` of the same picture with its data stored, and of its other chunks those that its pixels depend on; `None` for a file with
/// anything unusual, down to a wrong checksum: of those the library judges.
pub(super) fn with<T>(bytes: &[u8], read: impl FnOnce(&[u8]) -> T) -> Option<T> {
    // Taken out, not borrowed: `read` may panic.
    let mut memory = MEMORY.take();
    let result = memory.store(bytes).map(|()| read(&memory.file));
    for part in [&mut memory.packed, &mut memory.rows, &mut memory.file] {
        if part.capacity() > KEPT {
            *part = Vec::new();
        }
    }
    MEMORY.set(memory);
    result
}

impl Memory {
    fn store(&mut self, bytes: &[u8]) -> Option<()> {
        let Self { packed, rows, file } = self;
        packed.clear();
        file.clear();
        file.extend_from_slice(bytes.get(..SIGNATURE)?);
        let mut at = SIGNATURE;
        let mut is_behind_data = false;
        loop {
            let length = be32(bytes, at)? as usize;
            let end = at.checked_add(length)?.checked_add(AROUND)?;
            let chunk = bytes.get(at..end)?;
            let (head, body) = chunk.split_at(8);
            let mut checksum = Crc::new();
            checksum.update(&chunk[4..8 + length]);
            if be32(chunk, 8 + length) != Some(checksum.sum()) {
                return None;
            }
            match &head[4..] {
                b"IDAT" if is_behind_data => return None,
                b"IDAT" => packed.extend_from_slice(&body[..length]),
                b"IHDR" | b"PLTE" | b"tRNS" if packed.is_empty() => file.extend_from_slice(chunk),
                b"IEND" => {
                    let size = row_bytes(bytes)?;
                    if size > packed.len().saturating_mul(MOST_UNPACKED) {
                        return None;
                    }
                    rows.resize(size, 0);
                    let unpacked = Decompressor::new().zlib_decompress(packed, rows).ok()?;
                    if unpacked != rows.len() {
                        return None;
                    }
                    put_stored(file, rows)?;
                    file.extend_from_slice(chunk);
                    return Some(());
                }
                _ => {}
            }
            is_behind_data = !packed.is_empty() && &head[4..] != b"IDAT";
            at = end;
        }
    }
}

/// Bytes of all rows with their filter bytes, by the first chunk; `None` for rows that come in passes.
fn row_bytes(bytes: &[u8]) -> Option<usize> {
    let (width, height) = (be32(bytes, 16)? as usize, be32(bytes, 20)? as usize);
    let &[depth, colour, _, _, 0] = bytes.get(24..29)? else {
        return None;
    };
    let channels = match colour {
        0 | 3 => 1,
        2 => 3,
        4 => 2,
        6 => 4,
        _ => return None,
    };
    let bits = width.checked_mul(channels * usize::from(depth))?;
    bits.div_ceil(8).checked_add(1)?.checked_mul(height)
}

/// Puts `rows` behind `file` as one IDAT chunk of stored blocks. Its checksums are zero: whoever reads it is told.
fn put_stored(file: &mut Vec<u8>, rows: &[u8]) -> Option<()> {
    let blocks = rows.len().div_ceil(BLOCK);
    // The head of zlib, of each block, the checksum of zlib.
    let length = 2 + 5 * blocks + rows.len() + 4;
    file.reserve(length + 3 * AROUND);
    file.extend(u32::try_from(length).ok()?.to_be_bytes());
    file.extend(b"IDAT\x78\x01");
    for (number, block) in (1..).zip(rows.chunks(BLOCK)) {
        let length = block.len() as u16;
        file.push(u8::from(number == blocks));
        file.extend(length.to_le_bytes());
        file.extend((!length).to_le_bytes());
        file.extend_from_slice(block);
    }
    file.extend([0; 8]);
    Some(())
}

#[cfg(test)]
mod tests {
    use png::{BitDepth, ColorType, Encoder};

    use super::*;

    const WIDTH: u32 = 300;
    const HEIGHT: u32 = 100;

    /// A PNG of more than one stored block, and its rows with their filter bytes.
    fn file() -> (Vec<u8>, Vec<u8>) {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, WIDTH, HEIGHT);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_filter(png::Filter::NoFilter);
        let rgb: Vec<_> = (0..WIDTH * HEIGHT)
            .flat_map(|i| [(i * i >> 7) as u8, i as u8, 7])
            .collect();
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&rgb).unwrap();
        writer.finish().unwrap();
        let rows = rgb.chunks(3 * WIDTH as usize);
        (file, rows.flat_map(|row| [&[0], row].concat()).collect())
    }

    fn stored(bytes: &[u8]) -> Option<Vec<u8>> {
        with(bytes, <[u8]>::to_vec)
    }

    /// Where the first chunk of this kind starts, its length first.
    fn find(bytes: &[u8], kind: &[u8; 4]) -> usize {
        bytes.windows(4).position(|four| four == kind).unwrap() - 4
    }

    #[test]
    fn the_data_lies_there_unpacked() {
        let (bytes, rows) = file();
        let stored = stored(&bytes).unwrap();
        let data = find(&stored, b"IDAT") + 8 + 2;
        let blocks: Vec<_> = stored[data..data + rows.len() + 10]
            .chunks(5 + BLOCK)
            .flat_map(|block| &block[5..])
            .copied()
            .collect();
        assert_eq!(blocks, rows);
    }

    #[test]
    fn what_is_unusual_is_left_to_the_library() {
        let (sound, _) = file();
        let data = find(&sound, b"IDAT");
        let mut flipped = sound.clone();
        flipped[data + 40] ^= 1;
        assert!(stored(&flipped).is_none(), "a wrong checksum");
        assert!(stored(&sound[..sound.len() - 12]).is_none(), "no end");
        let mut lying = sound.clone();
        lying[16] = 0x40;
        let checksum = libdeflater::crc32(&lying[12..29]);
        lying[29..33].copy_from_slice(&checksum.to_be_bytes());
        assert!(
            stored(&lying).is_none(),
            "a size that its bytes cannot fill"
        );
        assert!(stored(&b"\x89PNG"[..]).is_none(), "no chunk");
    }

    #[test]
    fn a_reader_that_panics_leaves_the_next_picture_sound() {
        let (bytes, _) = file();
        let crash = || with(&bytes, |_| panic!("a fault of the library"));
        let crashed: Result<Option<()>, _> = std::panic::catch_unwind(crash);
        assert!(crashed.is_err());
        assert!(stored(&bytes).is_some());
    }
}
