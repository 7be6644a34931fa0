//! What is done to finished pixels: rim light, glow, blur.

use tiny_skia::Pixmap;

use crate::attributes::Time;
use crate::colour::Colour;
use crate::picture::bloom;

/// Lights the edges of a figure on a transparent layer that face `side` (1 right, -1 left) and up.
pub fn rim(layer: &mut Pixmap, colour: Colour, side: f32) {
    let (width, height) = (layer.width() as usize, layer.height() as usize);
    let reach = (width.min(height) as f32 * 0.010).max(1.0);
    let (dx, dy) = (
        (side * reach).round() as isize,
        -(reach * 0.55).round() as isize,
    );
    let alpha: Vec<u8> = layer.data().chunks_exact(4).map(|px| px[3]).collect();
    let light = [colour.r, colour.g, colour.b].map(|channel| (channel * 255.0) as i32);
    let strength = (colour.a * 256.0) as i32;
    let data = layer.data_mut();
    for y in 0..height {
        let other_y = y as isize + dy;
        for x in 0..width {
            let at = y * width + x;
            if alpha[at] == 0 {
                continue;
            }
            let other_x = x as isize + dx;
            let is_inside =
                (0..height as isize).contains(&other_y) && (0..width as isize).contains(&other_x);
            let beyond = if is_inside {
                alpha[other_y as usize * width + other_x as usize]
            } else {
                alpha[at]
            };
            let edge = i32::from(alpha[at].saturating_sub(beyond)) * strength / 255;
            if edge > 0 {
                for (channel, light) in data[at * 4..at * 4 + 3].iter_mut().zip(light) {
                    let lit = light * i32::from(alpha[at]) / 255;
                    *channel = (i32::from(*channel) + (((lit - i32::from(*channel)) * edge) >> 8))
                        .clamp(0, 255) as u8;
                }
            }
        }
    }
}

/// Lets the bright parts of a finished picture glow as the time of day wants it.
pub fn grade(picture: &mut Pixmap, time: Time) {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let cell = (width.min(height) / 96).max(1);
    let (columns, rows) = (width.div_ceil(cell), height.div_ceil(cell));
    let mut glow = vec![0.0f32; columns * rows * 3];
    for row in 0..rows {
        for column in 0..columns {
            let (x0, y0) = (column * cell, row * cell);
            let (x1, y1) = ((x0 + cell).min(width), (y0 + cell).min(height));
            let mut sum = [0u32; 3];
            for y in y0..y1 {
                for px in picture.data()[(y * width + x0) * 4..(y * width + x1) * 4].chunks_exact(4)
                {
                    for (sum, &channel) in sum.iter_mut().zip(px) {
                        *sum += u32::from(channel);
                    }
                }
            }
            let count = ((x1 - x0) * (y1 - y0)) as f32 * 255.0;
            for (channel, sum) in sum.iter().enumerate() {
                let value = *sum as f32 / count;
                glow[(row * columns + column) * 3 + channel] = (value - 0.55).max(0.0) / 0.45;
            }
        }
    }
    let radius = 4;
    for _ in 0..2 {
        glow = box_blur(&glow, columns, rows, 3, radius);
    }
    let strength = bloom(time) / 255.0;
    let reach: Vec<Span> = (0..width).map(|x| Span::new(x, cell, columns)).collect();
    let mut line = vec![0.0f32; columns * 3];
    for (y, row) in picture.data_mut().chunks_exact_mut(width * 4).enumerate() {
        let Span { near, far, share } = Span::new(y, cell, rows);
        for (i, value) in line.iter_mut().enumerate() {
            let (above, below) = (glow[near * columns * 3 + i], glow[far * columns * 3 + i]);
            *value = (above + (below - above) * share) * strength;
        }
        for (px, Span { near, far, share }) in row.chunks_exact_mut(4).zip(&reach) {
            for (channel, value) in px[..3].iter_mut().enumerate() {
                let (left, right) = (line[near * 3 + channel], line[far * 3 + channel]);
                // Screen: light takes a share of what is missing to white.
                let light = (left + (right - left) * share) * f32::from(255 - *value);
                *value = (f32::from(*value) + light * 255.0) as u8;
            }
        }
    }
}

/// Where a pixel lies between the centres of two cells.
#[derive(Clone, Copy)]
struct Span {
    near: usize,
    far: usize,
    share: f32,
}

impl Span {
    fn new(at: usize, cell: usize, cells: usize) -> Self {
        let place = ((at as f32 + 0.5) / cell as f32 - 0.5).clamp(0.0, cells as f32 - 1.0);
        let near = place as usize;
        Self {
            near,
            far: (near + 1).min(cells - 1),
            share: place - near as f32,
        }
    }
}

/// Blurs an opaque picture by two box filters of `radius` pixels; 0 leaves it alone.
pub fn blur(picture: &mut Pixmap, radius: usize) {
    if radius == 0 {
        return;
    }
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut values: Vec<f32> = picture
        .data()
        .iter()
        .map(|&value| f32::from(value))
        .collect();
    for _ in 0..2 {
        values = box_blur(&values, width, height, 4, radius);
    }
    for (byte, value) in picture.data_mut().iter_mut().zip(values) {
        *byte = (value + 0.5) as u8;
    }
}

/// A box filter of `2 · radius + 1` along rows, then columns; edges repeat.
pub fn box_blur(
    values: &[f32],
    width: usize,
    height: usize,
    channels: usize,
    radius: usize,
) -> Vec<f32> {
    let mut rows = vec![0.0; values.len()];
    let share = 1.0 / (2 * radius + 1) as f32;
    for y in 0..height {
        let line = &values[y * width * channels..(y + 1) * width * channels];
        let out = &mut rows[y * width * channels..(y + 1) * width * channels];
        for channel in 0..channels {
            let at = |x: isize| line[x.clamp(0, width as isize - 1) as usize * channels + channel];
            let reach = radius as isize;
            let mut sum: f32 = (-reach..=reach).map(at).sum();
            for x in 0..width {
                out[x * channels + channel] = sum * share;
                sum += at(x as isize + reach + 1) - at(x as isize - reach);
            }
        }
    }
    let stride = width * channels;
    let mut out = vec![0.0; values.len()];
    let line = |y: isize| {
        let y = y.clamp(0, height as isize - 1) as usize;
        &rows[y * stride..(y + 1) * stride]
    };
    let reach = radius as isize;
    let mut sums = vec![0.0; stride];
    for y in -reach..=reach {
        for (sum, value) in sums.iter_mut().zip(line(y)) {
            *sum += value;
        }
    }
    for y in 0..height {
        for (out, sum) in out[y * stride..(y + 1) * stride].iter_mut().zip(&sums) {
            *out = sum * share;
        }
        let (entering, leaving) = (line(y as isize + reach + 1), line(y as isize - reach));
        for ((sum, entering), leaving) in sums.iter_mut().zip(entering).zip(leaving) {
            *sum += entering - leaving;
        }
    }
    out
}
