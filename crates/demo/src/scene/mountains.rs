//! Mountains behind a lake, with a hot air balloon.

use super::{Scene, sky};
use crate::canvas::{Canvas, Fill};
use crate::colour::{Colour, WHITE, hex};
use crate::curve::{Knot, Shape, k, s};
use crate::dice::Dice;

/// Draws the mountains.
pub fn draw(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice) {
    let horizon = 0.66;
    sky::draw(canvas, scene, dice, horizon);
    range(canvas, scene, dice, 0.44, 0.15, 0.62, hex(0x6f83b5), 5);
    range(canvas, scene, dice, 0.46, 0.26, 0.25, hex(0x56699c), 3);
    if let Some(accent) = scene.accent {
        balloon(canvas, scene, dice, accent.colour(), accent.trim());
    }
    hills(canvas, scene, dice, 0.60, hex(0x4f8a6a), 0.22);
    lake(canvas, scene, dice);
    hills(canvas, scene, dice, 0.88, hex(0x4c9a52), 0.0);
    for _ in 0..(5.0 + scene.aspect * 5.0) as usize {
        let x = dice.range(-0.05, scene.aspect + 0.05);
        let distance = (x / scene.aspect - 0.5).abs();
        pine(
            canvas,
            scene,
            x,
            dice.range(0.90, 1.02),
            dice.range(0.13, 0.20) + 0.22 * distance,
        );
    }
}

/// A chain of snowy peaks: faces to the light and away from it.
#[expect(
    clippy::too_many_arguments,
    reason = "a ridge is described by numbers of one kind"
)]
fn range(
    canvas: &mut Canvas,
    scene: &Scene,
    dice: &mut Dice,
    base: f32,
    height: f32,
    depth: f32,
    rock: Colour,
    peaks: usize,
) {
    let (lit, shade, line) = scene.tones(rock, depth);
    let snow = scene.light.far(scene.light.lit(hex(0xfbfdff)), depth * 0.5);
    let snow_shade = scene
        .light
        .far(scene.light.shaded(hex(0xe6eefc)), depth * 0.5);
    let step = scene.aspect / peaks as f32;
    let mut order: Vec<(f32, f32)> = (0..=peaks)
        .map(|i| {
            (
                (i as f32 + dice.jitter(0.5)) * step,
                base - height * dice.range(0.35, 1.0),
            )
        })
        .collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    for (x, top) in order {
        let (half, foot) = (step * dice.range(0.75, 1.0), 0.72);
        let outline = Shape::polygon(&[
            (x - half, foot),
            (x - half * 0.55, f32::midpoint(top, foot) - 0.02),
            (x - half * 0.22, top + (foot - top) * 0.20),
            (x, top),
            (x + half * 0.16, top + (foot - top) * 0.14),
            (x + half * 0.50, f32::midpoint(top, foot) + 0.02),
            (x + half, foot),
        ]);
        canvas.fill(&outline, lit);
        let cap = top + (foot - top) * 0.34;
        canvas.clipped(&outline, |canvas| {
            let mut knots: Vec<Knot> = vec![k(x - half, top - 0.1), k(x + half, top - 0.1)];
            for i in 0..9 {
                let t = 1.0 - i as f32 / 4.0;
                knots.push(k(
                    x + t * half * 0.6,
                    cap + if i % 2 == 0 { 0.05 } else { -0.045 } + dice.jitter(0.02),
                ));
            }
            let cover = Shape::closed(&knots);
            canvas.fill(&cover, snow);
            let side = Shape::polygon(&[
                (x, top - 0.02),
                (x + half * 0.05, top + (foot - top) * 0.25),
                (x - half * 0.07, top + (foot - top) * 0.45),
                (x + half * 0.12, foot),
                (x + half * 2.0, foot),
                (x + half, top - 0.02),
            ]);
            canvas.clipped(&cover, |canvas| canvas.fill(&side, snow_shade));
            canvas.fill(&side, shade.alpha(0.55));
            let mist = Fill::vertical(
                foot - 0.22,
                scene.light.haze.alpha(0.0),
                foot,
                scene.light.haze.alpha(0.75),
            );
            canvas.fill(&Shape::rect(x - half, foot - 0.22, half * 2.0, 0.3), mist);
        });
        canvas.ink(&outline, line, 0.9);
    }
}

fn hills(
    canvas: &mut Canvas,
    scene: &Scene,
    dice: &mut Dice,
    level: f32,
    colour: Colour,
    depth: f32,
) {
    let (lit, shade, line) = scene.tones(colour, depth);
    let mut knots = vec![k(-0.2, 1.2)];
    for i in 0..=6 {
        let x = -0.2 + (scene.aspect + 0.4) * i as f32 / 6.0;
        knots.push(s(x, level + dice.jitter(0.05)));
    }
    knots.push(k(scene.aspect + 0.2, 1.2));
    let hill = Shape::closed(&knots);
    canvas.fill(
        &hill,
        Fill::vertical(level - 0.05, lit, level + 0.25, shade),
    );
    canvas.ink(&hill, line, 0.9);
}

fn lake(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice) {
    let [top, middle, bottom] = scene.light.sky;
    let water = Shape::rect(-0.1, 0.70, scene.aspect + 0.2, 0.4);
    let tint = scene.light.lit(hex(0x4f9fd0));
    canvas.fill(
        &water,
        Fill::Linear(
            (0.0, 0.70),
            (0.0, 1.0),
            vec![
                (0.0, bottom.mix(tint, 0.35)),
                (0.5, middle.mix(tint, 0.5)),
                (1.0, top.mix(tint, 0.5)),
            ],
        ),
    );
    canvas.ink(
        &Shape::open(&[s(-0.1, 0.70), s(scene.aspect + 0.1, 0.70)]),
        scene.light.line(hex(0x4f8a6a)),
        0.8,
    );
    for _ in 0..14 {
        let (x, y) = (dice.range(0.0, scene.aspect), dice.range(0.72, 0.90));
        let half = dice.range(0.03, 0.12);
        let glint = Shape::closed(&[
            k(x - half, y),
            s(x, y - 0.004),
            k(x + half, y),
            s(x, y + 0.004),
        ]);
        canvas.fill(&glint, bottom.lighter(0.4).alpha(0.7));
    }
}

/// A fir of stacked skirts; also the forest's and the sea's.
pub fn pine(canvas: &mut Canvas, scene: &Scene, x: f32, foot: f32, height: f32) {
    let (lit, shade, line) = scene.tones(hex(0x2f6f52), 0.0);
    let trunk = scene.light.shaded(hex(0x6b4a36));
    canvas.fill(
        &Shape::rect(
            x - height * 0.03,
            foot - height * 0.2,
            height * 0.06,
            height * 0.2,
        ),
        trunk,
    );
    for tier in 0..3 {
        let top = foot - height * (0.55 + 0.225 * tier as f32);
        let bottom = foot - height * (0.10 + 0.25 * tier as f32);
        let half = height * (0.27 - 0.06 * tier as f32);
        let skirt = Shape::closed(&[
            k(x, top),
            s(x + half * 0.5, f32::midpoint(top, bottom) + height * 0.03),
            k(x + half, bottom),
            s(x + half * 0.4, bottom - height * 0.025),
            k(x, bottom + height * 0.02),
            s(x - half * 0.4, bottom - height * 0.025),
            k(x - half, bottom),
            s(x - half * 0.5, f32::midpoint(top, bottom) + height * 0.03),
        ]);
        canvas.fill(&skirt, lit);
        canvas.clipped(&skirt, |canvas| {
            canvas.fill(
                &Shape::polygon(&[
                    (x, top),
                    (x + half * 2.0, top),
                    (x + half * 2.0, bottom + 0.1),
                    (x + half * 0.1, bottom + 0.1),
                ]),
                shade,
            );
        });
        canvas.ink(&skirt, line, 0.8);
    }
}

fn balloon(canvas: &mut Canvas, scene: &Scene, dice: &mut Dice, colour: Colour, trim: Colour) {
    let radius = dice.range(0.155, 0.175) * scene.aspect.sqrt().clamp(0.8, 1.3);
    let x = scene.aspect * dice.range(0.3, 0.7);
    let y = dice.range(0.24, 0.30);
    let (lit, shade, line) = scene.tones(colour, 0.0);
    let (stripe, stripe_shade, _) = scene.tones(trim, 0.0);
    let envelope = Shape::closed(&[
        s(x, y - radius),
        s(x + radius * 0.72, y - radius * 0.70),
        s(x + radius, y),
        s(x + radius * 0.66, y + radius * 0.72),
        k(x + radius * 0.20, y + radius * 1.28),
        k(x - radius * 0.20, y + radius * 1.28),
        s(x - radius * 0.66, y + radius * 0.72),
        s(x - radius, y),
        s(x - radius * 0.72, y - radius * 0.70),
    ]);
    canvas.fill(&envelope, lit);
    canvas.clipped(&envelope, |canvas| {
        let band = Shape::closed(&[
            k(x - radius * 1.2, y + radius * 0.28),
            s(x, y + radius * 0.46),
            k(x + radius * 1.2, y + radius * 0.28),
            k(x + radius * 1.2, y + radius * 0.50),
            s(x, y + radius * 0.70),
            k(x - radius * 1.2, y + radius * 0.50),
        ]);
        canvas.fill(&band, stripe);
        let dark = Shape::closed(&[
            k(x + radius * 0.5, y - radius * 1.2),
            s(x + radius * 0.62, y - radius * 0.2),
            s(x + radius * 0.40, y + radius * 0.6),
            k(x + radius * 0.12, y + radius * 1.4),
            k(x + radius * 1.5, y + radius * 1.4),
            k(x + radius * 1.5, y - radius * 1.2),
        ]);
        canvas.fill(&dark, shade);
        canvas.clipped(&dark, |canvas| canvas.fill(&band, stripe_shade));
        canvas.fill(
            &Shape::oval(
                x - radius * 0.45,
                y - radius * 0.45,
                radius * 0.16,
                radius * 0.26,
            ),
            WHITE.alpha(0.35),
        );
    });
    for bow in [-0.55, 0.0, 0.55] {
        canvas.ink(
            &Shape::open(&[
                s(x, y - radius),
                s(x + radius * bow, y),
                s(x + radius * bow * 0.28, y + radius * 1.28),
            ]),
            line,
            0.7,
        );
    }
    canvas.ink(&envelope, line, 1.1);
    let basket = scene.light.lit(hex(0xa06c3e));
    for side in [-1.0, 1.0] {
        canvas.ink(
            &Shape::open(&[
                k(x + side * radius * 0.17, y + radius * 1.28),
                k(x + side * radius * 0.13, y + radius * 1.56),
            ]),
            line,
            0.7,
        );
    }
    canvas.draw(
        &Shape::rounded(
            x - radius * 0.16,
            y + radius * 1.54,
            radius * 0.32,
            radius * 0.24,
            radius * 0.04,
        ),
        basket,
        line,
        0.9,
    );
}
