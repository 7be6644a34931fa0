//! A clearing in a forest, with a tent.

use super::{Scene, sky};
use crate::attributes::Time;
use crate::canvas::{Canvas, Fill};
use crate::colour::{Colour, WHITE, hex};
use crate::curve::{Shape, k, s};
use crate::dice::Dice;

/// Draws the forest.
pub fn draw(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice) {
    let light = &scene.light;
    sky::draw(canvas, scene, dice, 0.7);
    let veil = light.distant(hex(0x8fc79a), 0.45);
    canvas.fill(
        &Shape::rect(-0.1, 0.0, scene.aspect + 0.2, 1.1),
        Fill::vertical(0.05, veil.alpha(0.35), 0.62, veil),
    );
    for (depth, count, foot, width) in [(0.62, 12.0, 0.70, 0.022), (0.36, 7.0, 0.76, 0.040)] {
        canopy(canvas, scene, dice, depth, 0.30 - depth * 0.15);
        for i in 0..(count * scene.aspect) as usize {
            let x = (i as f32 + 0.5 + dice.jitter(0.45)) / count;
            trunk(canvas, scene, dice, x, foot, width, depth);
        }
        undergrowth(canvas, scene, dice, foot - 0.01, depth);
    }
    ground(canvas, scene, dice);
    if let Some(accent) = scene.accent {
        tent(canvas, scene, dice, accent.colour());
    }
    for x in [
        dice.range(0.0, 0.08) * scene.aspect,
        scene.aspect * dice.range(0.92, 1.0),
    ] {
        trunk(canvas, scene, dice, x, 1.02, 0.085, 0.0);
    }
    canopy(canvas, scene, dice, 0.0, 0.10);
    shafts(canvas, scene, dice);
}

fn trunk(
    canvas: &mut Canvas,
    scene: &Scene,
    dice: &mut Dice,
    x: f32,
    foot: f32,
    width: f32,
    depth: f32,
) {
    let (lit, shade, line) = scene.tones(hex(0x7d5a45), depth);
    let lean = dice.jitter(width);
    let shape = Shape::closed(&[
        k(x - width * 0.42 + lean, -0.05),
        s(x - width * 0.40 + lean * 0.5, foot * 0.5),
        s(x - width * 0.52, foot - width),
        k(x - width * 0.95, foot),
        k(x + width * 0.95, foot),
        s(x + width * 0.52, foot - width),
        s(x + width * 0.40 + lean * 0.5, foot * 0.5),
        k(x + width * 0.42 + lean, -0.05),
    ]);
    canvas.fill(&shape, lit);
    canvas.clipped(&shape, |canvas| {
        canvas.fill(
            &Shape::closed(&[
                k(x + width * 0.05 + lean, -0.1),
                s(x + width * 0.02, foot * 0.5),
                k(x + width * 0.15, foot + 0.1),
                k(x + width * 2.0, foot + 0.1),
                k(x + width * 2.0, -0.1),
            ]),
            shade,
        );
        if depth < 0.5 {
            for i in 0..5 {
                let y = foot * (0.15 + 0.17 * i as f32) + dice.jitter(0.03);
                canvas.ink(
                    &Shape::open(&[
                        s(x - width * 0.25, y),
                        s(x - width * 0.18, y + width * 0.8),
                        s(x - width * 0.28, y + width * 1.6),
                    ]),
                    line.alpha(0.8),
                    0.6,
                );
            }
        }
    });
    canvas.ink(&shape, line, 0.9);
}

/// A border of leaves along the upper edge.
fn canopy(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice, depth: f32, level: f32) {
    let (lit, shade, line) = scene.tones(hex(0x4aa35a), depth);
    for (drop, colour) in [(0.05, shade), (0.0, lit)] {
        let mut knots = vec![k(-0.2, -0.2)];
        let count = (9.0 * scene.aspect) as usize + 4;
        for i in 0..=count {
            let x = -0.1 + (scene.aspect + 0.2) * i as f32 / count as f32;
            let sag = level + drop + 0.04 * (x * 5.0 + depth * 20.0).sin();
            knots.push(k(x, sag - 0.02));
            knots.push(s(x + 0.25 / 9.0, sag + 0.035 + dice.jitter(0.015)));
            knots.push(s(x + 0.65 / 9.0, sag + 0.030 + dice.jitter(0.015)));
        }
        knots.push(k(scene.aspect + 0.3, -0.2));
        let leaves = Shape::closed(&knots);
        canvas.draw(&leaves, colour, line, 0.8);
    }
}

fn undergrowth(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice, level: f32, depth: f32) {
    let (lit, shade, line) = scene.tones(hex(0x58ad5f), depth);
    let count = (8.0 * scene.aspect) as usize + 3;
    for i in 0..=count {
        let x = -0.05 + (scene.aspect + 0.1) * i as f32 / count as f32 + dice.jitter(0.03);
        let size = dice.range(0.045, 0.085);
        let bush = Shape::closed(&[
            k(x - size * 1.5, level + 0.05),
            s(x - size * 1.3, level - size * 0.4),
            s(x - size * 0.6, level - size * 0.9),
            s(x + size * 0.1, level - size * 1.05),
            s(x + size * 0.8, level - size * 0.8),
            s(x + size * 1.4, level - size * 0.2),
            k(x + size * 1.5, level + 0.05),
        ]);
        canvas.draw(
            &bush,
            Fill::vertical(level - size, lit, level + 0.04, shade),
            line,
            0.7,
        );
    }
}

fn ground(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice) {
    let light = &scene.light;
    let (lit, shade, line) = scene.tones(hex(0x6bb356), 0.0);
    let floor = Shape::closed(&[
        k(-0.2, 1.2),
        k(-0.2, 0.76),
        s(scene.aspect * 0.3, 0.745),
        s(scene.aspect * 0.7, 0.765),
        k(scene.aspect + 0.2, 0.75),
        k(scene.aspect + 0.2, 1.2),
    ]);
    canvas.draw(&floor, Fill::vertical(0.75, lit, 1.0, shade), line, 0.8);
    let x = scene.aspect * 0.5;
    let path = Shape::closed(&[
        k(x - 0.03, 0.752),
        s(x - 0.06, 0.82),
        s(x - 0.22, 0.92),
        k(x - 0.36, 1.1),
        k(x + 0.28, 1.1),
        s(x + 0.10, 0.92),
        s(x + 0.06, 0.82),
        k(x + 0.03, 0.752),
    ]);
    canvas.fill(&path, light.lit(hex(0xd9b988)));
    for _ in 0..24 {
        let (x, y) = (dice.range(0.0, scene.aspect), dice.range(0.80, 1.0));
        let size = 0.012 + 0.03 * (y - 0.78);
        let blade = Shape::closed(&[
            k(x - size, y),
            k(x - size * 0.6, y - size * 1.8),
            k(x - size * 0.1, y - size * 0.4),
            k(x + size * 0.3, y - size * 2.2),
            k(x + size, y),
        ]);
        canvas.fill(&blade, shade);
    }
}

fn tent(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice, colour: Colour) {
    let (lit, shade, line) = scene.tones(colour, 0.0);
    let size = dice.range(0.36, 0.42);
    let x = scene.aspect * dice.range(0.38, 0.62);
    let y = dice.range(0.90, 0.93);
    canvas.fill(
        &Shape::oval(x + size * 0.05, y, size * 0.80, size * 0.08),
        scene.light.shaded(hex(0x3a6a3a)).alpha(0.6),
    );
    let back = Shape::closed(&[
        k(x - size * 0.12, y - size * 0.82),
        k(x + size * 0.42, y - size * 0.72),
        s(x + size * 0.62, y - size * 0.36),
        k(x + size * 0.80, y - size * 0.04),
        k(x + size * 0.40, y + size * 0.02),
    ]);
    canvas.draw(&back, shade, line, 1.0);
    let front = Shape::closed(&[
        k(x - size * 0.12, y - size * 0.82),
        s(x - size * 0.38, y - size * 0.38),
        k(x - size * 0.64, y + size * 0.02),
        k(x + size * 0.42, y + size * 0.02),
        s(x + size * 0.13, y - size * 0.38),
    ]);
    canvas.draw(&front, lit, line, 1.1);
    let inside = if scene.light.needs_lamps() {
        hex(0xffd98a)
    } else {
        scene.light.shaded(hex(0x5a4a44))
    };
    let door = Shape::closed(&[
        k(x - size * 0.12, y - size * 0.70),
        s(x - size * 0.22, y - size * 0.34),
        k(x - size * 0.30, y + size * 0.02),
        k(x + size * 0.10, y + size * 0.02),
        s(x, y - size * 0.34),
    ]);
    canvas.draw(&door, inside, line, 0.9);
    let flap = Shape::closed(&[
        k(x - size * 0.12, y - size * 0.70),
        s(x, y - size * 0.34),
        k(x + size * 0.10, y + size * 0.02),
        k(x + size * 0.20, y + size * 0.02),
        s(x + size * 0.10, y - size * 0.30),
    ]);
    canvas.draw(&flap, scene.light.lit(colour.lighter(0.2)), line, 0.8);
}

fn shafts(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice) {
    let strength = match scene.light.time {
        Time::Night => 0.05,
        Time::Dawn | Time::Dusk => 0.22,
        Time::Noon => 0.16,
        Time::WhiteOut => 0.6,
    };
    let colour = scene.light.rim.mix(WHITE, 0.4);
    for _ in 0..4 {
        let x = dice.range(0.0, scene.aspect);
        let width = dice.range(0.05, 0.12);
        let shaft = Shape::polygon(&[
            (x, -0.05),
            (x + width, -0.05),
            (x + width * 1.4 - 0.30, 0.95),
            (x - 0.42, 0.95),
        ]);
        canvas.fill(
            &shaft,
            Fill::vertical(0.0, colour.alpha(strength), 0.9, colour.alpha(0.0)),
        );
    }
}
