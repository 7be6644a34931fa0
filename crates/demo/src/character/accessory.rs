//! What is worn in the hair or on the face.

use super::Character;
use crate::attributes::Accessory;
use crate::canvas::Canvas;
use crate::colour::hex;
use crate::curve::{Shape, k, s};

/// Draws the character's accessory.
pub fn draw(canvas: &mut Canvas, character: &Character) {
    match character.details.accessory {
        Accessory::Nothing => {}
        Accessory::CatEars => cat_ears(canvas, character),
        Accessory::Glasses => glasses(canvas, character),
        Accessory::Ribbon => ribbon(canvas, character),
        Accessory::Headphones => headphones(canvas, character),
        Accessory::Flower => flower(canvas, character),
    }
}

fn cat_ears(canvas: &mut Canvas, character: &Character) {
    let light = &character.light;
    let hair = character.attributes.hair_colour.colour();
    for side in [-1.0, 1.0] {
        let ear = Shape::closed(&[
            k(side * 0.16, -0.74),
            s(side * 0.26, -0.98),
            k(side * 0.47, -1.10),
            s(side * 0.56, -0.84),
            k(side * 0.53, -0.48),
            s(side * 0.36, -0.64),
        ]);
        canvas.draw(&ear, light.lit(hair), light.line(hair), 1.05);
        let inner = Shape::closed(&[
            k(side * 0.27, -0.76),
            s(side * 0.34, -0.92),
            k(side * 0.45, -1.0),
            s(side * 0.49, -0.80),
            k(side * 0.47, -0.62),
            s(side * 0.37, -0.70),
        ]);
        canvas.fill(&inner, light.lit(hex(0xf6b0ae)));
    }
}

fn glasses(canvas: &mut Canvas, character: &Character) {
    let (light, rig) = (&character.light, &character.rig);
    let frame = light.line(hex(0x4a3030));
    for side in [-1.0, 1.0] {
        let (x, y) = rig.turned(side * 0.232, 0.125);
        let width = 0.185 * rig.foreshortening(side * 0.232);
        let lens = Shape::rounded(x - width, y - 0.155, width * 2.0, 0.33, 0.14);
        canvas.fill(&lens, light.lit(hex(0xdff0ff)).alpha(0.16));
        canvas.clipped(&lens, |canvas| {
            let streak = Shape::polygon(&[
                (x - 0.10, y - 0.2),
                (x - 0.03, y - 0.2),
                (x - 0.13, y + 0.2),
                (x - 0.20, y + 0.2),
            ]);
            canvas.fill(&streak, hex(0xffffff).alpha(0.28));
        });
        canvas.ink(&lens, frame, 1.7);
        let arm = Shape::open(&[
            s(x + side * width, y - 0.04),
            s(side * 0.49 - rig.yaw * 0.08, y - 0.05),
        ]);
        canvas.ink(&arm, frame, 1.5);
    }
    let (left, y) = rig.turned(-0.05, 0.10);
    let (right, _) = rig.turned(0.05, 0.10);
    canvas.ink(
        &Shape::open(&[
            s(left, y),
            s(f32::midpoint(left, right), y - 0.02),
            s(right, y),
        ]),
        frame,
        1.6,
    );
}

fn ribbon(canvas: &mut Canvas, character: &Character) {
    let light = &character.light;
    let colour = hex(0xd8364e);
    let side = -character.rig.light_side;
    let (x, y) = (side * 0.40, -0.66);
    for wing in [-1.0, 1.0] {
        let loop_ = Shape::closed(&[
            k(x, y),
            s(x + wing * 0.16, y - 0.17 + wing * side * 0.06),
            s(x + wing * 0.30, y - 0.10 + wing * side * 0.10),
            s(x + wing * 0.26, y + 0.10 + wing * side * 0.08),
            s(x + wing * 0.10, y + 0.07),
        ]);
        canvas.draw(&loop_, light.lit(colour), light.line(colour), 1.0);
        let fold = Shape::open(&[
            s(x + wing * 0.05, y),
            s(x + wing * 0.15, y - 0.01 + wing * side * 0.04),
        ]);
        canvas.ink(&fold, light.line(colour), 0.8);
    }
    canvas.draw(
        &Shape::oval(x, y, 0.06, 0.065),
        light.shaded(colour),
        light.line(colour),
        1.0,
    );
}

fn headphones(canvas: &mut Canvas, character: &Character) {
    let light = &character.light;
    let shell = hex(0xeef1f6);
    let pad = hex(0x3b3f4c);
    let arch = |grow: f32| {
        [
            (-0.60, -0.02),
            (-0.565, -0.48),
            (0.0, -0.90),
            (0.565, -0.48),
            (0.60, -0.02),
        ]
        .map(|(x, y)| (x * grow, y * grow))
    };
    let (outer, inner) = (arch(1.04), arch(0.965));
    let ends = |i: usize, (x, y): (f32, f32)| if i == 0 || i == 4 { k(x, y) } else { s(x, y) };
    let mut knots: Vec<_> = outer
        .into_iter()
        .enumerate()
        .map(|(i, at)| ends(i, at))
        .collect();
    knots.extend(
        inner
            .into_iter()
            .enumerate()
            .rev()
            .map(|(i, at)| ends(i, at)),
    );
    canvas.draw(
        &Shape::closed(&knots),
        light.lit(shell),
        light.line(pad),
        1.0,
    );
    for side in [-1.0, 1.0] {
        let x = side * 0.575 - character.rig.yaw * 0.05;
        canvas.draw(
            &Shape::rounded(x - 0.10, -0.13, 0.20, 0.40, 0.09),
            light.lit(pad),
            light.line(pad),
            1.0,
        );
        canvas.draw(
            &Shape::rounded(x - 0.05 + side * 0.06, -0.09, 0.11, 0.32, 0.05),
            light.lit(shell),
            light.line(pad),
            0.9,
        );
    }
}

fn flower(canvas: &mut Canvas, character: &Character) {
    let light = &character.light;
    let petal = hex(0xfff3f6);
    let side = -character.rig.light_side;
    let (x, y) = (side * 0.45, -0.36);
    for i in 0..5 {
        let angle = i as f32 * 1.2566 - 0.4;
        let (dx, dy) = (angle.cos(), angle.sin());
        let leaf = Shape::closed(&[
            k(x, y),
            s(x + dx * 0.10 - dy * 0.075, y + dy * 0.10 + dx * 0.075),
            s(x + dx * 0.19, y + dy * 0.19),
            s(x + dx * 0.10 + dy * 0.075, y + dy * 0.10 - dx * 0.075),
        ]);
        canvas.draw(&leaf, light.lit(petal), light.line(hex(0xe08aa4)), 0.9);
    }
    canvas.draw(
        &Shape::circle(x, y, 0.05),
        light.lit(hex(0xf7c948)),
        light.line(hex(0xe08aa4)),
        0.8,
    );
}
