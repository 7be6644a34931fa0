//! Finds the items of a collection and records their facts and verdicts.
//!
//! Three steps, each small enough to be lost: a [`source`] hands over what is there, one by one; `facts` come from the
//! bytes of what is new or changed, in batches that are committed as they end, while `download` fetches what is at an
//! address; [`decide`] judges every item from its facts alone, so that a changed threshold costs no decoding. [`stage`]
//! puts them together.

mod cells;
pub mod config;
pub mod decide;
mod decoding;
mod download;
mod duplicates;
mod error;
mod facts;
mod grid;
mod measure;
pub mod near;
pub mod plan;
mod scores;
mod select;
mod sidecar;
pub mod source;
pub mod stage;
mod status;
mod thresholds;
mod url;
mod version;

/// Version of the rules by which items are judged; part of every config hash, so that new rules judge anew.
pub const LOGIC_VERSION: u32 = 2;

pub use error::Error;
pub use plan::{CollectionPlan, IngestPlan};
pub use scores::{MEASURED, SAFETY, Scores};
pub use stage::{Summary, ingest};
pub use status::{Flags, flags, sweep};
pub use thresholds::{Kept, SweepRow};

#[doc(hidden)]
pub mod fuzzing;
