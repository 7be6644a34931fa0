//! Regions of JPEGs against crops of the whole, for every layout of planes that the encoder writes.

use libjpeg_turbo_rs::{Encoder, PixelFormat};
use terminus_pixels::{Limits, PixelPolicy, decode, decode_region};

const WIDTH: u32 = 203;
const HEIGHT: u32 = 141;

fn picture() -> Vec<u8> {
    let pixel = |x: u32, y: u32| {
        let stripe = (x / 9 + y / 5).is_multiple_of(2);
        [
            if stripe { 240 } else { 15 },
            (x * x / 7 + y) as u8,
            (y * 5 + x / 2) as u8,
        ]
    };
    (0..HEIGHT)
        .flat_map(|y| (0..WIDTH).flat_map(move |x| pixel(x, y)))
        .collect()
}

/// Edges near, on and off the grid of iMCUs, and at the picture's own edges.
fn edges(length: u32) -> impl Iterator<Item = (u32, u32)> + Clone {
    let starts = [0, 1, 15, 16, 17, 31, 64, length / 2, length - 9, length - 1];
    let lengths = [1, 2, 8, 33, 64, length];
    starts.into_iter().flat_map(move |start| {
        lengths
            .into_iter()
            .map(move |extent| (start, extent.min(length - start)))
    })
}

#[test]
fn a_region_is_byte_equal_to_the_crop_of_the_whole_in_every_layout() {
    let rgb = picture();
    let layouts: [[(u8, u8); 3]; 11] = [
        [(1, 1), (1, 1), (1, 1)],
        [(2, 1), (1, 1), (1, 1)],
        [(2, 2), (1, 1), (1, 1)],
        [(1, 2), (1, 1), (1, 1)],
        [(4, 1), (1, 1), (1, 1)],
        [(1, 4), (1, 1), (1, 1)],
        [(3, 1), (1, 1), (1, 1)],
        [(2, 2), (2, 1), (1, 2)],
        [(2, 2), (1, 1), (2, 2)],
        [(1, 2), (1, 1), (1, 2)],
        [(2, 1), (2, 1), (2, 1)],
    ];
    let (policy, limits) = (PixelPolicy::default(), Limits::default());
    for layout in layouts {
        for restart_rows in [0, 1] {
            let bytes = Encoder::new(&rgb, WIDTH as usize, HEIGHT as usize, PixelFormat::Rgb)
                .quality(85)
                .sampling_factors(layout.to_vec())
                .restart_rows(restart_rows)
                .encode()
                .unwrap();
            let whole = decode(&bytes, &policy, &limits).unwrap().image;
            // Columns with rows in turn: every edge of each, not every pair of them.
            for ((left, width), (top, height)) in edges(WIDTH).zip(edges(HEIGHT).cycle().skip(17)) {
                let region = decode_region(&bytes, top, left, width, height, &policy, &limits);
                let crop = whole.crop(top, left, width, height).unwrap();
                let is_equal = region.unwrap().image == crop;
                assert!(is_equal, "{layout:?} at {top},{left} {width}x{height}");
            }
        }
    }
}
