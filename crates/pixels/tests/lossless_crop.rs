//! Crops in the coefficient domain, for every way that chroma is subsampled.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use libjpeg_turbo_rs::{
    Encoder, PixelFormat, Subsampling, read_coefficients, write_coefficients_optimized,
};
use terminus_pixels::{
    Error, Header, Icc, Limits, PixelPolicy, RgbImage, crop_jpeg_lossless, decode, inspect,
};

const WIDTH: u32 = 149;
const HEIGHT: u32 = 117;

/// Waves with hard edges, so that neighbouring chroma samples differ.
fn picture() -> Vec<u8> {
    let wave = |a: u32, b: u32| ((a * a * 3 + b * 7) % 256) as u8;
    let pixel = |x: u32, y: u32| {
        if (x / 11 + y / 7).is_multiple_of(3) {
            [230, 20, wave(x, y)]
        } else {
            [wave(y, x), wave(x, x), 90]
        }
    };
    (0..HEIGHT)
        .flat_map(|y| (0..WIDTH).flat_map(move |x| pixel(x, y)))
        .collect()
}

struct Source {
    name: &'static str,
    bytes: Vec<u8>,
    grid: (u32, u32),
    is_subsampled: bool,
}

/// How the scans of a file are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Plain,
    OwnTables,
    Restarts,
    Adobe,
    Progressive,
    ProgressiveRestarts,
}

const CODINGS: [Coding; 6] = [
    Coding::Plain,
    Coding::OwnTables,
    Coding::Restarts,
    Coding::Adobe,
    Coding::Progressive,
    Coding::ProgressiveRestarts,
];

impl Coding {
    fn of(self, encoder: Encoder<'_>) -> Encoder<'_> {
        match self {
            Self::Plain => encoder,
            Self::OwnTables => encoder.optimize_huffman(true),
            // Not a whole number of rows of MCUs.
            Self::Restarts => encoder.restart_blocks(7),
            Self::Adobe => encoder.write_adobe_marker(true),
            Self::Progressive => encoder.progressive(true),
            Self::ProgressiveRestarts => encoder.progressive(true).restart_blocks(5),
        }
    }
}

fn all_sources() -> Vec<Source> {
    CODINGS.into_iter().flat_map(sources).collect()
}

fn sources(coding: Coding) -> Vec<Source> {
    let rgb = picture();
    let grey: Vec<u8> = rgb.iter().copied().step_by(3).collect();
    let (w, h) = (WIDTH as usize, HEIGHT as usize);
    let colour = |name, subsampling, grid, is_subsampled| {
        let encoder = Encoder::new(&rgb, w, h, PixelFormat::Rgb).quality(83);
        let encoder = coding.of(encoder.subsampling(subsampling));
        Source {
            name,
            bytes: encoder.encode().unwrap(),
            grid,
            is_subsampled,
        }
    };
    let encoder = Encoder::new(&grey, w, h, PixelFormat::Grayscale).quality(83);
    let grey = coding.of(encoder).encode().unwrap();
    vec![
        colour("4:4:4", Subsampling::S444, (8, 8), false),
        colour("4:2:2", Subsampling::S422, (16, 8), true),
        colour("4:2:0", Subsampling::S420, (16, 16), true),
        colour("4:4:0", Subsampling::S440, (8, 16), true),
        colour("4:1:1", Subsampling::S411, (32, 8), true),
        Source {
            name: "grey",
            bytes: grey,
            grid: (8, 8),
            is_subsampled: false,
        },
    ]
}

/// A sequential file with a scan for each component: three grey ones, put together.
fn in_three_scans() -> Vec<u8> {
    let (w, h) = (WIDTH as usize, HEIGHT as usize);
    let planes: Vec<Vec<u8>> = (0..3)
        .map(|plane| {
            let plane: Vec<u8> = picture().iter().copied().skip(plane).step_by(3).collect();
            let encoder = Encoder::new(&plane, w, h, PixelFormat::Grayscale).quality(83);
            encoder.encode().unwrap()
        })
        .collect();
    let find = |marker: u8| {
        let at = planes[0].windows(2).position(|pair| pair == [0xFF, marker]);
        at.unwrap()
    };
    let (frame, scan) = (find(0xC0), find(0xDA));
    let mut bytes = planes[0][..frame].to_vec();
    bytes.extend([0xFF, 0xC0, 0, 17]);
    bytes.extend(&planes[0][frame + 4..frame + 9]);
    bytes.extend([3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
    bytes.extend(&planes[0][frame + 13..scan]);
    for (id, plane) in (1..).zip(&planes) {
        bytes.extend([0xFF, 0xDA, 0, 8, 1, id, 0, 0, 63, 0]);
        bytes.extend(&plane[scan + 10..plane.len() - 2]);
    }
    bytes.extend([0xFF, 0xD9]);
    bytes
}

fn look(bytes: &[u8]) -> Header {
    inspect(bytes, &Limits::default()).unwrap()
}

fn pixels(bytes: &[u8]) -> RgbImage {
    decode(bytes, &PixelPolicy::default(), &Limits::default())
        .unwrap()
        .image
}

/// Rectangles (top, left, width, height) whose origin lies on the grid and whose other edges need not.
fn rectangles((across, down): (u32, u32)) -> Vec<(u32, u32, u32, u32)> {
    vec![
        (0, 0, WIDTH, HEIGHT),
        (down, across, 64, 48),
        (2 * down, across, 61, 37),
        (3 * down, 2 * across, WIDTH - 2 * across, HEIGHT - 3 * down),
        (down, 0, 1, 1),
        (0, 3 * across, 17, 9),
    ]
}

#[test]
fn coefficients_are_the_originals_own() {
    for source in all_sources() {
        let whole = read_coefficients(&source.bytes).unwrap();
        for (top, left, width, height) in rectangles(source.grid) {
            let crop = crop_jpeg_lossless(&source.bytes, top, left, width, height).unwrap();
            let crop = read_coefficients(&crop).unwrap();
            assert_eq!(
                (u32::from(crop.width), u32::from(crop.height)),
                (width, height)
            );
            for (part, full) in crop.components.iter().zip(&whole.components) {
                let table = usize::from(part.quant_table_index);
                let full_table = usize::from(full.quant_table_index);
                assert_eq!(crop.quant_tables[table], whole.quant_tables[full_table]);
                let factors = (usize::from(full.h_sampling), usize::from(full.v_sampling));
                let block_left = left as usize / source.grid.0 as usize * factors.0;
                let block_top = top as usize / source.grid.1 as usize * factors.1;
                // The blocks that the picture shows; padding blocks beyond its edge do not count.
                let shown = |pixels: u32, factor: usize, grid: u32| {
                    (pixels as usize * factor).div_ceil(grid as usize)
                };
                for y in 0..shown(height, factors.1, source.grid.1) {
                    for x in 0..shown(width, factors.0, source.grid.0) {
                        let kept = &part.blocks[y * part.blocks_x + x];
                        let own = &full.blocks[(y + block_top) * full.blocks_x + x + block_left];
                        assert_eq!(kept, own, "{} block {x},{y}", source.name);
                    }
                }
            }
        }
    }
}

#[test]
fn pixels_are_the_originals_inside_a_border_of_one() {
    for source in all_sources() {
        let whole = pixels(&source.bytes);
        for (top, left, width, height) in rectangles(source.grid) {
            let crop = crop_jpeg_lossless(&source.bytes, top, left, width, height).unwrap();
            let crop = pixels(&crop);
            let slice = whole.crop(top, left, width, height).unwrap();
            if !source.is_subsampled {
                assert!(crop == slice, "{}", source.name);
            } else if width > 2 && height > 2 {
                let inside = |image: &RgbImage| image.crop(1, 1, width - 2, height - 2).unwrap();
                assert!(
                    inside(&crop) == inside(&slice),
                    "{} {width}x{height}",
                    source.name
                );
            }
        }
    }
}

/// One component is never interleaved, so that its sampling factors mean nothing.
#[test]
fn a_grey_jpeg_with_odd_sampling_factors_is_cut_on_its_blocks() {
    for coding in [Coding::Plain, Coding::Restarts, Coding::Progressive] {
        let mut grey = sources(coding).pop().unwrap().bytes;
        let plain = pixels(&grey);
        let frame = grey
            .windows(2)
            .position(|pair| pair[0] == 0xFF && matches!(pair[1], 0xC0 | 0xC2));
        grey[frame.unwrap() + 11] = 0x22;
        assert_eq!(look(&grey).lossless_crop_grid(), Some((8, 8)));
        assert!(pixels(&grey) == plain);
        let crop = crop_jpeg_lossless(&grey, 24, 40, 61, 37).unwrap();
        assert!(pixels(&crop) == plain.crop(24, 40, 61, 37).unwrap());
    }
}

#[test]
fn the_result_is_a_plain_jpeg_of_the_same_layout() {
    for source in sources(Coding::Progressive) {
        assert_eq!(
            look(&source.bytes).lossless_crop_grid(),
            Some(source.grid),
            "{}",
            source.name
        );
        let crop = crop_jpeg_lossless(&source.bytes, 0, 0, 50, 40).unwrap();
        let header = look(&crop);
        assert!(header.is_plain());
        assert_eq!(
            header.lossless_crop_grid(),
            Some(source.grid),
            "{}",
            source.name
        );
        assert_eq!((header.width_px, header.height_px), (50, 40));
    }
}

/// The whole picture is no larger than the library writes it with tables of its own, but for the zeros that follow bytes
/// of ones, which no table foresees.
#[test]
fn tables_are_made_for_the_crop() {
    let size = |jpeg: &[u8]| jpeg.len() - jpeg.windows(2).filter(|pair| pair == &[0xFF, 0]).count();
    for source in all_sources() {
        let kept = crop_jpeg_lossless(&source.bytes, 0, 0, WIDTH, HEIGHT).unwrap();
        let coefficients = read_coefficients(&source.bytes).unwrap();
        let theirs = write_coefficients_optimized(&coefficients).unwrap();
        let (mine, theirs) = (size(&kept), size(&theirs));
        assert!(
            mine <= theirs,
            "{}: {mine}, the library {theirs}",
            source.name
        );
        let again = crop_jpeg_lossless(&kept, 0, 0, WIDTH, HEIGHT).unwrap();
        assert!(again == kept, "{}", source.name);
    }
}

/// Neither way of cutting reads them: their samples are packed as other formats are.
#[test]
fn arithmetic_coding_and_sequential_scans_apart_are_refused() {
    let rgb = picture();
    let encoder = Encoder::new(&rgb, WIDTH as usize, HEIGHT as usize, PixelFormat::Rgb);
    let arithmetic = encoder.arithmetic(true).encode().unwrap();
    for bytes in [arithmetic, in_three_scans()] {
        assert_eq!(look(&bytes).lossless_crop_grid(), None);
        let error = crop_jpeg_lossless(&bytes, 0, 0, 16, 16).unwrap_err();
        assert!(matches!(error, Error::NotLossless { .. }), "{error}");
    }
}

#[test]
fn an_origin_off_the_grid_is_refused_and_never_rounded() {
    for source in sources(Coding::Plain) {
        for (top, left) in [
            (1, 0),
            (0, 1),
            (source.grid.1 / 2, 0),
            (0, source.grid.0 / 2),
        ] {
            let error = crop_jpeg_lossless(&source.bytes, top, left, 20, 20).unwrap_err();
            assert!(
                matches!(error, Error::NotLossless { .. }),
                "{}: {error}",
                source.name
            );
        }
    }
}

#[test]
fn a_rectangle_that_leaves_the_picture_is_refused() {
    for source in sources(Coding::Plain) {
        for (top, left, width, height) in [
            (0, 0, WIDTH + 1, 8),
            (0, 0, 8, HEIGHT + 1),
            (0, 0, 0, 8),
            (0, 64, WIDTH, 8),
        ] {
            let error = crop_jpeg_lossless(&source.bytes, top, left, width, height).unwrap_err();
            assert!(
                matches!(error, Error::OutsideImage { .. }),
                "{}: {error}",
                source.name
            );
        }
    }
}

#[test]
fn a_truncated_jpeg_is_refused() {
    for source in all_sources() {
        for share in [3, 5, 8, 9] {
            let cut = &source.bytes[..source.bytes.len() * share / 10];
            let error = crop_jpeg_lossless(cut, 0, 0, 16, 16).unwrap_err();
            assert_eq!(error.reason(), "truncated", "{}: {error}", source.name);
        }
    }
}

#[test]
fn only_an_srgb_profile_is_kept() {
    let data = |name: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
        fs_err::read(folder.join(name)).unwrap()
    };
    let crop = crop_jpeg_lossless(&data("srgb.jpg"), 0, 16, 19, 21).unwrap();
    assert_eq!(look(&crop).colour.icc, Icc::Srgb);
    assert!(pixels(&crop).crop(1, 1, 17, 19) == pixels(&data("srgb.jpg")).crop(1, 17, 17, 19));

    let crop = crop_jpeg_lossless(&data("orientation-1.jpg"), 0, 0, 16, 16).unwrap();
    assert_eq!(look(&crop).camera_make, None, "EXIF is dropped");
    for name in [
        "adobe-rgb.jpg",
        "orientation-3.jpg",
        "cmyk.jpg",
        "rgb-planes.jpg",
        "rgb.png",
    ] {
        let error = crop_jpeg_lossless(&data(name), 0, 0, 16, 16).unwrap_err();
        assert!(
            matches!(error, Error::NotLossless { .. }),
            "{name}: {error}"
        );
    }
}
