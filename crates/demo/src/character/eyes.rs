//! Eyes and brows: the part of a drawn face that everyone looks at first.

use super::Character;
use crate::attributes::Expression;
use crate::canvas::{Canvas, Fill};
use crate::colour::{Colour, WHITE, hex};
use crate::curve::{Knot, Shape, k, s};

/// How an expression shapes an eye.
struct Lids {
    /// The height of the opening against an eye at rest.
    open: f32,
    /// How far the upper lid's inner end sinks (angry) or rises (sad), in eye heights.
    slant: f32,
    /// The iris against an eye at rest.
    iris: f32,
}

impl Lids {
    const fn of(expression: Expression) -> Self {
        match expression {
            Expression::Calm => Self {
                open: 0.88,
                slant: 0.0,
                iris: 1.0,
            },
            Expression::Smiling => Self {
                open: 1.0,
                slant: 0.0,
                iris: 1.04,
            },
            Expression::Laughing => Self {
                open: 0.0,
                slant: 0.0,
                iris: 1.0,
            },
            Expression::Sad => Self {
                open: 0.78,
                slant: -0.16,
                iris: 1.06,
            },
            Expression::Angry => Self {
                open: 0.70,
                slant: 0.26,
                iris: 0.82,
            },
            Expression::Surprised => Self {
                open: 1.20,
                slant: 0.0,
                iris: 0.74,
            },
        }
    }
}

/// One eye's frame: the centre, and the half width and half height of the opening.
#[derive(Clone, Copy)]
struct Frame {
    x: f32,
    y: f32,
    half_width: f32,
    half_height: f32,
    /// 1 for the eye on the right of the picture: the outer corner lies at `+side`.
    side: f32,
}

impl Frame {
    /// A knot at (`x`, `y`) in half widths (positive outwards) and half heights.
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (
            self.x + self.side * x * self.half_width,
            self.y + y * self.half_height,
        )
    }

    fn s(&self, x: f32, y: f32) -> Knot {
        let (x, y) = self.at(x, y);
        s(x, y)
    }

    fn k(&self, x: f32, y: f32) -> Knot {
        let (x, y) = self.at(x, y);
        k(x, y)
    }
}

fn frame(character: &Character, side: f32) -> Frame {
    let rig = &character.rig;
    let at = side * 0.232;
    let (x, y) = rig.turned(at, 0.120);
    let (half_width, half_height) = if rig.is_boy {
        (0.134, 0.128)
    } else {
        (0.152, 0.172)
    };
    Frame {
        x,
        y,
        half_width: half_width * rig.foreshortening(at),
        half_height,
        side,
    }
}

/// Draws both eyes.
pub fn draw(canvas: &mut Canvas, character: &Character) {
    for side in [-1.0, 1.0] {
        let frame = frame(character, side);
        if character.attributes.expression == Expression::Laughing {
            closed(canvas, character, frame);
        } else {
            open(canvas, character, frame);
        }
    }
}

fn lash_colour(character: &Character) -> Colour {
    let hair = character.attributes.hair_colour.colour();
    character.light.line(hair.darker(0.45)).darker(0.25)
}

fn closed(canvas: &mut Canvas, character: &Character, frame: Frame) {
    let lash = lash_colour(character);
    let arc = Shape::closed(&[
        frame.k(-1.0, 0.42),
        frame.s(-0.55, -0.20),
        frame.s(0.05, -0.40),
        frame.s(0.65, -0.18),
        frame.k(1.14, 0.46),
        frame.s(0.60, 0.06),
        frame.s(0.05, -0.12),
        frame.s(-0.52, 0.04),
    ]);
    canvas.draw(&arc, lash, lash, 0.8);
    for (x, y) in [(1.10, 0.20), (0.92, 0.0)] {
        canvas.ink(
            &Shape::open(&[frame.k(x, y), frame.k(x + 0.24, y - 0.12)]),
            lash,
            1.0,
        );
    }
}

fn open(canvas: &mut Canvas, character: &Character, frame: Frame) {
    let light = &character.light;
    let lids = Lids::of(character.attributes.expression);
    let lash = lash_colour(character);
    // The upper lid falls as the eye closes; the lower one hardly moves.
    let top = |x: f32, y: f32| {
        let inner = (0.5 - x * 0.5).clamp(0.0, 1.0);
        (y + 1.0) * lids.open - 1.0 + (1.0 - lids.open) * 1.35 + lids.slant * (2.0 * inner - 0.7)
    };
    let upper = |x: f32, y: f32| frame.s(x, top(x, y));
    let opening = Shape::closed(&[
        frame.k(-0.98, top(-0.98, 0.10) * 0.6 + 0.14),
        upper(-0.70, -0.58),
        upper(-0.10, -0.96),
        upper(0.55, -0.72),
        frame.k(1.0, 0.05),
        frame.s(0.74, 0.72),
        frame.s(0.10, 1.0),
        frame.s(-0.58, 0.78),
    ]);
    let white = light.lit(hex(0xfdfcff));
    canvas.fill(&opening, white);
    canvas.clipped(&opening, |canvas| {
        iris(canvas, character, frame, lids.iris);
        // The upper lid's shadow.
        let shadow = light.shaded(hex(0x7a7fa8)).alpha(0.42);
        let edge = Shape::closed(&[
            frame.k(-1.3, -1.8),
            frame.s(-1.2, top(-1.0, 0.1) + 0.2),
            upper(-0.60, -0.26),
            upper(0.0, -0.56),
            upper(0.60, -0.36),
            frame.s(1.2, 0.2),
            frame.k(1.3, -1.8),
        ]);
        canvas.fill(&edge, shadow);
        sparkle(canvas, character, frame, lids.iris);
    });
    let upper_lash = Shape::closed(&[
        frame.k(-1.06, top(-1.06, 0.08) * 0.6 + 0.14),
        upper(-0.72, -0.72),
        upper(-0.10, -1.16),
        upper(0.60, -0.94),
        frame.s(1.02, -0.30),
        frame.k(1.34, -0.34),
        frame.s(1.12, 0.06),
        frame.k(0.98, 0.20),
        frame.s(0.86, -0.26),
        upper(0.50, -0.68),
        upper(-0.10, -0.90),
        upper(-0.66, -0.54),
    ]);
    canvas.draw(&upper_lash, lash, lash, 0.5);
    canvas.ink(
        &Shape::open(&[
            frame.k(0.92, 0.42),
            frame.s(0.62, 0.84),
            frame.s(0.16, 1.03),
        ]),
        lash,
        0.8,
    );
    let crease = light.line(character.skin.mix(hex(0x9a4a3c), 0.4));
    canvas.ink(
        &Shape::open(&[upper(-0.50, -1.30), upper(0.10, -1.46), upper(0.75, -1.20)]),
        crease,
        0.6,
    );
}

fn iris(canvas: &mut Canvas, character: &Character, frame: Frame, size: f32) {
    let light = &character.light;
    let colour = character.details.eye_colour.colour();
    let (x, y) = frame.at(-0.04 * frame.side * character.rig.yaw.signum(), 0.02);
    let x = x + character.rig.yaw * 0.03;
    let (rx, ry) = (
        frame.half_width * 0.66 * size,
        frame.half_height * 0.96 * size,
    );
    let deep = light.lit(colour.darker(0.62));
    let glow = light.lit(colour.lighter(0.28)).saturated(1.1);
    let ball = Shape::oval(x, y, rx, ry);
    canvas.fill(
        &ball,
        Fill::Linear(
            (x, y - ry),
            (x, y + ry),
            vec![
                (0.0, deep),
                (0.40, light.lit(colour.darker(0.15))),
                (1.0, glow),
            ],
        ),
    );
    canvas.clipped(&ball, |canvas| {
        let pool = light.lit(colour.lighter(0.55)).alpha(0.75);
        canvas.fill(&Shape::oval(x, y + ry * 0.78, rx * 0.72, ry * 0.34), pool);
    });
    canvas.fill(
        &Shape::oval(x, y - ry * 0.04, rx * 0.40, ry * 0.44),
        light.lit(colour.darker(0.82)),
    );
    canvas.ink(&ball, light.line(colour.darker(0.4)), 0.7);
}

fn sparkle(canvas: &mut Canvas, character: &Character, frame: Frame, size: f32) {
    let (x, y) = frame.at(0.0, 0.02);
    let x = x + character.rig.yaw * 0.03;
    let (rx, ry) = (
        frame.half_width * 0.66 * size,
        frame.half_height * 0.96 * size,
    );
    let side = -character.rig.light_side;
    let bright = WHITE.alpha(if character.attributes.expression == Expression::Angry {
        0.75
    } else {
        0.97
    });
    canvas.fill(
        &Shape::oval(x + side * rx * 0.36, y - ry * 0.42, rx * 0.32, ry * 0.25),
        bright,
    );
    canvas.fill(
        &Shape::circle(x - side * rx * 0.38, y + ry * 0.42, rx * 0.16),
        bright.alpha(0.85),
    );
    if character.attributes.expression == Expression::Sad {
        let tear = character.light.lit(hex(0xcfe8ff)).alpha(0.85);
        canvas.fill(&Shape::oval(x, y + ry * 0.92, rx * 1.1, ry * 0.22), tear);
    }
}

/// Draws the brows (above the fringe, as the trade does) and what runs over the cheeks.
pub fn brows(canvas: &mut Canvas, character: &Character) {
    let hair = character.attributes.hair_colour.colour();
    let colour = character.light.line(hair.darker(0.3));
    let weight = if character.rig.is_boy { 2.3 } else { 1.8 };
    // (inner height, middle height, outer height) above the eye's centre.
    let (inner, middle, outer) = match character.attributes.expression {
        Expression::Calm => (0.240, 0.270, 0.235),
        Expression::Smiling => (0.255, 0.290, 0.240),
        Expression::Laughing => (0.250, 0.310, 0.245),
        Expression::Sad => (0.320, 0.265, 0.190),
        Expression::Angry => (0.130, 0.225, 0.270),
        Expression::Surprised => (0.320, 0.365, 0.310),
    };
    for side in [-1.0, 1.0] {
        let frame = frame(character, side);
        let knot = |x: f32, rise: f32| s(frame.x + side * x * frame.half_width, frame.y - rise);
        canvas.ink(
            &Shape::open(&[knot(-0.85, inner), knot(0.1, middle), knot(1.05, outer)]),
            colour,
            weight,
        );
        if character.attributes.expression == Expression::Sad {
            tear(canvas, character, frame);
        }
    }
}

fn tear(canvas: &mut Canvas, character: &Character, frame: Frame) {
    let colour = character.light.lit(hex(0xbfe2ff));
    let line = character.light.line(hex(0x5f93d6));
    let stream = Shape::closed(&[
        frame.k(0.30, 0.95),
        frame.s(0.62, 1.5),
        frame.s(0.66, 2.1),
        frame.s(0.46, 2.35),
        frame.s(0.24, 2.1),
        frame.s(0.22, 1.5),
    ]);
    canvas.draw(&stream, colour.alpha(0.88), line, 0.6);
    let (x, y) = frame.at(0.40, 2.05);
    canvas.fill(&Shape::oval(x, y, 0.012, 0.022), WHITE.alpha(0.9));
}
