//! Finds the items of a collection and records their facts and verdicts.

pub mod config;
