//! Putting a picture together: background, figure, rim light, glow; four of them for a grid.

use terminus_pixels::RgbImage;

use crate::attributes::{CharacterAttributes, CharacterDetails, Line, SceneAttributes, Time};
use crate::canvas::Canvas;
use crate::character;
use crate::dice::Dice;
use crate::finish;
use crate::light::Light;
use crate::photo;
use crate::plan::{Plan, Subject};
use crate::scene;

/// Four pictures of one size, two by two, without a seam between them.
fn grid(tiles: &[RgbImage; 4]) -> Option<RgbImage> {
    let (width, height) = (tiles[0].width_px as usize, tiles[0].height_px as usize);
    let mut rgb = Vec::with_capacity(width * height * 12);
    for pair in tiles.chunks_exact(2) {
        for row in 0..height {
            for tile in pair {
                rgb.extend_from_slice(&tile.data[row * width * 3..(row + 1) * width * 3]);
            }
        }
    }
    RgbImage::new(tiles[0].width_px * 2, tiles[0].height_px * 2, rgb)
}

/// Draws the picture that `plan` describes. None where a side has no pixels.
pub fn draw(plan: &Plan) -> Option<RgbImage> {
    let tile = |n: u32| {
        let picture_seed = Dice::new(plan.seed, plan.index, &format!("tile {n}")).bits();
        single(plan.subject, plan.tile_size(), picture_seed)
    };
    if plan.is_grid {
        grid(&[tile(1)?, tile(2)?, tile(3)?, tile(4)?])
    } else {
        tile(0)
    }
}

/// Draws one picture of `subject`; whatever the attributes leave open comes from `picture_seed`.
pub fn single(subject: Subject, size: (u32, u32), picture_seed: u64) -> Option<RgbImage> {
    match subject {
        Subject::Character(attributes, details) => {
            portrait(attributes, details, size, picture_seed)
        }
        Subject::Scene(attributes) => view(attributes, size, picture_seed),
        Subject::Photo(attributes) => photo::draw(attributes, size, picture_seed),
    }
}

fn portrait(
    attributes: CharacterAttributes,
    details: CharacterDetails,
    (width, height): (u32, u32),
    picture_seed: u64,
) -> Option<RgbImage> {
    let light = Light::at(attributes.time_of_day);
    let mut canvas = background(attributes, (width, height), picture_seed)?;
    let mut figure = Canvas::new(
        width,
        height,
        line_px(attributes.line_weight, width, height),
    )?;
    character::draw(&mut figure, attributes, details, picture_seed);
    let side = Dice::new(picture_seed, 0, "rim").pick([-1.0, 1.0]);
    finish::rim(figure.pixmap_mut(), light.rim, side);
    canvas.lay(&figure);
    finish::grade(canvas.pixmap_mut(), attributes.time_of_day);
    canvas.into_image()
}

/// The place behind a character, out of focus. Large pictures draw it at half size.
fn background(
    attributes: CharacterAttributes,
    (width, height): (u32, u32),
    picture_seed: u64,
) -> Option<Canvas> {
    let halves = if width.min(height) >= 512 { 2 } else { 1 };
    let (small_width, small_height) = (width.div_ceil(halves), height.div_ceil(halves));
    let line = line_px(attributes.line_weight, small_width, small_height) * 0.8;
    let mut place = Canvas::new(small_width, small_height, line)?;
    let mut dice = Dice::new(picture_seed, 0, "place");
    scene::draw(
        &mut place,
        attributes.background,
        attributes.time_of_day,
        None,
        &mut dice,
    );
    let radius = (small_width.min(small_height) as f32 * 0.0045).round() as usize;
    finish::blur(place.pixmap_mut(), radius);
    if halves == 1 {
        return Some(place);
    }
    let mut canvas = Canvas::new(width, height, line)?;
    canvas.lay(&place);
    Some(canvas)
}

fn view(
    attributes: SceneAttributes,
    (width, height): (u32, u32),
    picture_seed: u64,
) -> Option<RgbImage> {
    let line = line_px(attributes.line_weight, width, height) * 0.8;
    let mut canvas = Canvas::new(width, height, line)?;
    let mut dice = Dice::new(picture_seed, 0, "place");
    let SceneAttributes {
        place,
        time_of_day,
        accent_colour,
        ..
    } = attributes;
    scene::draw(
        &mut canvas,
        place,
        time_of_day,
        Some(accent_colour),
        &mut dice,
    );
    finish::grade(canvas.pixmap_mut(), time_of_day);
    canvas.into_image()
}

fn line_px(line: Line, width: u32, height: u32) -> f32 {
    scene::line_px(line, width.min(height))
}

/// How strongly bright parts bleed, by time of day.
pub const fn bloom(time: Time) -> f32 {
    match time {
        Time::Night => 0.35,
        Time::Dawn => 0.22,
        Time::Noon => 0.10,
        Time::Dusk => 0.30,
        Time::WhiteOut => 0.45,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

    use super::*;
    use crate::attributes::{Dye, Expression, Garment, HairColour, HairStyle, Place};
    use crate::options::Scale;

    /// A difference of one channel that an eye notices, of 255.
    const VISIBLE: u8 = 16;

    /// The share of pixels in which two pictures differ visibly.
    fn changed(a: &RgbImage, b: &RgbImage) -> f64 {
        let differ =
            |(a, b): (&[u8], &[u8])| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) >= VISIBLE);
        let pixels = a.data.chunks_exact(3).zip(b.data.chunks_exact(3));
        pixels.filter(|pair| differ(*pair)).count() as f64 / f64::from(a.width_px * a.height_px)
    }

    /// Every other value of each scored attribute of `subject`, by the attribute's name.
    fn counterfactuals(subject: Subject) -> Vec<(&'static str, Vec<Subject>)> {
        macro_rules! others {
            ($of:expr, $field:ident, $kind:ident, $wrap:expr) => {
                (
                    stringify!($field),
                    $kind::ALL
                        .iter()
                        .filter(|value| **value != $of.$field)
                        .map(|&$field| {
                            let mut other = $of;
                            other.$field = $field;
                            $wrap(other)
                        })
                        .collect(),
                )
            };
        }
        match subject {
            Subject::Character(of, details) => {
                let wrap = |other| Subject::Character(other, details);
                vec![
                    others!(of, hair_colour, HairColour, wrap),
                    others!(of, hair_style, HairStyle, wrap),
                    others!(of, garment, Garment, wrap),
                    others!(of, garment_colour, Dye, wrap),
                    others!(of, expression, Expression, wrap),
                    others!(of, background, Place, wrap),
                    others!(of, time_of_day, Time, wrap),
                    others!(of, line_weight, Line, wrap),
                ]
            }
            Subject::Scene(of) => vec![
                others!(of, place, Place, Subject::Scene),
                others!(of, accent_colour, Dye, Subject::Scene),
                others!(of, time_of_day, Time, Subject::Scene),
                others!(of, line_weight, Line, Subject::Scene),
            ],
            Subject::Photo(_) => Vec::new(),
        }
    }

    #[test]
    fn every_scored_attribute_is_seen_in_two_percent_of_the_picture() {
        let shares: Vec<(&str, f64, u64)> = (0..40u64)
            .into_par_iter()
            .flat_map_iter(|index| {
                let plan = Plan::new(3, index, Scale::Eighth);
                let drawn = |subject| single(subject, plan.tile_size(), 17 + index).unwrap();
                let picture = drawn(plan.subject);
                let share = |others: &[Subject]| {
                    let shares = others.iter().map(|&other| changed(&picture, &drawn(other)));
                    shares.sum::<f64>() / others.len() as f64
                };
                let others = counterfactuals(plan.subject).into_iter();
                others
                    .map(|(name, others)| (name, share(&others), index))
                    .collect::<Vec<_>>()
            })
            .collect();
        let names: BTreeSet<&str> = shares.iter().map(|&(name, ..)| name).collect();
        assert_eq!(names.len(), 10);
        for name in names {
            let of_name = || shares.iter().filter(|&&(other, ..)| other == name);
            let &(_, least, index) = of_name().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
            let mean =
                of_name().map(|&(_, share, _)| share).sum::<f64>() / of_name().count() as f64;
            println!("{name}: {mean:.3} on average, least {least:.4} in picture {index}");
            assert!(
                least >= 0.02,
                "{name} is seen in {least:.4} of picture {index}"
            );
        }
    }

    #[test]
    fn a_grid_is_four_different_pictures_without_a_seam() {
        let plan = (0..200)
            .map(|index| Plan::new(0, index, Scale::Eighth))
            .find(|plan| plan.is_grid)
            .unwrap();
        let image = draw(&plan).unwrap();
        assert_eq!((image.width_px, image.height_px), (256, 256));
        let tiles: Vec<RgbImage> = [(0, 0), (0, 128), (128, 0), (128, 128)]
            .into_iter()
            .map(|(top, left)| image.crop(top, left, 128, 128).unwrap())
            .collect();
        for (i, a) in tiles.iter().enumerate() {
            assert!(tiles[i + 1..].iter().all(|b| changed(a, b) > 0.05));
        }
    }

    #[test]
    fn the_times_of_day_reach_from_dark_to_bright() {
        let mean = |time_of_day| {
            let plan = (0..100)
                .map(|index| Plan::new(1, index, Scale::Eighth))
                .find(|plan| matches!(plan.subject, Subject::Character(..)))
                .unwrap();
            let Subject::Character(attributes, details) = plan.subject else {
                unreachable!()
            };
            let subject = Subject::Character(
                CharacterAttributes {
                    time_of_day,
                    ..attributes
                },
                details,
            );
            let image = single(subject, (128, 128), 5).unwrap();
            image
                .data
                .iter()
                .map(|&value| f64::from(value))
                .sum::<f64>()
                / image.data.len() as f64
                / 255.0
        };
        let levels: Vec<f64> = Time::ALL.iter().map(|&time| mean(time)).collect();
        println!("{levels:?}");
        assert!(levels[0] < 0.3, "night: {levels:?}");
        assert!(levels[4] > 0.8, "white-out: {levels:?}");
        assert!(
            levels[1..4]
                .iter()
                .all(|&level| (levels[0]..levels[4]).contains(&level))
        );
    }
}
