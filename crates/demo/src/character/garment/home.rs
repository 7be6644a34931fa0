//! What one wears at home: hoodie and sweater.

use super::Cloth;
use super::torso::{sleeve, torso, trunk};
use crate::canvas::Canvas;
use crate::character::Character;
use crate::curve::{Shape, k, s};
use crate::dice::Dice;

/// A hoodie with cords and a pocket.
pub fn hoodie(
    canvas: &mut Canvas,
    character: &Character,
    cloth: Cloth,
    trim: Cloth,
    folds: &mut Dice,
) {
    torso(canvas, character, cloth, 1.02, 0.05, folds);
    for side in [-1.0, 1.0] {
        let lapel = Shape::closed(&[
            k(side * 0.30, 0.76),
            s(side * 0.42, 0.84),
            s(side * 0.34, 1.06),
            k(side * 0.02, 1.24),
            s(side * 0.12, 1.06),
            s(side * 0.22, 0.92),
        ]);
        canvas.draw(&lapel, cloth.lit, cloth.line, 0.9);
        let cord = Shape::open(&[
            s(side * 0.13, 1.14),
            s(side * 0.15, 1.34),
            s(side * 0.12, 1.56),
        ]);
        canvas.ink(&cord, cloth.line, 2.6);
        canvas.ink(&cord, trim.lit, 1.6);
    }
    canvas.ink(
        &Shape::open(&[s(0.0, 1.24), s(0.01, 1.8), s(0.0, 3.2)]),
        cloth.line,
        1.0,
    );
    let pocket = Shape::closed(&[k(-0.34, 1.92), k(0.34, 1.92), k(0.46, 2.42), k(-0.46, 2.42)]);
    canvas.ink(&pocket, cloth.line, 0.9);
}

/// A turtleneck with stripes.
pub fn sweater(
    canvas: &mut Canvas,
    character: &Character,
    cloth: Cloth,
    trim: Cloth,
    folds: &mut Dice,
) {
    trunk(canvas, character, cloth, 0.92);
    let shoulder = character.rig.shoulder;
    for (y, thick) in [(1.50, 0.075), (1.64, 0.035)] {
        let band = Shape::closed(&[
            k(-shoulder * 0.92, y - 0.03),
            s(0.0, y + 0.03),
            k(shoulder * 0.92, y - 0.03),
            k(shoulder * 0.92, y - 0.03 + thick),
            s(0.0, y + 0.03 + thick),
            k(-shoulder * 0.92, y - 0.03 + thick),
        ]);
        canvas.draw(&band, trim.lit, cloth.line, 0.6);
    }
    for side in [-1.0, 1.0] {
        sleeve(canvas, character, cloth, side, 0.04, folds);
    }
    let collar = Shape::closed(&[
        s(-0.24, 0.66),
        s(0.0, 0.72),
        s(0.24, 0.66),
        s(0.275, 0.80),
        s(0.26, 0.95),
        s(0.0, 1.03),
        s(-0.26, 0.95),
        s(-0.275, 0.80),
    ]);
    canvas.fill(&collar, cloth.lit);
    canvas.clipped(&collar, |canvas| {
        let side = character.rig.light_side;
        canvas.fill(
            &Shape::closed(&[
                k(side * 0.4, 0.5),
                s(side * 0.05, 0.7),
                s(side * 0.08, 0.9),
                k(side * 0.12, 1.1),
                k(side * 0.4, 1.1),
            ]),
            cloth.shade,
        );
    });
    for i in -3..=3 {
        let x = i as f32 * 0.068;
        canvas.ink(
            &Shape::open(&[
                s(x, 0.74),
                s(x * 1.08, 0.86),
                s(x * 1.05, 0.99 - x.abs() * 0.1),
            ]),
            cloth.line,
            0.55,
        );
    }
    canvas.ink(&collar, cloth.line, 1.0);
}
