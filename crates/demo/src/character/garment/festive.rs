//! What one wears on holidays: kimono and dress.

use super::Cloth;
use super::torso::{sleeve, torso, trunk};
use super::uniform::bow;
use crate::canvas::Canvas;
use crate::character::Character;
use crate::colour::hex;
use crate::curve::{Shape, k, s};
use crate::dice::Dice;

/// A kimono with blossoms and a sash.
pub fn kimono(
    canvas: &mut Canvas,
    character: &Character,
    cloth: Cloth,
    trim: Cloth,
    folds: &mut Dice,
) {
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

/// A dress with puffed sleeves, a round collar and a bow.
pub fn dress(
    canvas: &mut Canvas,
    character: &Character,
    cloth: Cloth,
    trim: Cloth,
    folds: &mut Dice,
) {
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
