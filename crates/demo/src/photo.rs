//! Photo-like anchors: people in soft light, seen through a lens.

use serde::Serialize;
use terminus_pixels::RgbImage;

use crate::canvas::{Canvas, Fill};
use crate::colour::{Colour, hex};
use crate::curve::{Shape, k, s};
use crate::dice::Dice;
use crate::finish;

/// What a photo shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PhotoAttributes {
    /// Inside by a lamp instead of outside.
    pub is_indoors: bool,
}

impl PhotoAttributes {
    /// A photo.
    pub fn any(dice: &mut Dice) -> Self {
        Self {
            is_indoors: dice.chance(0.5),
        }
    }
}

/// Takes the photo. None where a side has no pixels.
pub fn draw(
    attributes: PhotoAttributes,
    (width, height): (u32, u32),
    picture_seed: u64,
) -> Option<RgbImage> {
    let mut dice = Dice::new(picture_seed, 0, "photo");
    let mut canvas = Canvas::new(width, height, 1.0)?;
    let aspect = canvas.aspect();
    let unit = tiny_skia::Transform::from_scale(height as f32, height as f32);
    let side_px = width.min(height) as f32;
    canvas.within(unit, |canvas| {
        backdrop(canvas, attributes, aspect, &mut dice)
    });
    finish::blur(canvas.pixmap_mut(), (side_px * 0.03) as usize);
    canvas.within(unit, |canvas| person(canvas, aspect, &mut dice));
    finish::blur(canvas.pixmap_mut(), (side_px * 0.004).round() as usize);
    let mut image = canvas.into_image()?;
    let (cx, cy) = (width as f32 / 2.0, height as f32 / 2.0);
    for (i, px) in image.data.chunks_exact_mut(3).enumerate() {
        let (x, y) = (
            (i as u32 % width) as f32 - cx,
            (i as u32 / width) as f32 - cy,
        );
        let fall = 1.0 - 0.35 * (x * x + y * y) / (cx * cx + cy * cy);
        let grain = dice.jitter(9.0);
        for channel in px {
            *channel = (f32::from(*channel) * fall + grain).clamp(0.0, 255.0) as u8;
        }
    }
    Some(image)
}

fn backdrop(canvas: &mut Canvas, attributes: PhotoAttributes, aspect: f32, dice: &mut Dice) {
    let (top, bottom, lights): (Colour, Colour, [Colour; 3]) = if attributes.is_indoors {
        (
            hex(0x5a4636),
            hex(0x2c221c),
            [hex(0xffd9a0), hex(0xb07a4a), hex(0x7a5a44)],
        )
    } else {
        (
            hex(0xb8cde0),
            hex(0x4c6b3a),
            [hex(0x86a85a), hex(0xd8e4d0), hex(0x3f5a30)],
        )
    };
    canvas.fill(
        &Shape::rect(0.0, 0.0, aspect, 1.0),
        Fill::vertical(0.1, top, 0.8, bottom),
    );
    for _ in 0..18 {
        let (x, y, radius) = (
            dice.range(0.0, aspect),
            dice.range(0.0, 0.8),
            dice.range(0.03, 0.12),
        );
        canvas.fill(
            &Shape::circle(x, y, radius),
            dice.pick(lights).alpha(dice.range(0.2, 0.7)),
        );
    }
}

fn person(canvas: &mut Canvas, aspect: f32, dice: &mut Dice) {
    let (x, y) = (aspect * dice.range(0.4, 0.6), dice.range(0.36, 0.42));
    let size = 0.19 * aspect.min(1.0) + 0.03;
    let skin = dice.pick([hex(0xe8b898), hex(0xc98f6a), hex(0x8a5a40), hex(0x5c3a2a)]);
    let hair = dice.pick([hex(0x2a1c16), hex(0x5a3a22), hex(0x9a7a4a), hex(0x706a66)]);
    let cloth = dice.pick([
        hex(0x2f4a6a),
        hex(0x7a2f2f),
        hex(0x3a5a3f),
        hex(0xb0a898),
        hex(0x26262a),
    ]);
    let shaded = |colour: Colour, cx: f32, cy: f32, radius: f32| {
        Fill::Radial(
            (cx - radius * 0.4, cy - radius * 0.4),
            radius * 1.6,
            vec![
                (0.0, colour.lighter(0.25)),
                (0.5, colour),
                (1.0, colour.darker(0.6)),
            ],
        )
    };
    let torso = Shape::closed(&[
        s(x - size * 0.4, y + size * 1.3),
        s(x - size * 1.5, y + size * 1.8),
        k(x - size * 1.9, 1.2),
        k(x + size * 1.9, 1.2),
        s(x + size * 1.5, y + size * 1.8),
        s(x + size * 0.4, y + size * 1.3),
    ]);
    canvas.fill(
        &Shape::oval(x, y - size * 0.15, size * 0.92, size * 1.12),
        shaded(hair, x, y, size * 1.2),
    );
    canvas.fill(&torso, shaded(cloth, x, y + size * 2.0, size * 2.0));
    canvas.fill(
        &Shape::rounded(
            x - size * 0.32,
            y + size * 0.5,
            size * 0.64,
            size * 1.0,
            size * 0.3,
        ),
        skin.darker(0.3),
    );
    canvas.fill(
        &Shape::oval(x, y + size * 0.08, size * 0.74, size * 0.98),
        shaded(skin, x, y, size),
    );
    for side in [-1.0, 1.0] {
        canvas.fill(
            &Shape::oval(x + side * size * 0.30, y, size * 0.14, size * 0.06),
            skin.darker(0.6),
        );
    }
    canvas.fill(
        &Shape::oval(x, y + size * 0.55, size * 0.22, size * 0.05),
        hex(0x9a4a44).alpha(0.8),
    );
}
