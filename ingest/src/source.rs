//! Where items come from: one small module a kind of source, all behind `Walk`.
//!
//! A walk hands over items one by one, in an order that depends on the data alone, and holds no list of them, so that
//! the first is read while the rest is still unknown. What a source knows of an item beside its bytes is [`Stated`].

mod archive;
mod discord;
pub(crate) mod folder;
mod img2dataset;
mod json;
mod list;
mod message;
mod nijijourney;
mod pattern;
mod place;
mod table;
mod text;

use terminus_manifest::{ids::ItemId, time::Timestamp, words::Reason};
use xxhash_rust::xxh3::xxh3_64;

pub(crate) use discord::walk_export;
pub(crate) use json::of_object;
pub(crate) use message::{is_discord_cdn, read as read_message};
use pattern::SourceFile;
pub use place::{Place, Stat};

use crate::{CollectionPlan, Error, config::Source, url};

/// An item that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// `<collection>:<path>`, `<collection>:<archive>!<member>`, `<collection>:discord:<message>/<attachment>` or
    /// `<collection>:url:<address>`.
    pub source_id: String,
    /// Its item id.
    pub item_id: ItemId,
    /// The path or address that its bytes come from, the same in every collection that holds it.
    pub origin: String,
    /// Where its bytes are.
    pub place: Place,
    /// Size and times of the file that holds it; none for an address.
    pub stat: Option<Stat>,
    /// Its sidecars, in the order of [`SIDECAR_EXTENSIONS`].
    pub sidecars: Vec<Sidecar>,
    /// What the source says of it.
    pub stated: Option<Box<Stated>>,
}

/// A sidecar of an item.
#[derive(Clone, Debug)]
pub struct Sidecar {
    /// `txt`, `caption` or `json`.
    pub extension: String,
    /// Where it is.
    pub place: Place,
    /// Its size and times.
    pub stat: Stat,
}

impl Sidecar {
    /// Its path for messages, quoted.
    pub(crate) fn name(&self) -> String {
        match &self.place {
            Place::File(path) => format!("`{}`", path.display()),
            Place::Span { path, .. } | Place::Deflated { path, .. } => {
                format!("the {} member of `{}`", self.extension, path.display())
            }
            _ => "the sidecar".to_owned(),
        }
    }
}

/// Extensions of sidecars, in the order in which their prompts are preferred.
pub const SIDECAR_EXTENSIONS: [&str; 3] = ["txt", "caption", "json"];

/// What a source says of an item, before its bytes are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stated {
    /// The prompt as found.
    pub prompt: Option<String>,
    /// A description that is no prompt.
    pub caption: Option<String>,
    /// The licence.
    pub license: Option<String>,
    /// The author.
    pub author: Option<String>,
    /// Consent of the person shown.
    pub consent: Option<String>,
    /// The generator, where the source names it.
    pub generator: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Kind of output: `grid`, `single`, `upscale`, `reduced`, `progress`.
    pub kind: Option<String>,
    /// The source id of the item that it was made from.
    pub parent: Option<String>,
    /// Which tile of its parent it is, from 1.
    pub parent_tile: Option<u32>,
    /// Reactions.
    pub reactions: Option<u32>,
    /// When it was posted.
    pub posted_at: Option<Timestamp>,
    /// The SHA-256 that its bytes should have, in hex.
    pub sha256: Option<String>,
}

impl Stated {
    /// A text that differs where anything stated differs.
    pub(crate) fn fingerprint(&self) -> String {
        format!("stated:{:016x}", xxh3_64(format!("{self:?}").as_bytes()))
    }
}

impl Found {
    /// An item of a collection; `name` is its source id behind the collection.
    pub(crate) fn new(collection: &str, name: &str, origin: String, place: Place) -> Self {
        let source_id = format!("{collection}:{name}");
        Self {
            item_id: ItemId::new(&source_id, 0),
            source_id,
            origin,
            place,
            stat: None,
            sidecars: Vec::new(),
            stated: None,
        }
    }

    /// An address of a list.
    pub(crate) fn address(collection: &str, id: Option<&str>, address: &str) -> Self {
        let identity = url::identity(address);
        let name = id.map_or_else(|| format!("url:{identity}"), |id| format!("id:{id}"));
        Self::new(collection, &name, identity, Place::Url(address.to_owned()))
    }

    /// A thing without bytes that must not vanish: a bad line, a message without an image, a damaged archive.
    pub(crate) fn without_bytes(
        collection: &str,
        name: &str,
        origin: String,
        reason: Reason,
        detail: String,
    ) -> Self {
        Self::new(collection, name, origin, Place::Nothing { reason, detail })
    }

    /// With size and times of the file that holds it.
    #[must_use]
    pub(crate) fn within(mut self, stat: Stat) -> Self {
        self.stat = Some(stat);
        self
    }

    /// With what the source says of it.
    #[must_use]
    pub(crate) fn stating(mut self, stated: Stated) -> Self {
        self.stated = (stated != Stated::default()).then(|| Box::new(stated));
        self
    }

    /// What tells that nothing beside the bytes has changed: sizes and times of sidecars, and what was stated; none
    /// without either.
    pub fn sidecar_stat(&self) -> Option<String> {
        let sidecars = self.sidecars.iter().map(|sidecar| {
            let Stat {
                size,
                mtime_ns,
                ctime_ns,
            } = sidecar.stat;
            format!("{}:{size}:{mtime_ns}:{ctime_ns}", sidecar.extension)
        });
        let stated = self.stated.iter().map(|stated| stated.fingerprint());
        let parts: Vec<String> = sidecars.chain(stated).collect();
        (!parts.is_empty()).then(|| parts.join("|"))
    }
}

/// Who takes what a walk finds.
pub trait Sink {
    /// Whether the bytes of an item will be read: a source that would have to hold them asks first.
    fn wants(&mut self, found: &Found) -> bool;

    /// Takes an item.
    ///
    /// # Errors
    /// What ends the ingest.
    fn take(&mut self, found: Found) -> Result<(), Error>;
}

/// A source that can be walked.
pub(crate) trait Walk {
    /// Hands every item to `sink`. What cannot be read is an item too, without bytes.
    fn walk(&self, collection: &CollectionPlan, sink: &mut dyn Sink) -> Result<(), Error>;
}

/// The walk of a collection's source.
pub(crate) fn walk_of(source: &Source) -> Box<dyn Walk> {
    match source.clone() {
        Source::Folder(path) => Box::new(folder::Folder(path)),
        Source::Discord(path) => Box::new(discord::Exports(path)),
        Source::Urls(path) => Box::new(list::Lists(path)),
        Source::Parquet(path) => Box::new(table::Tables(path)),
        Source::Webdataset(path) => Box::new(archive::Tars(path)),
        Source::Zip(path) => Box::new(archive::Zips(path)),
        Source::Nijijourney(path) => Box::new(nijijourney::Nijijourney(path)),
        Source::Img2dataset(path) => Box::new(img2dataset::Img2dataset(path)),
    }
}

/// Hands over a file of a source that cannot be read as what it should be.
pub(crate) fn take_broken(
    collection: &CollectionPlan,
    file: &SourceFile,
    detail: String,
    sink: &mut dyn Sink,
) -> Result<(), Error> {
    let origin = file.path.to_string_lossy().into_owned();
    let found = Found::without_bytes(
        &collection.name,
        &file.name,
        origin,
        Reason::Corrupt,
        detail,
    );
    let stat = fs_err::metadata(&file.path).map(|metadata| Stat::of(&metadata));
    sink.take(match stat {
        Ok(stat) => found.within(stat),
        Err(_) => found,
    })
}
