//! What a camera noted beside the picture.

use exif::{Exif, In, Reader, Tag, Value};

use crate::Orientation;

/// Orientation and maker of a picture; upright and unknown where EXIF says nothing or is broken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Camera {
    pub orientation: Orientation,
    pub make: Option<String>,
    pub model: Option<String>,
}

impl Camera {
    /// From an EXIF block, with or without its `Exif\0\0` prefix.
    pub fn read(block: &[u8]) -> Self {
        let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
        let mut reader = Reader::new();
        reader.continue_on_error(true);
        let exif = reader
            .read_raw(block.to_vec())
            .or_else(|e| e.distill_partial_result(|_| ()));
        exif.map(|exif| Self::from_exif(&exif)).unwrap_or_default()
    }

    fn from_exif(exif: &Exif) -> Self {
        let orientation = exif
            .get_field(Tag::Orientation, In::PRIMARY)
            .and_then(|field| field.value.get_uint(0))
            .and_then(Orientation::from_exif)
            .unwrap_or_default();
        Self {
            orientation,
            make: text(exif, Tag::Make),
            model: text(exif, Tag::Model),
        }
    }
}

fn text(exif: &Exif, tag: Tag) -> Option<String> {
    let Value::Ascii(parts) = &exif.get_field(tag, In::PRIMARY)?.value else {
        return None;
    };
    let text = String::from_utf8_lossy(parts.first()?);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    (!text.is_empty()).then(|| text.to_owned())
}
