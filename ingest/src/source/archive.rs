//! Tars and zips: their members are grouped as the files of a folder are, and read where they lie.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    ffi::OsStr,
    io::Read as _,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use fs_err as fs;
use terminus_manifest::words::Reason;

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
            for found in archive.items(&collection.name, &file.name, Keys::FirstDot) {
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
            for found in archive.items(&collection.name, &file.name, Keys::LastDot) {
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

/// What the name of a sidecar shares with that of its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// All but the extension, as in folders.
    LastDot,
    /// That too, or what stands before the first dot, as in webdatasets.
    FirstDot,
}

/// What is in an archive and cannot be read from it.
fn nothing(detail: impl Into<String>) -> Place {
    Place::Nothing {
        reason: Reason::Unreadable,
        detail: detail.into(),
    }
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
        let (mut fault, mut links) = (None, Vec::new());
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
            let kind = entry.header().entry_type();
            let name = portable(Path::new(OsStr::from_bytes(&entry.path_bytes())));
            if kind.is_hard_link() || kind.is_symlink() {
                let target = entry.link_name_bytes().unwrap_or_default();
                let target = portable(Path::new(OsStr::from_bytes(&target)));
                let from = if kind.is_symlink() { parent(&name) } else { "" };
                links.push((plain(&name), plain(&format!("{from}{target}"))));
                continue;
            }
            if kind.is_gnu_sparse() {
                let place = nothing("the tar holds it as a sparse file");
                archive.members.push(Member { name, place });
                continue;
            }
            if !kind.is_file() && !kind.is_contiguous() {
                continue;
            }
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
            archive.members.push(Member {
                name: plain(&name),
                place,
            });
        }
        archive.follow(links);
        Ok((archive, fault))
    }

    /// The members of a zip, and why there is none. One that cannot be read is a member without bytes.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(crate) fn zip(path: &Path) -> Result<(Self, Option<String>), Error> {
        let (mut archive, file) = Self::open(path)?;
        let mut zip = match zip::ZipArchive::new(std::io::BufReader::new(file)) {
            Ok(zip) => zip,
            Err(error) => return Ok((archive, Some(format!("the zip is damaged: {error}")))),
        };
        for index in 0..zip.len() {
            let stored_as = zip.name_for_index(index).and_then(Result::ok);
            let stored_as = stored_as.map(Cow::into_owned);
            let (name, place) = match zip.by_index_raw(index) {
                Ok(member) if !member.is_file() => continue,
                Ok(member) => (
                    portable(Path::new(OsStr::from_bytes(member.name_raw()))),
                    place_in_zip(&member, &archive.path),
                ),
                Err(error) => (
                    stored_as.unwrap_or_else(|| format!("member {index}")),
                    nothing(error.to_string()),
                ),
            };
            let name = plain(&name);
            archive.members.push(Member { name, place });
        }
        Ok((archive, None))
    }

    /// Adds what links lead to: the members that they name.
    fn follow(&mut self, links: Vec<(String, String)>) {
        if links.is_empty() {
            return;
        }
        let members = self.members.iter();
        let mut places: HashMap<String, Place> = members
            .map(|member| (member.name.clone(), member.place.clone()))
            .collect();
        for (name, target) in links {
            let place = places.get(&target).cloned().unwrap_or_else(|| {
                nothing(format!(
                    "it is a link to `{target}`, which the tar does not hold\nhint: pack what links lead to: `tar --dereference`"
                ))
            });
            places.insert(name.clone(), place.clone());
            self.members.push(Member { name, place });
        }
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
    /// `file` is the archive's name in source ids. Where members share a name, the second is `name#2`.
    pub(crate) fn items(self, collection: &str, file: &str, keys: Keys) -> Vec<Found> {
        let mut by_key: BTreeMap<String, Vec<Member>> = BTreeMap::new();
        for member in self.members {
            let is_hidden = member.name.split('/').any(|part| part.starts_with('.'))
                || member.name.starts_with("__MACOSX/");
            if !is_hidden {
                let key = member.key().to_owned();
                by_key.entry(key).or_default().push(member);
            }
        }
        let mut items = Vec::new();
        for (key, members) in by_key {
            let (mut sidecars, images): (Vec<_>, Vec<_>) = members
                .into_iter()
                .partition(|member| member.rank().is_some());
            sidecars.sort_by_key(Member::rank);
            let belongs = |sidecar: &Member, image: &Member| {
                let stem = sidecar.stem();
                stem == image.stem()
                    || stem == image.name
                    || (keys == Keys::FirstDot && stem == key)
            };
            let mut times: HashMap<&str, u32> = HashMap::new();
            for image in &images {
                let own = sidecars.iter().filter(|sidecar| belongs(sidecar, image));
                let own = own.map(|sidecar| Sidecar {
                    extension: sidecar.extension().to_lowercase(),
                    place: sidecar.place.clone(),
                    stat: self.stat,
                });
                let times = times.entry(&image.name).or_default();
                *times += 1;
                let found = image.found(collection, file, &self.path, *times);
                items.push(Found {
                    sidecars: own.collect(),
                    ..found.within(self.stat)
                });
            }
            let lone = sidecars
                .iter()
                .filter(|sidecar| !images.iter().any(|image| belongs(sidecar, image)));
            let mut times: HashMap<&str, u32> = HashMap::new();
            items.extend(lone.map(|sidecar| {
                let times = times.entry(&sidecar.name).or_default();
                *times += 1;
                let found = sidecar.found(collection, file, &self.path, *times);
                found.within(self.stat)
            }));
        }
        items
    }
}

impl Member {
    fn base(&self) -> usize {
        self.name.rfind('/').map_or(0, |slash| slash + 1)
    }

    /// Its name as far as the first dot.
    fn key(&self) -> &str {
        let base = self.base();
        let dot = self.name[base..].find('.');
        dot.map_or(&self.name, |dot| &self.name[..base + dot])
    }

    /// Its name as far as the last dot, and what stands behind it.
    fn parts(&self) -> (&str, &str) {
        let base = self.base();
        match self.name[base..].rfind('.') {
            Some(dot) => (&self.name[..base + dot], &self.name[base + dot + 1..]),
            None => (&self.name, ""),
        }
    }

    fn stem(&self) -> &str {
        self.parts().0
    }

    fn extension(&self) -> &str {
        self.parts().1
    }

    /// Its place among sidecars, if its extension is that of one.
    fn rank(&self) -> Option<usize> {
        SIDECAR_EXTENSIONS
            .iter()
            .position(|known| self.extension().eq_ignore_ascii_case(known))
    }

    fn found(&self, collection: &str, file: &str, archive: &Path, times: u32) -> Found {
        let more = match times {
            1 => String::new(),
            times => format!("#{times}"),
        };
        let name = format!("{file}!{}{more}", self.name);
        let origin = format!("{}!{}{more}", archive.display(), self.name);
        Found::new(collection, &name, origin, self.place.clone())
    }
}

/// Where the bytes of a zip's member are.
fn place_in_zip<R: std::io::Read>(member: &zip::read::ZipFile<'_, R>, path: &Arc<Path>) -> Place {
    let (len, path) = (member.compressed_size(), Arc::clone(path));
    let Some(offset) = member.data_start() else {
        return nothing("the zip does not say where it begins");
    };
    if member.encrypted() {
        return nothing("it is encrypted\nhint: unpack the zip with its password");
    }
    match member.compression() {
        zip::CompressionMethod::Stored => Place::Span { path, offset, len },
        zip::CompressionMethod::Deflated => Place::Deflated {
            path,
            offset,
            len,
            size: member.size(),
            crc32: member.crc32(),
        },
        other => nothing(format!(
            "it is compressed by {other}, which is not read\nhint: unpack the zip, or pack it with `zip`"
        )),
    }
}

/// The folder that a name stands in, with its slash.
fn parent(name: &str) -> &str {
    &name[..name.rfind('/').map_or(0, |slash| slash + 1)]
}

/// A path in an archive without `./`, and without `..` where a folder stands before it: `tar -c .` writes `./a.png`.
fn plain(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "." | "" => {}
            ".." if parts.last().is_some_and(|&part| part != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
