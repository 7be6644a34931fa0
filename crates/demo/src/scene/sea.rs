//! A beach by the sea, with a sailboat.

use super::{Scene, sky};
use crate::canvas::{Canvas, Fill};
use crate::colour::{Colour, WHITE, hex};
use crate::curve::{Shape, k, s};
use crate::dice::Dice;

/// Draws the seaside.
pub fn draw(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice) {
    let horizon = dice.range(0.50, 0.55);
    sky::draw(canvas, scene, dice, horizon);
    islands(canvas, scene, dice, horizon);
    water(canvas, scene, dice, horizon);
    if let Some(accent) = scene.accent {
        boat(canvas, scene, dice, accent.colour());
    }
    beach(canvas, scene, dice);
}

fn islands(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice, horizon: f32) {
    let (lit, shade, line) = scene.tones(hex(0x4d8468), 0.45);
    for _ in 0..3 {
        let x = dice.range(0.0, scene.aspect);
        let (half, height) = (dice.range(0.12, 0.30), dice.range(0.03, 0.09));
        let island = Shape::closed(&[
            k(x - half, horizon + 0.01),
            s(x - half * 0.5, horizon - height * 0.7),
            s(x, horizon - height),
            s(x + half * 0.6, horizon - height * 0.4),
            k(x + half, horizon + 0.01),
        ]);
        canvas.draw(
            &island,
            Fill::vertical(horizon - height, lit, horizon, shade),
            line,
            0.8,
        );
    }
}

fn water(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice, horizon: f32) {
    let light = &scene.light;
    let glow = light.sky[2];
    let sea = Shape::rect(-0.1, horizon, scene.aspect + 0.2, 1.0);
    let deep = light.lit(hex(0x1f78b4));
    let shallow = light.lit(hex(0x58c4cf));
    canvas.fill(
        &sea,
        Fill::Linear(
            (0.0, horizon),
            (0.0, 0.92),
            vec![
                (0.0, deep.mix(glow, 0.45)),
                (0.35, deep.mix(glow, 0.12)),
                (1.0, shallow),
            ],
        ),
    );
    canvas.ink(
        &Shape::open(&[s(-0.1, horizon), s(scene.aspect + 0.1, horizon)]),
        light.far(light.line(hex(0x1f78b4)), 0.3),
        0.8,
    );
    for _ in 0..46 {
        let t = dice.unit();
        let y = horizon + 0.01 + (0.90 - horizon) * t * t;
        let x = dice.range(-0.05, scene.aspect + 0.05);
        let half = 0.02 + 0.11 * t;
        let thick = 0.0012 + 0.006 * t;
        let wave = Shape::closed(&[
            k(x - half, y),
            s(x - half * 0.4, y - thick),
            s(x, y),
            s(x + half * 0.5, y - thick),
            k(x + half, y),
            s(x + half * 0.4, y + thick),
            s(x, y + thick * 1.4),
            s(x - half * 0.5, y + thick),
        ]);
        let colour = if dice.chance(0.6) {
            glow.lighter(0.35).alpha(0.65)
        } else {
            deep.darker(0.15).alpha(0.5)
        };
        canvas.fill(&wave, colour);
    }
}

fn beach(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice) {
    let light = &scene.light;
    let sand = hex(0xf2d9a6);
    let (lit, shade, line) = scene.tones(sand, 0.0);
    let level = dice.range(0.84, 0.88);
    let slope = dice.range(-0.04, 0.04);
    let shore = |offset: f32| {
        let mut knots = vec![k(-0.2, 1.2)];
        for i in 0..=8 {
            let t = i as f32 / 8.0;
            let sway = 0.016 * (t * 14.0 + slope * 90.0).sin();
            knots.push(s(
                -0.2 + (scene.aspect + 0.4) * t,
                level + slope * (t - 0.5) * 2.0 + sway + offset,
            ));
        }
        knots.push(k(scene.aspect + 0.2, 1.2));
        Shape::closed(&knots)
    };
    canvas.fill(&shore(-0.030), light.lit(hex(0x9fe3df)).alpha(0.8));
    canvas.fill(&shore(-0.012), light.lit(WHITE));
    let ground = shore(0.008);
    canvas.fill(&ground, Fill::vertical(level, shade, level + 0.10, lit));
    canvas.ink(&ground, line.alpha(0.7), 0.8);
    for _ in 0..10 {
        let (x, y) = (dice.range(0.0, scene.aspect), dice.range(level + 0.06, 1.0));
        let size = dice.range(0.004, 0.010);
        canvas.fill(&Shape::oval(x, y, size * 1.5, size), shade);
    }
}

fn boat(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice, colour: Colour) {
    let (lit, shade, line) = scene.tones(colour, 0.0);
    let size = dice.range(0.42, 0.48) * scene.aspect.sqrt().clamp(0.8, 1.25);
    let x = scene.aspect * dice.range(0.32, 0.68);
    let y = dice.range(0.72, 0.76);
    let side = if dice.chance(0.5) { 1.0 } else { -1.0 };
    let at = |dx: f32, dy: f32| s(x + side * dx * size, y + dy * size);
    let corner = |dx: f32, dy: f32| k(x + side * dx * size, y + dy * size);
    let shadow = scene.light.shaded(hex(0x1f78b4)).alpha(0.45);
    canvas.fill(
        &Shape::oval(x, y + size * 0.07, size * 0.42, size * 0.035),
        shadow,
    );
    let main = Shape::closed(&[
        corner(0.02, -0.98),
        at(0.30, -0.50),
        corner(0.44, -0.10),
        at(0.20, -0.075),
        corner(0.02, -0.10),
    ]);
    canvas.fill(&main, lit);
    canvas.clipped(&main, |canvas| {
        let dark = Shape::closed(&[
            corner(0.02, -1.0),
            at(0.12, -0.5),
            corner(0.16, 0.0),
            corner(-0.1, 0.0),
            corner(-0.1, -1.0),
        ]);
        canvas.fill(&dark, shade);
    });
    for rise in [0.30, 0.55] {
        canvas.ink(
            &Shape::open(&[
                corner(0.02, -0.10 - rise),
                corner(0.42 - rise * 0.42, -0.10 - rise * 0.92),
            ]),
            line,
            0.7,
        );
    }
    canvas.ink(&main, line, 1.0);
    let jib = Shape::closed(&[
        corner(-0.02, -0.90),
        at(-0.20, -0.46),
        corner(-0.36, -0.10),
        at(-0.18, -0.12),
        corner(-0.02, -0.12),
    ]);
    canvas.draw(&jib, scene.light.lit(colour.lighter(0.25)), line, 1.0);
    canvas.ink(
        &Shape::open(&[corner(0.0, -1.04), corner(0.0, 0.0)]),
        scene.light.line(hex(0x7a5230)),
        2.0,
    );
    let hull = Shape::closed(&[
        corner(-0.46, -0.05),
        at(0.0, -0.01),
        corner(0.46, -0.06),
        at(0.34, 0.07),
        corner(0.20, 0.10),
        at(-0.10, 0.11),
        corner(-0.30, 0.08),
    ]);
    let (wood, wood_shade, wood_line) = scene.tones(hex(0xf3ead9), 0.0);
    canvas.fill(&hull, wood);
    canvas.clipped(&hull, |canvas| {
        canvas.fill(
            &Shape::rect(x - size, y + size * 0.035, size * 2.0, size * 0.2),
            wood_shade,
        );
    });
    canvas.ink(&hull, wood_line, 1.0);
}
