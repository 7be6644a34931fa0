//! Face, ears, blush and nose.

use super::Character;
use crate::attributes::Expression;
use crate::canvas::{Canvas, Fill};
use crate::colour::hex;
use crate::curve::{Knot, Shape, k, s};

/// The face's outline, turned as the head is.
pub fn outline(character: &Character) -> Shape {
    let rig = &character.rig;
    let chin = rig.yaw * 0.26;
    let jaw = if rig.is_boy { 0.04 } else { 0.0 };
    // The far cheek is drawn in, the near one comes out.
    let cheek = |side: f32| 1.0 - side * rig.yaw * 0.10;
    let left = cheek(1.0);
    let right = cheek(-1.0);
    let skew = rig.yaw * 0.05;
    Shape::closed(&[
        s(-0.475, -0.18),
        s(-0.465 * left + skew * 0.5, 0.10),
        s((-0.385 - jaw) * left + skew, 0.335),
        s(-0.180 - jaw * 0.6 + chin * 0.8, 0.525 + jaw * 0.3),
        s(chin, 0.605 + jaw * 0.6),
        s(0.180 + jaw * 0.6 + chin * 0.8, 0.525 + jaw * 0.3),
        s((0.385 + jaw) * right + skew, 0.335),
        s(0.465 * right + skew * 0.5, 0.10),
        s(0.475, -0.18),
        s(0.34, -0.52),
        s(0.0, -0.64),
        s(-0.34, -0.52),
    ])
}

/// Draws ears, face, its shading and the nose.
pub fn draw(canvas: &mut Canvas, character: &Character) {
    let (light, rig) = (&character.light, &character.rig);
    let skin = light.lit(character.skin);
    let shade = light.shaded(character.skin.mix(hex(0xf2a08c), 0.25));
    let line = light.line(character.skin.mix(hex(0x9a4a3c), 0.4));
    for side in [-1.0, 1.0] {
        let x = side * 0.485 - rig.yaw * 0.10;
        let ear = Shape::closed(&[
            s(x - side * 0.05, -0.02),
            s(x + side * 0.045, -0.055),
            s(x + side * 0.075, 0.06),
            s(x + side * 0.03, 0.20),
            s(x - side * 0.04, 0.24),
        ]);
        canvas.draw(&ear, skin, line, 0.9);
        canvas.ink(
            &Shape::open(&[
                s(x + side * 0.035, 0.0),
                s(x + side * 0.02, 0.08),
                s(x, 0.14),
            ]),
            line,
            0.6,
        );
    }
    let face = outline(character);
    canvas.fill(&face, skin);
    canvas.clipped(&face, |canvas| {
        let side = rig.light_side;
        let edge = |x: f32, y: f32| -> Knot { s(side * x + rig.yaw * 0.12, y) };
        let shadow = Shape::closed(&[
            edge(0.80, -0.8),
            edge(0.46, -0.3),
            edge(0.405, 0.10),
            edge(0.36, 0.30),
            edge(0.21, 0.48),
            edge(0.02, 0.60),
            edge(-0.10, 0.70),
            edge(0.80, 0.80),
        ]);
        canvas.fill(&shadow, shade);
        mood(canvas, character);
        blush(canvas, character);
    });
    nose(canvas, character);
    canvas.ink(&face, line, 1.0);
}

/// The tint that strong feelings lay over a drawn face.
fn mood(canvas: &mut Canvas, character: &Character) {
    let veil = match character.attributes.expression {
        Expression::Angry => hex(0x8c2438).alpha(0.60),
        Expression::Sad => hex(0x3f66bc).alpha(0.62),
        Expression::Calm | Expression::Smiling | Expression::Laughing | Expression::Surprised => {
            return;
        }
    };
    let veil = character.light.lit(veil);
    let fade = Fill::vertical(-0.25, veil, 0.42, veil.alpha(0.0));
    canvas.fill(&Shape::rect(-0.7, -0.7, 1.4, 1.2), fade);
}

fn blush(canvas: &mut Canvas, character: &Character) {
    let strength = match character.attributes.expression {
        Expression::Laughing => 0.95,
        Expression::Smiling => 0.75,
        Expression::Sad => 0.3,
        Expression::Calm | Expression::Surprised => 0.10,
        Expression::Angry => 0.4,
    };
    let colour = character.light.lit(hex(0xf5615f)).alpha(strength);
    let line = character.light.line(hex(0xd8504c)).alpha(strength * 0.8);
    for side in [-1.0, 1.0] {
        let (x, y) = character.rig.turned(side * 0.30, 0.325);
        canvas.fill(&Shape::circle(x, y, 0.22), Fill::glow(x, y, 0.22, colour));
        if strength > 0.5 {
            for stroke in -1..=1 {
                let x = x + stroke as f32 * 0.045;
                canvas.ink(
                    &Shape::open(&[k(x + 0.014, y - 0.026), k(x - 0.014, y + 0.026)]),
                    line,
                    0.6,
                );
            }
        }
    }
}

fn nose(canvas: &mut Canvas, character: &Character) {
    let (x, y) = character.rig.turned(0.0, 0.300);
    let side = if character.rig.yaw.abs() > 0.08 {
        character.rig.yaw.signum()
    } else {
        -character.rig.light_side
    };
    let x = x + character.rig.yaw * 0.05;
    let line = character.light.line(character.skin.mix(hex(0x9a4a3c), 0.4));
    let shade = character
        .light
        .shaded(character.skin.mix(hex(0xf2a08c), 0.35));
    let wedge = Shape::closed(&[
        k(x, y - 0.07),
        s(x + side * 0.032, y + 0.005),
        k(x - side * 0.012, y + 0.022),
    ]);
    canvas.fill(&wedge, shade);
    canvas.ink(
        &Shape::open(&[
            s(x + side * 0.030, y + 0.004),
            s(x + side * 0.012, y + 0.022),
            s(x - side * 0.014, y + 0.020),
        ]),
        line,
        0.8,
    );
}
