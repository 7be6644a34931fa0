//! Hair: what hangs behind the body, and the cap with its fringe in front of the face.

use super::{Character, face};
use crate::attributes::HairStyle;
use crate::canvas::{Canvas, Fill};
use crate::colour::{Colour, hex};
use crate::curve::{Knot, Shape, k, s};
use crate::dice::Dice;

/// A head of hair, its locks decided once so that both halves match.
pub struct Hair<'a> {
    character: &'a Character,
    base: Colour,
    lit: Colour,
    shade: Colour,
    line: Colour,
    fringe: Shape,
    valleys: Vec<(f32, f32)>,
    side_locks: [Shape; 2],
    strands: Dice,
}

impl<'a> Hair<'a> {
    /// Decides the locks of `character`'s hair.
    pub fn new(character: &'a Character, strands: &mut Dice) -> Self {
        let base = character.attributes.hair_colour.colour();
        let light = &character.light;
        let (fringe, valleys) = fringe(character, strands);
        let side_locks = [-1.0, 1.0].map(|side| side_lock(character, side, strands));
        Self {
            character,
            base,
            lit: light.lit(base),
            shade: light.shaded(base.darker(0.10)),
            line: light.line(base),
            fringe,
            valleys,
            side_locks,
            strands: strands.clone(),
        }
    }

    /// Draws the hair behind body and head.
    pub fn back(&self, canvas: &mut Canvas) {
        let mut dice = self.strands.clone();
        let yaw = self.character.rig.yaw;
        match self.character.attributes.hair_style {
            HairStyle::Short => self.mass(canvas, &short_back(yaw, &mut dice), 0.5),
            HairStyle::Bob => self.mass(canvas, &bob_back(yaw), 0.7),
            HairStyle::Long => self.mass(canvas, &long_back(&mut dice, 0.0), 1.2),
            HairStyle::Wavy => self.mass(canvas, &long_back(&mut dice, 0.11), 1.2),
            HairStyle::Ponytail => {
                let side = if yaw >= 0.0 { -1.0 } else { 1.0 };
                self.tail(
                    canvas,
                    side,
                    (0.26, -0.56),
                    (1.04, -0.30),
                    (0.92, 1.30),
                    0.27,
                );
                self.mass(canvas, &short_back(yaw, &mut dice), 0.5);
            }
            HairStyle::Twintails => {
                for side in [-1.0, 1.0] {
                    self.tail(
                        canvas,
                        side,
                        (0.46, -0.44),
                        (0.98, -0.28),
                        (1.02, 1.55),
                        0.25,
                    );
                }
                self.mass(canvas, &short_back(yaw, &mut dice), 0.5);
            }
        }
    }

    /// Draws a mass of hair behind the head: dark near the neck, lit outside, with strands.
    fn mass(&self, canvas: &mut Canvas, shape: &Shape, depth: f32) {
        canvas.fill(shape, self.shade);
        let line = self.line;
        canvas.clipped(shape, |canvas| {
            for side in [-1.0, 1.0] {
                let band = Shape::closed(&[
                    k(side * 0.3, -0.9),
                    s(side * 0.54, -0.3),
                    s(side * 0.60, 0.3),
                    s(side * 0.55, depth),
                    k(side * 0.62, depth + 1.0),
                    k(side * 1.6, depth + 1.0),
                    k(side * 1.6, -0.9),
                ]);
                canvas.fill(&band, self.lit);
                let x = side * 0.66;
                canvas.ink(
                    &Shape::open(&[
                        s(x - side * 0.04, 0.0),
                        s(x, depth * 0.5),
                        s(x - side * 0.02, depth),
                    ]),
                    line,
                    0.7,
                );
                canvas.ink(
                    &Shape::open(&[
                        s(x - side * 0.16, 0.4),
                        s(x - side * 0.14, depth),
                        s(x - side * 0.19, depth + 0.7),
                    ]),
                    line,
                    0.7,
                );
            }
        });
        canvas.ink(shape, line, 1.0);
    }

    /// Draws a tail from `root` by way of `bow` to `tip` (x positive outwards).
    fn tail(
        &self,
        canvas: &mut Canvas,
        side: f32,
        root: (f32, f32),
        bow: (f32, f32),
        tip: (f32, f32),
        width: f32,
    ) {
        let at = |x: f32, y: f32| s(side * x, y);
        let corner = |x: f32, y: f32| k(side * x, y);
        let (mx, my) = (
            f32::midpoint(bow.0, tip.0) + 0.10,
            f32::midpoint(bow.1, tip.1),
        );
        let shape = Shape::closed(&[
            corner(root.0, root.1 - 0.08),
            at(bow.0 - 0.10, bow.1 - 0.17),
            at(bow.0 + width * 0.55, bow.1 + 0.16),
            at(mx + width * 0.55, my),
            at(tip.0 + width * 0.30, tip.1 - 0.24),
            corner(tip.0 + 0.03, tip.1),
            at(tip.0 - 0.02, tip.1 - 0.20),
            corner(tip.0 - 0.16, tip.1 - 0.06),
            at(tip.0 - width * 0.50, tip.1 - 0.36),
            at(mx - width * 0.85, my),
            at(bow.0 - width * 0.85, bow.1 + 0.34),
            corner(root.0 + 0.02, root.1 + 0.16),
        ]);
        canvas.fill(&shape, self.lit);
        canvas.clipped(&shape, |canvas| {
            let shadow = Shape::closed(&[
                corner(root.0 - 0.2, root.1 + 0.1),
                at(bow.0 - width * 0.35, bow.1 + 0.20),
                at(mx - width * 0.22, my),
                at(tip.0 - width * 0.10, tip.1 - 0.30),
                corner(tip.0 - 0.10, tip.1 + 0.1),
                corner(tip.0 - 0.9, tip.1 + 0.1),
                corner(root.0 - 0.6, root.1 + 0.4),
            ]);
            canvas.fill(&shadow, self.shade);
            let gleam = self.character.light.shining(self.base);
            let shine = Shape::closed(&[
                corner(bow.0 - 0.04, bow.1 + 0.22),
                at(bow.0 + 0.03, bow.1 + 0.16),
                corner(bow.0 + 0.16, bow.1 + 0.30),
                at(bow.0 + 0.05, bow.1 + 0.27),
            ]);
            canvas.fill(&shine, gleam);
            for inset in [0.10, -0.08] {
                canvas.ink(
                    &Shape::open(&[
                        at(bow.0 + inset, bow.1 + 0.22),
                        at(mx + inset * 0.8, my),
                        at(tip.0 + inset * 0.5, tip.1 - 0.3),
                    ]),
                    self.line,
                    0.7,
                );
            }
        });
        canvas.ink(&shape, self.line, 1.0);
        let band = self.character.light.lit(
            self.character
                .attributes
                .garment_colour
                .trim()
                .mix(hex(0xd8445a), 0.5),
        );
        let knot = Shape::oval(side * (root.0 + 0.05), root.1 + 0.03, 0.075, 0.105);
        canvas.draw(&knot, band, self.line, 0.9);
    }

    /// The fringe's shadow on the face.
    pub fn shadow_on_face(&self, canvas: &mut Canvas) {
        let character = self.character;
        let shade = character
            .light
            .shaded(character.skin.mix(hex(0xf2a08c), 0.25));
        canvas.clipped(&face::outline(character), |canvas| {
            let side = character.rig.light_side;
            canvas.fill(&self.fringe.moved(-side * 0.012, 0.062), shade);
            for lock in &self.side_locks {
                canvas.fill(&lock.moved(side * 0.035, 0.02), shade);
            }
        });
    }

    /// Draws side locks, cap and fringe.
    pub fn front(&self, canvas: &mut Canvas) {
        for lock in &self.side_locks {
            canvas.fill(lock, self.lit);
            canvas.clipped(lock, |canvas| {
                let fade = Fill::vertical(-0.1, self.shade.alpha(0.0), 0.25, self.shade);
                canvas.fill(
                    &lock.moved(-self.character.rig.light_side * 0.05, 0.0),
                    self.lit,
                );
                canvas.fill(&Shape::rect(-0.9, -0.2, 1.8, 0.5), fade);
                canvas.fill(&Shape::rect(-0.9, 0.25, 1.8, 2.0), self.shade);
                canvas.fill(
                    &lock.moved(-self.character.rig.light_side * 0.055, -0.02),
                    self.lit,
                );
            });
            canvas.ink(lock, self.line, 1.0);
        }
        canvas.fill(&self.fringe, self.lit);
        canvas.clipped(&self.fringe, |canvas| {
            self.shade_cap(canvas);
            self.gleam(canvas);
        });
        let crown = (self.character.rig.yaw * 0.22, -0.80);
        for &(x, y) in &self.valleys {
            let lean = (x - crown.0) * 0.75;
            let strand = Shape::open(&[
                s(x, y),
                s(crown.0 + lean * 1.05, (y + crown.1) * 0.52 - 0.06),
                s(crown.0 + lean * 0.35, crown.1 + 0.10),
            ]);
            canvas.ink(&strand, self.line, 0.75);
        }
        canvas.ink(&self.fringe, self.line, 1.05);
        self.loose_strand(canvas, crown);
    }

    fn shade_cap(&self, canvas: &mut Canvas) {
        let rig = &self.character.rig;
        // Tips turn away from the light, and so does the side of the head.
        let mut under: Vec<Knot> = vec![k(-1.0, 0.6), k(-1.0, -0.02)];
        for (i, &(x, y)) in self.valleys.iter().rev().enumerate() {
            under.push(s(x - 0.05, y + 0.02));
            under.push(k(x, y - 0.10 - 0.03 * (i % 2) as f32));
            under.push(s(x + 0.05, y + 0.03));
        }
        under.extend([k(1.0, -0.02), k(1.0, 0.6)]);
        canvas.fill(&Shape::closed(&under), self.shade);
        let side = rig.light_side;
        let flank = Shape::closed(&[
            k(side * 0.9, -1.0),
            s(side * 0.50, -0.62),
            s(side * 0.47, -0.30),
            k(side * 0.44, 0.02),
            k(side * 0.9, 0.2),
        ]);
        canvas.fill(&flank, self.shade);
    }

    /// The ring of light around a cartoon head.
    fn gleam(&self, canvas: &mut Canvas) {
        let yaw = self.character.rig.yaw;
        let gleam = self.character.light.shining(self.base);
        let side = -self.character.rig.light_side;
        let mut top = Vec::new();
        let mut bottom = Vec::new();
        for i in 0..=10 {
            let t = i as f32 / 10.0;
            let x = side * (-0.22 + 0.66 * t) + yaw * 0.15;
            let arch = -0.50 + 0.30 * (x * x);
            let thick = 0.055 * (1.0 - (2.0 * t - 1.0).powi(2)).max(0.0).sqrt();
            let zigzag = if i % 2 == 0 { 0.030 } else { -0.012 };
            top.push(k(x, arch - thick + zigzag * 0.6));
            bottom.push(k(x, arch + thick + zigzag));
        }
        bottom.reverse();
        top.extend(bottom);
        canvas.fill(&Shape::closed(&top), gleam);
    }

    fn loose_strand(&self, canvas: &mut Canvas, crown: (f32, f32)) {
        let lean = -self.character.rig.light_side;
        let strand = Shape::closed(&[
            k(crown.0 - 0.02, crown.1 + 0.01),
            s(crown.0 + lean * 0.06, crown.1 - 0.13),
            k(crown.0 + lean * 0.24, crown.1 - 0.15),
            s(crown.0 + lean * 0.11, crown.1 - 0.08),
            k(crown.0 + 0.04, crown.1 + 0.01),
        ]);
        canvas.draw(&strand, self.lit, self.line, 0.9);
    }
}

/// The cap and its fringe: up around the skull, then back along the forehead from tip to tip.
fn fringe(character: &Character, dice: &mut Dice) -> (Shape, Vec<(f32, f32)>) {
    let rig = &character.rig;
    let puff = if rig.is_boy { 0.05 } else { 0.02 } + dice.jitter(0.02);
    let tips = 5 + dice.below(3);
    let depth = dice.range(-0.03, 0.05);
    let part = dice.range(-0.5, 0.5);
    let mut knots = vec![
        k(-0.515, 0.10),
        s(-0.565 - puff, -0.14),
        s(-0.535 - puff, -0.42),
        s(-0.35, -0.705 - puff),
        s(rig.yaw * 0.1, -0.80 - puff),
        s(0.35, -0.705 - puff),
        s(0.535 + puff, -0.42),
        s(0.565 + puff, -0.14),
        k(0.515, 0.10),
    ];
    let mut valleys = Vec::new();
    let step = 0.84 / tips as f32;
    for i in 0..tips {
        let centre = 0.42 - step * (i as f32 + 0.5);
        let (tip_x, _) = rig.turned(centre + dice.jitter(0.03), 0.0);
        let lean = (centre - part) * 0.12;
        let tip_y = depth + dice.jitter(0.06) + 0.12 * (centre * 2.0).powi(2) * 0.6;
        let (valley_x, _) = rig.turned(centre + step * 0.5, 0.0);
        let valley_y = -0.20 + dice.jitter(0.04) + 0.22 * (centre + step * 0.5).powi(2);
        if i > 0 {
            knots.push(k(valley_x, valley_y));
            valleys.push((valley_x, valley_y));
        } else {
            knots.push(k(valley_x.min(0.47), -0.02));
        }
        knots.push(s(
            tip_x + lean + step * 0.30,
            f32::midpoint(valley_y, tip_y) + 0.05,
        ));
        knots.push(k(tip_x + lean, tip_y));
        knots.push(s(
            tip_x + lean * 0.6 - step * 0.34,
            f32::midpoint(valley_y, tip_y) - 0.01,
        ));
    }
    knots.push(k(rig.turned(-0.42, 0.0).0.max(-0.47), -0.02));
    (Shape::closed(&knots), valleys)
}

/// The lock in front of an ear.
fn side_lock(character: &Character, side: f32, dice: &mut Dice) -> Shape {
    let yaw = character.rig.yaw;
    let length = match character.attributes.hair_style {
        HairStyle::Short => {
            if character.rig.is_boy {
                0.16
            } else {
                0.34
            }
        }
        HairStyle::Bob => 0.58,
        HairStyle::Long | HairStyle::Wavy => 0.92,
        HairStyle::Ponytail | HairStyle::Twintails => 0.62,
    } + dice.jitter(0.05);
    let wave = if character.attributes.hair_style == HairStyle::Wavy {
        0.07
    } else {
        0.0
    };
    let at = |x: f32| side * x - yaw * 0.06;
    Shape::closed(&[
        k(at(0.40), -0.30),
        s(at(0.55), -0.22),
        s(at(0.575), 0.05),
        s(at(0.560 + wave), length * 0.5),
        s(at(0.515 - wave * 0.5), length * 0.85),
        k(at(0.455), length),
        s(at(0.425 - wave * 0.5), length * 0.72),
        s(at(0.435 + wave * 0.6), length * 0.40),
        s(at(0.425), 0.02),
    ])
}

fn short_back(yaw: f32, dice: &mut Dice) -> Shape {
    let mut knots = vec![s(-0.52, -0.45), s(0.0, -0.80), s(0.52, -0.45), s(0.60, 0.0)];
    let tips = 6;
    for i in 0..tips {
        let t = i as f32 / (tips - 1) as f32;
        let x = 0.60 - 1.2 * t;
        let y = 0.40 + 0.14 * (1.0 - (2.0 * t - 1.0).powi(2)) + dice.jitter(0.05);
        knots.push(k(x * 1.04 - yaw * 0.08, y));
        if i + 1 < tips {
            knots.push(k(x - 0.12 - yaw * 0.08, y - 0.10));
        }
    }
    knots.push(s(-0.60, 0.0));
    Shape::closed(&knots)
}

fn bob_back(yaw: f32) -> Shape {
    let shift = -yaw * 0.06;
    Shape::closed(&[
        s(-0.54, -0.45),
        s(0.0, -0.80),
        s(0.54, -0.45),
        s(0.665 + shift, 0.05),
        s(0.70 + shift, 0.42),
        s(0.60 + shift, 0.72),
        k(0.38 + shift, 0.76),
        s(0.0 + shift, 0.72),
        k(-0.38 + shift, 0.76),
        s(-0.60 + shift, 0.72),
        s(-0.70 + shift, 0.42),
        s(-0.665 + shift, 0.05),
    ])
}

fn long_back(dice: &mut Dice, wave: f32) -> Shape {
    let mut knots = vec![s(0.0, -0.80), s(0.54, -0.45)];
    let steps = 7;
    let bulge = |i: usize| {
        0.64 + 0.03 * i as f32 * 0.6 + wave * (1.0 + if i % 2 == 0 { 1.0 } else { -0.35 })
    };
    for i in 0..steps {
        knots.push(s(bulge(i), -0.05 + 0.30 * i as f32));
    }
    let tips = 7;
    for i in 0..tips {
        let t = i as f32 / (tips - 1) as f32;
        let x = (0.66 + wave) * (1.0 - 2.0 * t);
        let y = 2.02 + dice.jitter(0.10);
        knots.push(k(x, y));
        if i + 1 < tips {
            knots.push(k(x - 0.11, y - 0.20));
        }
    }
    for i in (0..steps).rev() {
        knots.push(s(-bulge(i), -0.05 + 0.30 * i as f32));
    }
    knots.push(s(-0.54, -0.45));
    Shape::closed(&knots)
}
