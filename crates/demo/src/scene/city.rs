//! A city street, with a tram.

use super::{Scene, sky};
use crate::attributes::Time;
use crate::canvas::{Canvas, Fill};
use crate::colour::{Colour, hex};
use crate::curve::{Shape, k, s};
use crate::dice::Dice;

/// Draws the street: two skylines, then house fronts that run to the vanishing point.
pub fn draw(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice) {
    let horizon = 0.68;
    sky::draw(canvas, scene, dice, horizon);
    skyline(canvas, scene, dice, 0.62, 0.30, 0.62);
    skyline(canvas, scene, dice, 0.66, 0.22, 0.36);
    let vanish = (scene.aspect * dice.range(0.44, 0.56), horizon);
    for side in [-1.0, 1.0] {
        fronts(canvas, scene, dice, vanish, side);
    }
    road(canvas, scene, vanish);
    if let Some(accent) = scene.accent {
        tram(canvas, scene, dice, vanish, accent.colour(), accent.trim());
    }
    for side in [-1.0, 1.0] {
        lamps(canvas, scene, vanish, side);
    }
}

const WALLS: [Colour; 6] = [
    hex(0xe9d8c3),
    hex(0xcfa48a),
    hex(0xb9c4d6),
    hex(0xd8cfe0),
    hex(0x9fb4ae),
    hex(0xe3b8a6),
];

fn window_colour(scene: &Scene, dice: &mut Dice, depth: f32) -> Colour {
    let light = &scene.light;
    let is_lit = match light.time {
        Time::Night => dice.chance(0.55),
        Time::Dusk => dice.chance(0.40),
        Time::Dawn => dice.chance(0.10),
        Time::Noon | Time::WhiteOut => false,
    };
    if is_lit {
        dice.pick([hex(0xffd67a), hex(0xffe9b0), hex(0xffb866)])
    } else {
        light.far(light.lit(hex(0x6f8fb5)), depth)
    }
}

fn skyline(
    canvas: &mut Canvas,
    scene: &Scene,
    dice: &mut Dice,
    foot: f32,
    height: f32,
    depth: f32,
) {
    let mut x = -0.05;
    while x < scene.aspect {
        let width = dice.range(0.07, 0.15);
        let top = foot - height * dice.range(0.35, 1.0);
        let (lit, shade, line) = scene.tones(dice.pick(WALLS).mix(hex(0x6a7ba0), 0.45), depth);
        let house = Shape::rect(x, top, width, 0.9);
        canvas.fill(&house, lit);
        canvas.fill(
            &Shape::rect(x + width * 0.72, top, width * 0.28, 0.9),
            shade,
        );
        let (columns, step) = ((width / 0.024) as usize, 0.032);
        for row in 0..((foot - top) / step) as usize {
            for column in 0..columns {
                let colour = window_colour(scene, dice, depth);
                canvas.fill(
                    &Shape::rect(
                        x + 0.008 + column as f32 * 0.023,
                        top + 0.012 + row as f32 * step,
                        0.012,
                        0.018,
                    ),
                    colour.alpha(0.85),
                );
            }
        }
        canvas.ink(&house, line, 0.7);
        x += width * dice.range(0.85, 1.05);
    }
}

/// House fronts on one side of the street, seen in perspective.
fn fronts(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice, vanish: (f32, f32), side: f32) {
    let (vx, vy) = vanish;
    let reach = if side > 0.0 { scene.aspect - vx } else { vx };
    // At depth d (1 = the picture's edge) a point lies that share of the way out from the vanishing point.
    let place = |d: f32, height: f32| (vx + side * reach * d, vy + (height - vy) * d);
    let cuts: [f32; 6] = [0.34, 0.46, 0.62, 0.82, 1.12, 1.5];
    for pair in cuts.windows(2).rev().collect::<Vec<_>>().into_iter().rev() {
        let (near, far) = (pair[1], pair[0]);
        let depth = (0.40 * (1.0 - far)).clamp(0.0, 0.4);
        let roof = vy - dice.range(0.50, 0.88);
        let wall = dice.pick(WALLS);
        let (lit, shade, line) = scene.tones(wall, depth);
        let face = if side > 0.0 {
            lit
        } else {
            shade.mix(lit, 0.35)
        };
        let front = Shape::polygon(&[
            place(far, roof),
            place(near, roof),
            place(near, 1.02),
            place(far, 1.02),
        ]);
        canvas.draw(&front, face, line, 1.0);
        let cornice = Shape::polygon(&[
            place(far, roof),
            place(near, roof),
            place(near, roof + 0.03),
            place(far, roof + 0.03),
        ]);
        canvas.draw(&cornice, shade, line, 0.8);
        let floors = ((0.78 - roof) / 0.16) as usize;
        for floor in 0..floors {
            let top = roof + 0.07 + 0.16 * floor as f32;
            for column in 0..3 {
                let (a, b) = (0.10 + 0.30 * column as f32, 0.28 + 0.30 * column as f32);
                let at = |t: f32| far + (near - far) * t;
                let pane = Shape::polygon(&[
                    place(at(a), top),
                    place(at(b), top),
                    place(at(b), top + 0.095),
                    place(at(a), top + 0.095),
                ]);
                canvas.draw(&pane, window_colour(scene, dice, depth), line, 0.6);
            }
        }
        let sign = dice.pick([hex(0xd9534f), hex(0x3f7fbf), hex(0x4fa36c), hex(0xe0a63c)]);
        let (sign_lit, _, sign_line) = scene.tones(sign, depth);
        let at = |t: f32| far + (near - far) * t;
        let awning = Shape::polygon(&[
            place(at(0.06), 0.80),
            place(at(0.94), 0.80),
            place(at(0.98), 0.86),
            place(at(0.02), 0.86),
        ]);
        canvas.draw(&awning, sign_lit, sign_line, 0.8);
        let shop = Shape::polygon(&[
            place(at(0.10), 0.87),
            place(at(0.90), 0.87),
            place(at(0.90), 0.99),
            place(at(0.10), 0.99),
        ]);
        let glass = if scene.light.needs_lamps() {
            hex(0xffe2a0)
        } else {
            scene.light.far(scene.light.lit(hex(0x8fb0c8)), depth)
        };
        canvas.draw(&shop, glass, line, 0.7);
    }
}

fn road(canvas: &mut Canvas, scene: &Scene, vanish: (f32, f32)) {
    let (vx, vy) = vanish;
    let (lit, shade, line) = scene.tones(hex(0x8d8f9e), 0.0);
    let walk = scene.light.lit(hex(0xcfc6bd));
    let reach = scene.aspect;
    canvas.fill(
        &Shape::polygon(&[
            (vx - 0.10 * reach, vy + 0.055),
            (vx + 0.10 * reach, vy + 0.055),
            (vx + reach * 1.6, 1.1),
            (vx - reach * 1.6, 1.1),
        ]),
        walk,
    );
    let street = Shape::polygon(&[
        (vx - 0.02, vy + 0.03),
        (vx + 0.02, vy + 0.03),
        (vx + 0.62, 1.1),
        (vx - 0.62, 1.1),
    ]);
    canvas.draw(
        &street,
        Fill::vertical(vy, scene.light.far(lit, 0.3), 1.0, shade),
        line,
        0.9,
    );
    for i in 0..5 {
        let (near, far) = (0.12 + 0.22 * i as f32, 0.05 + 0.22 * i as f32);
        let y = |t: f32| vy + 0.03 + (1.07 - vy) * t * t;
        let half = |t: f32| 0.002 + 0.014 * t;
        let dash = Shape::polygon(&[
            (vx - half(far), y(far)),
            (vx + half(far), y(far)),
            (vx + half(near), y(near)),
            (vx - half(near), y(near)),
        ]);
        canvas.fill(&dash, scene.light.lit(hex(0xf4efe2)));
    }
}

fn lamps(canvas: &mut Canvas, scene: &Scene, vanish: (f32, f32), side: f32) {
    let (_, _, line) = scene.tones(hex(0x3d4a52), 0.0);
    for d in [0.34, 0.62] {
        let x = vanish.0 + side * (0.06 + 0.80 * d);
        let foot = vanish.1 + 0.45 * d;
        let top = foot - 0.75 * d;
        canvas.ink(
            &Shape::open(&[
                s(x, foot),
                s(x, top),
                s(x - side * 0.04 * d, top - 0.05 * d),
                s(x - side * 0.12 * d, top - 0.04 * d),
            ]),
            line,
            1.2 + 2.0 * d,
        );
        let (lx, ly) = (x - side * 0.13 * d, top - 0.02 * d);
        if scene.light.needs_lamps() {
            canvas.fill(
                &Shape::circle(lx, ly, 0.30 * d),
                Fill::glow(lx, ly, 0.30 * d, hex(0xffdf9a).alpha(0.75)),
            );
        }
        canvas.draw(
            &Shape::oval(lx, ly, 0.034 * d, 0.026 * d),
            hex(0xfff3cf),
            line,
            0.8,
        );
    }
}

fn tram(
    canvas: &mut Canvas,
    scene: &Scene,
    dice: &mut Dice,
    vanish: (f32, f32),
    colour: Colour,
    trim: Colour,
) {
    let (lit, shade, line) = scene.tones(colour, 0.0);
    let (band, band_shade, _) = scene.tones(trim, 0.0);
    let size = dice.range(0.38, 0.43);
    let (x, foot) = (vanish.0 + dice.range(-0.10, 0.02), 0.93);
    let (left, top) = (x - size * 0.36, foot - size);
    let width = size * 0.66;
    let shadow = scene.light.shaded(hex(0x4a4a58)).alpha(0.7);
    canvas.fill(
        &Shape::oval(x + size * 0.10, foot, size * 0.62, size * 0.06),
        shadow,
    );
    let flank = Shape::polygon(&[
        (left + width, top + size * 0.04),
        (left + width + size * 0.34, top + size * 0.24),
        (left + width + size * 0.34, foot - size * 0.14),
        (left + width, foot - size * 0.03),
    ]);
    canvas.draw(&flank, shade, line, 1.0);
    for i in 0..3 {
        let t = |u: f32| left + width + size * 0.34 * u;
        let (a, b) = (0.10 + 0.30 * i as f32, 0.32 + 0.30 * i as f32);
        let pane = Shape::polygon(&[
            (t(a), top + size * (0.20 + 0.16 * a)),
            (t(b), top + size * (0.20 + 0.16 * b)),
            (t(b), top + size * (0.50 - 0.02 * b)),
            (t(a), top + size * (0.50 - 0.02 * a)),
        ]);
        canvas.draw(&pane, glass(scene), line, 0.7);
    }
    let front = Shape::rounded(left, top, width, size * 0.97, size * 0.07);
    canvas.fill(&front, lit);
    canvas.clipped(&front, |canvas| {
        canvas.fill(
            &Shape::rect(left, top + size * 0.60, width, size * 0.09),
            band,
        );
        canvas.fill(
            &Shape::rect(left + width * 0.80, top, width * 0.3, size),
            shade.alpha(0.6),
        );
        canvas.fill(
            &Shape::rect(left, top + size * 0.88, width, size * 0.2),
            band_shade,
        );
    });
    canvas.ink(&front, line, 1.1);
    canvas.draw(
        &Shape::rounded(
            left + width * 0.10,
            top + size * 0.20,
            width * 0.80,
            size * 0.34,
            size * 0.04,
        ),
        glass(scene),
        line,
        0.9,
    );
    canvas.ink(
        &Shape::open(&[
            k(left + width * 0.5, top + size * 0.20),
            k(left + width * 0.5, top + size * 0.54),
        ]),
        line,
        0.9,
    );
    canvas.draw(
        &Shape::rounded(
            left + width * 0.26,
            top + size * 0.06,
            width * 0.48,
            size * 0.09,
            size * 0.02,
        ),
        hex(0xfff1c8),
        line,
        0.8,
    );
    for u in [0.22, 0.78] {
        let (lx, ly) = (left + width * u, top + size * 0.78);
        canvas.draw(
            &Shape::circle(lx, ly, size * 0.045),
            hex(0xfff6d8),
            line,
            0.8,
        );
        if scene.light.needs_lamps() {
            canvas.fill(
                &Shape::circle(lx, ly, size * 0.28),
                Fill::glow(lx, ly, size * 0.28, hex(0xfff0b8).alpha(0.8)),
            );
        }
    }
}

fn glass(scene: &Scene) -> Colour {
    if scene.light.needs_lamps() {
        hex(0xffe7ac)
    } else {
        scene.light.lit(hex(0xa9cfe6))
    }
}
