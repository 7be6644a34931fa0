//! Doors for fuzz targets: the parsers that meet bytes from outside, each as one function.

use std::{collections::HashMap, path::Path};

use crate::{
    Error,
    source::{self, Found, Sink},
};

struct Counted(u64);

impl Sink for Counted {
    fn wants(&mut self, _: &Found) -> bool {
        true
    }

    fn take(&mut self, _: Found) -> Result<(), Error> {
        self.0 += 1;
        Ok(())
    }
}

/// Reads the text of a Discord message.
pub fn message(content: &str) {
    let _ = source::read_message(content);
}

/// Walks a whole export from memory; gives how many items it holds.
///
/// # Errors
/// None: damage is an item.
pub fn discord(bytes: &[u8], collection: &str) -> Result<u64, Error> {
    let mut sink = Counted(0);
    let _ = source::walk_export(
        bytes,
        collection,
        Path::new("/nowhere"),
        &mut HashMap::new(),
        &mut sink,
    )?;
    Ok(sink.0)
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::*;

    #[test]
    #[ignore = "needs TERMINUS_CORPUS, the folder that holds fuzz/corpus"]
    fn what_fuzzing_found_is_items_and_no_crash() {
        let corpus = std::env::var("TERMINUS_CORPUS").unwrap();
        for entry in fs::read_dir(Path::new(&corpus).join("discord")).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            discord(&bytes, "c").unwrap();
            message(&String::from_utf8_lossy(&bytes));
        }
    }
}
