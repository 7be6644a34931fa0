//! Dataset configs of other trainers, as far as a recipe can say the same.

pub mod kohya;
pub mod simpletuner;

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use serde_json::Value;
use toml::Value as Toml;

/// A config that is not what its name says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}\nhint: {hint}")]
pub struct ImportError {
    /// What is missing or wrong, and where.
    pub what: String,
    /// How to mend it.
    pub hint: &'static str,
}

/// What a config says that a recipe can say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// The folders of images.
    pub collections: Vec<Folder>,
    /// The side of a square of as many pixels as a sample has.
    pub target_px: Option<u32>,
    /// Whether samples have many shapes.
    pub is_aspect: bool,
    /// The grid of bucket sides.
    pub step_px: Option<u32>,
    /// Whether pictures are resized to their bucket, which these trainers do unless told not to enlarge.
    pub resample: Option<&'static str>,
    /// Whether pictures are cut in the middle.
    pub is_centered: bool,
    /// The seed of every draw.
    pub seed: Option<u64>,
    /// Settings that a recipe has no word for, each with its place and value.
    pub not_carried: BTreeSet<String>,
}

/// A folder of images and captions.
#[derive(Clone, Debug, PartialEq)]
pub struct Folder {
    /// Its name in the recipe.
    pub name: String,
    /// Where it lies.
    pub path: String,
    /// Whether it only keeps the model coherent.
    pub is_anchor: bool,
    /// One caption for all of its images, if it has no captions of its own.
    pub fixed_caption: Option<String>,
    /// The least that the shorter side of an image may measure.
    pub min_side_px: Option<u32>,
}

impl Imported {
    /// The recipe, with what it could not take over as comments.
    pub fn recipe(&self, config: &Path) -> String {
        let quoted = |text: &str| Toml::String(text.to_owned()).to_string();
        let mut recipe = format!("# Made from `{}` by `terminus import`.\n", config.display());
        if !self.not_carried.is_empty() {
            recipe
                .push_str("#\n# What a recipe has no word for, and what was left out therefore:\n");
        }
        for note in &self.not_carried {
            // Writing to a string cannot fail.
            let _ = writeln!(recipe, "#   {}", note.replace('\n', " "));
        }
        let stem = config.file_stem().unwrap_or_default().to_string_lossy();
        let _ = writeln!(recipe, "\nroot = {}", quoted(&format!("work/{stem}")));
        if let Some(seed) = self.seed {
            let _ = writeln!(recipe, "seed = {seed}");
        }
        for folder in &self.collections {
            let _ = writeln!(
                recipe,
                "\n[[collection]]\nname = {}\nsource = {{ folder = {} }}",
                quoted(&folder.name),
                quoted(&folder.path)
            );
            if let Some(side) = folder.min_side_px {
                let _ = writeln!(recipe, "min_side_px = {side}");
            }
            if folder.is_anchor {
                recipe.push_str("role = \"anchor\"\n");
            }
            if folder.fixed_caption.is_some() {
                let _ = writeln!(recipe, "captioner = {}", quoted(&folder.name));
            }
        }
        for folder in &self.collections {
            if let Some(text) = &folder.fixed_caption {
                let _ = writeln!(
                    recipe,
                    "\n[captioner.{}]\nkind = \"text\"\ntext = {}",
                    quoted(&folder.name),
                    quoted(text)
                );
            }
        }
        recipe.push_str("\n[bucket]\n");
        let shape = if self.is_aspect { "aspect" } else { "square" };
        let _ = writeln!(recipe, "shape = \"{shape}\"");
        if let Some(target) = self.target_px {
            let _ = writeln!(recipe, "target_px = {target}");
        }
        if let Some(step) = self.step_px.filter(|_| self.is_aspect) {
            let _ = writeln!(recipe, "step_px = {step}");
        }
        if let Some(resample) = self.resample {
            let _ = writeln!(recipe, "resample = \"{resample}\"");
        }
        if self.is_centered {
            recipe.push_str("style = \"center\"\n");
        }
        recipe
    }

    /// A name for a folder that no other collection has: its last component, in the letters that names may have.
    fn name_for(&self, path: &str) -> String {
        let last = path.trim_end_matches(['/', '\\']);
        let last = last.rsplit(['/', '\\']).next().unwrap_or_default();
        let mut name: String = last
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        if name.is_empty() {
            "images".clone_into(&mut name);
        }
        let is_taken = |name: &str| self.collections.iter().any(|folder| folder.name == name);
        let base = name.clone();
        let mut number = 2;
        while is_taken(&name) {
            name = format!("{base}-{number}");
            number += 1;
        }
        name
    }

    /// Notes every setting at `place` that is not in `known`.
    fn note_unknown(&mut self, place: &str, table: &Value, known: &[&str]) {
        for (key, value) in table.as_object().into_iter().flatten() {
            let is_off =
                matches!(value, Value::Null | Value::Bool(false)) || value.as_f64() == Some(0.0);
            if known.contains(&key.as_str()) || is_off {
                continue;
            }
            // Configs hold the keys of stores; a recipe and a terminal shall not.
            let is_key = ["secret", "access_key", "token_", "password"]
                .iter()
                .any(|word| key.contains(word));
            let value = if is_key {
                "(not shown)".to_owned()
            } else {
                value.to_string()
            };
            self.not_carried.insert(format!("{place}: {key} = {value}"));
        }
    }
}

/// A whole number above zero.
fn number(value: &Value) -> Option<u32> {
    value
        .as_u64()
        .or_else(|| value.as_f64().map(|n| n as u64))
        .or_else(|| value.as_str()?.parse().ok())
        .and_then(|n| u32::try_from(n).ok())
        .filter(|n| *n > 0)
}
