//! What one wears to school and to work: sailor uniform and jacket.

use super::Cloth;
use super::torso::torso;
use crate::canvas::Canvas;
use crate::character::Character;
use crate::colour::hex;
use crate::curve::{Shape, k, s};
use crate::dice::Dice;

/// A sailor uniform: a collar with a stripe, and a bow.
pub fn sailor(
    canvas: &mut Canvas,
    character: &Character,
    cloth: Cloth,
    trim: Cloth,
    folds: &mut Dice,
) {
    torso(canvas, character, cloth, 1.25, 0.0, folds);
    let deep = Cloth::new(
        character,
        character.attributes.garment_colour.colour().darker(0.30),
    );
    for side in [-1.0, 1.0] {
        let collar = |inset: f32| {
            Shape::closed(&[
                k(side * (0.24 + inset * 0.2), 0.82 + inset * 0.4),
                s(side * (0.50 - inset * 0.3), 0.93 + inset * 0.4),
                s(side * (0.58 - inset), 1.05 + inset * 0.3),
                k(side * (0.52 - inset), 1.30 - inset * 0.6),
                k(side * (0.04 + inset * 0.5), 1.52 - inset * 1.6),
            ])
        };
        canvas.draw(&collar(0.0), deep.lit, deep.line, 1.0);
        canvas.ink(&collar(0.055), trim.lit, 0.9);
    }
    bow(canvas, character, 1.52, 1.0);
}

/// A jacket over a shirt with a tie.
pub fn jacket(canvas: &mut Canvas, character: &Character, cloth: Cloth, folds: &mut Dice) {
    torso(canvas, character, cloth, 1.02, 0.02, folds);
    let shirt = Cloth::new(character, hex(0xfaf7f2));
    let tie = Cloth::new(character, hex(0x7d2f3a));
    let front = Shape::closed(&[
        k(-0.24, 0.83),
        s(0.0, 0.92),
        k(0.24, 0.83),
        k(0.20, 1.4),
        k(0.03, 2.05),
        k(-0.03, 2.05),
        k(-0.20, 1.4),
    ]);
    canvas.draw(&front, shirt.lit, shirt.line, 0.9);
    canvas.clipped(&front, |canvas| {
        canvas.fill(
            &Shape::closed(&[
                k(-0.4, 0.7),
                k(-0.28, 0.96),
                s(0.0, 1.1),
                k(0.28, 0.96),
                k(0.4, 0.7),
            ]),
            shirt.shade,
        );
    });
    canvas.draw(
        &Shape::closed(&[
            k(-0.055, 1.0),
            k(0.055, 1.0),
            k(0.04, 1.10),
            k(0.085, 1.62),
            k(0.0, 1.86),
            k(-0.085, 1.62),
            k(-0.04, 1.10),
        ]),
        tie.lit,
        tie.line,
        0.9,
    );
    for side in [-1.0, 1.0] {
        let wing = Shape::closed(&[
            k(side * 0.02, 0.98),
            k(side * 0.22, 0.78),
            k(side * 0.30, 0.95),
            k(side * 0.13, 1.14),
        ]);
        canvas.draw(&wing, shirt.lit, shirt.line, 0.9);
        let lapel = Shape::closed(&[
            k(side * 0.25, 0.82),
            k(side * 0.45, 0.92),
            k(side * 0.50, 1.26),
            k(side * 0.37, 1.25),
            k(side * 0.42, 1.36),
            k(side * 0.03, 2.05),
            s(side * 0.13, 1.45),
        ]);
        canvas.draw(
            &lapel,
            if side.to_bits() == character.rig.light_side.to_bits() {
                cloth.shade
            } else {
                cloth.lit
            },
            cloth.line,
            1.0,
        );
    }
    canvas.ink(&Shape::open(&[s(0.0, 2.05), s(0.02, 3.2)]), cloth.line, 1.0);
    for y in [2.16, 2.46] {
        canvas.draw(
            &Shape::circle(0.09, y, 0.042),
            character.light.lit(hex(0xe8c66a)),
            cloth.line,
            0.8,
        );
    }
}

/// A bow at the throat whose knot lies at height `y`.
pub fn bow(canvas: &mut Canvas, character: &Character, y: f32, size: f32) {
    let dye = character.attributes.garment_colour;
    let is_pale = dye.colour().luma() > 0.62 || dye.trim().luma() < 0.5;
    let ribbon = Cloth::new(character, if is_pale { hex(0xc93a4c) } else { dye.trim() });
    for side in [-1.0, 1.0] {
        let end = Shape::closed(&[
            k(0.0, y),
            s(side * 0.09 * size, y + 0.18 * size),
            k(side * 0.19 * size, y + 0.46 * size),
            k(side * 0.05 * size, y + 0.40 * size),
        ]);
        canvas.draw(&end, ribbon.shade, ribbon.line, 0.9);
        let wing = Shape::closed(&[
            k(0.0, y),
            s(side * 0.15 * size, y - 0.12 * size),
            s(side * 0.29 * size, y - 0.04 * size),
            s(side * 0.24 * size, y + 0.12 * size),
            s(side * 0.12 * size, y + 0.07 * size),
        ]);
        canvas.draw(&wing, ribbon.lit, ribbon.line, 0.9);
        canvas.ink(
            &Shape::open(&[s(side * 0.05 * size, y), s(side * 0.14 * size, y - 0.01)]),
            ribbon.line,
            0.7,
        );
    }
    canvas.draw(
        &Shape::oval(0.0, y + 0.005, 0.055 * size, 0.062 * size),
        ribbon.shade,
        ribbon.line,
        0.9,
    );
}
