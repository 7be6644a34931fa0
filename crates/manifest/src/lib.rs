//! The data contract of Terminus: what every stage reads and writes, and nothing of how it does so.
//!
//! Ids and draws are in [`ids`]. A [`Root`] names the folders. Three append-only [`log`]s hold facts ([`ledger`]),
//! decisions ([`verdict`]) and texts ([`caption`]); [`shard`]s hold pixels; a [`generation`] is an index over them
//! and a manifest, which is all that a trainer needs. `plan` turns an index into the order of an epoch.
//!
//! Tables are declared once, by the `table!` macro: the struct, its Parquet schema and the page `docs/schema.md`
//! come from the same lines.

pub mod atomic;
pub mod canonical;
pub mod caption;
mod error;
pub mod failpoint;
pub mod generation;
pub mod glance;
pub mod ids;
pub mod index;
pub mod interest;
pub mod ledger;
mod lock;
pub mod log;
pub mod overrides;
pub mod places;
pub mod plan;
pub mod ratio;
pub mod reject;
mod root;
pub mod run;
pub mod shard;
pub mod split;
pub mod store;
pub mod table;
pub mod time;
pub mod verdict;
pub mod view;
pub mod words;

pub use error::{ColumnFault, Error};
pub use lock::Lock;
pub use root::Root;

/// Version of the contract: of every table and of the manifest.
pub const SCHEMA_VERSION: u32 = 1;
