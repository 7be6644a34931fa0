//! Enlarging a pixmap smoothly, for layers that are drawn small because they are soft.

use tiny_skia::Pixmap;

/// Where an output pixel lies between two input pixels; the share of the far one in 1/256.
#[derive(Clone, Copy)]
struct Between {
    near: usize,
    far: usize,
    share: u32,
}

fn betweens(from: u32, to: u32) -> Vec<Between> {
    let ratio = f64::from(from) / f64::from(to);
    (0..to)
        .map(|at| {
            let place = ((f64::from(at) + 0.5) * ratio - 0.5).clamp(0.0, f64::from(from - 1));
            let near = place as usize;
            let share = ((place - near as f64) * 256.0) as u32;
            Between {
                near,
                far: (near + 1).min(from as usize - 1),
                share,
            }
        })
        .collect()
}

/// `source` at `width` × `height` pixels by bilinear interpolation, premultiplied alpha included.
/// None where a side is 0.
pub fn stretch(source: &Pixmap, width: u32, height: u32) -> Option<Pixmap> {
    let mut out = Pixmap::new(width, height)?;
    let stride = source.width() as usize * 4;
    let columns = betweens(source.width(), width);
    let mut line = vec![0u32; stride];
    let rows = out.data_mut().chunks_exact_mut(width as usize * 4);
    for (row, Between { near, far, share }) in rows.zip(betweens(source.height(), height)) {
        let above = &source.data()[near * stride..][..stride];
        let below = &source.data()[far * stride..][..stride];
        for (value, (above, below)) in line.iter_mut().zip(above.iter().zip(below)) {
            *value = u32::from(*above) * (256 - share) + u32::from(*below) * share;
        }
        for (px, Between { near, far, share }) in row.chunks_exact_mut(4).zip(&columns) {
            let (left, right) = (&line[near * 4..near * 4 + 4], &line[far * 4..far * 4 + 4]);
            for (byte, (left, right)) in px.iter_mut().zip(left.iter().zip(right)) {
                *byte = ((left * (256 - share) + right * share + (1 << 15)) >> 16) as u8;
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_size_is_the_same_picture() {
        let mut source = Pixmap::new(7, 5).unwrap();
        for (i, byte) in source.data_mut().iter_mut().enumerate() {
            *byte = (i * 37 % 256) as u8;
        }
        assert_eq!(stretch(&source, 7, 5).unwrap().data(), source.data());
    }

    #[test]
    fn a_flat_picture_stays_flat() {
        let mut source = Pixmap::new(3, 3).unwrap();
        source.data_mut().fill(200);
        assert!(
            stretch(&source, 64, 40)
                .unwrap()
                .data()
                .iter()
                .all(|&byte| byte == 200)
        );
    }
}
