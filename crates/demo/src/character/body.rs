//! Neck, shoulders and arms; what covers them is the garment's business.

use super::{Character, garment};
use crate::canvas::Canvas;
use crate::colour::hex;
use crate::curve::{Shape, k, s};
use crate::dice::Dice;

/// Draws everything between chin and the picture's lower edge.
pub fn draw(canvas: &mut Canvas, character: &Character, folds: &mut Dice) {
    garment::behind_neck(canvas, character);
    neck(canvas, character);
    garment::draw(canvas, character, folds);
}

fn neck(canvas: &mut Canvas, character: &Character) {
    let (light, rig) = (&character.light, &character.rig);
    let half = if rig.is_boy { 0.20 } else { 0.155 };
    let skin = light.lit(character.skin);
    let shade = light.shaded(character.skin.mix(hex(0xf2a08c), 0.25));
    let line = light.line(character.skin.mix(hex(0x9a4a3c), 0.4));
    let shape = Shape::closed(&[
        k(-half, 0.30),
        s(-half, 0.60),
        s(-half - 0.045, 0.83),
        s(-rig.shoulder * 0.55, 1.0),
        k(-rig.shoulder * 0.6, 1.6),
        k(rig.shoulder * 0.6, 1.6),
        s(rig.shoulder * 0.55, 1.0),
        s(half + 0.045, 0.83),
        s(half, 0.60),
        k(half, 0.30),
    ]);
    canvas.fill(&shape, skin);
    canvas.clipped(&shape, |canvas| {
        // What the chin throws on the neck.
        let cast = Shape::closed(&[
            k(-0.4, 0.2),
            k(-0.4, 0.70),
            s(-0.10 + rig.light_side * 0.05, 0.86),
            s(0.10 + rig.light_side * 0.08, 0.84),
            k(0.4, 0.70),
            k(0.4, 0.2),
        ]);
        canvas.fill(&cast, shade);
    });
    canvas.ink(&shape, line, 0.9);
    for side in [-1.0, 1.0] {
        let bone = Shape::open(&[
            s(side * 0.07, 0.985),
            s(side * 0.22, 0.955),
            s(side * 0.40, 0.93),
        ]);
        canvas.ink(&bone, line.alpha(0.6), 0.6);
    }
}
