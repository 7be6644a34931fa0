//! Clothes: six cuts over the same torso and sleeves.

mod festive;
mod home;
mod torso;
mod uniform;

use super::Character;
use crate::attributes::Garment;
use crate::canvas::Canvas;
use crate::colour::Colour;
use crate::curve::{Shape, k, s};
use crate::dice::Dice;

/// The tones of one cloth.
#[derive(Clone, Copy)]
struct Cloth {
    lit: Colour,
    shade: Colour,
    line: Colour,
}

impl Cloth {
    fn new(character: &Character, colour: Colour) -> Self {
        let light = &character.light;
        Self {
            lit: light.lit(colour),
            shade: light.shaded(colour.darker(0.04)),
            line: light.line(colour),
        }
    }
}

/// Draws what lies behind the neck: a hood, a collar.
pub fn behind_neck(canvas: &mut Canvas, character: &Character) {
    let attributes = &character.attributes;
    let cloth = Cloth::new(character, attributes.garment_colour.colour());
    match attributes.garment {
        Garment::Hoodie => {
            let hood = Shape::closed(&[
                s(-0.50, 0.98),
                s(-0.62, 0.72),
                s(-0.44, 0.46),
                s(0.0, 0.38),
                s(0.44, 0.46),
                s(0.62, 0.72),
                s(0.50, 0.98),
                s(0.0, 1.12),
            ]);
            canvas.draw(&hood, cloth.shade, cloth.line, 1.0);
        }
        Garment::Sailor | Garment::Jacket | Garment::Kimono => {
            let collar = Shape::closed(&[
                k(-0.34, 1.0),
                s(-0.27, 0.74),
                s(0.0, 0.68),
                s(0.27, 0.74),
                k(0.34, 1.0),
            ]);
            canvas.draw(&collar, cloth.shade, cloth.line, 0.9);
        }
        Garment::Sweater | Garment::Dress => {}
    }
}

/// Draws the garment.
pub fn draw(canvas: &mut Canvas, character: &Character, folds: &mut Dice) {
    let cloth = Cloth::new(character, character.attributes.garment_colour.colour());
    let trim = Cloth::new(character, character.attributes.garment_colour.trim());
    match character.attributes.garment {
        Garment::Hoodie => home::hoodie(canvas, character, cloth, trim, folds),
        Garment::Sailor => uniform::sailor(canvas, character, cloth, trim, folds),
        Garment::Jacket => uniform::jacket(canvas, character, cloth, folds),
        Garment::Kimono => festive::kimono(canvas, character, cloth, trim, folds),
        Garment::Sweater => home::sweater(canvas, character, cloth, trim, folds),
        Garment::Dress => festive::dress(canvas, character, cloth, trim, folds),
    }
}
