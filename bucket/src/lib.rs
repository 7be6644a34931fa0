//! Cuts crop-only samples, packs them into shards and publishes generations.
//!
//! [`buckets`] says which sizes there are and [`crop`] where a picture is cut; both are exact arithmetic on facts of
//! the ledger, so that a plan costs no decoding; [`interest`] alone looks at pixels, once for each picture. `pack` turns one planned sample into a shard row. [`stage`] writes
//! what is new, judges every item and publishes an index, and [`accounts`] adds everything up for reports.

pub mod accounts;
pub mod buckets;
pub mod config;
pub mod crop;
mod error;
pub mod export;
pub mod gc;
pub mod interest;
mod measure;
mod pack;
pub mod plan;
mod publish;
pub mod report;
mod sampling;
mod sides;
pub mod stage;
mod views;

/// Version of the rules by which samples are cut; part of every config hash, so that new rules redo the work.
pub const LOGIC_VERSION: u32 = 1;

pub use error::Error;
pub use plan::{BucketPlan, CollectionPlan};
pub use stage::{Summary, bucket};
pub use views::views;
