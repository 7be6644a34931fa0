//! Parts of a log that cannot be read: named, and set aside so that the rest can be.

use std::path::{Path, PathBuf};

use fs_err as fs;

use super::{Log, LogRow};
use crate::{Error, table};

/// What a part is called behind its name once it is set aside.
const DAMAGED: &str = "damaged";

impl<T: LogRow> Log<T> {
    /// The parts that cannot be read, each with what is wrong with it.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn damaged_parts(&self) -> Result<Vec<(PathBuf, Error)>, Error> {
        let mut damaged = Vec::new();
        for part in self.parts()? {
            let path = self.folder.join(&part.name);
            if let Err(error) = table::read::<T>(&path) {
                damaged.push((path, error));
            }
        }
        Ok(damaged)
    }

    /// Renames a part to `<name>.damaged`, which no reader takes for a part; gives its new path. Its rows count no longer:
    /// what they said has to be found out anew.
    ///
    /// # Errors
    /// The file cannot be renamed.
    pub fn set_aside(part: &Path) -> Result<PathBuf, Error> {
        let mut name = part.as_os_str().to_owned();
        name.push(".");
        name.push(DAMAGED);
        let target = PathBuf::from(name);
        fs::rename(part, &target)?;
        Ok(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::ItemId, log::Run, verdict::VerdictRow, words::Stage};

    #[test]
    fn a_part_that_is_cut_is_named_and_the_rest_can_be_read_without_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::open(folder.path());
        for number in 1..=2 {
            let run = Run {
                number,
                shard: 0,
                of: 1,
            };
            let item = ItemId::new(&number.to_string(), 0);
            log.append(run, vec![VerdictRow::passed(item, Stage::Ingest, "c")])
                .unwrap();
        }
        assert!(log.damaged_parts().unwrap().is_empty());
        let part = log.folder().join(&log.parts().unwrap()[0].name);
        let bytes = fs::read(&part).unwrap();
        fs::write(&part, &bytes[..bytes.len() / 2]).unwrap();
        assert!(log.rows().is_err());
        let damaged = log.damaged_parts().unwrap();
        assert_eq!(damaged.len(), 1);
        assert_eq!(damaged[0].0, part);
        Log::<VerdictRow>::set_aside(&part).unwrap();
        assert_eq!(log.rows().unwrap().len(), 1);
    }
}
