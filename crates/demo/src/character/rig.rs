//! Where the character stands and how the head turns.

use crate::dice::Dice;

/// The pose. Lengths are head units unless named otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Rig {
    /// One head unit as a share of the picture's height.
    pub unit: f32,
    /// The face's place in the picture, in picture heights from the left.
    pub x: f32,
    /// The face's place in the picture, in picture heights from the top.
    pub y: f32,
    /// The head's turn around its axis in radians; positive looks to the right.
    pub yaw: f32,
    /// The head's lean in degrees.
    pub tilt_deg: f32,
    /// 1 where the light comes from the left, -1 from the right.
    pub light_side: f32,
    /// Half the width of the shoulders.
    pub shoulder: f32,
    /// Broader neck, smaller eyes.
    pub is_boy: bool,
}

/// The radius of the cylinder that the face's features lie on.
const CYLINDER: f32 = 0.62;

impl Rig {
    /// A pose for a picture of this aspect: the wider the picture, the closer the view, so that
    /// a face is never lost in it.
    pub fn any(dice: &mut Dice, is_boy: bool, aspect: f32) -> Self {
        let (unit, y) = if aspect < 0.8 {
            (dice.range(0.60, 0.68) * aspect, dice.range(0.33, 0.37))
        } else if aspect > 1.2 {
            (dice.range(0.48, 0.51), dice.range(0.42, 0.44))
        } else if dice.chance(0.5) {
            (dice.range(0.49, 0.53), dice.range(0.44, 0.46))
        } else {
            (dice.range(0.43, 0.46), dice.range(0.39, 0.42))
        };
        let spread = if aspect > 1.2 {
            aspect * 0.17
        } else {
            aspect * 0.04
        };
        Self {
            unit,
            x: aspect / 2.0 + dice.range(-spread, spread),
            y,
            yaw: dice.range(-0.42, 0.42),
            tilt_deg: dice.jitter(9.0),
            light_side: if dice.chance(0.5) { 1.0 } else { -1.0 },
            shoulder: if is_boy {
                dice.range(0.92, 1.0)
            } else {
                dice.range(0.74, 0.80)
            },
            is_boy,
        }
    }

    /// Where a feature at (`x`, `y`) of the straight face lies when the head is turned.
    pub fn turned(&self, x: f32, y: f32) -> (f32, f32) {
        let angle = (x / CYLINDER).clamp(-0.98, 0.98).asin() + self.yaw * 0.62;
        (CYLINDER * angle.sin(), y)
    }

    /// How wide a feature at `x` looks when the head is turned, against the straight face.
    pub fn foreshortening(&self, x: f32) -> f32 {
        let straight = (x / CYLINDER).clamp(-0.98, 0.98).asin();
        ((straight + self.yaw * 0.62).cos() / straight.cos()).clamp(0.55, 1.15)
    }
}
