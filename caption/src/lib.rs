//! Gives every picture its captions.
//!
//! A caption hangs on the picture, the captioner's settings and the text that the captioner was given, so that a
//! changed rule redoes just what it touches. The verdict of an item names the captions that it passed with; the next
//! stage needs to know nothing of captioners.

mod captioner;
pub mod config;
mod endpoint;
mod error;
pub mod gate;
mod hints;
mod journal;
#[cfg(feature = "torch")]
mod local;
mod look;
mod picture;
pub mod plan;
mod speaker;
mod speakers;
pub mod stage;
#[cfg(feature = "torch")]
mod vlm;
mod weights;

/// Version of the rules by which captions are made; part of every config hash, so that new rules redo the work.
pub const LOGIC_VERSION: u32 = 1;

pub use endpoint::Secret;
pub use error::Error;
pub use look::{Look, Stage, look, self_check};
pub use plan::{CaptionPlan, CaptionerPlan, CollectionPlan};
pub use stage::{CaptionerSummary, Summary, caption};
#[cfg(feature = "torch")]
pub use {
    speaker::Sampling,
    vlm::{Decoding, Finish, Model, Question, Said},
};
