//! What lies behind a person, far out of focus.

use super::Setting;
use crate::canvas::{Canvas, Fill};
use crate::colour::{Colour, hex};
use crate::curve::Shape;
use crate::dice::Dice;
use crate::finish;

/// Draws the backdrop over the whole canvas. None where a side has no pixels.
pub fn draw(canvas: &mut Canvas, setting: Setting, dice: &mut Dice) -> Option<()> {
    // What is this blurred needs few pixels.
    let shrink = (canvas.width().max(canvas.height()) as f32 / 192.0).max(1.0);
    let (width, height) = (
        canvas.width() as f32 / shrink,
        canvas.height() as f32 / shrink,
    );
    let mut small = Canvas::new(width.ceil() as u32, height.ceil() as u32, 1.0)?;
    let aspect = small.aspect();
    let unit = tiny_skia::Transform::from_scale(small.height() as f32, small.height() as f32);
    small.within(unit, |canvas| match setting {
        Setting::Window => window(canvas, aspect, dice),
        Setting::Lamp => evening(canvas, aspect, dice),
        Setting::Park => park(canvas, aspect, dice),
        Setting::Street => street(canvas, aspect, dice),
        Setting::Sunset => sunset(canvas, aspect, dice),
        Setting::Studio => studio(canvas, aspect, dice),
    });
    let radius = small.width().min(small.height()) as f32
        * if setting == Setting::Studio {
            0.01
        } else {
            0.028
        };
    finish::blur(small.pixmap_mut(), (radius.round() as usize).max(1));
    small.within(unit, |canvas| discs(canvas, aspect, setting, dice));
    canvas.lay(&small);
    Some(())
}

fn wash(canvas: &mut Canvas, aspect: f32, top: Colour, bottom: Colour) {
    canvas.fill(
        &Shape::rect(0.0, 0.0, aspect, 1.0),
        Fill::vertical(0.0, top, 1.0, bottom),
    );
}

fn patches(
    canvas: &mut Canvas,
    dice: &mut Dice,
    area: (f32, f32, f32, f32),
    count: usize,
    colours: [Colour; 4],
) {
    let (left, top, right, bottom) = area;
    for _ in 0..count {
        let (x, y) = (dice.range(left, right), dice.range(top, bottom));
        let (rx, ry) = (dice.range(0.03, 0.13), dice.range(0.03, 0.11));
        canvas.fill(
            &Shape::oval(x, y, rx, ry),
            dice.pick(colours).alpha(dice.range(0.3, 0.85)),
        );
    }
}

fn window(canvas: &mut Canvas, aspect: f32, dice: &mut Dice) {
    wash(canvas, aspect, hex(0x9a948a), hex(0x5b5248));
    let x = aspect * dice.pick([0.12, 0.68]);
    canvas.fill(&Shape::rect(x, 0.05, aspect * 0.24, 0.62), hex(0xf4f6f2));
    canvas.fill(
        &Shape::rect(x + aspect * 0.115, 0.05, 0.014, 0.62),
        hex(0xb8b2a6),
    );
    let shelf = aspect - x - aspect * 0.2;
    canvas.fill(
        &Shape::rect(shelf, 0.25, aspect * 0.22, 0.75),
        hex(0x4a3a2c),
    );
    let colours = [hex(0x7a4a38), hex(0x4f5f6a), hex(0xa08a5c), hex(0x39443a)];
    patches(
        canvas,
        dice,
        (shelf, 0.28, shelf + aspect * 0.22, 0.9),
        14,
        colours,
    );
    patches(
        canvas,
        dice,
        (0.0, 0.8, aspect, 1.0),
        8,
        [hex(0x6a5442), hex(0x7b6a58), hex(0x463a30), hex(0x8a7a66)],
    );
}

fn evening(canvas: &mut Canvas, aspect: f32, dice: &mut Dice) {
    wash(canvas, aspect, hex(0x3a2a20), hex(0x1a1310));
    let colours = [hex(0x5c3f28), hex(0x7a5230), hex(0x2a1d18), hex(0x40302a)];
    patches(canvas, dice, (0.0, 0.1, aspect, 1.0), 22, colours);
    let (x, y) = (aspect * dice.range(0.08, 0.92), dice.range(0.22, 0.45));
    canvas.fill(
        &Shape::circle(x, y, 0.5),
        Fill::glow(x, y, 0.5, hex(0xffb566).alpha(0.85)),
    );
    canvas.fill(&Shape::oval(x, y, 0.09, 0.11), hex(0xffe9c4));
}

fn park(canvas: &mut Canvas, aspect: f32, dice: &mut Dice) {
    wash(canvas, aspect, hex(0xcfe0ea), hex(0x6f8a52));
    let leaves = [hex(0x4f7a36), hex(0x7fa04c), hex(0x35552a), hex(0xa4ba68)];
    patches(canvas, dice, (0.0, 0.0, aspect, 0.65), 46, leaves);
    patches(
        canvas,
        dice,
        (0.0, 0.0, aspect, 0.4),
        9,
        [hex(0xe6eff2), hex(0xd4e4e6), hex(0xf2f6ee), hex(0xc4d8d8)],
    );
    patches(
        canvas,
        dice,
        (0.0, 0.66, aspect, 1.0),
        20,
        [hex(0x7d9a58), hex(0x8fa866), hex(0x5f7d44), hex(0xb0b684)],
    );
    for _ in 0..3 {
        let x = dice.range(0.0, aspect);
        canvas.fill(
            &Shape::rect(x, 0.0, dice.range(0.03, 0.07), 0.72),
            hex(0x4a3c2c).alpha(0.7),
        );
    }
}

fn street(canvas: &mut Canvas, aspect: f32, dice: &mut Dice) {
    wash(canvas, aspect, hex(0x0d1220), hex(0x1c1a1e));
    let walls = [hex(0x1a2030), hex(0x2a2420), hex(0x141824), hex(0x33291f)];
    patches(canvas, dice, (0.0, 0.0, aspect, 1.0), 24, walls);
    for _ in 0..4 {
        let (x, y) = (dice.range(0.0, aspect), dice.range(0.25, 0.6));
        let sign = dice.pick([hex(0xd04a5a), hex(0x3fa0c8), hex(0xe0a040), hex(0x58b07a)]);
        canvas.fill(
            &Shape::rect(x, y, dice.range(0.06, 0.2), dice.range(0.03, 0.12)),
            sign.alpha(0.7),
        );
    }
}

fn sunset(canvas: &mut Canvas, aspect: f32, dice: &mut Dice) {
    wash(canvas, aspect, hex(0x8d93b0), hex(0xe8a468));
    canvas.fill(
        &Shape::rect(0.0, 0.62, aspect, 0.4),
        Fill::vertical(0.62, hex(0x8a6244), 1.0, hex(0x3f3226)),
    );
    let (x, y) = (aspect * dice.range(0.15, 0.85), dice.range(0.40, 0.56));
    canvas.fill(
        &Shape::circle(x, y, 0.7),
        Fill::glow(x, y, 0.7, hex(0xffdf9e)),
    );
    canvas.fill(&Shape::circle(x, y, 0.06), hex(0xfffbe8));
    patches(
        canvas,
        dice,
        (0.0, 0.55, aspect, 0.75),
        14,
        [hex(0x54412f), hex(0x6b5238), hex(0x3c3226), hex(0x7a5c3a)],
    );
}

fn studio(canvas: &mut Canvas, aspect: f32, dice: &mut Dice) {
    let paper = dice.pick([hex(0x8a8c90), hex(0x5f6a72), hex(0xb9b2a8), hex(0x6d5f58)]);
    wash(canvas, aspect, paper.darker(0.45), paper.darker(0.3));
    let (x, y) = (aspect * dice.range(0.35, 0.65), dice.range(0.35, 0.5));
    canvas.fill(
        &Shape::circle(x, y, 0.85),
        Fill::glow(x, y, 0.85, paper.lighter(0.35)),
    );
}

/// Points of light out of focus: discs with a slightly brighter edge.
fn discs(canvas: &mut Canvas, aspect: f32, setting: Setting, dice: &mut Dice) {
    let (count, colours) = match setting {
        Setting::Street => (
            26,
            [hex(0xffb257), hex(0xffe2b0), hex(0x7fc4ff), hex(0xff6a6a)],
        ),
        Setting::Lamp => (
            9,
            [hex(0xffb25a), hex(0xffd79a), hex(0xff9a44), hex(0xffe6c2)],
        ),
        Setting::Park => (
            12,
            [hex(0xf4fbe0), hex(0xe2f2b4), hex(0xffffff), hex(0xd0e8a0)],
        ),
        Setting::Sunset => (
            8,
            [hex(0xffd694), hex(0xffb870), hex(0xfff0cc), hex(0xffc27a)],
        ),
        Setting::Window | Setting::Studio => return,
    };
    let radius = dice.range(0.020, 0.036);
    for _ in 0..count {
        let (x, y) = (dice.range(0.0, aspect), dice.range(0.02, 0.72));
        let radius = radius * dice.range(0.7, 1.25);
        let colour = dice.pick(colours);
        let opacity = dice.range(0.12, 0.55);
        canvas.fill(&Shape::circle(x, y, radius), colour.alpha(opacity));
        canvas.fill(
            &Shape::circle(x, y, radius * 0.86),
            colour.darker(0.15).alpha(opacity * 0.4),
        );
    }
}
