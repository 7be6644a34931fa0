//! Clothes: one file of cuts, all of them over the same torso and sleeves.

use super::Character;
use crate::attributes::Garment;
use crate::canvas::Canvas;
use crate::colour::{Colour, hex};
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
        Garment::Hoodie => hoodie(canvas, character, cloth, trim, folds),
        Garment::Sailor => sailor(canvas, character, cloth, trim, folds),
        Garment::Jacket => jacket(canvas, character, cloth, folds),
        Garment::Kimono => kimono(canvas, character, cloth, trim, folds),
        Garment::Sweater => sweater(canvas, character, cloth, trim, folds),
        Garment::Dress => dress(canvas, character, cloth, trim, folds),
    }
}

/// The torso with both sleeves; `neckline` is how deep the cloth is cut at the neck, `wide` how
/// far the sleeves stand off.
fn torso(
    canvas: &mut Canvas,
    character: &Character,
    cloth: Cloth,
    neckline: f32,
    wide: f32,
    folds: &mut Dice,
) {
    trunk(canvas, character, cloth, neckline);
    for side in [-1.0, 1.0] {
        sleeve(canvas, character, cloth, side, wide, folds);
    }
}

/// The cloth over chest and belly.
fn trunk(canvas: &mut Canvas, character: &Character, cloth: Cloth, neckline: f32) {
    let shoulder = character.rig.shoulder;
    let body = Shape::closed(&[
        k(-0.235, 0.795),
        s(0.0, neckline),
        k(0.235, 0.795),
        s(shoulder * 0.58, 0.925),
        s(shoulder * 0.96, 1.10),
        s(shoulder * 0.93, 1.7),
        s(shoulder * 0.78, 2.2),
        k(shoulder * 0.86, 3.4),
        k(-shoulder * 0.86, 3.4),
        s(-shoulder * 0.78, 2.2),
        s(-shoulder * 0.93, 1.7),
        s(-shoulder * 0.96, 1.10),
        s(-shoulder * 0.58, 0.925),
    ]);
    canvas.fill(&body, cloth.lit);
    let side = character.rig.light_side;
    canvas.clipped(&body, |canvas| {
        let shadow = Shape::closed(&[
            k(side * 1.4, 0.7),
            s(side * 0.62, 1.0),
            s(side * 0.42, 1.4),
            s(side * 0.47, 1.8),
            s(side * 0.30, 2.5),
            k(side * 0.36, 3.5),
            k(side * 1.4, 3.5),
        ]);
        canvas.fill(&shadow, cloth.shade);
        let cast = Shape::closed(&[
            k(-0.5, 0.7),
            s(-0.30, 0.98),
            s(side * 0.10, 1.13),
            s(0.32, 1.0),
            k(0.5, 0.7),
        ]);
        canvas.fill(&cast, cloth.shade);
        // Folds run from the armpits towards the middle.
        for (y, reach, drop) in [(1.52, 0.34, 0.10), (1.74, 0.26, 0.16), (2.06, 0.40, -0.06)] {
            let edge = -side * shoulder * 0.96;
            let tip = edge + side * reach;
            let fold = Shape::closed(&[
                k(edge, y - 0.02),
                s(f32::midpoint(edge, tip), y + drop * 0.4 - 0.035),
                k(tip, y + drop),
                s(f32::midpoint(edge, tip), y + drop * 0.7 + 0.03),
                k(edge, y + 0.05),
            ]);
            canvas.fill(&fold, cloth.shade);
        }
    });
    canvas.ink(&body, cloth.line, 1.0);
}

fn sleeve(
    canvas: &mut Canvas,
    character: &Character,
    cloth: Cloth,
    side: f32,
    wide: f32,
    folds: &mut Dice,
) {
    let shoulder = character.rig.shoulder;
    let bend = folds.range(0.0, 0.08);
    let at = |x: f32, y: f32| s(side * (x * shoulder), y);
    let corner = |x: f32, y: f32| k(side * (x * shoulder), y);
    let arm = Shape::closed(&[
        corner(0.66, 0.955),
        at(0.90, 1.00),
        at(1.06, 1.16),
        at(1.16 + bend + wide * 0.4, 1.70),
        at(1.22 + bend + wide, 2.30),
        corner(1.20 + wide, 3.40),
        corner(0.80, 3.40),
        at(0.80 + bend, 2.30),
        at(0.80, 1.75),
        corner(0.76, 1.45),
    ]);
    canvas.fill(&arm, cloth.lit);
    canvas.clipped(&arm, |canvas| {
        let inner = if side.to_bits() == character.rig.light_side.to_bits() {
            0.98
        } else {
            0.86
        };
        let shadow = Shape::closed(&[
            corner(0.5, 1.2),
            at(inner, 1.50),
            at(inner + 0.04 + bend, 2.0),
            at(inner + bend, 2.6),
            corner(inner, 3.5),
            corner(0.4, 3.5),
        ]);
        canvas.fill(&shadow, cloth.shade);
        for fold in 0..3 {
            let y = 1.55 + 0.33 * fold as f32 + folds.jitter(0.08);
            let line = Shape::open(&[
                at(1.14 + bend, y - 0.05),
                at(1.02, y + 0.03),
                at(0.90, y + 0.02),
            ]);
            canvas.ink(&line, cloth.line, 0.7);
        }
    });
    canvas.ink(&arm, cloth.line, 1.0);
}

fn hoodie(canvas: &mut Canvas, character: &Character, cloth: Cloth, trim: Cloth, folds: &mut Dice) {
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

fn sailor(canvas: &mut Canvas, character: &Character, cloth: Cloth, trim: Cloth, folds: &mut Dice) {
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

fn jacket(canvas: &mut Canvas, character: &Character, cloth: Cloth, folds: &mut Dice) {
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

fn kimono(canvas: &mut Canvas, character: &Character, cloth: Cloth, trim: Cloth, folds: &mut Dice) {
    torso(canvas, character, cloth, 1.2, 0.30, folds);
    let shoulder = character.rig.shoulder;
    for _ in 0..14 {
        let (x, y) = (folds.range(-1.15, 1.15) * shoulder, folds.range(1.15, 2.7));
        let petal = trim.lit.alpha(0.85);
        for i in 0..5 {
            let angle = i as f32 * 1.2566 + x * 9.0;
            canvas.fill(
                &Shape::circle(x + angle.cos() * 0.036, y + angle.sin() * 0.036, 0.026),
                petal,
            );
        }
    }
    for (side, top) in [(1.0, 0.0), (-1.0, 1.0)] {
        let lapel = Shape::closed(&[
            k(side * 0.22, 0.78),
            k(side * 0.36, 0.86),
            s(side * 0.16, 1.30),
            k(-side * 0.34, 1.96),
            k(-side * 0.46, 1.86),
            s(side * 0.02, 1.22),
        ]);
        canvas.draw(
            &lapel,
            if top > 0.5 { trim.lit } else { trim.shade },
            trim.line,
            1.0,
        );
    }
    let obi = Shape::closed(&[
        k(-shoulder * 0.84, 1.92),
        s(0.0, 1.98),
        k(shoulder * 0.84, 1.92),
        k(shoulder * 0.82, 2.5),
        s(0.0, 2.56),
        k(-shoulder * 0.82, 2.5),
    ]);
    canvas.draw(&obi, trim.lit, trim.line, 1.0);
    canvas.fill(
        &Shape::rect(-shoulder * 0.82, 2.16, shoulder * 1.64, 0.10),
        cloth.lit,
    );
}

fn sweater(
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

fn dress(canvas: &mut Canvas, character: &Character, cloth: Cloth, trim: Cloth, folds: &mut Dice) {
    let light = &character.light;
    let skin = Cloth {
        lit: light.lit(character.skin),
        shade: light.shaded(character.skin.mix(hex(0xf2a08c), 0.25)),
        line: light.line(character.skin.mix(hex(0x9a4a3c), 0.4)),
    };
    let shoulder = character.rig.shoulder;
    trunk(canvas, character, cloth, 1.10);
    let sash = Shape::closed(&[
        k(-shoulder * 0.80, 2.06),
        s(0.0, 2.12),
        k(shoulder * 0.80, 2.06),
        k(shoulder * 0.80, 2.24),
        s(0.0, 2.30),
        k(-shoulder * 0.80, 2.24),
    ]);
    canvas.draw(&sash, trim.lit, trim.line, 0.9);
    for side in [-1.0, 1.0] {
        sleeve(canvas, character, skin, side, -0.10, folds);
        puff(canvas, character, cloth, trim, side);
    }
    for side in [-1.0, 1.0] {
        let petal = Shape::closed(&[
            k(side * 0.01, 1.06),
            s(side * 0.14, 0.94),
            k(side * 0.25, 0.78),
            s(side * 0.42, 0.90),
            s(side * 0.43, 1.08),
            s(side * 0.25, 1.22),
            s(side * 0.08, 1.19),
        ]);
        canvas.draw(&petal, trim.lit, trim.line, 0.9);
    }
    bow(canvas, character, 1.16, 0.8);
}

/// A short sleeve, gathered.
fn puff(canvas: &mut Canvas, character: &Character, cloth: Cloth, trim: Cloth, side: f32) {
    let shoulder = character.rig.shoulder;
    let at = |x: f32, y: f32| s(side * x * shoulder, y);
    let corner = |x: f32, y: f32| k(side * x * shoulder, y);
    let cuff = Shape::closed(&[
        corner(0.78, 1.54),
        at(1.0, 1.62),
        corner(1.20, 1.57),
        corner(1.21, 1.65),
        at(1.0, 1.71),
        corner(0.77, 1.62),
    ]);
    canvas.draw(&cuff, trim.lit, trim.line, 0.9);
    let balloon = Shape::closed(&[
        corner(0.58, 0.935),
        at(0.86, 0.90),
        at(1.16, 1.05),
        at(1.32, 1.34),
        corner(1.21, 1.59),
        at(0.99, 1.64),
        corner(0.76, 1.56),
        at(0.70, 1.26),
    ]);
    canvas.fill(&balloon, cloth.lit);
    canvas.clipped(&balloon, |canvas| {
        let low = Shape::closed(&[
            corner(0.5, 1.2),
            at(0.80, 1.42),
            at(1.05, 1.46),
            corner(1.4, 1.36),
            corner(1.4, 1.8),
            corner(0.5, 1.8),
        ]);
        canvas.fill(&low, cloth.shade);
        for x in [0.84, 0.98, 1.12] {
            canvas.ink(
                &Shape::open(&[at(x, 1.60), at(x + 0.02, 1.48), at(x - 0.01, 1.36)]),
                cloth.line,
                0.7,
            );
        }
    });
    canvas.ink(&balloon, cloth.line, 1.0);
}

/// A bow at the throat whose knot lies at height `y`.
fn bow(canvas: &mut Canvas, character: &Character, y: f32, size: f32) {
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
