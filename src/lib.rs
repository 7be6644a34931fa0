//! `terminus` turns collections of generated art and photographs into an SDXL fine-tune.
//!
//! This library is the front of the house: it knows recipes, arguments and the terminal, and puts the stages
//! together. How a stage works inside is its own crate's matter.
//!
//! A [`recipe::Recipe`] is what a user wrote, checked; a [`recipe::Plan`] is what will be done. Stages see plans.

pub mod cli;
pub mod context;
pub mod exit;
pub mod import;
pub mod interrupt;
pub mod recipe;
pub mod stages;
pub mod terminal;
pub mod verbs;
