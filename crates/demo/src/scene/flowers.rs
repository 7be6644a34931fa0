//! A field of flowers under a wide sky, with a windmill.

use super::{Scene, sky};
use crate::attributes::Dye;
use crate::canvas::{Canvas, Fill};
use crate::colour::{Colour, hex};
use crate::curve::{Shape, k, s};
use crate::dice::Dice;

/// Draws the field. As a background its flowers are poppies and daisies.
pub fn draw(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice) {
    let horizon = 0.55;
    sky::draw(canvas, scene, dice, horizon);
    hill(canvas, scene, dice, horizon - 0.03, hex(0x6fa98a), 0.5);
    hill(canvas, scene, dice, horizon, hex(0x63ab5c), 0.22);
    mill(
        canvas,
        scene,
        scene.aspect * dice.range(0.12, 0.88),
        horizon + 0.02,
    );
    let (lit, shade, _) = scene.tones(hex(0x55a048), 0.0);
    canvas.fill(
        &Shape::rect(-0.1, horizon + 0.03, scene.aspect + 0.2, 0.7),
        Fill::vertical(horizon, scene.light.far(lit, 0.2), 1.0, shade),
    );
    let colours = match scene.accent {
        Some(dye) => [dye.colour(), dye.colour().lighter(0.22), dye.colour()],
        None => [Dye::Pink.colour(), hex(0xfff6f0), hex(0xf7c95a)],
    };
    blossoms(canvas, scene, dice, horizon + 0.04, colours);
}

fn hill(
    canvas: &mut Canvas,
    scene: &Scene,
    dice: &mut Dice,
    level: f32,
    colour: Colour,
    depth: f32,
) {
    let (lit, shade, line) = scene.tones(colour, depth);
    let mut knots = vec![k(-0.2, 0.8)];
    for i in 0..=4 {
        knots.push(s(
            -0.2 + (scene.aspect + 0.4) * i as f32 / 4.0,
            level + dice.jitter(0.05),
        ));
    }
    knots.push(k(scene.aspect + 0.2, 0.8));
    canvas.draw(
        &Shape::closed(&knots),
        Fill::vertical(level - 0.05, lit, level + 0.15, shade),
        line,
        0.8,
    );
}

/// Flowers in rows, from specks at the horizon to blossoms at one's feet.
fn blossoms(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice, top: f32, colours: [Colour; 3]) {
    let light = &scene.light;
    let stem = light.shaded(hex(0x3f8a40));
    let rows = 15;
    for row in 0..rows {
        let t = (row as f32 + 0.5) / rows as f32;
        let y = top + (1.04 - top) * t.powf(1.6);
        let size = 0.006 + 0.048 * t.powf(1.5);
        let depth = (1.0 - t) * 0.30;
        let count = (scene.aspect / (size * 2.5)) as usize + 2;
        let mut petals = [const { Vec::new() }; 3];
        let (mut leaves, mut hearts) = (Vec::new(), Vec::new());
        for i in 0..count {
            let x = (i as f32 + dice.jitter(0.9)) * size * 2.5;
            let y = y + dice.jitter(size * 1.1);
            let bloom = &mut petals[dice.below(3)];
            leaves.push(Shape::oval(
                x + size * 0.10,
                y + size * 0.9,
                size * 0.7,
                size * 0.9,
            ));
            if row < 5 {
                bloom.push(Shape::oval(x, y, size, size * 0.75));
                continue;
            }
            let turn = dice.range(0.0, 1.3);
            for petal in 0..5 {
                let angle = petal as f32 * 1.2566 + turn;
                let (px, py) = (x + angle.cos() * size * 0.58, y + angle.sin() * size * 0.46);
                bloom.push(Shape::circle(px, py, size * 0.50));
            }
            hearts.push(Shape::oval(x, y, size * 0.30, size * 0.24));
        }
        let leaves: Shape = leaves.into_iter().collect();
        canvas.fill(&leaves, stem.mix(light.haze, depth));
        for (petals, colour) in petals.into_iter().zip(colours) {
            let petals: Shape = petals.into_iter().collect();
            if row >= 5 {
                canvas.ink(&petals, light.far(light.line(colour), depth), 1.3);
            }
            canvas.fill(&petals, light.distant(colour, depth));
        }
        let hearts: Shape = hearts.into_iter().collect();
        canvas.fill(&hearts, light.distant(hex(0xf9d35a), depth));
    }
}

fn mill(canvas: &mut Canvas, scene: &Scene, x: f32, foot: f32) {
    let (lit, shade, line) = scene.tones(hex(0xf6eee2), 0.15);
    let (roof, _, roof_line) = scene.tones(hex(0xa8513c), 0.15);
    let size = 0.24;
    let tower = Shape::closed(&[
        k(x - size * 0.13, foot - size * 0.72),
        k(x + size * 0.13, foot - size * 0.72),
        k(x + size * 0.20, foot),
        k(x - size * 0.20, foot),
    ]);
    canvas.fill(&tower, lit);
    canvas.clipped(&tower, |canvas| {
        canvas.fill(
            &Shape::rect(x + size * 0.02, foot - size, size, size),
            shade,
        );
    });
    canvas.ink(&tower, line, 0.9);
    canvas.draw(
        &Shape::closed(&[
            k(x - size * 0.17, foot - size * 0.70),
            s(x, foot - size * 1.0),
            k(x + size * 0.17, foot - size * 0.70),
        ]),
        roof,
        roof_line,
        0.9,
    );
    let (hub_x, hub_y) = (x, foot - size * 0.78);
    for i in 0..4 {
        let angle = 0.5 + i as f32 * std::f32::consts::FRAC_PI_2;
        let (dx, dy) = (angle.cos() * size, angle.sin() * size);
        let (nx, ny) = (-dy * 0.14, dx * 0.14);
        let blade = Shape::polygon(&[
            (hub_x + dx * 0.15, hub_y + dy * 0.15),
            (hub_x + dx * 0.72, hub_y + dy * 0.72),
            (hub_x + dx * 0.72 + nx, hub_y + dy * 0.72 + ny),
            (hub_x + dx * 0.15 + nx, hub_y + dy * 0.15 + ny),
        ]);
        canvas.draw(&blade, lit, line, 0.7);
    }
}
