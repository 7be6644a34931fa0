//! One sample on its way out.

use std::collections::HashMap;

use serde_json::{Value, json};
use terminus_manifest::{
    generation::Generation,
    index::{CaptionChoice, IndexRow},
    shard::{ShardReader, ShardRow},
    words::Split,
};

use super::Selection;
use crate::Error;

/// A use of a sample: its row, with the newest caption, and where it belongs.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The shard's row; its caption is the index's.
    pub row: ShardRow,
    /// Every caption of the index.
    pub captions: Vec<CaptionChoice>,
    /// Which split it is of.
    pub split: Split,
    /// A name that no other entry has, without an extension and without dots.
    pub name: String,
    /// The image's extension.
    pub extension: String,
    /// How many uses of the sample come before this one.
    pub repeat: u32,
}

impl Entry {
    /// What is known of it besides pixels, as JSON.
    pub fn facts(&self) -> Value {
        let row = &self.row;
        json!({
            "sample_id": row.sample_id.to_string(),
            "picture_id": row.picture_id.to_string(),
            "sha256": row.sha256.to_string(),
            "source_id": row.source_id,
            "collection": row.collection,
            "role": row.role,
            "original_width": row.original_width,
            "original_height": row.original_height,
            "crop_top": row.crop_top,
            "crop_left": row.crop_left,
            "tile_top": row.tile_top,
            "tile_left": row.tile_left,
            "resized_width": row.resized_width,
            "resized_height": row.resized_height,
            "width": row.width,
            "height": row.height,
            "packing": row.packing,
            "repeat": self.repeat,
            "captions": self.captions.iter().map(|caption| json!({
                "text": caption.text,
                "kind": caption.kind,
                "source": caption.source,
                "weight": caption.weight,
            })).collect::<Vec<_>>(),
        })
    }

    /// `train` or `validation`.
    pub fn folder(&self) -> &'static str {
        self.split.as_str()
    }
}

/// The shards of a generation, opened as they are needed.
pub(super) struct Shards<'a> {
    generation: &'a Generation,
    open: HashMap<String, ShardReader>,
}

impl<'a> Shards<'a> {
    pub(super) fn new(generation: &'a Generation) -> Self {
        Self {
            generation,
            open: HashMap::new(),
        }
    }

    /// Reads the pixels of an index row. `place` counts the entries of the export.
    pub(super) fn entry(
        &mut self,
        row: &IndexRow,
        place: u64,
        repeat: u32,
        selection: Selection,
    ) -> Result<Entry, Error> {
        if !self.open.contains_key(&row.shard) {
            let reader = ShardReader::open(&self.generation.shard_path(&row.shard))?;
            self.open.insert(row.shard.clone(), reader);
        }
        let mut packed = self.open[&row.shard].row(u64::from(row.row))?;
        if let Some(caption) = row.captions.first() {
            packed.caption.clone_from(&caption.text);
        }
        // The role is the index's too: a remixed recipe may have given it another.
        packed.role = row.role;
        packed.collection.clone_from(&row.collection);
        let extension = packed
            .image
            .path
            .rsplit_once('.')
            .map_or("bin", |(_, end)| end);
        let extension = extension.to_owned();
        let name = match selection {
            Selection::Unique => row.sample_id.to_string(),
            Selection::Epoch(_) => format!("{place:09}-{}", row.sample_id),
        };
        Ok(Entry {
            row: packed,
            captions: row.captions.clone(),
            split: row.split,
            name,
            extension,
            repeat,
        })
    }
}
