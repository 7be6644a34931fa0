//! The torso and its sleeves, which every cut begins with.

use super::Cloth;
use crate::canvas::Canvas;
use crate::character::Character;
use crate::curve::{Shape, k, s};
use crate::dice::Dice;

/// The torso with both sleeves; `neckline` is how deep the cloth is cut at the neck, `wide` how
/// far the sleeves stand off.
pub fn torso(
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
pub fn trunk(canvas: &mut Canvas, character: &Character, cloth: Cloth, neckline: f32) {
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

/// The sleeve on one side, with its folds.
pub fn sleeve(
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
