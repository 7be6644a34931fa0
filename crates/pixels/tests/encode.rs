//! What is written comes back.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use terminus_pixels::{
    Effort, Error, Limits, PixelPolicy, RgbImage, Subsampling, decode, encode_jpeg, encode_png,
    encode_webp_lossless, inspect,
};

fn picture(width: u32, height: u32) -> RgbImage {
    let data = (0..width * height * 3)
        .map(|i| (i * i / 97 + i % 13) as u8)
        .collect();
    RgbImage::new(width, height, data).unwrap()
}

fn back(bytes: &[u8]) -> RgbImage {
    decode(bytes, &PixelPolicy::default(), &Limits::default())
        .unwrap()
        .image
}

#[test]
fn png_and_webp_keep_every_pixel_and_the_same_pixels_give_the_same_bytes() {
    for (width, height) in [(1, 1), (7, 3), (64, 64), (251, 129)] {
        let image = picture(width, height);
        let png = encode_png(&image, Effort::Fast).unwrap();
        assert!(back(&png) == image);
        assert_eq!(png, encode_png(&image, Effort::Fast).unwrap());
        let webp = encode_webp_lossless(&image).unwrap();
        assert!(back(&webp) == image);
        assert_eq!(webp, encode_webp_lossless(&image).unwrap());
        for bytes in [png, webp] {
            assert!(inspect(&bytes, &Limits::default()).unwrap().is_plain());
        }
    }
}

#[test]
fn flat_and_noisy_pictures_both_survive_png() {
    let flat = RgbImage::new(300, 200, vec![200; 300 * 200 * 3]).unwrap();
    let png = encode_png(&flat, Effort::Fast).unwrap();
    assert!(back(&png) == flat);
    assert!(png.len() < 4_000, "{}", png.len());
    let mut state = 1u32;
    let noise = (0..300 * 200 * 3)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let noise = RgbImage::new(300, 200, noise).unwrap();
    let png = encode_png(&noise, Effort::Fast).unwrap();
    assert!(back(&png) == noise);
    assert!(
        png.len() < noise.data.len() + 2_000,
        "noise grows to {}",
        png.len()
    );
}

#[test]
fn a_jpeg_has_the_subsampling_and_roughly_the_colours_asked_for() {
    let smooth = (0..64 * 48)
        .flat_map(|i| [(i % 64 * 4) as u8, (i / 64 * 5) as u8, 99])
        .collect();
    let image = RgbImage::new(64, 48, smooth).unwrap();
    let grids = [
        (Subsampling::None, (8, 8)),
        (Subsampling::Horizontal, (16, 8)),
        (Subsampling::Both, (16, 16)),
        (Subsampling::Vertical, (8, 16)),
    ];
    for (subsampling, grid) in grids {
        let jpeg = encode_jpeg(&image, 95, subsampling).unwrap();
        assert_eq!(
            inspect(&jpeg, &Limits::default())
                .unwrap()
                .lossless_crop_grid(),
            Some(grid)
        );
        let difference = back(&jpeg)
            .data
            .iter()
            .zip(&image.data)
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        assert!(difference < Some(20), "{subsampling:?}: {difference:?}");
    }
}

#[test]
fn pixels_that_do_not_fill_their_size_are_refused() {
    let short = RgbImage {
        width_px: 10,
        height_px: 10,
        data: vec![0; 299],
    };
    let empty = RgbImage {
        width_px: 0,
        height_px: 10,
        data: Vec::new(),
    };
    for image in [short, empty] {
        let results = [
            encode_png(&image, Effort::Fast),
            encode_jpeg(&image, 90, Subsampling::Both),
            encode_webp_lossless(&image),
        ];
        for result in results {
            assert!(matches!(result, Err(Error::Encode { .. })), "{result:?}");
        }
    }
}
