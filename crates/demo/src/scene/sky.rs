//! Sky, sun, moon, stars and clouds.

use super::Scene;
use crate::attributes::Time;
use crate::canvas::{Canvas, Fill};
use crate::colour::{WHITE, hex};
use crate::curve::{Shape, k, s};
use crate::dice::Dice;

/// Draws the sky down to `horizon`, with what hangs in it.
pub fn draw(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice, horizon: f32) {
    let [top, middle, bottom] = scene.light.sky;
    let aspect = scene.aspect;
    canvas.fill(
        &Shape::rect(-0.1, -0.1, aspect + 0.2, 1.3),
        Fill::Linear(
            (0.0, 0.0),
            (0.0, horizon),
            vec![(0.0, top), (0.55, middle), (1.0, bottom)],
        ),
    );
    let x = aspect * dice.range(0.18, 0.82);
    match scene.light.time {
        Time::Night => {
            stars(canvas, aspect, horizon, dice);
            let y = dice.range(0.13, 0.24);
            canvas.fill(
                &Shape::circle(x, y, 0.34),
                Fill::glow(x, y, 0.34, hex(0xaec4ff).alpha(0.40)),
            );
            canvas.fill(&Shape::circle(x, y, 0.062), hex(0xfaf6dc));
            canvas.fill(&Shape::circle(x - 0.020, y - 0.012, 0.013), hex(0xe2dcc0));
            canvas.fill(&Shape::circle(x + 0.018, y + 0.020, 0.009), hex(0xe2dcc0));
            streaks(canvas, scene, dice, horizon, hex(0x46548f).alpha(0.35));
        }
        Time::Dawn => {
            let y = horizon - dice.range(0.02, 0.10);
            canvas.fill(
                &Shape::circle(x, y, 0.55),
                Fill::glow(x, y, 0.55, hex(0xfff4d8).alpha(0.9)),
            );
            canvas.fill(&Shape::circle(x, y, 0.055), hex(0xfffbea));
            streaks(canvas, scene, dice, horizon, hex(0xfff1ee).alpha(0.6));
        }
        Time::Noon => {
            let y = dice.range(0.06, 0.14);
            canvas.fill(
                &Shape::circle(x, y, 0.36),
                Fill::glow(x, y, 0.36, WHITE.alpha(0.85)),
            );
            for _ in 0..3 + (aspect * 2.0) as usize {
                let (cx, cy) = (
                    dice.range(-0.05, aspect + 0.05),
                    horizon * dice.range(0.35, 0.92),
                );
                cumulus(canvas, scene, dice, cx, cy, 0.06 + 0.09 * cy / horizon);
            }
        }
        Time::Dusk => {
            let y = horizon - dice.range(0.03, 0.12);
            canvas.fill(
                &Shape::circle(x, y, 0.75),
                Fill::glow(x, y, 0.75, hex(0xffd27a).alpha(0.85)),
            );
            canvas.fill(&Shape::circle(x, y, 0.085), hex(0xfff0b8));
            streaks(canvas, scene, dice, horizon, hex(0x7b3a72).alpha(0.55));
        }
        Time::WhiteOut => {
            let y = horizon * 0.4;
            canvas.fill(&Shape::circle(x, y, 0.9), Fill::glow(x, y, 0.9, WHITE));
        }
    }
}

fn stars(canvas: &mut Canvas, aspect: f32, horizon: f32, dice: &mut Dice) {
    for _ in 0..(70.0 * aspect) as usize {
        let (x, y) = (dice.range(0.0, aspect), dice.unit() * horizon);
        let size = 0.0012 + 0.0028 * dice.unit().powi(4);
        let colour = dice.pick([WHITE, hex(0xcfdcff), hex(0xfff0d0)]);
        canvas.fill(
            &Shape::circle(x, y, size),
            colour.alpha(dice.range(0.4, 1.0)),
        );
    }
}

fn streaks(
    canvas: &mut Canvas,
    scene: &Scene,
    dice: &mut Dice,
    horizon: f32,
    colour: crate::colour::Colour,
) {
    for _ in 0..5 {
        let (x, y) = (
            dice.range(-0.2, scene.aspect),
            horizon * dice.range(0.25, 0.92),
        );
        let (length, thick) = (dice.range(0.3, 0.9), dice.range(0.008, 0.022));
        let streak = Shape::closed(&[
            k(x, y),
            s(x + length * 0.25, y - thick),
            s(x + length * 0.5, y - thick * 0.5),
            s(x + length * 0.75, y - thick * 1.2),
            k(x + length, y),
            s(x + length * 0.6, y + thick),
            s(x + length * 0.3, y + thick * 0.4),
        ]);
        canvas.fill(&streak, colour);
    }
}

/// A heap of cloud with a flat foot, lit from above.
fn cumulus(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice, x: f32, y: f32, size: f32) {
    let puffs: Vec<(f32, f32, f32)> = (0..7)
        .map(|i| {
            let t = i as f32 / 3.0 - 1.0;
            let radius = size * (0.55 + 0.55 * (1.0 - t * t)) * dice.range(0.8, 1.15);
            (
                x + t * size * 2.1,
                y - radius * 0.55 - dice.unit() * size * 0.2,
                radius,
            )
        })
        .collect();
    let base = scene.light.far(hex(0xd3e2f4), 0.15);
    let heap = |grow: f32, lift: f32| -> Shape {
        let puff =
            |&(px, py, radius): &(f32, f32, f32)| Shape::circle(px, py - lift, radius * grow);
        puffs.iter().map(puff).collect()
    };
    let window = Shape::rect(x - size * 5.0, y - size * 4.0, size * 10.0, size * 4.0);
    canvas.clipped(&window, |canvas| {
        canvas.fill(&heap(1.0, 0.0), base);
        canvas.fill(&heap(0.86, size * 0.22), WHITE);
    });
}
