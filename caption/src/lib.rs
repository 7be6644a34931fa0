//! Gives every picture its captions.

pub mod config;
