//! The crown of the head: one outline from the tip of one side lock over the skull to the other,
//! and back along the fringe.

use super::super::Character;
use super::lock::{joint, lock};
use crate::attributes::HairStyle;
use crate::curve::{Knot, Shape, k, s};
use crate::dice::Dice;

/// How a fringe falls.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fall {
    /// Cut straight above the eyes.
    Straight,
    /// Brushed to one side.
    Swept,
    /// Parted, the forehead showing.
    Parted,
    /// Locks of all lengths, the longest between the eyes.
    Choppy,
}

/// A lock of the fringe: the notch on either side and the tip.
#[derive(Debug, Clone, Copy)]
struct Lock {
    right: (f32, f32),
    tip: (f32, f32),
    left: (f32, f32),
}

/// The crown's shapes, in head units.
#[derive(Debug)]
pub struct Crown {
    /// Skull, side locks and fringe as one shape.
    pub outline: Shape,
    /// Lines that run from the fringe's notches towards the parting.
    pub strands: Vec<Shape>,
    /// The strand that stands up from most heads.
    pub wisp: Shape,
    locks: Vec<Lock>,
}

impl Crown {
    /// Decides how the hair of `character` falls.
    pub fn new(character: &Character, dice: &mut Dice) -> Self {
        let rig = &character.rig;
        let fall = dice.pick([
            Fall::Straight,
            Fall::Swept,
            Fall::Parted,
            Fall::Choppy,
            Fall::Choppy,
        ]);
        let lean = if dice.chance(0.5) { 1.0 } else { -1.0 };
        let part = match fall {
            Fall::Parted => lean * dice.range(0.02, 0.14),
            Fall::Swept => -lean * dice.range(0.16, 0.24),
            Fall::Straight | Fall::Choppy => dice.jitter(0.10),
        };
        let locks = fringe(character, fall, part, lean, dice);
        let outline = Shape::closed(&outline(character, &locks, dice));
        let top = (rig.turned(part * 0.8, 0.0).0, -0.74);
        let mut strands: Vec<Shape> = Vec::new();
        for lock in locks.iter().skip(1) {
            let (x, y) = lock.right;
            let reach = dice.range(0.50, 0.86);
            let towards = |t: f32, bow: f32| {
                let (dx, dy) = (top.0 - x, top.1 - y);
                s(x + dx * t + bow * (x - top.0) * 0.9, y + dy * t)
            };
            strands.push(Shape::open(&[
                s(x, y),
                towards(reach * 0.45, 0.16),
                towards(reach, 0.10),
            ]));
        }
        for side in [-1.0, 1.0] {
            // Where the side lock comes out from under the fringe.
            let x = |x: f32| side * x + rig.yaw * 0.05;
            strands.push(Shape::open(&[
                s(x(0.40), -0.02),
                s(x(0.455), -0.24),
                s(x(0.40), -0.50),
            ]));
        }
        let curl = dice.range(0.6, 1.3);
        let wisp = if dice.chance(0.6) {
            lock(&[
                joint(top.0, -0.70, 0.045),
                joint(top.0 + lean * 0.02, -0.87, 0.032),
                joint(top.0 + lean * 0.12 * curl, -0.95, 0.020),
                joint(top.0 + lean * 0.25 * curl, -0.97 + 0.05 * curl, 0.0),
            ])
        } else {
            Shape::default()
        };
        Self {
            outline,
            strands,
            wisp,
            locks,
        }
    }

    /// The shaded side of each lock of the fringe.
    pub fn shadows(&self, side: f32) -> impl Iterator<Item = Shape> {
        self.locks.iter().enumerate().map(move |(i, lock)| {
            let (notch, other) = if side > 0.0 {
                (lock.right, lock.left)
            } else {
                (lock.left, lock.right)
            };
            let (tip_x, tip_y) = lock.tip;
            let rise = if i % 2 == 0 { 0.16 } else { 0.06 };
            let inner = (
                tip_x * 0.45 + notch.0 * 0.30 + other.0 * 0.25,
                f32::midpoint(tip_y, notch.1) - 0.02,
            );
            Shape::closed(&[
                k(tip_x, tip_y + 0.02),
                s(
                    f32::midpoint(tip_x, notch.0) + side * 0.08,
                    f32::midpoint(tip_y, notch.1),
                ),
                k(notch.0 + side * 0.02, notch.1 - 0.01),
                k(notch.0 - side * 0.012, notch.1 - rise),
                s(inner.0, inner.1),
            ])
        })
    }
}

/// The fringe's locks from right to left.
fn fringe(character: &Character, fall: Fall, part: f32, lean: f32, dice: &mut Dice) -> Vec<Lock> {
    let rig = &character.rig;
    let count = match fall {
        Fall::Straight | Fall::Parted => 6,
        Fall::Swept | Fall::Choppy => 5,
    } + dice.below(2);
    let mut widths: Vec<f32> = (0..count).map(|_| dice.range(0.65, 1.35)).collect();
    let total: f32 = widths.iter().sum();
    for width in &mut widths {
        *width *= 0.80 / total;
    }
    let mut locks = Vec::with_capacity(count);
    let mut right = 0.40;
    for (i, &width) in widths.iter().enumerate() {
        let left = right - width;
        let centre = f32::midpoint(left, right);
        let edge = (centre / 0.40).abs();
        let (shift, tip_y) = match fall {
            Fall::Straight => (0.0, 0.015 + dice.jitter(0.02) + 0.05 * edge * edge),
            Fall::Swept => {
                let along = (centre * lean + 0.40) / 0.80;
                (
                    lean * 0.11 * dice.range(0.7, 1.2),
                    -0.10 + 0.20 * along + dice.jitter(0.035),
                )
            }
            Fall::Parted => {
                let away = (centre - part).abs();
                (
                    (centre - part).signum() * 0.10,
                    -0.17 + 0.80 * away.min(0.40) + dice.jitter(0.03),
                )
            }
            Fall::Choppy => {
                let middle = (-(centre - part).powi(2) / 0.012).exp();
                (
                    lean * 0.035 + dice.jitter(0.02),
                    -0.01 + 0.13 * middle + 0.08 * edge * edge + dice.jitter(0.045),
                )
            }
        };
        // The outermost locks always hide the temples.
        let tip_y = if i == 0 || i + 1 == count {
            tip_y.max(0.06) + 0.06
        } else {
            tip_y
        };
        let notch = |x: f32, dice: &mut Dice| -> (f32, f32) {
            let gap = if fall == Fall::Parted && (x - part).abs() < width * 0.5 {
                0.16
            } else {
                0.0
            };
            let y = -0.20 - gap + 0.9 * x * x + dice.jitter(0.035);
            (rig.turned(x + shift * 0.35, 0.0).0, y)
        };
        let right_notch = locks
            .last()
            .map_or((rig.turned(0.40, 0.0).0.min(0.49), -0.05), |lock: &Lock| {
                lock.left
            });
        let left_notch = if i + 1 == count {
            (rig.turned(-0.40, 0.0).0.max(-0.49), -0.05)
        } else {
            notch(left, dice)
        };
        let tip_x = rig.turned(centre + shift, 0.0).0;
        locks.push(Lock {
            right: right_notch,
            tip: (tip_x, tip_y),
            left: left_notch,
        });
        right = left;
    }
    locks
}

/// How far the lock before an ear reaches.
fn side_length(character: &Character) -> f32 {
    match character.attributes.hair_style {
        HairStyle::Short if character.rig.is_boy => 0.20,
        HairStyle::Short => 0.38,
        HairStyle::Bob => 0.62,
        HairStyle::Long | HairStyle::Wavy => 1.00,
        HairStyle::Ponytail | HairStyle::Twintails => 0.66,
    }
}

fn outline(character: &Character, locks: &[Lock], dice: &mut Dice) -> Vec<Knot> {
    let rig = &character.rig;
    let length = side_length(character);
    let puff = if rig.is_boy { 0.03 } else { 0.0 } + dice.jitter(0.015);
    let wave = if character.attributes.hair_style == HairStyle::Wavy {
        0.06
    } else {
        0.0
    };
    let reach = [length + dice.jitter(0.05), length + dice.jitter(0.05)];
    // The outer edge follows the skull, the inner one the face.
    let side = |side: f32, x: f32| side * x - rig.yaw * 0.02;
    let inner = |side: f32, x: f32| side * x + rig.yaw * 0.10;
    let mut knots = Vec::new();
    // Up the left side, over the skull.
    let (left, right) = (-1.0, 1.0);
    knots.extend([
        k(inner(left, 0.470), reach[0]),
        s(side(left, 0.535 - wave * 0.6), reach[0] * 0.80),
        s(side(left, 0.580 + puff + wave), reach[0] * 0.42),
        s(side(left, 0.590 + puff), 0.0),
        s(side(left, 0.570 + puff), -0.26),
    ]);
    if rig.is_boy && character.attributes.hair_style == HairStyle::Short {
        knots.extend(spikes(rig.yaw, dice));
    } else {
        knots.extend([
            s(-0.44 - puff, -0.575),
            s(-0.24, -0.755 - puff),
            s(rig.yaw * 0.08, -0.815 - puff),
            s(0.24, -0.755 - puff),
            s(0.44 + puff, -0.575),
        ]);
    }
    knots.extend([
        s(side(right, 0.570 + puff), -0.26),
        s(side(right, 0.590 + puff), 0.0),
        s(side(right, 0.580 + puff + wave), reach[1] * 0.42),
        s(side(right, 0.535 - wave * 0.6), reach[1] * 0.80),
        k(inner(right, 0.470), reach[1]),
        s(inner(right, 0.440 - wave * 0.5), reach[1] * 0.70),
        s(inner(right, 0.445 + wave * 0.5), reach[1] * 0.36),
    ]);
    // Back along the fringe.
    for (i, lock) in locks.iter().enumerate() {
        let (tip_x, tip_y) = lock.tip;
        let width = lock.right.0 - lock.left.0;
        if i == 0 {
            knots.push(k(lock.right.0, lock.right.1));
        }
        let bow = |notch: (f32, f32), out: f32| {
            s(
                f32::midpoint(notch.0, tip_x) + out * width,
                f32::midpoint(notch.1, tip_y) + 0.025,
            )
        };
        knots.push(bow(lock.right, 0.13));
        knots.push(k(tip_x, tip_y));
        knots.push(bow(lock.left, -0.07));
        knots.push(k(lock.left.0, lock.left.1));
    }
    knots.extend([
        s(inner(left, 0.445 + wave * 0.5), reach[0] * 0.36),
        s(inner(left, 0.440 - wave * 0.5), reach[0] * 0.70),
    ]);
    knots
}

/// A boy's crown: tufts that stand off the skull, all of them swept to one side.
fn spikes(yaw: f32, dice: &mut Dice) -> Vec<Knot> {
    let mut knots = Vec::new();
    let lean = if dice.chance(0.5) { 1.0 } else { -1.0 };
    let tufts = 5;
    let half_turn = std::f32::consts::PI;
    let place = |share: f32, radius: f32| {
        let angle = 0.20 + (half_turn - 0.40) * share;
        (
            -angle.cos() * 0.585 * radius + yaw * 0.05,
            -0.20 - angle.sin() * 0.60 * radius,
        )
    };
    for i in 0..tufts {
        let middle = (i as f32 + 0.5) / tufts as f32;
        let reach = 1.24 + dice.jitter(0.08);
        let (rise, tip, fall) = (middle - 0.07, middle + lean * 0.07, middle + 0.075);
        let out = |share: f32, radius: f32, is_corner: bool| {
            let (x, y) = place(share, radius);
            if is_corner { k(x, y) } else { s(x, y) }
        };
        knots.push(out(rise, if lean > 0.0 { 1.11 } else { 1.08 }, false));
        knots.push(out(tip, reach, true));
        knots.push(out(fall, if lean > 0.0 { 1.08 } else { 1.11 }, false));
        if i + 1 < tufts {
            knots.push(out((i + 1) as f32 / tufts as f32, 1.01, true));
        }
    }
    knots
}
