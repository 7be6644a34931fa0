//! Decodes pictures to PPM files, to hold them against another program's pixels.
//!
//! `ppm FOLDER FILE...` writes `FOLDER/<n>.ppm` for the n-th file and prints a line for each: its
//! number, decoder, colour and name, or the reason why it was refused.

use std::io::Write as _;

use terminus_pixels::{Limits, PixelPolicy, decode, inspect};

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| ".".to_owned());
    let mut out = std::io::stdout().lock();
    for (number, name) in arguments.enumerate() {
        let bytes = fs_err::read(&name)?;
        let limits = Limits::default();
        let colour = inspect(&bytes, &limits).map_or_else(|_| "-".to_owned(), |h| h.colour_text());
        match decode(&bytes, &PixelPolicy::default(), &limits) {
            Ok(decoded) => {
                let image = decoded.image;
                let mut ppm =
                    format!("P6 {} {} 255\n", image.width_px, image.height_px).into_bytes();
                ppm.extend_from_slice(&image.data);
                fs_err::write(format!("{folder}/{number}.ppm"), ppm)?;
                writeln!(out, "{number}\t{}\t{colour}\t{name}", decoded.decoder)?;
            }
            Err(error) => writeln!(out, "{number}	{}	{colour}	{name}", error.reason())?,
        }
    }
    Ok(())
}
