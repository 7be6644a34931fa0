//! An object store as the target of an export: `s3://bucket/prefix`, `gs://…`, `az://…`.
//!
//! Files go out as they are finished. Beside the objects lies a note of what is being exported, so that a run that was
//! stopped can be gone on with and two exports are never mixed; the listing of all objects is written last, and an
//! export without one is not whole.

mod address;
mod send;
mod upload;

use std::sync::Arc;

use object_store::{ObjectStore, ObjectStoreExt as _, path::Path};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ExportPlan;
use crate::Error;
pub use address::{StoreSettings, is_address};
pub(super) use upload::upload_while;

/// The listing, written last.
pub(super) const LISTING: &str = "terminus-export.json";
/// The note that stands for it until then.
const NOTE: &str = "terminus-export.unfinished.json";

/// An object of an export.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Object {
    /// Its path below the prefix.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its SHA-256, which the object's metadata hold too.
    pub sha256: String,
}

/// What an export sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Uploaded {
    /// Objects of the export, without its listing.
    pub objects: u64,
    /// Those that were sent now; the others were there.
    pub sent: u64,
    /// Bytes of those that were sent now.
    pub sent_bytes: u64,
}

/// How far an export to this place has come.
pub(super) enum Standing {
    /// Nothing is there.
    Fresh,
    /// A run of this very export was stopped.
    Begun,
    /// It is whole: its listing.
    Whole(Value),
}

/// A place in an object store, and the thread's runtime that talks to it.
pub(super) struct Store {
    place: Place,
    runtime: tokio::runtime::Runtime,
}

/// A place in an object store.
#[derive(Clone)]
struct Place {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// As it was given.
    address: String,
    settings: StoreSettings,
}

impl Store {
    /// How far the export that `identity` names has come here. What is there of another one is refused.
    pub(super) fn standing(&self, identity: &Value) -> Result<Standing, Error> {
        let place = &self.place;
        self.runtime.block_on(async {
            if let Some(listing) = place.read(LISTING).await? {
                return if listing["identity"] == *identity {
                    Ok(Standing::Whole(listing))
                } else {
                    Err(place.taken("another export"))
                };
            }
            if let Some(note) = place.read(NOTE).await? {
                return if note["identity"] == *identity {
                    Ok(Standing::Begun)
                } else {
                    Err(place.taken("an unfinished export of something else"))
                };
            }
            let found = place.store.list_with_delimiter(Some(&place.prefix)).await;
            let found = found.map_err(|error| place.fault("listing", &error))?;
            if found.objects.is_empty() && found.common_prefixes.is_empty() {
                Ok(Standing::Fresh)
            } else {
                Err(place.taken("something that is no export"))
            }
        })
    }

    /// Whether every object of a listing is there, in its size.
    pub(super) fn holds(&self, listing: &Value) -> Result<bool, Error> {
        let objects: Vec<Object> =
            serde_json::from_value(listing["objects"].clone()).unwrap_or_default();
        self.runtime.block_on(async {
            let sizes = self.place.sizes().await?;
            Ok(objects.iter().all(|object| {
                let location = self.place.at(&object.path);
                sizes.get(location.as_ref()) == Some(&object.size_bytes)
            }))
        })
    }

    /// Notes what is being exported, before the first object.
    pub(super) fn begin(&self, identity: &Value) -> Result<(), Error> {
        let note = json!({ "identity": identity });
        self.runtime.block_on(self.place.write(NOTE, &note))
    }

    /// Writes the listing, which makes the export whole.
    pub(super) fn end(&self, listing: &Value) -> Result<(), Error> {
        let place = &self.place;
        self.runtime.block_on(async {
            place.write(LISTING, listing).await?;
            let gone = place.store.delete(&place.at(NOTE)).await;
            match gone {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => {
                    Err(place.fault("removing the note of the unfinished export", &error))
                }
            }
        })
    }
}

impl Place {
    /// The sizes of all objects here.
    async fn sizes(&self) -> Result<std::collections::HashMap<String, u64>, Error> {
        let mut sizes = std::collections::HashMap::new();
        let mut folders = vec![self.prefix.clone()];
        while let Some(folder) = folders.pop() {
            let found = self.store.list_with_delimiter(Some(&folder)).await;
            let found = found.map_err(|error| self.fault("listing", &error))?;
            folders.extend(found.common_prefixes);
            sizes.extend(
                found
                    .objects
                    .into_iter()
                    .map(|o| (o.location.to_string(), o.size)),
            );
        }
        Ok(sizes)
    }

    fn at(&self, path: &str) -> Path {
        let parts = path.split('/').map(object_store::path::PathPart::from);
        self.prefix.parts().chain(parts).collect()
    }

    async fn read(&self, name: &str) -> Result<Option<Value>, Error> {
        let doing = format!("reading `{name}`");
        let bytes = match self.store.get(&self.at(name)).await {
            Ok(found) => found.bytes().await,
            Err(object_store::Error::NotFound { source, .. })
                if !is_bucket_missing(&source.to_string()) =>
            {
                return Ok(None);
            }
            Err(error) => Err(error),
        };
        let bytes = bytes.map_err(|error| self.fault(&doing, &error))?;
        // Text that is no JSON is nobody's listing.
        Ok(Some(serde_json::from_slice(&bytes).unwrap_or_default()))
    }

    async fn write(&self, name: &str, value: &Value) -> Result<(), Error> {
        let bytes = serde_json::to_vec_pretty(value).map_err(std::io::Error::from)?;
        let written = self.store.put(&self.at(name), bytes.into()).await;
        written.map_err(|error| self.fault(&format!("writing `{name}`"), &error))?;
        Ok(())
    }

    fn taken(&self, by: &str) -> Error {
        Error::StoreTaken {
            address: self.address.clone(),
            by: by.to_owned(),
        }
    }
}

fn is_bucket_missing(said: &str) -> bool {
    said.contains("NoSuchBucket")
}

/// What tells one export from another; the same for the same bytes.
pub(super) fn identity(
    manifest: &terminus_manifest::generation::Manifest,
    plan: &ExportPlan,
) -> Value {
    json!({
        "recipe": manifest.recipe,
        "generation": manifest.generation,
        "samples_sha256": manifest.samples.sha256,
        "format": plan.format,
        "selection": plan.selection,
        "file_rows": plan.file_rows,
    })
}
