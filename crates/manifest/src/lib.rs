//! The data contract of Terminus: what every stage reads and writes, and nothing of how it does so.
//!
//! Ids and draws are in [`ids`]. Everything that a trainer needs is named by a generation's manifest.

mod error;
pub mod ids;

pub use error::Error;
