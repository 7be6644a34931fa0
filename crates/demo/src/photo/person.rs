//! A person as a solid: head units are half a head's height, the face looks to +z.

use super::solid::{Turn, V, blend, carve, ellipsoid, noise, rod, sphere, v};
use super::{Cut, PhotoAttributes};
use crate::colour::{Colour, hex};
use crate::dice::Dice;

/// What a surface is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Material {
    /// Skin.
    Skin,
    /// Lips.
    Lips,
    /// Hair and brows.
    Hair,
    /// Eyeballs.
    Eye,
    /// Clothes.
    Cloth,
}

/// One person: build, pose and colours.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    cut: Cut,
    turn: Turn,
    jaw: f32,
    face: f32,
    nose: f32,
    part: f32,
    smile: f32,
    shoulders: f32,
    neck: f32,
    eye_turn: (f32, f32),
    skin: Colour,
    hair: Colour,
    iris: Colour,
    cloth: Colour,
    stripes: f32,
    seed: f32,
}

impl Person {
    /// Someone.
    pub fn any(attributes: PhotoAttributes, dice: &mut Dice) -> Self {
        let yaw: f32 = dice.range(-0.55, 0.55);
        Self {
            cut: attributes.cut,
            turn: Turn::new(yaw, dice.jitter(0.14)),
            jaw: dice.range(0.90, 1.10),
            face: dice.range(0.93, 1.06),
            nose: dice.range(0.85, 1.12),
            part: dice.jitter(0.4),
            smile: dice.range(-0.2, 1.0),
            shoulders: if attributes.cut == Cut::Long {
                dice.range(0.78, 0.90)
            } else {
                dice.range(0.84, 1.06)
            },
            neck: dice.range(0.36, 0.44),
            eye_turn: (-yaw * 0.5 + dice.jitter(0.1), dice.jitter(0.06)),
            skin: dice.pick([
                hex(0xe8cbb9),
                hex(0xdcb8a2),
                hex(0xcaa088),
                hex(0xac8670),
                hex(0x836252),
                hex(0x5d473d),
            ]),
            hair: dice.pick([
                hex(0x1a1614),
                hex(0x30251f),
                hex(0x54402f),
                hex(0x7d6549),
                hex(0xa08c6c),
                hex(0x85817d),
                hex(0x6a4233),
            ]),
            iris: dice.pick([hex(0x4a2f1c), hex(0x5d6b44), hex(0x56748c), hex(0x3a2415)]),
            cloth: dice.pick([
                hex(0x24364f),
                hex(0x6e2b2e),
                hex(0x39503f),
                hex(0xbdb3a2),
                hex(0x222226),
                hex(0xe8e5df),
                hex(0x8b7a5a),
                hex(0x5b6f8f),
            ]),
            stripes: if dice.chance(0.25) {
                dice.range(5.0, 8.0)
            } else {
                0.0
            },
            seed: dice.range(0.0, 40.0),
        }
    }

    /// The distance from `p` to the person and what is nearest.
    pub fn distance(&self, p: V) -> (f32, Material) {
        let mut nearest = (self.cloth_distance(p), Material::Cloth);
        let neck = rod(
            p,
            v(0.0, -0.6, -0.16),
            v(0.0, -1.45, -0.30),
            self.neck,
            self.neck + 0.06,
        );
        // The head is only looked at from nearby.
        let bound = sphere(
            p,
            v(0.0, -0.15, 0.0),
            if self.cut == Cut::Long { 2.1 } else { 1.5 },
        );
        if bound > 0.25 {
            let skin = neck.min(bound + 0.1);
            if skin < nearest.0 {
                nearest = (skin, Material::Skin);
            }
            return nearest;
        }
        let q = self.turn.seen(p);
        let mut take = |distance: f32, material: Material| {
            if distance < nearest.0 {
                nearest = (distance, material);
            }
        };
        let skull = self.head(q);
        take(blend(skull, neck, 0.22), Material::Skin);
        if self.cut != Cut::Bald {
            take(self.hair_distance(q, p), Material::Hair);
        }
        // Features lie in front of the face.
        if q.z > 0.2 && skull < 0.3 {
            let m = v(q.x.abs(), q.y, q.z);
            take(sphere(m, v(0.285, 0.06, 0.615), 0.168), Material::Eye);
            take(self.lids(m), Material::Skin);
            take(self.lips(m), Material::Lips);
            let brow = rod(
                m,
                v(0.15, 0.270, 0.790),
                v(0.42, 0.300, 0.610),
                0.026,
                0.012,
            );
            take(brow + 0.008 * noise(q * 26.0), Material::Hair);
        }
        nearest
    }

    fn head(&self, q: V) -> f32 {
        let m = v(q.x.abs(), q.y, q.z);
        let f = self.face;
        let cranium = ellipsoid(q, v(0.0, 0.28, -0.12), v(0.74, 0.78, 0.88));
        let face = ellipsoid(q, v(0.0, -0.26, 0.14), v(0.575 * f, 0.74, 0.62));
        let jaw = ellipsoid(q, v(0.0, -0.62, 0.16), v(0.44 * f * self.jaw, 0.36, 0.48));
        let mut head = blend(blend(cranium, face, 0.30), jaw, 0.22);
        if head > 0.45 {
            // Nothing stands out farther than the nose.
            return head - 0.32;
        }
        head = blend(head, sphere(q, v(0.0, -0.88, 0.46), 0.14 * self.jaw), 0.20);
        head = blend(
            head,
            ellipsoid(m, v(0.36 * f, -0.16, 0.46), v(0.20, 0.18, 0.18)),
            0.18,
        );
        head = blend(
            head,
            rod(m, v(0.0, 0.235, 0.72), v(0.34, 0.27, 0.58), 0.10, 0.09),
            0.14,
        );
        head = carve(head, sphere(m, v(0.285, 0.075, 0.89), 0.165), 0.22);
        let bridge = rod(q, v(0.0, 0.17, 0.735), v(0.0, -0.20, 0.93), 0.062, 0.085);
        head = blend(head, bridge, 0.10);
        let tip = sphere(
            q,
            v(0.0, -0.225, 0.915 + 0.03 * self.nose),
            0.098 * self.nose,
        );
        let wing = ellipsoid(
            m,
            v(0.095 * self.nose, -0.255, 0.845),
            v(0.068, 0.060, 0.085),
        );
        head = blend(head, blend(tip, wing, 0.06), 0.06);
        let muzzle = ellipsoid(q, v(0.0, -0.53, 0.58), v(0.27, 0.20, 0.20));
        head = blend(head, muzzle, 0.14);
        let ear = ellipsoid(m, v(0.735, -0.02, -0.10), v(0.075, 0.21, 0.135));
        let ear = carve(
            ear,
            ellipsoid(m, v(0.80, 0.01, -0.03), v(0.04, 0.12, 0.07)),
            0.05,
        );
        blend(head, ear, 0.05)
    }

    fn lids(&self, m: V) -> f32 {
        let centre = v(0.285, 0.06, 0.615);
        let shell = sphere(m, centre, 0.184);
        let upper =
            -(m.y - centre.y - 0.052 - 0.10 * (m.z - 0.80) + 1.2 * (m.x - centre.x).powi(2));
        let lower = m.y - centre.y + 0.082 - 0.020 * self.smile - 0.8 * (m.x - centre.x).powi(2);
        blend(shell.max(upper), shell.max(lower), 0.01)
    }

    fn lips(&self, m: V) -> f32 {
        let lift = 0.12 * self.smile * m.x * m.x * 4.0;
        let wide = 0.215 + 0.04 * self.smile.max(0.0);
        let p = v(m.x, m.y - lift, m.z + 0.55 * m.x * m.x);
        let upper = ellipsoid(p, v(0.0, -0.500, 0.770), v(wide, 0.042, 0.060));
        let lower = ellipsoid(p, v(0.0, -0.582, 0.760), v(wide * 0.84, 0.055, 0.068));
        upper.min(lower)
    }

    /// Hair, seen from the head (`q`); what hangs down hangs from the body (`p`).
    fn hair_distance(&self, q: V, p: V) -> f32 {
        let cap = ellipsoid(q, v(0.0, 0.36, -0.16), v(0.82, 0.86, 0.95));
        if cap > 0.3 && self.cut == Cut::Short {
            return cap - 0.06;
        }
        // The hairline: a slanted plane that leaves the face free.
        let line =
            0.66 * (q.z - 0.30) - 0.75 * (q.y - 0.55) - 0.30 * (q.x - self.part).abs().min(0.4)
                + 0.05
                + 0.06 * noise(v(q.x * 5.0 + self.seed, q.y * 5.0, 0.0));
        let nape = -0.52 - q.y - 0.3 * (q.z + 0.4).min(0.0);
        let mut hair = carve(cap, -line, 0.10).max(match self.cut {
            Cut::Long => -2.0,
            Cut::Short | Cut::Bun | Cut::Bald => nape,
        });
        match self.cut {
            Cut::Long => {
                let m = v(p.x.abs(), p.y, p.z);
                let fall = rod(m, v(0.60, 0.20, -0.12), v(0.74, -1.65, 0.10), 0.24, 0.22);
                let back = ellipsoid(p, v(0.0, -0.75, -0.55), v(0.80, 1.35, 0.42));
                hair = blend(blend(hair, fall, 0.22), back, 0.2);
            }
            Cut::Bun => hair = blend(hair, sphere(q, v(0.0, 0.85, -0.85), 0.36), 0.12),
            Cut::Short | Cut::Bald => {}
        }
        if hair > 0.25 {
            // Far from the surface single strands do not matter.
            return hair - 0.06;
        }
        hair + 0.045 * noise(v(q.x * 4.5 + self.seed, q.y * 1.4, q.z * 4.5))
            + 0.012 * noise(v(q.x * 22.0, q.y * 3.0, q.z * 22.0 + self.seed))
    }

    fn cloth_distance(&self, p: V) -> f32 {
        if p.y > -0.6 {
            // Above the shoulders only the way down to them matters.
            return (p.y + 0.95).max(0.2);
        }
        let p = p - v(0.0, 0.30, 0.0);
        let w = self.shoulders;
        let chest = ellipsoid(p, v(0.0, -3.0, -0.30), v(1.45 * w, 1.55, 0.78));
        let m = v(p.x.abs(), p.y, p.z);
        let shoulder = rod(
            m,
            v(0.42, -1.60, -0.30),
            v(1.42 * w, -2.02, -0.30),
            0.24,
            0.44,
        );
        let arm = rod(
            m,
            v(1.50 * w, -2.05, -0.30),
            v(1.72 * w, -4.6, -0.15),
            0.43,
            0.36,
        );
        let mut cloth = blend(blend(chest, shoulder, 0.35), arm, 0.18);
        // The neck comes out of it.
        let opening = rod(p, v(0.0, -0.9, -0.20), v(0.0, -1.74, -0.24), 0.54, 0.50);
        cloth = carve(cloth, opening, 0.06);
        if cloth > 0.25 {
            return cloth - 0.04;
        }
        cloth
            + 0.030 * noise(v(p.x * 2.2, p.y * 1.6, p.z * 2.2 + self.seed))
            + 0.012 * noise(p * 6.0)
    }

    /// The surface's colour at `p`, in sRGB.
    pub fn colour(&self, p: V, material: Material) -> Colour {
        let q = self.turn.seen(p);
        match material {
            Material::Skin => {
                let m = v(q.x.abs(), q.y, q.z);
                let flush = (-(m - v(0.36, -0.22, 0.62)).length() * 4.0).exp()
                    + 0.7 * (-(q - v(0.0, -0.22, 1.0)).length() * 5.0).exp();
                let freckles = 0.02 * noise(q * 40.0) + 0.03 * noise(q * 9.0);
                let socket = (-(m - v(0.285, 0.05, 0.78)).length() * 7.0).exp();
                self.skin
                    .mix(hex(0xb0584c), (0.22 * flush).min(0.3))
                    .mix(hex(0x5a3630), (0.28 * socket).min(0.28))
                    .darker(freckles.max(0.0))
            }
            Material::Lips => self.skin.mix(hex(0x9a5050), 0.45),
            Material::Hair => self
                .hair
                .lighter(0.10 * noise(v(q.x * 30.0, q.y * 3.0, q.z * 30.0)).max(0.0)),
            Material::Eye => {
                let m = v(q.x.abs(), q.y, q.z);
                let side = q.x.signum();
                let out = m - v(0.285, 0.06, 0.615);
                let (ox, oy) = (
                    out.x * side - self.eye_turn.0 * 0.15,
                    out.y - self.eye_turn.1 * 0.15,
                );
                let radius = ox.hypot(oy);
                if out.z > 0.0 && radius < 0.032 {
                    hex(0x080606)
                } else if out.z > 0.0 && radius < 0.076 {
                    self.iris.darker(if radius > 0.064 { 0.5 } else { 0.0 })
                } else {
                    hex(0xe4dcd6)
                }
            }
            Material::Cloth => {
                let weave = 0.05 * noise(v(p.x * 60.0, p.y * 60.0, p.z * 60.0));
                let is_stripe = self.stripes > 0.0 && (p.y * self.stripes).sin() > 0.35;
                let base = if is_stripe {
                    self.cloth.mix(hex(0xf1ece2), 0.75)
                } else {
                    self.cloth
                };
                base.darker(weave.max(0.0))
            }
        }
    }
}
