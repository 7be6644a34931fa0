//! Vectors and distances: what a ray needs to know about a solid.

use std::ops::{Add, Mul, Neg, Sub};

/// A point or a direction; x to the right, y up, z towards the camera.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct V {
    /// Right.
    pub x: f32,
    /// Up.
    pub y: f32,
    /// Towards the camera.
    pub z: f32,
}

/// The vector (`x`, `y`, `z`).
pub const fn v(x: f32, y: f32, z: f32) -> V {
    V { x, y, z }
}

impl Add for V {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        v(self.x + other.x, self.y + other.y, self.z + other.z)
    }
}

impl Sub for V {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        v(self.x - other.x, self.y - other.y, self.z - other.z)
    }
}

impl Mul<f32> for V {
    type Output = Self;
    fn mul(self, k: f32) -> Self {
        v(self.x * k, self.y * k, self.z * k)
    }
}

impl Neg for V {
    type Output = Self;
    fn neg(self) -> Self {
        self * -1.0
    }
}

impl V {
    /// The scalar product.
    pub fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    /// The channel-wise product.
    pub fn times(self, other: Self) -> Self {
        v(self.x * other.x, self.y * other.y, self.z * other.z)
    }

    /// The length.
    pub fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// The same direction with length 1.
    pub fn unit(self) -> Self {
        self * (1.0 / self.length().max(1e-9))
    }

    /// The way from `self` (0) to `other` (1).
    pub fn mix(self, other: Self, t: f32) -> Self {
        self + (other - self) * t
    }
}

/// A head's turn and nod.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    yaw: (f32, f32),
    pitch: (f32, f32),
}

impl Turn {
    /// Turned by `yaw` and nodded by `pitch` radians.
    pub fn new(yaw: f32, pitch: f32) -> Self {
        Self {
            yaw: yaw.sin_cos(),
            pitch: pitch.sin_cos(),
        }
    }

    /// The point seen from the turned head.
    pub fn seen(&self, p: V) -> V {
        let (sin, cos) = self.yaw;
        let (x, z) = (p.x * cos - p.z * sin, p.x * sin + p.z * cos);
        let (sin, cos) = self.pitch;
        v(x, p.y * cos - z * sin, p.y * sin + z * cos)
    }
}

/// The distance to an ellipsoid (Quilez's estimate: exact on the surface, close to it elsewhere).
#[inline]
pub fn ellipsoid(p: V, centre: V, radii: V) -> f32 {
    let q = p - centre;
    // Radii are mostly constants, whose inverses the compiler knows.
    let inverse = v(1.0 / radii.x, 1.0 / radii.y, 1.0 / radii.z);
    let scaled = q.times(inverse);
    let k0 = scaled.length();
    let k1 = scaled.times(inverse).length();
    if k1 < 1e-6 {
        -radii.x.min(radii.y).min(radii.z)
    } else {
        k0 * (k0 - 1.0) / k1
    }
}

/// The distance to a sphere.
pub fn sphere(p: V, centre: V, radius: f32) -> f32 {
    (p - centre).length() - radius
}

/// The distance to a rod from `a` to `b` whose radius goes from `ra` to `rb`.
pub fn rod(p: V, a: V, b: V, ra: f32, rb: f32) -> f32 {
    let (along, out) = (b - a, p - a);
    let t = (out.dot(along) / along.dot(along)).clamp(0.0, 1.0);
    (out - along * t).length() - (ra + (rb - ra) * t)
}

/// Both solids, their joint rounded over `k`.
pub fn blend(a: f32, b: f32, k: f32) -> f32 {
    let h = (k - (a - b).abs()).max(0.0) / k;
    a.min(b) - h * h * k * 0.25
}

/// `a` without `b`, the edge rounded over `k`.
pub fn carve(a: f32, b: f32, k: f32) -> f32 {
    -blend(-a, b, k)
}

/// Smooth noise in -1..1 with features about one unit wide.
pub fn noise(p: V) -> f32 {
    let cell = |x: i32, y: i32, z: i32| -> f32 {
        let mut h = (x.wrapping_mul(0x27d4_eb2d)
            ^ y.wrapping_mul(0x1656_67b1)
            ^ z.wrapping_mul(0x9e37_79b1_u32 as i32)) as u32;
        h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
        h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
        (h ^ (h >> 15)) as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    // Rounds down by way of integers: `floor` is a call on plain x86-64.
    let down = |x: f32| (x as i32 - i32::from(x < 0.0)) as f32;
    let (ix, iy, iz) = (down(p.x), down(p.y), down(p.z));
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (fx, fy, fz) = (ease(p.x - ix), ease(p.y - iy), ease(p.z - iz));
    let (x, y, z) = (ix as i32, iy as i32, iz as i32);
    let way = |a: f32, b: f32, t: f32| a + (b - a) * t;
    let plane = |z: i32| {
        let near = way(cell(x, y, z), cell(x + 1, y, z), fx);
        let far = way(cell(x, y + 1, z), cell(x + 1, y + 1, z), fx);
        way(near, far, fy)
    };
    way(plane(z), plane(z + 1), fz)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ellipsoid_is_zero_on_its_surface_and_grows_outwards() {
        let radii = v(0.5, 1.0, 2.0);
        assert!(ellipsoid(v(0.5, 0.0, 0.0), V::default(), radii).abs() < 1e-5);
        assert!(ellipsoid(v(0.0, 1.5, 0.0), V::default(), radii) > 0.3);
        assert!(ellipsoid(v(0.0, 0.2, 0.0), V::default(), radii) < 0.0);
    }

    #[test]
    fn noise_stays_in_its_range_and_is_smooth() {
        for i in 0..1000 {
            let p = v(i as f32 * 0.013, 0.7, -2.1);
            assert!(noise(p).abs() <= 1.0);
            assert!((noise(p) - noise(p + v(0.001, 0.0, 0.0))).abs() < 0.02);
        }
    }
}
