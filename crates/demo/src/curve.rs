//! Smooth outlines through a few knots: the pencil that every other file draws with.

use tiny_skia::{Path, PathBuilder, Rect, Transform};

/// A point that an outline passes through.
#[derive(Debug, Clone, Copy)]
pub struct Knot {
    x: f32,
    y: f32,
    is_corner: bool,
}

/// A knot that the outline passes smoothly.
pub const fn s(x: f32, y: f32) -> Knot {
    Knot {
        x,
        y,
        is_corner: false,
    }
}

/// A knot where the outline turns sharply.
pub const fn k(x: f32, y: f32) -> Knot {
    Knot {
        x,
        y,
        is_corner: true,
    }
}

impl Knot {
    /// The knot's place.
    pub const fn at(self) -> (f32, f32) {
        (self.x, self.y)
    }
}

/// An outline; empty where its knots gave none, in which case drawing it does nothing.
#[derive(Debug, Clone, Default)]
pub struct Shape(pub Option<Path>);

impl Shape {
    /// A circle.
    pub fn circle(x: f32, y: f32, radius: f32) -> Self {
        Self(PathBuilder::from_circle(x, y, radius))
    }

    /// An ellipse with the half axes `rx`, `ry`.
    pub fn oval(x: f32, y: f32, rx: f32, ry: f32) -> Self {
        Self(Rect::from_ltrb(x - rx, y - ry, x + rx, y + ry).and_then(PathBuilder::from_oval))
    }

    /// A rectangle.
    pub fn rect(left: f32, top: f32, width: f32, height: f32) -> Self {
        Self(Rect::from_xywh(left, top, width, height).map(PathBuilder::from_rect))
    }

    /// A rectangle whose corners are rounded by `radius`.
    pub fn rounded(left: f32, top: f32, width: f32, height: f32, radius: f32) -> Self {
        let (right, bottom) = (left + width, top + height);
        let r = radius.min(width / 2.0).min(height / 2.0);
        let mut path = PathBuilder::new();
        path.move_to(left + r, top);
        path.line_to(right - r, top);
        path.quad_to(right, top, right, top + r);
        path.line_to(right, bottom - r);
        path.quad_to(right, bottom, right - r, bottom);
        path.line_to(left + r, bottom);
        path.quad_to(left, bottom, left, bottom - r);
        path.line_to(left, top + r);
        path.quad_to(left, top, left + r, top);
        path.close();
        Self(path.finish())
    }

    /// A polygon.
    pub fn polygon(points: &[(f32, f32)]) -> Self {
        let mut path = PathBuilder::new();
        for (i, &(x, y)) in points.iter().enumerate() {
            if i == 0 {
                path.move_to(x, y);
            } else {
                path.line_to(x, y);
            }
        }
        path.close();
        Self(path.finish())
    }

    /// A closed outline through `knots`.
    pub fn closed(knots: &[Knot]) -> Self {
        Self(spline(knots, true))
    }

    /// An open line through `knots`.
    pub fn open(knots: &[Knot]) -> Self {
        Self(spline(knots, false))
    }

    /// The shape moved by (`dx`, `dy`).
    pub fn moved(&self, dx: f32, dy: f32) -> Self {
        self.transformed(Transform::from_translate(dx, dy))
    }

    /// The shape under `transform`.
    pub fn transformed(&self, transform: Transform) -> Self {
        Self(self.0.clone().and_then(|path| path.transform(transform)))
    }
}

/// All outlines as one shape.
impl FromIterator<Shape> for Shape {
    fn from_iter<I: IntoIterator<Item = Shape>>(shapes: I) -> Self {
        let mut path = PathBuilder::new();
        for shape in shapes {
            if let Some(outline) = &shape.0 {
                path.push_path(outline);
            }
        }
        Self(path.finish())
    }
}

/// Cubics through the knots: at a smooth knot the tangent is parallel to the chord of its
/// neighbours and each handle a third of its segment long; at a corner the handle leans towards
/// the far one, which gives tips their slight curve.
fn spline(knots: &[Knot], is_closed: bool) -> Option<Path> {
    let count = knots.len();
    if count < 2 {
        return None;
    }
    let neighbour = |i: usize, step: isize| -> Knot {
        let j = i as isize + step;
        let j = if is_closed {
            j.rem_euclid(count as isize)
        } else {
            j.clamp(0, count as isize - 1)
        };
        knots[j as usize]
    };
    let is_free = |i: usize| knots[i].is_corner || (!is_closed && (i == 0 || i == count - 1));
    let tangent = |i: usize| -> (f32, f32) {
        let (before, after) = (neighbour(i, -1), neighbour(i, 1));
        let (dx, dy) = (after.x - before.x, after.y - before.y);
        let length = dx.hypot(dy).max(1e-6);
        (dx / length, dy / length)
    };
    let mut path = PathBuilder::new();
    path.move_to(knots[0].x, knots[0].y);
    for i in 0..if is_closed { count } else { count - 1 } {
        let j = (i + 1) % count;
        let (from, to) = (knots[i], knots[j]);
        let third = (to.x - from.x).hypot(to.y - from.y) / 3.0;
        let out = (!is_free(i)).then(|| {
            let (tx, ty) = tangent(i);
            (from.x + tx * third, from.y + ty * third)
        });
        let into = (!is_free(j)).then(|| {
            let (tx, ty) = tangent(j);
            (to.x - tx * third, to.y - ty * third)
        });
        match (out, into) {
            (None, None) => path.line_to(to.x, to.y),
            (out, into) => {
                let towards = |(x, y): (f32, f32), handle: Option<(f32, f32)>| {
                    handle.map_or((x, y), |(hx, hy)| {
                        (f32::midpoint(x, hx), f32::midpoint(y, hy))
                    })
                };
                let (ax, ay) = out.unwrap_or_else(|| towards(from.at(), into));
                let (bx, by) = into.unwrap_or_else(|| towards(to.at(), out));
                path.cubic_to(ax, ay, bx, by, to.x, to.y);
            }
        }
    }
    if is_closed {
        path.close();
    }
    path.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smooth_closed_outline_stays_near_its_knots() {
        let ring = Shape::closed(&[s(1.0, 0.0), s(0.0, 1.0), s(-1.0, 0.0), s(0.0, -1.0)]);
        let bounds = ring.0.and_then(|path| path.compute_tight_bounds()).unwrap();
        assert!((bounds.width() - 2.0).abs() < 0.05, "{bounds:?}");
    }

    #[test]
    fn shapes_gather_into_one() {
        let row: Shape = (0..3)
            .map(|i| Shape::circle(i as f32 * 10.0, 0.0, 1.0))
            .collect();
        let bounds = row.0.and_then(|path| path.compute_tight_bounds()).unwrap();
        assert!((bounds.width() - 22.0).abs() < 1e-3, "{bounds:?}");
        assert!(std::iter::empty::<Shape>().collect::<Shape>().0.is_none());
    }

    #[test]
    fn too_few_knots_draw_nothing() {
        assert!(Shape::closed(&[s(0.0, 0.0)]).0.is_none());
    }
}
