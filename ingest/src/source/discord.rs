//! `DiscordChatExporter` JSON: messages with attachments, whose files lie beside the export or at an address.
//!
//! An export is read as a stream, message by message. Every message is accounted for: one without an image, or about
//! work that had not ended, is an item without bytes.

use std::{
    collections::HashMap,
    fmt, io,
    path::{Component, Path, PathBuf},
};

use fs_err as fs;
use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use terminus_manifest::words::Reason;

use super::{
    Found, Place, Sink, Stat, Stated, Walk,
    json::moment,
    message::{self, Kind},
    pattern::{self, ends},
    take_broken, text,
};
use crate::{CollectionPlan, Error, url};

/// The exports that a glob names.
pub(crate) struct Exports(pub PathBuf);

impl Walk for Exports {
    fn walk(&self, collection: &CollectionPlan, sink: &mut dyn Sink) -> Result<(), Error> {
        let mut grids = HashMap::new();
        for file in pattern::files(&collection.name, &self.0)? {
            let folder = file.path.parent().unwrap_or(Path::new(""));
            let detail = match text::open(&file.path)? {
                Ok(reader) => {
                    match walk_export(reader, &collection.name, folder, &mut grids, sink)? {
                        Ok(()) => continue,
                        Err(error) if ends(&file.path, ".json") => {
                            format!("the export is damaged: {error}")
                        }
                        Err(error) => format!(
                            "it is no export in JSON: {error}\nhint: export with `--format Json`"
                        ),
                    }
                }
                Err(detail) => detail,
            };
            take_broken(collection, &file, detail, sink)?;
        }
        Ok(())
    }
}

/// Hands over the messages of one export; the inner error is damage, behind what was read.
///
/// # Errors
/// What the sink ends the ingest with.
pub(crate) fn walk_export(
    reader: impl io::Read,
    collection: &str,
    folder: &Path,
    grids: &mut HashMap<u64, String>,
    sink: &mut dyn Sink,
) -> Result<Result<(), serde_json::Error>, Error> {
    let mut failure = None;
    let mut export = Export {
        collection,
        folder,
        grids,
        sink,
        failure: &mut failure,
    };
    let mut document = serde_json::Deserializer::from_reader(reader);
    let read = DocumentSeed(&mut export)
        .deserialize(&mut document)
        .and_then(|()| document.end());
    match failure {
        Some(error) => Err(error),
        None => Ok(read),
    }
}

/// One export that is being read.
struct Export<'a> {
    collection: &'a str,
    folder: &'a Path,
    /// Attachments of grids by message, which `Image #n` refers to.
    grids: &'a mut HashMap<u64, String>,
    sink: &'a mut dyn Sink,
    failure: &'a mut Option<Error>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMessage {
    id: String,
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default)]
    content: String,
    #[serde(default)]
    author: Option<RawAuthor>,
    #[serde(default)]
    attachments: Vec<RawAttachment>,
    #[serde(default)]
    reactions: Vec<RawReaction>,
    #[serde(default)]
    reference: Option<RawReference>,
}

#[derive(Deserialize)]
struct RawAuthor {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct RawAttachment {
    id: String,
    url: String,
}

#[derive(Deserialize)]
struct RawReaction {
    #[serde(default)]
    count: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawReference {
    #[serde(default)]
    message_id: Option<String>,
}

impl Export<'_> {
    /// Takes one message; a value that is none is an item too.
    fn message(&mut self, number: u64, value: Value) -> Result<(), Error> {
        let id = value.get("id").and_then(Value::as_str).map(str::to_owned);
        let raw: RawMessage = match serde_json::from_value(value) {
            Ok(raw) => raw,
            Err(error) => {
                let name =
                    id.map_or_else(|| format!("message {number}"), |id| format!("discord:{id}"));
                let detail = format!("the message is none: {error}");
                return self.without_bytes(&name, Reason::BadRow, detail, Stated::default());
            }
        };
        let read = message::read(&raw.content);
        let name = format!("discord:{}", raw.id);
        let stated = self.stated(&raw, &read);
        let (reason, detail) = match read.kind {
            Kind::NotFinal => (Reason::NotFinal, "the work had not ended"),
            Kind::Reduced => (Reason::Reduced, "the full image is on the website alone"),
            _ if raw.attachments.is_empty() => (Reason::NoImage, "the message has no attachment"),
            _ => return self.attachments(&raw, &read, &stated),
        };
        self.without_bytes(&name, reason, detail.to_owned(), stated)
    }

    fn attachments(
        &mut self,
        raw: &RawMessage,
        read: &message::Message,
        stated: &Stated,
    ) -> Result<(), Error> {
        for attachment in &raw.attachments {
            let name = format!("discord:{}/{}", raw.id, attachment.id);
            if read.kind == Kind::Grid
                && let Ok(message) = raw.id.parse()
            {
                self.grids.insert(message, name.clone());
            }
            let found = self.place(&name, &attachment.url).stating(stated.clone());
            self.sink.take(found)?;
        }
        Ok(())
    }

    fn stated(&self, raw: &RawMessage, read: &message::Message) -> Stated {
        let author = raw.author.as_ref();
        let reference = raw.reference.as_ref().and_then(|r| r.message_id.as_ref());
        let parent = reference
            .filter(|_| read.kind == Kind::Single)
            .and_then(|id| self.grids.get(&id.parse().ok()?));
        let reactions = raw.reactions.iter().map(|reaction| reaction.count);
        let generator = author.and_then(|author| message::generator_of(&author.id));
        Stated {
            prompt: read.prompt.clone(),
            generator: generator.map(str::to_owned),
            author: author
                .filter(|_| generator.is_none())
                .map(|author| author.name.clone())
                .filter(|name| !name.is_empty()),
            kind: read.kind.word().map(str::to_owned),
            parent: parent.map(|name| format!("{}:{name}", self.collection)),
            parent_tile: read.image_number.filter(|_| parent.is_some()),
            reactions: Some(reactions.fold(0, u32::saturating_add)),
            posted_at: raw.timestamp.as_deref().and_then(moment),
            ..Stated::default()
        }
    }

    /// An attachment at an address, or in a file beside the export.
    fn place(&self, name: &str, address: &str) -> Found {
        if url::is_address(address) {
            let origin = url::identity(address);
            return Found::new(
                self.collection,
                name,
                origin,
                Place::Url(address.to_owned()),
            );
        }
        let inside = |text: &str| {
            let relative = PathBuf::from(text.replace('\\', "/"));
            let is_inside = relative
                .components()
                .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
            is_inside.then(|| self.folder.join(relative))
        };
        let Some(path) = inside(address) else {
            let detail = format!("`{address}` leads out of the folder of the export");
            let origin = address.to_owned();
            return Found::without_bytes(self.collection, name, origin, Reason::BadRow, detail);
        };
        // Exports write the names of media as part of an address.
        let path = match inside(&url::percent_decoded(address)) {
            Some(decoded) if !path.exists() && decoded.exists() => decoded,
            _ => path,
        };
        let stat = fs::metadata(&path).map(|metadata| Stat::of(&metadata));
        let origin = path.to_string_lossy().into_owned();
        let found = Found::new(self.collection, name, origin, Place::File(path));
        match stat {
            Ok(stat) => found.within(stat),
            Err(_) => found,
        }
    }

    fn without_bytes(
        &mut self,
        name: &str,
        reason: Reason,
        detail: String,
        stated: Stated,
    ) -> Result<(), Error> {
        let origin = name.to_owned();
        let found = Found::without_bytes(self.collection, name, origin, reason, detail);
        self.sink.take(found.stating(stated))
    }
}

/// The document: its messages go to the export, all else is passed over.
struct DocumentSeed<'e, 'a>(&'e mut Export<'a>);

impl<'de> DeserializeSeed<'de> for DocumentSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for DocumentSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an export with `messages`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut has_messages = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "messages" {
                has_messages = true;
                map.next_value_seed(MessagesSeed(&mut *self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        if has_messages {
            Ok(())
        } else {
            Err(A::Error::custom("it has no `messages`"))
        }
    }
}

struct MessagesSeed<'e, 'a>(&'e mut Export<'a>);

impl<'de> DeserializeSeed<'de> for MessagesSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for MessagesSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut number = 0;
        while let Some(value) = list.next_element::<Value>()? {
            number += 1;
            if let Err(error) = self.0.message(number, value) {
                *self.0.failure = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}
