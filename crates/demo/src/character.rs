//! A character: bust or half body, drawn in head units on a layer of its own.
//!
//! The head is about one unit wide; (0, 0) lies between the eyes, x grows to the right and y
//! downwards. Everything that changes only with chance comes from streams of the picture's own,
//! so that two pictures that differ in one attribute differ in nothing else.

mod accessory;
mod body;
mod eyes;
mod face;
mod garment;
mod hair;
mod mouth;
mod rig;

use tiny_skia::Transform;

use crate::attributes::{CharacterAttributes, CharacterDetails};
use crate::canvas::Canvas;
use crate::colour::Colour;
use crate::dice::Dice;
use crate::light::Light;
use crate::palette::SKINS;
use rig::Rig;

/// One character in its light.
#[derive(Debug)]
struct Character {
    attributes: CharacterAttributes,
    details: CharacterDetails,
    light: Light,
    rig: Rig,
    skin: Colour,
}

/// Draws the character over the whole canvas.
pub fn draw(
    canvas: &mut Canvas,
    attributes: CharacterAttributes,
    details: CharacterDetails,
    picture_seed: u64,
) {
    let mut dice = Dice::new(picture_seed, 0, "pose");
    let light = Light::at(attributes.time_of_day);
    let skin = dice.weighted([(SKINS[0], 5), (SKINS[1], 5), (SKINS[2], 2), (SKINS[3], 1)]);
    let rig = Rig::any(&mut dice, details.is_boy, canvas.aspect());
    let character = Character {
        attributes,
        details,
        light,
        rig,
        skin,
    };
    let mut strands = Dice::new(picture_seed, 0, "strands");
    let mut folds = Dice::new(picture_seed, 0, "folds");
    let height = canvas.height() as f32;
    let unit = rig.unit * height;
    let placed = Transform::from_row(unit, 0.0, 0.0, unit, rig.x * height, rig.y * height);
    let head = Transform::from_rotate_at(rig.tilt_deg, 0.0, 0.75);
    canvas.within(placed, |canvas| {
        let hair = hair::Hair::new(&character, &mut strands);
        canvas.within(head, |canvas| hair.back(canvas));
        body::draw(canvas, &character, &mut folds);
        canvas.within(head, |canvas| {
            face::draw(canvas, &character);
            hair.shadow_on_face(canvas);
            eyes::draw(canvas, &character);
            mouth::draw(canvas, &character);
            hair.front(canvas);
            eyes::brows(canvas, &character);
            accessory::draw(canvas, &character);
        });
    });
}
