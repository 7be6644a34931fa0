//! Latents to pixels, whole or tile by tile.

use tch::{Kind, Tensor};

use crate::{Error, networks::AutoencoderKl};

/// Side of a tile, in pixels; a quarter of it is shared with each neighbour.
pub const TILE_PX: u32 = 512;
const OVERLAP: f64 = 0.25;

/// Pixels `[1, 3, H, W]` of `latents` `[1, C, h, w]`, each of which stands for `down` pixels in each direction.
///
/// Tiles need the memory of one tile, whatever the picture's size. Each has norms of its own, so that tones may differ
/// slightly from tile to tile; the shared edges are faded into each other.
pub(super) fn decode(
    vae: &AutoencoderKl,
    latents: &Tensor,
    down: u32,
    is_tiled: bool,
) -> Result<Tensor, Error> {
    let (_, _, height, width) = latents.size4()?;
    let (down, tile) = (i64::from(down), i64::from((TILE_PX / down).max(2)));
    if !is_tiled || (height <= tile && width <= tile) {
        return Ok(vae.decode(latents));
    }
    let options = (Kind::Float, latents.device());
    let sum = Tensor::f_zeros([1, 3, height * down, width * down], options)?;
    let weight = Tensor::f_zeros([1, 1, height * down, width * down], options)?;
    for (top, rows) in tiles(height, tile) {
        for (left, columns) in tiles(width, tile) {
            let part = latents.f_narrow(2, top, rows)?.f_narrow(3, left, columns)?;
            let pixels = vae.decode(&part).f_to_kind(Kind::Float)?;
            let fade = fade(rows * down, tile * down)
                .f_unsqueeze(1)?
                .f_mul(&fade(columns * down, tile * down).f_unsqueeze(0)?)?
                .f_to_device(latents.device())?; // [rows, columns]
            let place = |all: &Tensor| -> Result<Tensor, Error> {
                Ok(all.f_narrow(2, top * down, rows * down)?.f_narrow(
                    3,
                    left * down,
                    columns * down,
                )?)
            };
            let _ = place(&sum)?.f_add_(&(pixels * &fade))?;
            let _ = place(&weight)?.f_add_(&fade)?;
        }
    }
    Ok(sum / weight)
}

/// Begin and length of tiles that cover `side`, the last one flush with its end.
fn tiles(side: i64, tile: i64) -> Vec<(i64, i64)> {
    let step = tile - (tile as f64 * OVERLAP) as i64;
    let mut tiles = Vec::new();
    let mut begin = 0;
    loop {
        if begin + tile >= side {
            tiles.push(((side - tile).max(0), tile.min(side)));
            return tiles;
        }
        tiles.push((begin, tile));
        begin += step;
    }
}

/// Weights that rise from a tile's edge over its shared part; never 0, so that edges of the picture keep their pixels.
fn fade(length: i64, tile: i64) -> Tensor {
    let ramp = (tile as f64 * OVERLAP).max(1.0);
    let weights: Vec<f32> = (0..length)
        .map(|i| {
            let inward = i.min(length - 1 - i) as f64 + 1.0;
            (inward / ramp).min(1.0) as f32
        })
        .collect();
    Tensor::from_slice(&weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_side_without_gaps() {
        for side in 1..300 {
            let tiles = tiles(side, 64);
            let mut covered = 0;
            for (begin, length) in tiles {
                assert!(begin <= covered && begin + length > covered, "{side}");
                covered = begin + length;
            }
            assert_eq!(covered, side);
        }
    }

    #[test]
    fn faded_edges_never_vanish() {
        let weights = fade(96, 64);
        assert!(weights.min().double_value(&[]) > 0.0);
        assert!((weights.max().double_value(&[]) - 1.0).abs() < 1e-6);
    }
}
