//! Hair: what hangs behind the body, and the crown with its fringe in front of the face.

mod back;
mod crown;
mod lock;

use super::{Character, face};
use crate::canvas::{Canvas, Fill};
use crate::colour::{Colour, hex};
use crate::curve::{Knot, Shape, k, s};
use crate::dice::Dice;
use crown::Crown;

/// A head of hair, its locks decided once so that both halves match.
pub struct Hair<'a> {
    character: &'a Character,
    tones: Tones,
    crown: Crown,
    strands: Dice,
}

/// Hair in its light.
#[derive(Clone, Copy)]
struct Tones {
    lit: Colour,
    shade: Colour,
    deep: Colour,
    gleam: Colour,
    line: Colour,
}

impl<'a> Hair<'a> {
    /// Decides the locks of `character`'s hair.
    pub fn new(character: &'a Character, strands: &mut Dice) -> Self {
        let base = character.attributes.hair_colour.colour();
        let light = &character.light;
        let shade = light.shaded(base.darker(0.06));
        let tones = Tones {
            lit: light.lit(base),
            shade,
            deep: shade.mix(light.line(base), 0.30),
            gleam: light.shining(base),
            line: light.line(base),
        };
        let crown = Crown::new(character, strands);
        Self {
            character,
            tones,
            crown,
            strands: strands.clone(),
        }
    }

    /// Draws the hair behind body and head.
    pub fn back(&self, canvas: &mut Canvas) {
        back::draw(
            canvas,
            self.character,
            self.tones,
            &mut self.strands.clone(),
        );
    }

    /// The fringe's shadow on the face.
    pub fn shadow_on_face(&self, canvas: &mut Canvas) {
        let character = self.character;
        let shade = character
            .light
            .shaded(character.skin.mix(hex(0xf2a08c), 0.25));
        canvas.clipped(&face::outline(character), |canvas| {
            let side = character.rig.light_side;
            canvas.fill(&self.crown.outline.moved(side * 0.018, 0.050), shade);
        });
    }

    /// Draws crown, fringe and side locks.
    pub fn front(&self, canvas: &mut Canvas) {
        let tones = self.tones;
        canvas.draw(&self.crown.wisp, tones.lit, tones.line, 0.9);
        let dome = Fill::Linear(
            (0.0, -0.85),
            (0.0, 0.9),
            vec![
                (0.0, tones.lit.mix(tones.shade, 0.35)),
                (0.22, tones.lit),
                (0.62, tones.lit),
                (1.0, tones.lit.mix(tones.shade, 0.45)),
            ],
        );
        canvas.fill(&self.crown.outline, dome);
        canvas.clipped(&self.crown.outline, |canvas| {
            self.shade(canvas);
            self.gleam(canvas);
        });
        for (i, strand) in self.crown.strands.iter().enumerate() {
            canvas.ink(strand, tones.line, if i % 2 == 0 { 0.85 } else { 0.6 });
        }
        canvas.ink(&self.crown.outline, tones.line, 1.05);
    }

    /// Each lock's side that turns away from the light, and the head's.
    fn shade(&self, canvas: &mut Canvas) {
        let side = self.character.rig.light_side;
        let turn = self.character.rig.yaw * 0.08;
        let flank = Shape::closed(&[
            k(side * 0.95 + turn, -1.0),
            s(side * 0.47 + turn, -0.68),
            s(side * 0.475 + turn, -0.40),
            s(side * 0.50 + turn, -0.10),
            s(side * 0.49 + turn, 0.30),
            k(side * 0.52 + turn, 1.2),
            k(side * 0.95 + turn, 1.2),
        ]);
        canvas.fill(&flank, self.tones.shade);
        for shadow in self.crown.shadows(side) {
            canvas.fill(&shadow, self.tones.shade);
        }
    }

    /// The ring of light around a drawn head: smooth above, with teeth below.
    fn gleam(&self, canvas: &mut Canvas) {
        let mut dice = self.strands.clone();
        let rig = &self.character.rig;
        let side = -rig.light_side;
        let arch = |x: f32| -0.545 + 0.42 * x * x;
        let place = |x: f32, y: f32| (side * x + rig.yaw * 0.16, y);
        let (from, to) = (-0.14, 0.44);
        let mut knots: Vec<Knot> = Vec::new();
        let at = |knots: &mut Vec<Knot>, corner: bool, x: f32, y: f32| {
            let (x, y) = place(x, y);
            knots.push(if corner { k(x, y) } else { s(x, y) });
        };
        at(&mut knots, true, from, arch(from) + 0.03);
        for i in 1..5 {
            let t = i as f32 / 5.0;
            let x = from + (to - from) * t;
            at(
                &mut knots,
                false,
                x,
                arch(x) - 0.050 * (1.0 - (2.0 * t - 1.0).powi(2)),
            );
        }
        at(&mut knots, true, to, arch(to) + 0.05);
        let teeth = 6;
        for i in (0..teeth).rev() {
            let t = (i as f32 + 0.5) / teeth as f32;
            let x = from + (to - from) * t;
            let reach = 0.045 + 0.075 * (1.0 - (2.0 * t - 1.0).powi(2)) * dice.range(0.6, 1.3);
            at(&mut knots, true, x + 0.012, arch(x) + reach);
            if i > 0 {
                let x = from + (to - from) * i as f32 / teeth as f32;
                at(&mut knots, true, x, arch(x) + 0.020);
            }
        }
        canvas.fill(&Shape::closed(&knots), self.tones.gleam);
        let x = from - 0.10;
        let (x, y) = place(x, arch(x) + 0.02);
        canvas.fill(&Shape::oval(x, y, 0.028, 0.040), self.tones.gleam);
    }
}
