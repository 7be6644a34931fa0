//! The mouth.

use super::Character;
use crate::attributes::Expression;
use crate::canvas::Canvas;
use crate::colour::hex;
use crate::curve::{Knot, Shape, k, s};

/// Drawn mouths are larger than life, so that a small picture still shows the expression.
const SIZE: f32 = 1.18;

/// Draws the mouth.
#[expect(
    clippy::too_many_lines,
    reason = "one expression a match arm, each a short list of curves"
)]
pub fn draw(canvas: &mut Canvas, character: &Character) {
    let (light, rig) = (&character.light, &character.rig);
    let (x, y) = rig.turned(0.0, 0.435);
    let x = x + rig.yaw * 0.04;
    let narrow = rig.foreshortening(0.0);
    let line = light.line(hex(0xa84a44));
    let inside = light.lit(hex(0x8c2b35));
    let tongue = light.lit(hex(0xec7a78));
    let teeth = light.lit(hex(0xfffdf8));
    let at = |dx: f32, dy: f32| -> Knot { s(x + dx * narrow * SIZE, y + dy * SIZE) };
    let tip = |dx: f32, dy: f32| -> Knot { k(x + dx * narrow * SIZE, y + dy * SIZE) };
    match character.attributes.expression {
        Expression::Calm => {
            canvas.ink(
                &Shape::open(&[at(-0.062, 0.0), at(0.0, 0.006), at(0.062, 0.0)]),
                line,
                1.0,
            );
            canvas.ink(
                &Shape::open(&[at(-0.02, 0.045), at(0.02, 0.045)]),
                line.alpha(0.5),
                0.6,
            );
        }
        Expression::Smiling => {
            let lips = Shape::closed(&[
                tip(-0.125, -0.024),
                at(0.0, 0.012),
                tip(0.125, -0.024),
                at(0.075, 0.055),
                at(0.0, 0.080),
                at(-0.075, 0.055),
            ]);
            canvas.fill(&lips, inside);
            canvas.clipped(&lips, |canvas| {
                canvas.fill(&Shape::oval(x, y + 0.085, 0.075, 0.04), tongue);
            });
            canvas.ink(&lips, line, 0.9);
        }
        Expression::Laughing => {
            let lips = Shape::closed(&[
                tip(-0.170, -0.045),
                at(0.0, -0.010),
                tip(0.170, -0.045),
                at(0.135, 0.075),
                at(0.0, 0.155),
                at(-0.135, 0.075),
            ]);
            canvas.fill(&lips, inside);
            canvas.clipped(&lips, |canvas| {
                canvas.fill(&Shape::oval(x, y + 0.150, 0.115 * narrow, 0.075), tongue);
                let row = Shape::closed(&[
                    at(-0.2, -0.09),
                    at(0.0, -0.03),
                    at(0.2, -0.09),
                    at(0.15, 0.005),
                    at(0.0, 0.026),
                    at(-0.15, 0.005),
                ]);
                canvas.fill(&row, teeth);
            });
            canvas.ink(&lips, line, 1.1);
        }
        Expression::Sad => {
            canvas.ink(
                &Shape::open(&[
                    at(-0.085, 0.030),
                    at(-0.035, -0.002),
                    at(0.03, 0.004),
                    at(0.085, 0.034),
                ]),
                line,
                1.2,
            );
            canvas.ink(
                &Shape::open(&[at(-0.03, 0.062), at(0.03, 0.062)]),
                line.alpha(0.6),
                0.7,
            );
        }
        Expression::Angry => {
            let lips = Shape::closed(&[
                tip(-0.105, 0.055),
                at(-0.06, -0.012),
                at(0.0, -0.026),
                at(0.06, -0.012),
                tip(0.105, 0.055),
                at(0.0, 0.048),
            ]);
            canvas.fill(&lips, inside);
            canvas.clipped(&lips, |canvas| {
                canvas.fill(&Shape::rect(x - 0.2, y - 0.06, 0.4, 0.068), teeth);
            });
            canvas.ink(&lips, line, 1.1);
        }
        Expression::Surprised => {
            let lips = Shape::oval(x, y + 0.035, 0.055 * narrow, 0.078);
            canvas.fill(&lips, inside);
            canvas.clipped(&lips, |canvas| {
                canvas.fill(&Shape::oval(x, y + 0.095, 0.05, 0.04), tongue);
            });
            canvas.ink(&lips, line, 1.0);
        }
    }
}
