//! Line work: outlines become filled ribbons of varying width.

use tiny_skia::{Path, PathBuilder, PathSegment, Point};

/// Turns sharper than this (cosine of the angle between two steps) end a stroke.
const CORNER_COSINE: f32 = 0.6;

/// The strokes of a pen `width_px` wide along `path` (in pixels), to be filled by the winding rule.
pub fn strokes(path: &Path, width_px: f32) -> Option<Path> {
    let mut ribbons = PathBuilder::new();
    for line in polylines(path) {
        for (stroke, is_loop) in split_at_corners(&line) {
            ribbon(&mut ribbons, &stroke, is_loop, width_px);
        }
    }
    ribbons.finish()
}

struct Polyline {
    points: Vec<Point>,
    is_closed: bool,
}

fn polylines(path: &Path) -> Vec<Polyline> {
    let mut lines: Vec<Polyline> = Vec::new();
    let mut points: Vec<Point> = Vec::new();
    let mut finish = |points: &mut Vec<Point>, is_closed: bool| {
        let mut points = std::mem::take(points);
        points.dedup_by(|a, b| a.distance(*b) < 0.05);
        if points.len() > 1 {
            lines.push(Polyline { points, is_closed });
        }
    };
    for segment in path.segments() {
        match segment {
            PathSegment::MoveTo(to) => {
                finish(&mut points, false);
                points.push(to);
            }
            PathSegment::LineTo(to) => points.push(to),
            PathSegment::QuadTo(a, to) => {
                let from = points.last().copied().unwrap_or(to);
                let third = |p: Point, q: Point| {
                    Point::from_xy(p.x + (q.x - p.x) * 2.0 / 3.0, p.y + (q.y - p.y) * 2.0 / 3.0)
                };
                flatten(&mut points, from, third(from, a), third(to, a), to);
            }
            PathSegment::CubicTo(a, b, to) => {
                let from = points.last().copied().unwrap_or(to);
                flatten(&mut points, from, a, b, to);
            }
            PathSegment::Close => {
                if let Some(&first) = points.first() {
                    points.push(first);
                }
                finish(&mut points, true);
            }
        }
    }
    finish(&mut points, false);
    lines
}

fn flatten(points: &mut Vec<Point>, from: Point, a: Point, b: Point, to: Point) {
    let length = from.distance(a) + a.distance(b) + b.distance(to);
    let steps = (length / 3.0).sqrt().ceil().clamp(3.0, 24.0) as usize;
    for step in 1..=steps {
        let t = step as f32 / steps as f32;
        let u = 1.0 - t;
        let (w0, w1, w2, w3) = (u * u * u, 3.0 * u * u * t, 3.0 * u * t * t, t * t * t);
        points.push(Point::from_xy(
            w0 * from.x + w1 * a.x + w2 * b.x + w3 * to.x,
            w0 * from.y + w1 * a.y + w2 * b.y + w3 * to.y,
        ));
    }
}

/// The line's smooth parts; true for a loop without any corner.
fn split_at_corners(line: &Polyline) -> Vec<(Vec<Point>, bool)> {
    let points = &line.points;
    let last = points.len() - 1;
    let is_corner = |before: Point, at: Point, after: Point| {
        let (ax, ay) = (at.x - before.x, at.y - before.y);
        let (bx, by) = (after.x - at.x, after.y - at.y);
        ax * bx + ay * by < CORNER_COSINE * ax.hypot(ay) * bx.hypot(by)
    };
    let mut corners: Vec<usize> = (1..last)
        .filter(|&i| is_corner(points[i - 1], points[i], points[i + 1]))
        .collect();
    if line.is_closed && points.len() > 3 {
        let is_corner_at_seam = is_corner(points[last - 1], points[0], points[1]);
        if corners.is_empty() && !is_corner_at_seam {
            return vec![(points.clone(), true)];
        }
        if !is_corner_at_seam {
            // Begins the walk at a corner instead of in the middle of a smooth part.
            let first = corners[0];
            let mut rotated = points[first..last].to_vec();
            rotated.extend_from_slice(&points[..=first]);
            let rotated = Polyline {
                points: rotated,
                is_closed: false,
            };
            return split_at_corners(&rotated);
        }
    }
    corners.push(last);
    let mut from = 0;
    let mut strokes = Vec::with_capacity(corners.len());
    for corner in corners {
        strokes.push((points[from..=corner].to_vec(), false));
        from = corner;
    }
    strokes
}

fn ribbon(path: &mut PathBuilder, points: &[Point], is_loop: bool, width_px: f32) {
    let last = points.len() - 1;
    let length: f32 = points
        .windows(2)
        .map(|pair| pair[0].distance(pair[1]))
        .sum();
    if last == 0 || length < 0.1 {
        return;
    }
    let taper_px = (length * 0.4).min(width_px * 9.0).max(0.1);
    let mut walked = 0.0;
    let mut sides: Vec<(Point, Point)> = Vec::with_capacity(points.len());
    for (i, &at) in points.iter().enumerate() {
        let before = if i > 0 {
            points[i - 1]
        } else if is_loop {
            points[last - 1]
        } else {
            at
        };
        let after = if i < last {
            points[i + 1]
        } else if is_loop {
            points[1]
        } else {
            at
        };
        if i > 0 {
            walked += at.distance(before);
        }
        let (dx, dy) = (after.x - before.x, after.y - before.y);
        let norm = dx.hypot(dy).max(1e-6);
        let (dx, dy) = (dx / norm, dy / norm);
        let to_end = walked.min(length - walked).max(0.0);
        let taper = if is_loop {
            1.0
        } else {
            0.4 + 0.6 * (to_end / taper_px).min(1.0).sqrt()
        };
        // The pen presses harder on strokes that run down and to the left.
        let pressure = 1.0 + 0.22 * (dy * dy - dx * dx) - 0.12 * dx * dy;
        let half = 0.5 * width_px * taper * pressure;
        sides.push((
            Point::from_xy(at.x + dy * half, at.y - dx * half),
            Point::from_xy(at.x - dy * half, at.y + dx * half),
        ));
    }
    let ring = |path: &mut PathBuilder, points: &mut dyn Iterator<Item = Point>| {
        for (i, point) in points.enumerate() {
            if i == 0 {
                path.move_to(point.x, point.y);
            } else {
                path.line_to(point.x, point.y);
            }
        }
        path.close();
    };
    if is_loop {
        ring(path, &mut sides.iter().map(|side| side.0));
        ring(path, &mut sides.iter().rev().map(|side| side.1));
    } else {
        ring(
            path,
            &mut sides
                .iter()
                .map(|side| side.0)
                .chain(sides.iter().rev().map(|side| side.1)),
        );
        // A round nib at both ends hides the joints between strokes.
        for end in [0, last] {
            let (a, b) = sides[end];
            path.push_circle(points[end].x, points[end].y, a.distance(b) * 0.5);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_is_inked_as_four_strokes() {
        let square =
            PathBuilder::from_rect(tiny_skia::Rect::from_xywh(10.0, 10.0, 50.0, 50.0).unwrap());
        let lines = polylines(&square);
        assert_eq!(split_at_corners(&lines[0]).len(), 4);
    }

    #[test]
    fn a_circle_is_inked_as_one_loop() {
        let circle = PathBuilder::from_circle(50.0, 50.0, 30.0).unwrap();
        let strokes = split_at_corners(&polylines(&circle)[0]);
        assert_eq!(strokes.len(), 1);
        assert!(strokes[0].1);
    }
}
