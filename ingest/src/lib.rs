//! Finds the items of a collection and records their facts and verdicts.
//!
//! Three steps, each small enough to be lost: [`folder`] lists what is there; [`facts`] reads the bytes of what is
//! new or changed, in batches that are committed as they end; [`decide`] judges every item from its facts alone, so
//! that a changed threshold costs no decoding. [`stage`] puts them together.

pub mod config;
pub mod decide;
mod error;
pub mod facts;
pub mod folder;
pub mod plan;
mod select;
mod sidecar;
pub mod stage;

/// Version of the rules by which items are judged; part of every config hash, so that new rules judge anew.
pub const LOGIC_VERSION: u32 = 1;

pub use error::Error;
pub use plan::{CollectionPlan, IngestPlan};
pub use stage::{Summary, ingest};
