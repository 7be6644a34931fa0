//! Gives every picture its captions.
//!
//! A caption hangs on the picture, the captioner's settings and the text that the captioner was given, so that a
//! changed rule redoes just what it touches. The verdict of an item names the captions that it passed with; the next
//! stage needs to know nothing of captioners.

mod captioner;
pub mod config;
mod error;
pub mod plan;
pub mod stage;

/// Version of the rules by which captions are made; part of every config hash, so that new rules redo the work.
pub const LOGIC_VERSION: u32 = 1;

pub use error::Error;
pub use plan::{CaptionPlan, CaptionerPlan, CollectionPlan};
pub use stage::{Summary, caption};
