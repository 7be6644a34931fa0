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
