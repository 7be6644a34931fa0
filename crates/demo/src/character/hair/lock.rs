//! A lock of hair: a ribbon around a spine that ends in a tip.

use crate::curve::{Knot, Shape, k, s};

/// A point of a lock's spine and half the lock's width there.
#[derive(Debug, Clone, Copy)]
pub struct Joint {
    /// Across.
    pub x: f32,
    /// Down.
    pub y: f32,
    /// Half the width.
    pub half: f32,
}

/// A joint.
pub const fn joint(x: f32, y: f32, half: f32) -> Joint {
    Joint { x, y, half }
}

/// Points of a line, root to tip.
type Line = Vec<(f32, f32)>;

/// Both edges of a lock along `spine`, each from root to tip.
fn edges(spine: &[Joint]) -> (Line, Line) {
    let last = spine.len().saturating_sub(1);
    spine
        .iter()
        .enumerate()
        .map(|(i, joint)| {
            let before = spine[i.saturating_sub(1)];
            let after = spine[(i + 1).min(last)];
            let (dx, dy) = (after.x - before.x, after.y - before.y);
            let length = dx.hypot(dy).max(1e-6);
            let (nx, ny) = (-dy / length * joint.half, dx / length * joint.half);
            ((joint.x + nx, joint.y + ny), (joint.x - nx, joint.y - ny))
        })
        .unzip()
}

/// The lock along `spine`; its last joint is the tip.
pub fn lock(spine: &[Joint]) -> Shape {
    let (left, right) = edges(spine);
    let Some(&tip) = spine.last() else {
        return Shape::default();
    };
    let inner = |points: &[(f32, f32)], i: usize| -> Knot {
        let (x, y) = points[i];
        if i == 0 { k(x, y) } else { s(x, y) }
    };
    let body = spine.len() - 1;
    let mut knots: Vec<Knot> = (0..body).map(|i| inner(&left, i)).collect();
    knots.push(k(tip.x, tip.y));
    knots.extend((0..body).rev().map(|i| inner(&right, i)));
    Shape::closed(&knots)
}

/// A line inside a lock, `across` of the half width from its spine (-1 to 1).
pub fn vein(spine: &[Joint], across: f32) -> Shape {
    let (left, _) = edges(spine);
    let knots: Vec<Knot> = spine
        .iter()
        .zip(left)
        .map(|(joint, (x, y))| {
            s(
                joint.x + (x - joint.x) * across,
                joint.y + (y - joint.y) * across,
            )
        })
        .collect();
    Shape::open(&knots)
}

/// The part of a lock on one side of the line `across` of its half width: `side` 1 or -1.
pub fn half(spine: &[Joint], across: f32, side: f32) -> Shape {
    let (left, _) = edges(spine);
    let at = |i: usize, share: f32| -> Knot {
        let (joint, (x, y)) = (spine[i], left[i]);
        s(
            joint.x + (x - joint.x) * share,
            joint.y + (y - joint.y) * share,
        )
    };
    let mut knots: Vec<Knot> = (0..spine.len()).map(|i| at(i, across)).collect();
    knots.extend((0..spine.len()).rev().map(|i| at(i, side * 1.3)));
    Shape::closed(&knots)
}
