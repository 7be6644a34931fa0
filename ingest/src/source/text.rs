//! Files of text from outside: gzipped or not, with a mark of their encoding or without.

use std::{
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use flate2::read::MultiGzDecoder;
use fs_err as fs;

use super::pattern::ends;

/// A text that is read as a stream, without the mark of UTF-8; the inner error says why it is none.
///
/// # Errors
/// The file cannot be opened.
pub(crate) fn open(path: &Path) -> io::Result<Result<Box<dyn BufRead>, String>> {
    let file = BufReader::with_capacity(1 << 18, fs::File::open(path)?);
    let bytes: Box<dyn Read> = if ends(path, ".gz") {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    Ok(unmarked(BufReader::with_capacity(1 << 16, bytes)))
}

/// The text behind the mark of UTF-8, if there is one; other encodings are named.
fn unmarked(mut text: impl BufRead + 'static) -> Result<Box<dyn BufRead>, String> {
    let start = text.fill_buf().map_err(|error| error.to_string())?;
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return Err(
            "it is UTF-16\nhint: write it anew as UTF-8: `iconv -f utf-16 -t utf-8`".to_owned(),
        );
    }
    if start.starts_with(b"\xef\xbb\xbf") {
        text.consume(3);
    }
    Ok(Box::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &'static [u8]) -> Result<String, String> {
        unmarked(bytes).map(|text| io::read_to_string(text).unwrap())
    }

    #[test]
    fn the_mark_of_utf_8_is_no_text_and_utf_16_is_named() {
        assert_eq!(read(b"\xef\xbb\xbf{}"), Ok("{}".to_owned()));
        assert_eq!(read(b"{}"), Ok("{}".to_owned()));
        assert_eq!(read(b""), Ok(String::new()));
        assert!(read(b"\xff\xfeh\0").unwrap_err().contains("UTF-16"));
    }
}
