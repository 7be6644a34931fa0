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
        let words = &mut Dice::new(seed, index, "prompt");
        let prompt = match subject {
            Subject::Character(attributes, details) => {
                Some(prompt::character(attributes, details, aspect, words))
            }
            Subject::Scene(attributes) => Some(prompt::scene(attributes, aspect, words)),
            Subject::Photo(_) => None,
        };
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn plans(scale: Scale) -> Vec<Plan> {
        (0..1000).map(|index| Plan::new(5, index, scale)).collect()
    }

    #[test]
    fn one_image_in_ten_is_an_anchor_without_a_prompt() {
        let plans = plans(Scale::Whole);
        let anchors = plans
            .iter()
            .filter(|plan| matches!(plan.subject, Subject::Photo(_)));
        assert_eq!(anchors.clone().count(), 100);
        assert!(
            anchors
                .clone()
                .all(|plan| plan.prompt.is_none() && !plan.is_grid)
        );
        assert!(
            anchors
                .clone()
                .all(|plan| plan.file().starts_with("anchors/"))
        );
        let drawings = plans
            .iter()
            .filter(|plan| !matches!(plan.subject, Subject::Photo(_)));
        assert!(drawings.clone().all(|plan| plan.prompt.is_some()));
        assert!(
            drawings
                .clone()
                .all(|plan| plan.file().starts_with("midjourney/"))
        );
    }

    #[test]
    fn sizes_are_midjourneys_and_small_scales_divide_them() {
        let whole = plans(Scale::Whole);
        let sizes: BTreeSet<(u32, u32)> = whole.iter().map(|plan| plan.size).collect();
        let mut asked: BTreeSet<(u32, u32)> = SIZES.iter().map(|&((w, h, _), _)| (w, h)).collect();
        asked.insert((2048, 2048));
        assert_eq!(sizes, asked);
        let square = whole
            .iter()
            .filter(|plan| plan.size == (1024, 1024))
            .count();
        assert!((500..620).contains(&square), "{square}");
        for scale in [Scale::Quarter, Scale::Eighth] {
            for (small, large) in plans(scale).iter().zip(&whole) {
                let (width, height) = small.size;
                assert_eq!(
                    (width * scale.divisor(), height * scale.divisor()),
                    large.size
                );
                assert_eq!(
                    (small.subject, &small.prompt),
                    (large.subject, &large.prompt)
                );
            }
        }
    }

    #[test]
    fn a_few_drawings_are_grids_of_four() {
        let grids = plans(Scale::Eighth)
            .into_iter()
            .filter(|plan| plan.is_grid)
            .collect::<Vec<_>>();
        assert!((15..=32).contains(&grids.len()), "{}", grids.len());
        assert!(
            grids
                .iter()
                .all(|plan| plan.size == (256, 256) && plan.tile_size() == (128, 128))
        );
    }

    #[test]
    fn every_format_occurs_among_drawings() {
        let formats: BTreeSet<String> = plans(Scale::Whole)
            .iter()
            .map(|plan| format!("{:?}", plan.format))
            .collect();
        for part in [
            "Png",
            "WebpLossless",
            "Halved",
            "Full",
            "quality: 75",
            "quality: 95",
        ] {
            assert!(formats.iter().any(|format| format.contains(part)), "{part}");
        }
    }

    #[test]
    fn the_truth_names_file_size_and_attributes() {
        let plan = plans(Scale::Quarter)
            .into_iter()
            .find(|plan| plan.prompt.is_some())
            .unwrap();
        let truth = serde_json::to_value(plan.truth()).unwrap();
        assert_eq!(truth["file"], plan.file());
        assert_eq!(truth["width_px"], plan.size.0);
        assert_eq!(truth["prompt"], plan.prompt.clone().unwrap());
        assert!(truth["attributes"]["time_of_day"].is_string());
    }
}
