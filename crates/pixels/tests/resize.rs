//! Fifty resizes, every byte as Pillow's: see `tests/golden/make_captioners.py`.

use sha2::{Digest as _, Sha256};
use terminus_pixels::{PillowFilter, RgbImage};

#[test]
fn every_byte_is_pillows() {
    let mut count = 0;
    for line in include_str!("data/resizes.txt").lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| fields[at].parse::<u32>().unwrap();
        let (n, width, height) = (number(0), number(1), number(2));
        let data = (0..width * height * 3)
            .map(|i| {
                let i = u64::from(i);
                ((i * i * 31 + i * 17 + u64::from(n) * 101) >> 3) as u8
            })
            .collect();
        let image = RgbImage::new(width, height, data).unwrap();
        let filter = match fields[5] {
            "bicubic" => PillowFilter::Bicubic,
            _ => PillowFilter::Lanczos,
        };
        let resized = image.resized_as_pillow(number(3), number(4), filter);
        assert_eq!(
            (resized.width_px, resized.height_px),
            (number(3), number(4))
        );
        assert_eq!(
            hex::encode(Sha256::digest(&resized.data)),
            fields[6],
            "{line}"
        );
        count += 1;
    }
    assert_eq!(count, 50);
}

#[test]
fn a_padded_picture_stands_in_the_middle_of_its_square() {
    let image = RgbImage::new(2, 5, vec![7; 30]).unwrap();
    let square = image.padded_to_square([255; 3]);
    assert_eq!((square.width_px, square.height_px), (5, 5));
    assert_eq!(square.pixel(4, 1), Some([7; 3]));
    assert_eq!(square.pixel(0, 0), Some([255; 3]));
    assert_eq!(square.pixel(4, 3), Some([255; 3]));
}
