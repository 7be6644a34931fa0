//! The hair behind the head: six styles, made of masses and locks.

use super::super::Character;
use super::Tones;
use super::lock::{Joint, half, joint, lock, vein};
use crate::attributes::HairStyle;
use crate::canvas::{Canvas, Fill};
use crate::colour::hex;
use crate::curve::{Knot, Shape, k, s};
use crate::dice::Dice;

/// Draws the back hair of `character`.
pub fn draw(canvas: &mut Canvas, character: &Character, tones: Tones, dice: &mut Dice) {
    let yaw = character.rig.yaw;
    match character.attributes.hair_style {
        HairStyle::Short => nape(canvas, character, tones, dice),
        HairStyle::Bob => bob(canvas, yaw, tones),
        HairStyle::Long => long(canvas, tones, dice, 0.0),
        HairStyle::Wavy => long(canvas, tones, dice, 0.075),
        HairStyle::Ponytail => {
            let side = if yaw >= 0.0 { -1.0 } else { 1.0 };
            tail(
                canvas,
                character,
                tones,
                side,
                dice,
                [
                    (0.20, -0.60),
                    (0.62, -0.66),
                    (0.98, -0.20),
                    (1.00, 0.50),
                    (0.80, 1.20),
                ],
                0.24,
            );
            nape(canvas, character, tones, dice);
        }
        HairStyle::Twintails => {
            for side in [-1.0, 1.0] {
                tail(
                    canvas,
                    character,
                    tones,
                    side,
                    dice,
                    [
                        (0.44, -0.48),
                        (0.78, -0.50),
                        (1.04, -0.02),
                        (1.06, 0.75),
                        (0.88, 1.60),
                    ],
                    0.21,
                );
            }
            nape(canvas, character, tones, dice);
        }
    }
}

/// One lock: shaded on the inside, with veins.
fn strand(canvas: &mut Canvas, spine: &[Joint], tones: Tones, shaded_side: f32, weight: f32) {
    let shape = lock(spine);
    canvas.fill(&shape, tones.lit);
    canvas.clipped(&shape, |canvas| {
        canvas.fill(&half(spine, 0.05, shaded_side), tones.shade);
        for across in [-0.45, 0.42] {
            canvas.ink(&vein(spine, across), tones.line, 0.55);
        }
    });
    canvas.ink(&shape, tones.line, weight);
}

/// Short hair at the nape.
fn nape(canvas: &mut Canvas, character: &Character, tones: Tones, dice: &mut Dice) {
    let shift = -character.rig.yaw * 0.08;
    let mut knots = vec![
        s(-0.50, -0.45),
        s(0.0, -0.78),
        s(0.50, -0.45),
        s(0.585, 0.0),
    ];
    let tips = 7;
    for i in 0..tips {
        let t = i as f32 / (tips - 1) as f32;
        let x = 0.58 - 1.16 * t;
        let y = 0.36 + 0.16 * (1.0 - (2.0 * t - 1.0).powi(2)) + dice.jitter(0.05);
        knots.push(k(x * 1.03 + shift, y));
        if i + 1 < tips {
            knots.push(k(x - 0.11 + shift, y - 0.09));
        }
    }
    knots.push(s(-0.585, 0.0));
    let shape = Shape::closed(&knots);
    canvas.draw(
        &shape,
        Fill::vertical(-0.1, tones.shade, 0.45, tones.deep),
        tones.line,
        1.0,
    );
}

/// A bob: a bell around the jaw.
fn bob(canvas: &mut Canvas, yaw: f32, tones: Tones) {
    let at = |x: f32| x - yaw * 0.05;
    let shape = Shape::closed(&[
        s(-0.52, -0.45),
        s(0.0, -0.78),
        s(0.52, -0.45),
        s(at(0.65), 0.02),
        s(at(0.705), 0.40),
        s(at(0.645), 0.68),
        k(at(0.50), 0.80),
        s(at(0.33), 0.74),
        k(at(0.20), 0.77),
        s(at(0.0), 0.72),
        k(at(-0.20), 0.77),
        s(at(-0.33), 0.74),
        k(at(-0.50), 0.80),
        s(at(-0.645), 0.68),
        s(at(-0.705), 0.40),
        s(at(-0.65), 0.02),
    ]);
    canvas.fill(&shape, Fill::vertical(0.0, tones.shade, 0.8, tones.deep));
    canvas.clipped(&shape, |canvas| {
        for side in [-1.0, 1.0] {
            let shell = Shape::closed(&[
                k(at(side * 0.40), -0.8),
                s(at(side * 0.55), -0.1),
                s(at(side * 0.575), 0.35),
                s(at(side * 0.54), 0.62),
                k(at(side * 0.44), 0.9),
                k(at(side * 0.95), 0.9),
                k(at(side * 0.95), -0.8),
            ]);
            canvas.fill(&shell, tones.lit);
            canvas.ink(
                &Shape::open(&[
                    s(at(side * 0.61), 0.05),
                    s(at(side * 0.645), 0.38),
                    s(at(side * 0.57), 0.70),
                ]),
                tones.line,
                0.6,
            );
        }
    });
    canvas.ink(&shape, tones.line, 1.0);
}

/// Long hair down the back, straight or in waves: a dark mass with locks at its sides.
fn long(canvas: &mut Canvas, tones: Tones, dice: &mut Dice, wave: f32) {
    let mut knots: Vec<Knot> = vec![
        s(0.0, -0.78),
        s(0.50, -0.45),
        s(0.60, 0.2),
        s(0.66, 1.0),
        s(0.60, 1.7),
    ];
    let tips = 6;
    for i in 0..tips {
        let x = 0.52 - 1.04 * i as f32 / (tips - 1) as f32;
        knots.push(k(x, 2.02 + dice.jitter(0.08)));
        if i + 1 < tips {
            knots.push(k(x - 0.10, 1.84));
        }
    }
    knots.extend([s(-0.60, 1.7), s(-0.66, 1.0), s(-0.60, 0.2), s(-0.50, -0.45)]);
    let mass = Shape::closed(&knots);
    canvas.draw(
        &mass,
        Fill::vertical(0.2, tones.shade, 1.4, tones.deep),
        tones.line,
        1.0,
    );
    for side in [-1.0, 1.0] {
        for (inner, foot, width) in [(0.46, 1.98, 0.11), (0.70, 1.72, 0.13), (0.585, 2.12, 0.15)] {
            let steps = 8;
            let phase = dice.jitter(0.4);
            let spread = dice.jitter(0.04);
            let spine: Vec<Joint> = (0..=steps)
                .map(|i| {
                    let t = i as f32 / steps as f32;
                    let y = -0.35 + (foot + 0.35) * t;
                    let sway = wave * (y * 6.2 + phase).sin() * (t * 3.0).min(1.0);
                    let x = 0.46 + (inner - 0.46 + spread) * (t * 2.2).min(1.0) + sway + 0.05 * t;
                    let belly = (1.0 - (2.0 * t - 0.7).powi(2) * 0.32) * (0.15 + t * 4.0).min(1.0);
                    joint(
                        side * x,
                        y,
                        if i == steps {
                            0.0
                        } else {
                            width * belly * if t > 0.8 { 0.6 } else { 1.0 }
                        },
                    )
                })
                .collect();
            strand(canvas, &spine, tones, side, 0.95);
        }
    }
}

/// A tied tail along five points (x positive outwards), with two stray locks and its band.
fn tail(
    canvas: &mut Canvas,
    character: &Character,
    tones: Tones,
    side: f32,
    dice: &mut Dice,
    points: [(f32, f32); 5],
    width: f32,
) {
    let sway = dice.jitter(0.05);
    let shape = |spread: f32, shorter: f32, thin: f32| -> Vec<Joint> {
        let widths = [0.45, 0.95, 1.0, 0.85, 0.0];
        let mut spine = Vec::new();
        for (i, ((x, y), share)) in points.into_iter().zip(widths).enumerate() {
            let t = i as f32 / 4.0;
            let y = if i == 4 { y - shorter } else { y };
            spine.push(joint(
                side * (x + (spread + sway) * t * t),
                y,
                width * share * thin,
            ));
            if i == 3 {
                let (next_x, next_y) = points[4];
                let (mx, my) = (f32::midpoint(x, next_x), f32::midpoint(y, next_y - shorter));
                spine.push(joint(
                    side * (mx + (spread + sway) * 0.8 + 0.03),
                    my,
                    width * 0.58 * thin,
                ));
            }
        }
        spine
    };
    strand(canvas, &shape(0.20, 0.22, 0.62), tones, -side, 0.95);
    strand(canvas, &shape(-0.20, 0.14, 0.62), tones, -side, 0.95);
    let spine = shape(0.0, 0.0, 1.0);
    strand(canvas, &spine, tones, side, 1.0);
    canvas.clipped(&lock(&spine), |canvas| {
        let (x, y) = (side * points[1].0, points[1].1);
        for (dx, dy, rx) in [(0.16, 0.10, 0.085), (0.27, 0.22, 0.05)] {
            let (cx, cy) = (x + side * dx, y + dy);
            let shine = Shape::closed(&[
                k(cx - rx, cy + side * 0.01 - rx * 0.5),
                s(cx, cy - 0.035),
                k(cx + rx, cy + rx * 0.7),
                s(cx, cy + 0.02),
            ]);
            canvas.fill(&shine, tones.gleam);
        }
    });
    let band = character.light.lit(hex(0xd8445a));
    let (x, y) = points[0];
    let knot = Shape::oval(side * (x + 0.07), y + 0.0, 0.065, 0.105);
    canvas.draw(&knot, band, tones.line, 0.9);
}
