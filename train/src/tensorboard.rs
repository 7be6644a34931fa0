//! Event files that TensorBoard reads: scalars and PNG pictures by step.
//!
//! The format is a sequence of records, each `length (u64) · checksum · bytes · checksum`, little-endian, whose bytes
//! are a protocol buffer `Event`. Four message types with seven fields do not need a code generator.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use fs_err as fs;

use crate::Error;

/// An event file that grows.
#[derive(Debug)]
pub struct EventFile {
    file: fs::File,
    path: PathBuf,
}

impl EventFile {
    /// A new event file in `folder`; every process start has its own, and TensorBoard joins them by step.
    ///
    /// `first_step` makes TensorBoard forget what an interrupted run wrote at or after it.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(folder: &Path, first_step: u64) -> Result<Self, Error> {
        fs::create_dir_all(folder)?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let name = format!(
            "events.out.tfevents.{:010}.{}.terminus",
            now.as_secs(),
            std::process::id()
        );
        let path = folder.join(name);
        let mut file = Self {
            file: fs::File::create(&path)?,
            path,
        };
        let mut version = Message::default();
        version.text(3, "brain.Event:2");
        file.event(0, &version)?;
        if first_step > 0 {
            // SessionLog { status: START }: later steps of older files are purged.
            let mut status = Message::default();
            status.number(1, 1);
            let mut start = Message::default();
            start.message(7, &status);
            file.event(first_step, &start)?;
        }
        Ok(file)
    }

    /// Writes one number under `tag`.
    ///
    /// # Errors
    /// The disk is full.
    pub fn scalar(&mut self, step: u64, tag: &str, value: f64) -> Result<(), Error> {
        let mut entry = Message::default();
        entry.text(1, tag);
        entry.float(2, value as f32);
        self.summary(step, &entry)
    }

    /// Writes a PNG picture under `tag`.
    ///
    /// # Errors
    /// The disk is full.
    pub fn picture(
        &mut self,
        step: u64,
        tag: &str,
        (width, height): (u32, u32),
        png: &[u8],
    ) -> Result<(), Error> {
        let mut image = Message::default();
        image.number(1, u64::from(height));
        image.number(2, u64::from(width));
        image.number(3, 3);
        image.bytes(4, png);
        let mut entry = Message::default();
        entry.text(1, tag);
        entry.message(4, &image);
        self.summary(step, &entry)
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn summary(&mut self, step: u64, entry: &Message) -> Result<(), Error> {
        let mut summary = Message::default();
        summary.message(1, entry);
        let mut event = Message::default();
        event.message(5, &summary);
        self.event(step, &event)
    }

    fn event(&mut self, step: u64, content: &Message) -> Result<(), Error> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut event = Message::default();
        event.double(1, now.as_secs_f64());
        event.number(2, step);
        event.0.extend_from_slice(&content.0);
        self.file.write_all(&record(&event.0))?;
        Ok(())
    }
}

/// One record of the file around `bytes`.
fn record(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(bytes.len() + 16);
    record.extend_from_slice(&length);
    record.extend_from_slice(&masked_crc32c(&length).to_le_bytes());
    record.extend_from_slice(bytes);
    record.extend_from_slice(&masked_crc32c(bytes).to_le_bytes());
    record
}

/// A protocol buffer message under construction.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: u64, wire_type: u64) {
        self.varint(field << 3 | wire_type);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.key(field, 0);
        self.varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.key(field, 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn float(&mut self, field: u64, value: f32) {
        self.key(field, 5);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.key(field, 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    fn text(&mut self, field: u64, value: &str) {
        self.bytes(field, value.as_bytes());
    }

    fn message(&mut self, field: u64, value: &Self) {
        self.bytes(field, &value.0);
    }
}

/// CRC-32C, rotated and shifted so that the checksum of data that holds checksums is no fixed point.
fn masked_crc32c(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8)
}

fn crc32c(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82F6_3B78;
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let mut crc = i as u32;
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 1 == 1 {
                    crc >> 1 ^ POLYNOMIAL
                } else {
                    crc >> 1
                };
                bit += 1;
            }
            table[i] = crc;
            i += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc, byte| {
        TABLE[((crc ^ u32::from(*byte)) & 0xFF) as usize] ^ crc >> 8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_rfc_3720() {
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(&[0xFF; 32]), 0x62A8_AB43);
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
    }

    #[test]
    fn the_first_record_is_the_one_that_tensorflow_writes() {
        // A tf.summary file of TensorFlow 2 begins with this event but for its time, which is 0 here.
        let mut event = Message::default();
        event.double(1, 0.0);
        event.text(3, "brain.Event:2");
        let record = record(&event.0);
        assert_eq!(record[..8], 24u64.to_le_bytes());
        assert_eq!(&record[12 + 11..12 + 24], b"brain.Event:2");
        assert_eq!(record.len(), 24 + 16);
    }

    #[test]
    fn a_file_holds_its_records_end_to_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = EventFile::create(folder.path(), 10).unwrap();
        file.scalar(11, "loss", 0.5).unwrap();
        file.picture(12, "grid", (2, 1), b"png").unwrap();
        let bytes = fs::read(file.path()).unwrap();
        let mut rest = bytes.as_slice();
        let mut records = 0;
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            let body = &rest[12..12 + length];
            let sum = u32::from_le_bytes(rest[12 + length..16 + length].try_into().unwrap());
            assert_eq!(sum, masked_crc32c(body));
            rest = &rest[16 + length..];
            records += 1;
        }
        assert_eq!(records, 4);
    }
}
