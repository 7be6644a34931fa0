//! The mouth.

use super::Character;
use crate::attributes::Expression;
use crate::canvas::Canvas;
use crate::colour::{Colour, hex};
use crate::curve::{Knot, Shape, k, s};

/// Drawn mouths are larger than life, so that a small picture still shows the expression.
const SIZE: f32 = 1.18;

/// A mouth in its place and light.
struct Mouth {
    x: f32,
    y: f32,
    narrow: f32,
    line: Colour,
    inside: Colour,
    tongue: Colour,
    teeth: Colour,
}

/// Draws the mouth.
pub fn draw(canvas: &mut Canvas, character: &Character) {
    let (light, rig) = (&character.light, &character.rig);
    let (x, y) = rig.turned(0.0, 0.432);
    let mouth = Mouth {
        x: x + rig.yaw * 0.04,
        y,
        narrow: rig.foreshortening(0.0),
        line: light.line(hex(0xa84a44)),
        inside: light.lit(hex(0x8c2b35)),
        tongue: light.lit(hex(0xec7a78)),
        teeth: light.lit(hex(0xfffdf8)),
    };
    match character.attributes.expression {
        Expression::Calm => mouth.calm(canvas),
        Expression::Smiling => mouth.smiling(canvas),
        Expression::Laughing => mouth.laughing(canvas),
        Expression::Sad => mouth.sad(canvas),
        Expression::Angry => mouth.angry(canvas),
        Expression::Surprised => mouth.surprised(canvas),
    }
}

impl Mouth {
    fn at(&self, dx: f32, dy: f32) -> Knot {
        s(self.x + dx * self.narrow * SIZE, self.y + dy * SIZE)
    }

    fn tip(&self, dx: f32, dy: f32) -> Knot {
        k(self.x + dx * self.narrow * SIZE, self.y + dy * SIZE)
    }

    fn oval(&self, dy: f32, rx: f32, ry: f32) -> Shape {
        Shape::oval(
            self.x,
            self.y + dy * SIZE,
            rx * self.narrow * SIZE,
            ry * SIZE,
        )
    }

    /// An open mouth: what `inner` draws is seen between the lips.
    fn open(&self, canvas: &mut Canvas, lips: &Shape, inner: impl FnOnce(&mut Canvas)) {
        canvas.fill(lips, self.inside);
        canvas.clipped(lips, inner);
        canvas.ink(lips, self.line, 1.05);
    }

    /// The hint of a lower lip.
    fn lower_lip(&self, canvas: &mut Canvas, dy: f32) {
        let lip = Shape::open(&[self.at(-0.025, dy), self.at(0.025, dy)]);
        canvas.ink(&lip, self.line.alpha(0.55), 0.6);
    }

    fn calm(&self, canvas: &mut Canvas) {
        let lips = [
            self.at(-0.062, 0.0),
            self.at(0.0, 0.006),
            self.at(0.062, 0.0),
        ];
        canvas.ink(&Shape::open(&lips), self.line, 1.0);
        self.lower_lip(canvas, 0.045);
    }

    fn smiling(&self, canvas: &mut Canvas) {
        let lips = Shape::closed(&[
            self.tip(-0.125, -0.024),
            self.at(0.0, 0.012),
            self.tip(0.125, -0.024),
            self.at(0.075, 0.055),
            self.at(0.0, 0.080),
            self.at(-0.075, 0.055),
        ]);
        self.open(canvas, &lips, |canvas| {
            canvas.fill(&self.oval(0.082, 0.070, 0.036), self.tongue);
        });
    }

    fn laughing(&self, canvas: &mut Canvas) {
        let lips = Shape::closed(&[
            self.tip(-0.170, -0.045),
            self.at(0.0, -0.010),
            self.tip(0.170, -0.045),
            self.at(0.135, 0.075),
            self.at(0.0, 0.155),
            self.at(-0.135, 0.075),
        ]);
        let row = Shape::closed(&[
            self.at(-0.20, -0.09),
            self.at(0.0, -0.03),
            self.at(0.20, -0.09),
            self.at(0.15, 0.005),
            self.at(0.0, 0.026),
            self.at(-0.15, 0.005),
        ]);
        self.open(canvas, &lips, |canvas| {
            canvas.fill(&self.oval(0.146, 0.105, 0.068), self.tongue);
            canvas.fill(&row, self.teeth);
        });
    }

    fn sad(&self, canvas: &mut Canvas) {
        let lips = [
            self.at(-0.090, 0.034),
            self.at(-0.038, -0.004),
            self.at(0.034, 0.002),
            self.at(0.090, 0.038),
        ];
        canvas.ink(&Shape::open(&lips), self.line, 1.3);
        self.lower_lip(canvas, 0.066);
    }

    fn angry(&self, canvas: &mut Canvas) {
        let lips = Shape::closed(&[
            self.tip(-0.110, 0.058),
            self.at(-0.062, -0.014),
            self.at(0.0, -0.028),
            self.at(0.062, -0.014),
            self.tip(0.110, 0.058),
            self.at(0.0, 0.050),
        ]);
        self.open(canvas, &lips, |canvas| {
            canvas.fill(
                &Shape::rect(self.x - 0.2, self.y - 0.06, 0.4, 0.070),
                self.teeth,
            );
        });
    }

    fn surprised(&self, canvas: &mut Canvas) {
        self.open(canvas, &self.oval(0.035, 0.055, 0.078), |canvas| {
            canvas.fill(&self.oval(0.090, 0.046, 0.036), self.tongue);
        });
    }
}
