//! What picture `index` of a seed will be: size, file, subject and prompt, decided before drawing.

use serde::Serialize;

use crate::attributes::{CharacterAttributes, CharacterDetails, SceneAttributes};
use crate::dice::Dice;
use crate::encode::{Chroma, Format};
use crate::options::Scale;
use crate::photo::PhotoAttributes;
use crate::prompt;

/// What a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A drawn character.
    Character(CharacterAttributes, CharacterDetails),
    /// A drawn place.
    Scene(SceneAttributes),
    /// A photo-like anchor.
    Photo(PhotoAttributes),
}

/// One image of the collection, decided in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The collection's seed.
    pub seed: u64,
    /// The image's number in the collection.
    pub index: u64,
    /// Width and height of the file in pixels.
    pub size: (u32, u32),
    /// Four pictures of one prompt in one file.
    pub is_grid: bool,
    /// How the file is encoded.
    pub format: Format,
    /// What it shows.
    pub subject: Subject,
    /// The sidecar's text; anchors have none.
    pub prompt: Option<String>,
}

/// Midjourney's sizes with their aspect flags, and how often they come in a hundred.
const SIZES: [((u32, u32, &str), u32); 7] = [
    ((1024, 1024, "1:1"), 56),
    ((1456, 816, "16:9"), 13),
    ((1232, 928, "4:3"), 7),
    ((1344, 896, "3:2"), 8),
    ((816, 1456, "9:16"), 6),
    ((896, 1344, "2:3"), 6),
    ((1680, 720, "21:9"), 4),
];

/// One image in each run of this many is an anchor.
const ANCHOR_EVERY: u64 = 10;
/// One image in each run of this many is a grid, unless an anchor already takes its place.
const GRID_EVERY: u64 = 32;

/// True for one index in each run of `every`, at a place that the seed decides.
fn is_chosen(seed: u64, index: u64, every: u64, purpose: &str) -> bool {
    Dice::new(seed, index / every, purpose).below(every as usize) as u64 == index % every
}

impl Plan {
    /// The plan of picture `index`. It depends on nothing else.
    pub fn new(seed: u64, index: u64, scale: Scale) -> Self {
        let mut dice = Dice::new(seed, index, "plan");
        let (width, height, aspect) = dice.weighted(SIZES);
        let size = (width / scale.divisor(), height / scale.divisor());
        if is_chosen(seed, index, ANCHOR_EVERY, "anchors") {
            return Self {
                seed,
                index,
                size,
                is_grid: false,
                format: photo_format(&mut dice),
                subject: Subject::Photo(PhotoAttributes::any(&mut dice)),
                prompt: None,
            };
        }
        let is_grid = is_chosen(seed, index, GRID_EVERY, "grids");
        let (size, aspect) = if is_grid {
            let side = 2 * 1024 / scale.divisor();
            ((side, side), "1:1")
        } else {
            (size, aspect)
        };
        let format = drawing_format(&mut dice);
        let subject = if dice.chance(0.75) {
            let (attributes, details) = CharacterAttributes::any(&mut dice);
            Subject::Character(attributes, details)
        } else {
            Subject::Scene(SceneAttributes::any(&mut dice))
        };
        let prompt = Some(prompt::write(
            subject,
            aspect,
            &mut Dice::new(seed, index, "prompt"),
        ));
        Self {
            seed,
            index,
            size,
            is_grid,
            format,
            subject,
            prompt,
        }
    }

    /// Width and height of one picture: the file's, or a quarter of a grid.
    pub fn tile_size(&self) -> (u32, u32) {
        if self.is_grid {
            (self.size.0 / 2, self.size.1 / 2)
        } else {
            self.size
        }
    }

    /// The file below the collection's folder, with `/`.
    pub fn file(&self) -> String {
        let extension = self.format.extension();
        let index = self.index;
        match self.subject {
            Subject::Photo(_) => format!("anchors/{index:05}.{extension}"),
            Subject::Scene(scene) => {
                let (place, time) = (scene.place.word(), scene.time_of_day.word());
                format!(
                    "midjourney/{index:05}_{}_{}.{extension}",
                    slug(place),
                    slug(time)
                )
            }
            Subject::Character(character, _) => {
                let (hair, place) = (character.hair_colour.word(), character.background.word());
                format!(
                    "midjourney/{index:05}_{}_hair_{}.{extension}",
                    slug(hair),
                    slug(place)
                )
            }
        }
    }

    /// The line of the truth file.
    pub fn truth(&self) -> Truth<'_> {
        let (kind, attributes, details) = match self.subject {
            Subject::Character(attributes, details) => (
                "character",
                Attributes::Character(attributes),
                Some(details),
            ),
            Subject::Scene(attributes) => ("scene", Attributes::Scene(attributes), None),
            Subject::Photo(attributes) => ("photo", Attributes::Photo(attributes), None),
        };
        Truth {
            file: self.file(),
            index: self.index,
            kind,
            layout: if self.is_grid { "grid" } else { "single" },
            width_px: self.size.0,
            height_px: self.size.1,
            encoding: self.format,
            prompt: self.prompt.as_deref(),
            attributes,
            details,
        }
    }
}

fn slug(words: &str) -> String {
    words.replace([' ', '-'], "_")
}

fn drawing_format(dice: &mut Dice) -> Format {
    let jpeg = |quality, chroma| Format::Jpeg { quality, chroma };
    dice.weighted([
        (Format::Png, 40),
        (jpeg(75, Chroma::Halved), 6),
        (jpeg(85, Chroma::Halved), 8),
        (jpeg(92, Chroma::Halved), 12),
        (jpeg(90, Chroma::Full), 10),
        (jpeg(95, Chroma::Full), 9),
        (Format::WebpLossless, 15),
    ])
}

fn photo_format(dice: &mut Dice) -> Format {
    let jpeg = |quality, chroma| Format::Jpeg { quality, chroma };
    dice.weighted([
        (jpeg(80, Chroma::Halved), 30),
        (jpeg(90, Chroma::Halved), 40),
        (jpeg(95, Chroma::Full), 15),
        (Format::Png, 10),
        (Format::WebpLossless, 5),
    ])
}

/// One line of `truth.jsonl`.
#[derive(Debug, Serialize)]
pub struct Truth<'a> {
    file: String,
    index: u64,
    kind: &'static str,
    layout: &'static str,
    width_px: u32,
    height_px: u32,
    encoding: Format,
    prompt: Option<&'a str>,
    attributes: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<CharacterDetails>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Attributes {
    Character(CharacterAttributes),
    Scene(SceneAttributes),
    Photo(PhotoAttributes),
}
