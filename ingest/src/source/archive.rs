//! Tars and zips: their members are grouped as the files of a folder are, and read where they lie.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io::Read as _,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use fs_err as fs;

use super::{
    Found, Place, SIDECAR_EXTENSIONS, Sidecar, Sink, Stat, Walk, folder::portable, pattern,
    take_broken,
};
use crate::{CollectionPlan, Error};

/// The tars that a glob names.
pub(crate) struct Tars(pub PathBuf);

/// The zips that a glob names.
pub(crate) struct Zips(pub PathBuf);

impl Walk for Tars {
    fn walk(&self, collection: &CollectionPlan, sink: &mut dyn Sink) -> Result<(), Error> {
        for file in pattern::files(&collection.name, &self.0)? {
            let (archive, fault) = Archive::tar(&file.path)?;
            for found in archive.items(&collection.name, &file.name) {
                sink.take(found)?;
            }
            if let Some(detail) = fault {
                take_broken(collection, &file, detail, sink)?;
            }
        }
        Ok(())
    }
}

impl Walk for Zips {
    fn walk(&self, collection: &CollectionPlan, sink: &mut dyn Sink) -> Result<(), Error> {
        for file in pattern::files(&collection.name, &self.0)? {
            let (archive, fault) = Archive::zip(&file.path)?;
            for found in archive.items(&collection.name, &file.name) {
                sink.take(found)?;
            }
            if let Some(detail) = fault {
                take_broken(collection, &file, detail, sink)?;
            }
        }
        Ok(())
    }
}

/// A list of members; their bytes stay in the file.
pub(crate) struct Archive {
    path: Arc<Path>,
    stat: Stat,
    members: Vec<Member>,
}

/// One member.
pub(crate) struct Member {
    /// Its path in the archive.
    pub name: String,
    /// Where its bytes are.
    pub place: Place,
}

impl Archive {
    /// The members of a tar, and what ended the list early.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(crate) fn tar(path: &Path) -> Result<(Self, Option<String>), Error> {
        let (mut archive, mut file) = Self::open(path)?;
        let mut start = [0; 2];
        if file.read(&mut start)? == 2 && start == [0x1f, 0x8b] {
            let hint = "the tar is compressed\nhint: unpack it with `gunzip`, so that members can be read where they lie";
            return Ok((archive, Some(hint.to_owned())));
        }
        let mut tar = tar::Archive::new(fs::File::open(path)?);
        let mut fault = None;
        let entries = match tar.entries_with_seek() {
            Ok(entries) => entries,
            Err(error) => return Ok((archive, Some(format!("the tar is damaged: {error}")))),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    fault = Some(format!("the tar is damaged: {error}"));
                    break;
                }
            };
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let name = portable(Path::new(OsStr::from_bytes(&entry.path_bytes())));
            let (offset, len) = (entry.raw_file_position(), entry.size());
            if offset
                .checked_add(len)
                .is_none_or(|end| end > archive.stat.size)
            {
                fault = Some(format!("the tar ends inside its member `{name}`"));
                break;
            }
            let place = Place::Span {
                path: Arc::clone(&archive.path),
                offset,
                len,
            };
            archive.members.push(Member { name, place });
        }
        Ok((archive, fault))
    }

    /// The members of a zip, and what ended the list early.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(crate) fn zip(path: &Path) -> Result<(Self, Option<String>), Error> {
        let (mut archive, file) = Self::open(path)?;
        let mut zip = match zip::ZipArchive::new(std::io::BufReader::new(file)) {
            Ok(zip) => zip,
            Err(error) => return Ok((archive, Some(format!("the zip is damaged: {error}")))),
        };
        let mut faults = Vec::new();
        for index in 0..zip.len() {
            let member = match zip.by_index_raw(index) {
                Ok(member) => member,
                Err(error) => {
                    faults.push(format!("member {index}: {error}"));
                    continue;
                }
            };
            if !member.is_file() {
                continue;
            }
            let name = portable(Path::new(OsStr::from_bytes(member.name_raw())));
            let (len, path) = (member.compressed_size(), Arc::clone(&archive.path));
            let Some(offset) = member.data_start() else {
                faults.push(format!("`{name}` has no place"));
                continue;
            };
            let place = if member.encrypted() {
                faults.push(format!("`{name}` is encrypted"));
                continue;
            } else {
                match member.compression() {
                    zip::CompressionMethod::Stored => Place::Span { path, offset, len },
                    zip::CompressionMethod::Deflated => Place::Deflated {
                        path,
                        offset,
                        len,
                        size: member.size(),
                        crc32: member.crc32(),
                    },
                    other => {
                        faults.push(format!("`{name}` is compressed by {other}"));
                        continue;
                    }
                }
            };
            archive.members.push(Member { name, place });
        }
        Ok((archive, (!faults.is_empty()).then(|| faults.join("; "))))
    }

    fn open(path: &Path) -> Result<(Self, fs::File), Error> {
        let file = fs::File::open(path)?;
        let archive = Self {
            path: path.into(),
            stat: Stat::of(&file.metadata()?),
            members: Vec::new(),
        };
        Ok((archive, file))
    }

    /// The items: members that are not sidecars of others, ordered by name.
    ///
    /// `file` is the archive's name in source ids.
    pub(crate) fn items(self, collection: &str, file: &str) -> Vec<Found> {
        let mut by_stem: BTreeMap<String, Vec<(String, Member)>> = BTreeMap::new();
        for member in self.members {
            let base = member.name.rfind('/').map_or(0, |slash| slash + 1);
            let is_hidden = member.name.split('/').any(|part| part.starts_with('.'))
                || member.name.starts_with("__MACOSX/");
            if is_hidden {
                continue;
            }
            // Webdataset keys end at the first dot of the name.
            let dot = member.name[base..].find('.').map(|dot| base + dot);
            let (stem, extension) = match dot {
                Some(dot) => (&member.name[..dot], &member.name[dot + 1..]),
                None => (member.name.as_str(), ""),
            };
            let (stem, extension) = (stem.to_owned(), extension.to_lowercase());
            by_stem.entry(stem).or_default().push((extension, member));
        }
        let rank = |extension: &str| {
            SIDECAR_EXTENSIONS
                .iter()
                .position(|known| *known == extension)
        };
        let mut items = Vec::new();
        for members in by_stem.into_values() {
            let has_image = members
                .iter()
                .any(|(extension, _)| rank(extension).is_none());
            let (mut sidecars, images): (Vec<_>, Vec<_>) = members
                .into_iter()
                .partition(|(extension, _)| has_image && rank(extension).is_some());
            sidecars.sort_by_key(|(extension, _)| rank(extension));
            let sidecars: Vec<Sidecar> = sidecars
                .into_iter()
                .map(|(extension, member)| Sidecar {
                    extension,
                    place: member.place,
                    stat: self.stat,
                })
                .collect();
            for (_, member) in images {
                let name = format!("{file}!{}", member.name);
                let origin = format!("{}!{}", self.path.display(), member.name);
                let mut found =
                    Found::new(collection, &name, origin, member.place).within(self.stat);
                found.sidecars.clone_from(&sidecars);
                items.push(found);
            }
        }
        items
    }

    /// The members.
    pub(crate) fn members(self) -> impl Iterator<Item = Member> {
        self.members.into_iter()
    }

    /// Size and times of the archive.
    pub(crate) fn stat(&self) -> Stat {
        self.stat
    }
}
