//! Cuts crop-only samples, packs them into shards and publishes generations.

pub mod config;
