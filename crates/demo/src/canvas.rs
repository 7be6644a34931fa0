//! A pixmap with a pen: fills, gradients, clipping and inked lines in model coordinates.

use terminus_pixels::RgbImage;
use tiny_skia::{
    BlendMode, FillRule, GradientStop, LinearGradient, Mask, Paint, Pixmap, Point, RadialGradient,
    Shader, SpreadMode, Transform,
};

use crate::colour::Colour;
use crate::curve::Shape;
use crate::ink;
use crate::stretch::stretch;

/// What a shape is filled with. Points are in the coordinates of the shape.
#[derive(Debug, Clone)]
pub enum Fill {
    /// One colour.
    Flat(Colour),
    /// A gradient along the line between two points.
    Linear((f32, f32), (f32, f32), Vec<(f32, Colour)>),
    /// A gradient from a centre to a radius.
    Radial((f32, f32), f32, Vec<(f32, Colour)>),
}

impl From<Colour> for Fill {
    fn from(colour: Colour) -> Self {
        Self::Flat(colour)
    }
}

impl Fill {
    /// A gradient from `top` at height `y0` to `bottom` at height `y1`.
    pub fn vertical(y0: f32, top: Colour, y1: f32, bottom: Colour) -> Self {
        Self::Linear((0.0, y0), (0.0, y1), vec![(0.0, top), (1.0, bottom)])
    }

    /// A glow that fades from `colour` in the centre to nothing at `radius`.
    pub fn glow(x: f32, y: f32, radius: f32, colour: Colour) -> Self {
        let faded = |share: f32| colour.alpha(colour.a * share);
        Self::Radial(
            (x, y),
            radius,
            vec![
                (0.0, colour),
                (0.35, faded(0.5)),
                (0.7, faded(0.13)),
                (1.0, faded(0.0)),
            ],
        )
    }

    fn shader(&self) -> Option<Shader<'static>> {
        let stops = |stops: &[(f32, Colour)]| {
            stops
                .iter()
                .map(|&(at, colour)| GradientStop::new(at, colour.skia()))
                .collect::<Vec<_>>()
        };
        match self {
            Self::Flat(colour) => Some(Shader::SolidColor(colour.skia())),
            Self::Linear(from, to, ramp) => LinearGradient::new(
                Point::from_xy(from.0, from.1),
                Point::from_xy(to.0, to.1),
                stops(ramp),
                SpreadMode::Pad,
                Transform::identity(),
            ),
            Self::Radial(centre, radius, ramp) => {
                let centre = Point::from_xy(centre.0, centre.1);
                RadialGradient::new(
                    centre,
                    0.0,
                    centre,
                    *radius,
                    stops(ramp),
                    SpreadMode::Pad,
                    Transform::identity(),
                )
            }
        }
    }
}

/// A picture being drawn.
#[derive(Debug)]
pub struct Canvas {
    pixmap: Pixmap,
    transform: Transform,
    line_px: f32,
    clips: Vec<Mask>,
}

impl Canvas {
    /// An empty canvas of `width` × `height` pixels whose ordinary line is `line_px` wide.
    /// None where a side is 0.
    pub fn new(width: u32, height: u32, line_px: f32) -> Option<Self> {
        let pixmap = Pixmap::new(width, height)?;
        Some(Self {
            pixmap,
            transform: Transform::identity(),
            line_px,
            clips: Vec::new(),
        })
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.pixmap.width()
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.pixmap.height()
    }

    /// Width ÷ height.
    pub fn aspect(&self) -> f32 {
        self.width() as f32 / self.height() as f32
    }

    /// The pixels, premultiplied RGBA.
    pub fn pixmap_mut(&mut self) -> &mut Pixmap {
        &mut self.pixmap
    }

    /// The pixels without their opacity.
    pub fn into_image(self) -> Option<RgbImage> {
        let rgb = self
            .pixmap
            .data()
            .chunks_exact(4)
            .flat_map(|px| [px[0], px[1], px[2]])
            .collect();
        RgbImage::new(self.width(), self.height(), rgb)
    }

    /// Draws in the coordinates that `inner` maps to the current ones.
    pub fn within(&mut self, inner: Transform, draw: impl FnOnce(&mut Self)) {
        let outer = self.transform;
        self.transform = outer.pre_concat(inner);
        draw(self);
        self.transform = outer;
    }

    /// Draws only inside `shape` (and inside every shape around it).
    pub fn clipped(&mut self, shape: &Shape, draw: impl FnOnce(&mut Self)) {
        let Some(path) = &shape.0 else { return };
        let mask = if let Some(outer) = self.clips.last() {
            let mut mask = outer.clone();
            mask.intersect_path(path, FillRule::Winding, true, self.transform);
            Some(mask)
        } else {
            let mut mask = Mask::new(self.width(), self.height());
            if let Some(mask) = &mut mask {
                mask.fill_path(path, FillRule::Winding, true, self.transform);
            }
            mask
        };
        let Some(mask) = mask else { return };
        self.clips.push(mask);
        draw(self);
        self.clips.pop();
    }

    /// Fills `shape`.
    pub fn fill(&mut self, shape: &Shape, fill: impl Into<Fill>) {
        self.blend(shape, fill, BlendMode::SourceOver);
    }

    /// Fills `shape` by a blend mode of its own.
    pub fn blend(&mut self, shape: &Shape, fill: impl Into<Fill>, mode: BlendMode) {
        let (Some(path), Some(shader)) = (&shape.0, fill.into().shader()) else {
            return;
        };
        let paint = Paint {
            shader,
            blend_mode: mode,
            anti_alias: true,
            ..Paint::default()
        };
        let mask = self.clips.last();
        self.pixmap
            .fill_path(path, &paint, FillRule::Winding, self.transform, mask);
    }

    /// Draws the outline of `shape` as a pen does: its width breathes, its ends taper, and
    /// corners end one stroke and begin another. `weight` 1 is the ordinary line.
    pub fn ink(&mut self, shape: &Shape, colour: Colour, weight: f32) {
        let Some(path) = shape
            .0
            .clone()
            .and_then(|path| path.transform(self.transform))
        else {
            return;
        };
        let Some(strokes) = ink::strokes(&path, self.line_px * weight) else {
            return;
        };
        let paint = Paint {
            shader: Shader::SolidColor(colour.skia()),
            anti_alias: true,
            ..Paint::default()
        };
        let mask = self.clips.last();
        self.pixmap.fill_path(
            &strokes,
            &paint,
            FillRule::Winding,
            Transform::identity(),
            mask,
        );
    }

    /// Fills `shape` and inks its outline.
    pub fn draw(&mut self, shape: &Shape, fill: impl Into<Fill>, line: Colour, weight: f32) {
        self.fill(shape, fill);
        self.ink(shape, line, weight);
    }

    /// Lays `other` over the whole canvas, enlarged to it.
    pub fn lay(&mut self, other: &Self) {
        let (width, height) = (self.width(), self.height());
        let is_same_size = width == other.width() && height == other.height();
        let stretched = (!is_same_size)
            .then(|| stretch(&other.pixmap, width, height))
            .flatten();
        let layer = stretched.as_ref().unwrap_or(&other.pixmap).data();
        for (under, over) in self
            .pixmap
            .data_mut()
            .chunks_exact_mut(4)
            .zip(layer.chunks_exact(4))
        {
            let free = 255 - u32::from(over[3]);
            for (under, over) in under.iter_mut().zip(over) {
                *under = over.saturating_add(((u32::from(*under) * free + 127) / 255) as u8);
            }
        }
    }
}
