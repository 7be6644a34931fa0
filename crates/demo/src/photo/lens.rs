//! What a lens and a sensor add: softness, falling light towards the corners, grain.

use tiny_skia::Pixmap;

use crate::dice::Dice;
use crate::finish;

/// Exposes a finished picture.
pub fn expose(picture: &mut Pixmap, dice: &mut Dice) {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let side_px = width.min(height) as f32;
    finish::blur(picture, (side_px / 1024.0).round() as usize);
    let (cx, cy) = (width as f32 / 2.0, height as f32 / 2.0);
    let corner = cx * cx + cy * cy;
    let fall = dice.range(0.18, 0.38);
    // A small picture of the same scene averages grain away.
    let grain = dice.range(4.0, 9.0) * (side_px / 1024.0).sqrt().clamp(0.3, 1.0);
    let cast = [dice.range(0.97, 1.03), 1.0, dice.range(0.96, 1.03)];
    for (i, px) in picture.data_mut().chunks_exact_mut(4).enumerate() {
        let (x, y) = ((i % width) as f32 - cx, (i / width) as f32 - cy);
        let falling = 1.0 - fall * (x * x + y * y) / corner;
        let bits = dice.bits();
        let draw = |shift: u32| ((bits >> shift) & 0xff) as f32 / 255.0;
        let luma = draw(0) + draw(8) + draw(16) - 1.5;
        for (channel, value) in px[..3].iter_mut().enumerate() {
            let own = draw(24 + 8 * channel as u32) - 0.5;
            let level = f32::from(*value) / 255.0;
            // Shot noise: strongest in the darker middle tones.
            let amount = grain * (0.45 + 1.1 * (level * (1.0 - level)).max(0.0).sqrt());
            let exposed =
                f32::from(*value) * falling * cast[channel] + (luma + 0.45 * own) * amount;
            *value = exposed.clamp(0.0, 255.0) as u8;
        }
    }
}
