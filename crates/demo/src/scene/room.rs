//! A cozy room with a window, curtains, a desk and books.

use super::{Scene, sky};
use crate::canvas::{Canvas, Fill};
use crate::colour::{Colour, WHITE, hex};
use crate::curve::{Shape, k, s};
use crate::dice::Dice;

/// Draws the room. As a background its curtains are linen.
pub fn draw(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice) {
    let light = &scene.light;
    let wall = dice.pick([hex(0xe8d6bf), hex(0xd9c8d6), hex(0xc9d6c9), hex(0xe6c9b6)]);
    let (lit, shade, line) = scene.tones(wall, 0.0);
    canvas.fill(
        &Shape::rect(-0.1, -0.1, scene.aspect + 0.2, 1.2),
        Fill::vertical(0.0, shade.mix(lit, 0.5), 0.8, lit),
    );
    let x = scene.aspect * dice.range(0.40, 0.60);
    let (width, top, bottom) = ((scene.aspect * 0.52).clamp(0.34, 0.80), 0.12, 0.62);
    window(canvas, scene, dice, x, width, top, bottom);
    curtains(canvas, scene, x, width, top, bottom);
    let floor = Shape::rect(-0.1, 0.84, scene.aspect + 0.2, 0.3);
    let (wood, wood_shade, wood_line) = scene.tones(hex(0xb5804f), 0.0);
    canvas.draw(
        &floor,
        Fill::vertical(0.84, wood, 1.0, wood_shade),
        wood_line,
        0.8,
    );
    canvas.draw(
        &Shape::rect(-0.1, 0.815, scene.aspect + 0.2, 0.03),
        light.lit(hex(0xf3ead9)),
        line,
        0.7,
    );
    if scene.aspect > 0.8 {
        shelf(canvas, scene, dice, x + width * 0.5 + 0.10);
        shelf(canvas, scene, dice, x - width * 0.5 - 0.42);
    }
    desk(canvas, scene, dice, x, width);
    if light.needs_lamps() {
        let (lx, ly) = (x + width * 0.34, 0.60);
        canvas.fill(
            &Shape::circle(lx, ly, 0.6),
            Fill::glow(lx, ly, 0.6, hex(0xffc877).alpha(0.55)),
        );
    } else {
        let ray = Shape::polygon(&[
            (x - width * 0.5, top),
            (x + width * 0.5, top),
            (x + width * 0.9, 1.05),
            (x - width * 0.3, 1.05),
        ]);
        canvas.fill(
            &ray,
            Fill::vertical(top, WHITE.alpha(0.30), 1.0, WHITE.alpha(0.02)),
        );
    }
}

fn window(
    canvas: &mut Canvas,
    scene: &Scene,
    dice: &mut Dice,
    x: f32,
    width: f32,
    top: f32,
    bottom: f32,
) {
    let (frame, _, line) = scene.tones(hex(0xf7f1e6), 0.0);
    let outer = Shape::rect(x - width / 2.0, top, width, bottom - top);
    canvas.draw(&outer, frame, line, 1.0);
    let pane = Shape::rect(
        x - width / 2.0 + 0.02,
        top + 0.02,
        width - 0.04,
        bottom - top - 0.04,
    );
    canvas.clipped(&pane, |canvas| {
        sky::draw(canvas, scene, dice, bottom);
        let (lit, shade, line) = scene.tones(hex(0x5f9f6a), 0.35);
        for i in 0..6 {
            let cx = x - width / 2.0 + width * (i as f32 + 0.5 + dice.jitter(0.3)) / 6.0;
            let radius = dice.range(0.05, 0.09);
            let y = bottom - 0.02;
            canvas.draw(
                &Shape::circle(cx, y, radius),
                Fill::vertical(y - radius, lit, y, shade),
                line,
                0.7,
            );
        }
    });
    canvas.ink(&pane, line, 0.8);
    canvas.draw(
        &Shape::rect(x - 0.009, top + 0.02, 0.018, bottom - top - 0.04),
        frame,
        line,
        0.6,
    );
    canvas.draw(
        &Shape::rect(
            x - width / 2.0 + 0.02,
            top + (bottom - top) * 0.42,
            width - 0.04,
            0.018,
        ),
        frame,
        line,
        0.6,
    );
}

fn curtains(canvas: &mut Canvas, scene: &Scene, x: f32, width: f32, top: f32, bottom: f32) {
    let colour = scene
        .accent
        .map_or(hex(0xf1e4cf), crate::attributes::Dye::colour);
    let (lit, shade, line) = scene.tones(colour, 0.0);
    for side in [-1.0, 1.0] {
        let edge = x + side * width * 0.58;
        let inner = x + side * width * 0.27;
        let cloth = Shape::closed(&[
            k(edge + side * 0.02, top - 0.06),
            k(inner, top - 0.06),
            s(inner + side * 0.005, top + 0.16),
            s(inner + side * width * 0.12, bottom - 0.12),
            k(inner + side * width * 0.10, bottom + 0.12),
            k(edge + side * 0.03, bottom + 0.12),
            s(edge + side * 0.01, f32::midpoint(top, bottom)),
        ]);
        canvas.fill(&cloth, lit);
        canvas.clipped(&cloth, |canvas| {
            for fold in 0..4 {
                let t = (fold as f32 + 0.6) / 4.0;
                let fx = inner + (edge - inner) * t;
                let fold = Shape::closed(&[
                    k(fx, top - 0.1),
                    s(fx + side * 0.012, top + 0.2),
                    k(fx + side * 0.020, bottom + 0.2),
                    k(fx + side * 0.050, bottom + 0.2),
                    s(fx + side * 0.030, top + 0.2),
                ]);
                canvas.fill(&fold, shade);
                canvas.ink(
                    &Shape::open(&[
                        s(fx, top),
                        s(fx + side * 0.012, f32::midpoint(top, bottom)),
                        s(fx + side * 0.022, bottom + 0.1),
                    ]),
                    line,
                    0.6,
                );
            }
        });
        canvas.ink(&cloth, line, 1.0);
    }
    let (rod, _, rod_line) = scene.tones(hex(0x8a5a3a), 0.0);
    canvas.draw(
        &Shape::rounded(x - width * 0.66, top - 0.075, width * 1.32, 0.022, 0.011),
        rod,
        rod_line,
        0.8,
    );
}

const SPINES: [Colour; 6] = [
    hex(0xb5483f),
    hex(0x3f6fa8),
    hex(0x4d8f63),
    hex(0xd9a441),
    hex(0x7a5a9c),
    hex(0xe8dfcf),
];

fn shelf(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice, left: f32) {
    let (wood, wood_shade, line) = scene.tones(hex(0x9a6a42), 0.0);
    let (width, top) = (0.32, 0.16);
    canvas.draw(&Shape::rect(left, top, width, 0.67), wood_shade, line, 1.0);
    for board in 0..4 {
        let y = top + 0.165 * (board + 1) as f32;
        let mut x = left + 0.012;
        while x < left + width - 0.045 {
            let (w, h) = (dice.range(0.018, 0.034), dice.range(0.09, 0.135));
            let (spine, _, spine_line) = scene.tones(dice.pick(SPINES), 0.0);
            canvas.draw(&Shape::rect(x, y - h, w, h), spine, spine_line, 0.6);
            x += w + if dice.chance(0.12) { 0.03 } else { 0.001 };
        }
        canvas.draw(&Shape::rect(left, y, width, 0.016), wood, line, 0.7);
    }
}

fn desk(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice, x: f32, width: f32) {
    let (lit, shade, line) = scene.tones(hex(0xa8744a), 0.0);
    let half = width * 0.62;
    for side in [-1.0, 1.0] {
        canvas.draw(
            &Shape::rect(x + side * half * 0.88 - 0.02, 0.74, 0.04, 0.22),
            shade,
            line,
            0.8,
        );
    }
    canvas.draw(
        &Shape::rounded(x - half, 0.70, half * 2.0, 0.045, 0.01),
        lit,
        line,
        1.0,
    );
    let mut y = 0.70;
    for _ in 0..3 {
        let (book, _, book_line) = scene.tones(dice.pick(SPINES), 0.0);
        let w = dice.range(0.12, 0.16);
        y -= 0.026;
        canvas.draw(
            &Shape::rect(x - half * 0.62 - w / 2.0, y, w, 0.026),
            book,
            book_line,
            0.7,
        );
    }
    let (pot, _, pot_line) = scene.tones(hex(0xc8694a), 0.0);
    let (leaf, _, leaf_line) = scene.tones(hex(0x4f9f58), 0.0);
    for i in -2..=2 {
        let lean = i as f32 * 0.045;
        let blade = Shape::closed(&[
            k(x - 0.006, 0.63),
            s(x + lean * 0.8 - 0.02, 0.56),
            k(x + lean * 1.5, 0.50 + 0.012 * (i * i) as f32),
            s(x + lean * 0.9 + 0.02, 0.57),
            k(x + 0.006, 0.63),
        ]);
        canvas.draw(&blade, leaf, leaf_line, 0.7);
    }
    canvas.draw(
        &Shape::closed(&[
            k(x - 0.045, 0.625),
            k(x + 0.045, 0.625),
            k(x + 0.032, 0.70),
            k(x - 0.032, 0.70),
        ]),
        pot,
        pot_line,
        0.9,
    );
    lamp(canvas, scene, x + width * 0.34);
}

fn lamp(canvas: &mut Canvas, scene: &Scene, x: f32) {
    let (metal, _, line) = scene.tones(hex(0x54606e), 0.0);
    canvas.ink(
        &Shape::open(&[s(x, 0.69), s(x + 0.02, 0.62), s(x - 0.01, 0.55)]),
        line,
        2.2,
    );
    canvas.draw(&Shape::oval(x, 0.695, 0.045, 0.012), metal, line, 0.8);
    let shade = if scene.light.needs_lamps() {
        hex(0xffe6a6)
    } else {
        scene.light.lit(hex(0xf0dcae))
    };
    canvas.draw(
        &Shape::closed(&[
            k(x - 0.045, 0.49),
            k(x + 0.025, 0.49),
            k(x + 0.06, 0.57),
            k(x - 0.08, 0.57),
        ]),
        shade,
        line,
        0.9,
    );
}
