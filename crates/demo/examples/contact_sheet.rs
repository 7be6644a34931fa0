//! Draws pictures of the demo collection side by side into one PNG:
//! `cargo run --release -p terminus-demo --example contact_sheet -- OUT.png [N] [SEED] [SCALE] [CELL_PX]`

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use terminus_demo::{Scale, picture};
use terminus_pixels::{Effort, RgbImage, encode_png};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let out = args
        .next()
        .ok_or("the sheet's file is missing: contact_sheet OUT.png")?;
    let count: u64 = args.next().map_or(Ok(24), |n| n.parse())?;
    let seed: u64 = args.next().map_or(Ok(0), |seed| seed.parse())?;
    let scale: Scale = args
        .next()
        .map_or(Ok(Scale::Quarter), |scale| scale.parse())?;
    let cell_px: u32 = args.next().map_or(Ok(256), |side| side.parse())?;
    let begun = std::time::Instant::now();
    let pictures: Vec<RgbImage> = (0..count)
        .into_par_iter()
        .filter_map(|index| picture(seed, index, scale))
        .collect();
    eprintln!("{count} pictures in {:.2?}", begun.elapsed());
    let columns = (count as f64 * 1.4).sqrt().ceil() as u32;
    let rows = (count as u32).div_ceil(columns);
    let (width, height) = (columns * cell_px, rows * cell_px);
    let mut sheet = vec![24u8; (width * height * 3) as usize];
    for (i, picture) in pictures.iter().enumerate() {
        let (column, row) = (i as u32 % columns, i as u32 / columns);
        paste(
            &mut sheet,
            width,
            (column * cell_px, row * cell_px),
            cell_px,
            picture,
        );
    }
    let sheet = RgbImage::new(width, height, sheet).ok_or("an empty sheet")?;
    fs_err::write(out, encode_png(&sheet, Effort::Fast)?)?;
    Ok(())
}

/// Fits `picture` into a cell, each of its pixels the mean of those it covers.
fn paste(
    sheet: &mut [u8],
    sheet_width: u32,
    (left, top): (u32, u32),
    cell_px: u32,
    picture: &RgbImage,
) {
    let longer = picture.width_px.max(picture.height_px);
    let ratio = f64::from(longer) / f64::from(cell_px);
    let (width, height) = (
        (f64::from(picture.width_px) / ratio) as u32,
        (f64::from(picture.height_px) / ratio) as u32,
    );
    let (dx, dy) = (left + (cell_px - width) / 2, top + (cell_px - height) / 2);
    let span = |at: u32, limit: u32| {
        let from = ((f64::from(at) * ratio) as u32).min(limit - 1);
        from..((f64::from(at + 1) * ratio) as u32).clamp(from + 1, limit)
    };
    for y in 0..height {
        for x in 0..width {
            let mut sum = [0u32; 3];
            let mut count = 0;
            for py in span(y, picture.height_px) {
                for px in span(x, picture.width_px) {
                    let at = ((py * picture.width_px + px) * 3) as usize;
                    for (sum, channel) in sum.iter_mut().zip(&picture.data[at..at + 3]) {
                        *sum += u32::from(*channel);
                    }
                    count += 1;
                }
            }
            let at = (((dy + y) * sheet_width + dx + x) * 3) as usize;
            for (pixel, sum) in sheet[at..at + 3].iter_mut().zip(sum) {
                *pixel = (sum / count) as u8;
            }
        }
    }
}
