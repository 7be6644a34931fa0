//! Every odd picture of `data/` against the pixels that Pillow sees in it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::path::PathBuf;

use terminus_pixels::{
    Action, Error, Frames, Header, Limits, PixelPolicy, RgbImage, decode, decode_region, inspect,
};

struct Picture {
    name: String,
    bytes: Vec<u8>,
    expected: RgbImage,
    colour: String,
    tolerance: u8,
}

fn data(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name);
    fs_err::read(path).unwrap()
}

fn pictures() -> Vec<Picture> {
    let index = String::from_utf8(data("expected.txt")).unwrap();
    let pictures: Vec<_> = index.lines().map(picture).collect();
    assert!(pictures.len() > 60, "{} pictures", pictures.len());
    pictures
}

fn picture(line: &str) -> Picture {
    let fields: Vec<_> = line.split(' ').collect();
    let (width, height) = (fields[1].parse().unwrap(), fields[2].parse().unwrap());
    Picture {
        name: fields[0].to_owned(),
        bytes: data(fields[0]),
        expected: RgbImage::new(width, height, data(&format!("{}.rgb", fields[0]))).unwrap(),
        colour: fields[3].to_owned(),
        tolerance: fields[4].parse().unwrap(),
    }
}

fn look(bytes: &[u8]) -> Header {
    inspect(bytes, &Limits::default()).unwrap()
}

#[test]
fn every_picture_has_the_pixels_that_pillow_sees() {
    let mut wrong = Vec::new();
    for Picture {
        name,
        bytes,
        expected,
        tolerance,
        ..
    } in pictures()
    {
        let image = match decode(&bytes, &PixelPolicy::default(), &Limits::default()) {
            Ok(decoded) => decoded.image,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        if (image.width_px, image.height_px) != (expected.width_px, expected.height_px) {
            wrong.push(format!("{name}: {image:?}, not {expected:?}"));
            continue;
        }
        let difference = image
            .data
            .iter()
            .zip(&expected.data)
            .map(|(a, b)| a.abs_diff(*b))
            .max()
            .unwrap();
        if difference > tolerance {
            wrong.push(format!(
                "{name}: differs by {difference}, allowed {tolerance}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_header_alone_tells_size_and_colour() {
    let mut wrong = Vec::new();
    for Picture {
        name,
        bytes,
        expected,
        colour,
        ..
    } in pictures()
    {
        let header = look(&bytes);
        let seen = (header.width_px, header.height_px, header.colour_text());
        if seen != (expected.width_px, expected.height_px, colour.clone()) {
            wrong.push(format!("{name}: {seen:?}, not {expected:?} {colour}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_region_is_the_same_bytes_as_a_crop_of_the_whole() {
    let (policy, limits) = (PixelPolicy::default(), Limits::default());
    for Picture {
        name,
        bytes,
        expected,
        ..
    } in pictures()
    {
        let whole = decode(&bytes, &policy, &limits).unwrap().image;
        let (w, h) = (expected.width_px, expected.height_px);
        for (top, left, width, height) in [
            (0, 0, 1, 1),
            (h - 1, w - 1, 1, 1),
            (3, 5, 9, 8),
            (0, 0, w, h),
            (7, 0, w, 4),
            (0, 8, 10, h),
        ] {
            let region = decode_region(&bytes, top, left, width, height, &policy, &limits).unwrap();
            let crop = whole.crop(top, left, width, height).unwrap();
            assert!(
                region.image == crop,
                "{name} at {top},{left} {width}x{height}"
            );
        }
        let outside = decode_region(&bytes, 0, 1, w, h, &policy, &limits);
        assert!(matches!(outside, Err(Error::OutsideImage { .. })), "{name}");
    }
}

#[test]
fn only_plain_pictures_are_plain() {
    let not_plain = [
        "orientation-2.jpg",
        "orientation-6.jpg",
        "cmyk.jpg",
        "ycck.jpg",
        "adobe-rgb.jpg",
        "grey-icc.jpg",
        "rgba.png",
        "grey-alpha.png",
        "one-bit.png",
        "palette.png",
        "key.png",
        "rgb16.png",
        "grey16.png",
        "wide.png",
        "turned.png",
        "animated.png",
        "lossless-alpha.webp",
        "animated.webp",
        "pages.tif",
    ];
    for name in not_plain {
        assert!(!look(&data(name)).is_plain(), "{name}");
    }
    let plain = [
        "420.jpg",
        "progressive.jpg",
        "grey.jpg",
        "srgb.jpg",
        "rgb-planes.jpg",
        "orientation-1.jpg",
        "rgb.png",
        "grey.png",
        "interlaced.png",
        "srgb-chunk.png",
        "lossless.webp",
        "lossy.webp",
    ];
    for name in plain {
        assert!(look(&data(name)).is_plain(), "{name}");
    }
}

#[test]
fn the_crop_grid_is_the_imcu_of_a_plain_jpeg() {
    let grids = [
        ("444.jpg", Some((8, 8))),
        ("422.jpg", Some((16, 8))),
        ("420.jpg", Some((16, 16))),
        ("grey.jpg", Some((8, 8))),
        ("progressive.jpg", Some((16, 16))),
        ("srgb.jpg", Some((16, 16))),
        ("rgb-planes.jpg", None),
        ("orientation-6.jpg", None),
        ("adobe-rgb.jpg", None),
        ("cmyk.jpg", None),
        ("rgb.png", None),
    ];
    for (name, grid) in grids {
        assert_eq!(look(&data(name)).lossless_crop_grid(), grid, "{name}");
    }
}

/// The decoder would mix up the planes of inks that are sampled unlike Photoshop's.
#[test]
fn unusual_cmyk_is_refused_instead_of_mixed_up() {
    use libjpeg_turbo_rs::{Encoder, PixelFormat};

    let inks: Vec<u8> = (0..40 * 40 * 4).map(|i| (i * i / 50) as u8).collect();
    let encode = |factors: [(u8, u8); 4]| {
        let encoder = Encoder::new(&inks, 40, 40, PixelFormat::Cmyk);
        encoder.sampling_factors(factors.to_vec()).encode().unwrap()
    };
    for (factors, is_read) in [
        ([(1, 1), (1, 1), (1, 1), (1, 1)], true),
        ([(2, 1), (1, 1), (1, 1), (2, 1)], true),
        ([(2, 2), (1, 1), (1, 1), (2, 2)], true),
        ([(2, 2), (1, 1), (1, 1), (1, 1)], false),
        ([(1, 2), (1, 1), (1, 1), (1, 2)], false),
    ] {
        let result = decode(
            &encode(factors),
            &PixelPolicy::default(),
            &Limits::default(),
        );
        let reason = result.err().map(|error| error.reason());
        assert_eq!(
            reason,
            (!is_read).then_some("unsupported_format"),
            "{factors:?}"
        );
    }
}

#[test]
fn the_camera_is_named() {
    let header = look(&data("orientation-6.jpg"));
    assert_eq!(header.camera_make.as_deref(), Some("Terminus"));
    assert_eq!(header.camera_model.as_deref(), Some("One"));
    assert_eq!(header.orientation.exif(), 6);
    assert_eq!(
        (header.stored_width_px, header.stored_height_px),
        (header.height_px, header.width_px)
    );
}

#[test]
fn what_a_policy_rejects_is_refused_with_its_key() {
    type Choose = fn(&mut PixelPolicy) -> &mut Action;
    let cases: [(&str, Choose, &str); 9] = [
        ("rgba.png", |p| &mut p.alpha, "alpha"),
        ("key.png", |p| &mut p.alpha, "alpha"),
        ("wide.png", |p| &mut p.icc, "icc"),
        ("cmyk.jpg", |p| &mut p.cmyk, "cmyk"),
        ("ycck.jpg", |p| &mut p.cmyk, "cmyk"),
        ("rgb16.png", |p| &mut p.sixteen_bit, "sixteen_bit"),
        ("animated.png", |p| &mut p.animated, "animated"),
        ("animated.webp", |p| &mut p.animated, "animated"),
        ("animated.gif", |p| &mut p.animated, "animated"),
    ];
    for (name, choose, key) in cases {
        let mut policy = PixelPolicy::default();
        *choose(&mut policy) = Action::Reject;
        let error = decode(&data(name), &policy, &Limits::default()).unwrap_err();
        assert!(
            error.to_string().contains(&format!("`{key} = \"reject\"`")),
            "{name}: {error}"
        );
        let reason = if key == "animated" {
            "animated"
        } else {
            "colour_policy"
        };
        assert_eq!(error.reason(), reason, "{name}");
        assert!(
            decode(&data("420.jpg"), &policy, &Limits::default()).is_ok(),
            "{key}"
        );
    }
}

#[test]
fn an_animation_has_many_frames() {
    for name in ["animated.png", "animated.webp", "animated.gif", "pages.tif"] {
        assert_eq!(look(&data(name)).frames, Frames::Many, "{name}");
    }
    for name in ["interlaced.gif", "rgb.png", "lossy.webp", "lzw.tif"] {
        assert_eq!(look(&data(name)).frames, Frames::One, "{name}");
    }
}

#[test]
fn bytes_behind_the_end_change_nothing() {
    for Picture {
        name, mut bytes, ..
    } in pictures()
    {
        let before = decode(&bytes, &PixelPolicy::default(), &Limits::default()).unwrap();
        bytes.extend_from_slice(b"trailing bytes, as some downloaders leave them");
        let after = decode(&bytes, &PixelPolicy::default(), &Limits::default()).unwrap();
        assert!(before == after, "{name}");
    }
}
