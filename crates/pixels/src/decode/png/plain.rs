//! The PNGs that generators write, 8 bits a sample in one pass: libdeflate unpacks faster than the library's own inflate, but
//! only a whole stream into memory of known size.

use std::cell::RefCell;

use libdeflater::{Crc, Decompressor};

use super::unfilter::unfilter;
use crate::{
    bytes::be32,
    decode::samples::{Kind, Samples},
    rect::Rect,
};

const SIGNATURE: usize = 8;
/// Length, kind and checksum of a chunk.
const AROUND: usize = 12;
/// Deflate makes no more of a byte, so that a small file which lies of its size takes no memory.
const MOST_UNPACKED: usize = 1032;
/// Memory for rows that a thread keeps for its next picture, in bytes; 4096x4096 pixels of 8 bits fit. The library, which needs
/// no more than one row, reads what is larger.
const MOST_ROWS: usize = 64 << 20;

/// What a thread works in. Fresh pages for each picture would cost a tenth of the time.
#[derive(Default)]
struct Memory {
    packed: Vec<u8>,
    rows: Vec<u8>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// The samples of a rectangle; `None` for a file with anything unusual, down to a wrong checksum: of those the library
/// judges.
pub(super) fn read(bytes: &[u8], rect: Rect) -> Option<Samples> {
    let shape = Shape::of(bytes)?;
    if shape.rows_bytes()? > MOST_ROWS {
        return None;
    }
    // Taken out, not borrowed, so that nothing that happens meanwhile finds it locked.
    let mut memory = MEMORY.take();
    let samples = memory
        .unpack(bytes, &shape)
        .and_then(|()| shape.samples(&memory.rows, rect));
    if memory.packed.capacity() > MOST_ROWS {
        memory.packed = Vec::new();
    }
    MEMORY.set(memory);
    samples
}

impl Memory {
    /// Unpacks the rows, each behind the number of its filter.
    fn unpack(&mut self, bytes: &[u8], shape: &Shape) -> Option<()> {
        let Self { packed, rows } = self;
        packed.clear();
        let mut at = SIGNATURE;
        let mut is_behind_data = false;
        loop {
            let length = be32(bytes, at)? as usize;
            let end = at.checked_add(length)?.checked_add(AROUND)?;
            let chunk = bytes.get(at..end)?;
            let mut checksum = Crc::new();
            checksum.update(&chunk[4..8 + length]);
            if be32(chunk, 8 + length) != Some(checksum.sum()) {
                return None;
            }
            match &chunk[4..8] {
                b"IDAT" if is_behind_data => return None,
                b"IDAT" => packed.extend_from_slice(&chunk[8..8 + length]),
                // A transparent colour adds a channel.
                b"tRNS" => return None,
                b"IEND" => break,
                _ => is_behind_data = !packed.is_empty(),
            }
            at = end;
        }
        let size = shape.rows_bytes()?;
        if size > packed.len().saturating_mul(MOST_UNPACKED) {
            return None;
        }
        // Rows of the picture before are left where they lie, and written over.
        if rows.len() < size {
            rows.resize(size, 0);
        }
        let rows = rows.get_mut(..size)?;
        let deflated = behind_zlib_header(packed)?;
        let unpacked = Decompressor::new()
            .deflate_decompress(deflated, rows)
            .ok()?;
        (unpacked == size).then_some(())
    }
}

/// What follows the two bytes of zlib. Its checksum of what is unpacked is left alone, as the library leaves it by default: the
/// chunks have theirs.
fn behind_zlib_header(packed: &[u8]) -> Option<&[u8]> {
    let (&[method, flags], deflated) = packed.split_first_chunk()?;
    let is_sound = u16::from_be_bytes([method, flags]) % 31 == 0;
    let (is_deflate, has_dictionary) = (method & 0x0F == 8 && method >> 4 <= 7, flags & 0x20 != 0);
    (is_sound && is_deflate && !has_dictionary).then_some(deflated)
}

/// What the first chunk says.
struct Shape {
    width: usize,
    height: usize,
    kind: Kind,
}

impl Shape {
    /// `None` for rows that come in passes, and for samples that are not whole bytes of colour.
    fn of(bytes: &[u8]) -> Option<Self> {
        let &[8, colour, 0, 0, 0] = bytes.get(24..29)? else {
            return None;
        };
        let kind = match colour {
            0 => Kind::Grey,
            2 => Kind::Rgb,
            4 => Kind::GreyAlpha,
            6 => Kind::Rgba,
            _ => return None,
        };
        let (width, height) = (be32(bytes, 16)? as usize, be32(bytes, 20)? as usize);
        let is_first = bytes.get(8..16)? == b"\0\0\0\x0DIHDR";
        (is_first && width > 0 && height > 0).then_some(Self {
            width,
            height,
            kind,
        })
    }

    fn row_bytes(&self) -> Option<usize> {
        self.width.checked_mul(self.kind.channels())
    }

    fn rows_bytes(&self) -> Option<usize> {
        self.row_bytes()?.checked_add(1)?.checked_mul(self.height)
    }

    fn samples(&self, rows: &[u8], rect: Rect) -> Option<Samples> {
        let bottom = rect.top as usize + rect.height as usize;
        let (length, count) = (self.row_bytes()?, bottom.min(self.height));
        let data = match self.kind {
            Kind::Grey => unfilter::<1>(rows, length, count),
            Kind::GreyAlpha => unfilter::<2>(rows, length, count),
            Kind::Rgb => unfilter::<3>(rows, length, count),
            Kind::Rgba | Kind::Cmyk => unfilter::<4>(rows, length, count),
        }?;
        let (width, height) = (self.width as u32, count as u32);
        Some(Samples::cut(self.kind, data, width, height, rect))
    }
}

#[cfg(test)]
mod tests {
    use png::{BitDepth, ColorType, Encoder, Filter};

    use super::*;

    const WIDTH: u32 = 300;
    const HEIGHT: u32 = 100;

    fn rgb() -> Vec<u8> {
        let pixel = |i: u32| [((i * i) >> 7) as u8, i as u8, 7];
        (0..WIDTH * HEIGHT).flat_map(pixel).collect()
    }

    fn file() -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, WIDTH, HEIGHT);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_filter(Filter::Adaptive);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&rgb()).unwrap();
        writer.finish().unwrap();
        file
    }

    fn whole(bytes: &[u8]) -> Option<Vec<u8>> {
        read(bytes, Rect::whole(WIDTH, HEIGHT)).map(|samples| samples.data)
    }

    /// Where the first chunk of this kind starts, its length first.
    fn find(bytes: &[u8], kind: [u8; 4]) -> usize {
        bytes.windows(4).position(|four| *four == kind).unwrap() - 4
    }

    /// A chunk with its checksum.
    fn chunk(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
        let named = [&kind[..], body].concat();
        let (length, checksum) = (body.len() as u32, libdeflater::crc32(&named));
        let (length, checksum) = (length.to_be_bytes(), checksum.to_be_bytes());
        [&length[..], &named, &checksum].concat()
    }

    /// The file with its picture data cut into chunks of this many bytes.
    fn split(bytes: &[u8], size: usize, between: &[u8]) -> Vec<u8> {
        let (start, end) = (find(bytes, *b"IDAT"), find(bytes, *b"IEND"));
        let mut data = Vec::new();
        let mut at = start;
        while at < end {
            let length = be32(bytes, at).unwrap() as usize;
            data.extend_from_slice(&bytes[at + 8..at + 8 + length]);
            at += length + AROUND;
        }
        let parts: Vec<_> = data
            .chunks(size)
            .map(|part| chunk(*b"IDAT", part))
            .collect();
        [&bytes[..start], &parts.join(between), &bytes[end..]].concat()
    }

    #[test]
    fn pixels_are_those_that_were_written() {
        assert_eq!(whole(&file()).unwrap(), rgb());
        let rect = Rect {
            top: 40,
            left: 7,
            width: 20,
            height: 30,
        };
        let part = read(&file(), rect).unwrap().data;
        assert_eq!(part, rect.cut(&rgb(), WIDTH, 3));
    }

    #[test]
    fn data_in_many_chunks_is_one_stream() {
        assert_eq!(whole(&split(&file(), 1, b"")).unwrap(), rgb());
        assert_eq!(whole(&split(&file(), 999, b"")).unwrap(), rgb());
        let foreign = chunk(*b"tEXt", b"a\0b");
        assert!(whole(&split(&file(), 999, &foreign)).is_none());
    }

    #[test]
    fn bytes_behind_the_end_change_nothing() {
        let trailing = [&file()[..], b"PK\x03\x04 and more"].concat();
        assert_eq!(whole(&trailing).unwrap(), rgb());
    }

    #[test]
    fn what_is_unusual_is_left_to_the_library() {
        let sound = file();
        let data = find(&sound, *b"IDAT");
        let patched = |at: usize, byte: u8| {
            let mut bytes = sound.clone();
            bytes[at] = byte;
            let checksum = libdeflater::crc32(&bytes[12..29]);
            bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
            bytes
        };
        assert!(
            whole(&patched(data + 40, !sound[data + 40])).is_none(),
            "a wrong checksum"
        );
        assert!(whole(&sound[..sound.len() - 12]).is_none(), "no end");
        assert!(
            whole(&patched(16, 0x40)).is_none(),
            "a size that its bytes cannot fill"
        );
        assert!(whole(&patched(23, 101)).is_none(), "a row too few");
        assert!(whole(&patched(23, 99)).is_none(), "a row too many");
        assert!(whole(&patched(24, 16)).is_none(), "16 bits a sample");
        assert!(whole(&patched(17, 0x40)).is_none(), "too large to be kept");
        assert!(whole(&patched(28, 1)).is_none(), "rows in passes");
        assert!(whole(b"\x89PNG").is_none(), "no chunk");
        let end = find(&sound, *b"IEND");
        let empty = [&sound[..data], &sound[end..]].concat();
        assert!(whole(&empty).is_none(), "no data");
        let headless = split(&sound, 1 << 20, b"");
        let mut headless = headless[data + 8..end].to_vec();
        headless[0] = 0x79;
        let headless = [&sound[..data], &chunk(*b"IDAT", &headless), &sound[end..]].concat();
        assert!(whole(&headless).is_none(), "no zlib");
    }

    /// What the library makes of the whole file.
    fn by_library(bytes: &[u8]) -> Option<Vec<u8>> {
        let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        let mut reader = decoder.read_info().ok()?;
        let mut data = vec![0; reader.output_buffer_size()?];
        reader.next_frame(&mut data).ok()?;
        Some(data)
    }

    #[test]
    fn of_damage_behind_sound_checksums_the_library_thinks_the_same() {
        let sound = split(&file(), 1 << 20, b"");
        let (start, end) = (find(&sound, *b"IDAT"), find(&sound, *b"IEND"));
        let packed = &sound[start + 8..end - 4];
        let (mut taken, mut left) = (0, 0);
        let mut state = 7_u64;
        let mut roll = |sides: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize % sides
        };
        for round in 0..3_000 {
            let mut packed = packed.to_vec();
            for _ in 0..=roll(3) {
                // The dictionaries are at the start; damage elsewhere is mostly other pixels.
                let reach = if round % 2 == 0 { 90 } else { packed.len() };
                let at = roll(reach);
                packed[at] = roll(256) as u8;
            }
            if round % 5 == 0 {
                packed.truncate(roll(packed.len()));
            }
            let damaged = [&sound[..start], &chunk(*b"IDAT", &packed), &sound[end..]].concat();
            match whole(&damaged) {
                Some(data) => {
                    taken += 1;
                    assert_eq!(by_library(&damaged).as_ref(), Some(&data), "round {round}");
                }
                None => left += 1,
            }
        }
        assert!(taken > 100 && left > 100, "{taken} taken, {left} left");
    }
}
