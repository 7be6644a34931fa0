//! Places: layer by layer from the sky to what lies at one's feet.
//!
//! A place is drawn in picture heights: x from 0 to the aspect, y from 0 (top) to 1.

mod city;
mod flowers;
mod forest;
mod mountains;
mod room;
mod sea;
mod sky;

use crate::attributes::{Dye, Line, Place, Time};
use crate::canvas::Canvas;
use crate::colour::Colour;
use crate::dice::Dice;
use crate::light::Light;

/// A place in its light.
#[derive(Debug)]
pub struct Scene {
    /// The light.
    light: Light,
    /// Width ÷ height.
    aspect: f32,
    /// The colour of the place's own object; None where the place is only a background.
    accent: Option<Dye>,
}

impl Scene {
    /// The colours of a thing at `depth` (0 near, 1 far): lit, shaded, line.
    fn tones(&self, colour: Colour, depth: f32) -> (Colour, Colour, Colour) {
        let light = &self.light;
        (
            light.far(light.lit(colour), depth),
            light.far(light.shaded(colour), depth),
            light.far(light.line(colour), depth * 0.9),
        )
    }
}

/// Draws `place` at `time` over the whole canvas, with its object where there is an `accent`.
pub fn draw(canvas: &mut Canvas, place: Place, time: Time, accent: Option<Dye>, dice: &mut Dice) {
    let scene = Scene {
        light: Light::at(time),
        aspect: canvas.aspect(),
        accent,
    };
    let height = canvas.height() as f32;
    canvas.within(
        tiny_skia::Transform::from_scale(height, height),
        |canvas| match place {
            Place::City => city::draw(canvas, &scene, dice),
            Place::Mountains => mountains::draw(canvas, &scene, dice),
            Place::Sea => sea::draw(canvas, &scene, dice),
            Place::Forest => forest::draw(canvas, &scene, dice),
            Place::Room => room::draw(canvas, &scene, dice),
            Place::Flowers => flowers::draw(canvas, &scene, dice),
        },
    );
}

/// The ordinary line of a picture whose shorter side has `side_px` pixels.
pub fn line_px(line: Line, side_px: u32) -> f32 {
    let share = match line {
        Line::Thin => 0.0022,
        Line::Medium => 0.0050,
        Line::Thick => 0.0100,
    };
    share * side_px as f32
}
