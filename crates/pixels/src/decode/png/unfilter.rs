//! What the filters of PNG take away from each byte, put back.

/// The first `count` rows of `length` bytes, without the numbers of their filters; `None` if there is an unknown one.
/// `N`: bytes a pixel.
pub(super) fn unfilter<const N: usize>(
    rows: &[u8],
    length: usize,
    count: usize,
) -> Option<Vec<u8>> {
    let mut data = Vec::with_capacity(length * count);
    let first = vec![0; length];
    for (number, filtered) in rows.chunks_exact(length + 1).take(count).enumerate() {
        let (&filter, filtered) = filtered.split_first()?;
        // Copied first and changed where it lies: memory that is filled with zeros before would be written twice.
        data.extend_from_slice(filtered);
        let (before, row) = data.split_at_mut(number * length);
        let above = match number {
            0 => &first[..],
            _ => &before[before.len() - length..],
        };
        match filter {
            0 => {}
            1 => sub::<N>(row),
            2 => up(row, above),
            3 => average::<N>(row, above),
            4 => paeth::<N>(row, above),
            _ => return None,
        }
    }
    Some(data)
}

fn sub<const N: usize>(row: &mut [u8]) {
    let mut left = [0_u8; N];
    for pixel in row.as_chunks_mut::<N>().0 {
        for (byte, left) in pixel.iter_mut().zip(&mut left) {
            *byte = byte.wrapping_add(*left);
            *left = *byte;
        }
    }
}

fn up(row: &mut [u8], above: &[u8]) {
    for (byte, above) in row.iter_mut().zip(above) {
        *byte = byte.wrapping_add(*above);
    }
}

fn average<const N: usize>(row: &mut [u8], above: &[u8]) {
    let mut left = [0_u8; N];
    let above = above.as_chunks::<N>().0;
    for (pixel, above) in row.as_chunks_mut::<N>().0.iter_mut().zip(above) {
        for ((byte, above), left) in pixel.iter_mut().zip(above).zip(&mut left) {
            *byte = byte.wrapping_add(left.midpoint(*above));
            *left = *byte;
        }
    }
}

fn paeth<const N: usize>(row: &mut [u8], above: &[u8]) {
    let (mut left, mut corner) = ([0; N], [0; N]);
    let above = above.as_chunks::<N>().0;
    for (pixel, above) in row.as_chunks_mut::<N>().0.iter_mut().zip(above) {
        for channel in 0..N {
            let nearest = nearest(left[channel], above[channel], corner[channel]);
            pixel[channel] = pixel[channel].wrapping_add(nearest);
        }
        (left, corner) = (*pixel, *above);
    }
}

/// Which of three neighbours is nearest to `left + above - corner`, in this order where two are; without branches, because
/// which one it is cannot be foretold.
fn nearest(left: u8, above: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(above), i16::from(corner));
    let (low, high) = (a.min(b), a.max(b));
    let bound = 3 * c - (a + b);
    let inner = if high <= bound { low } else { c };
    (if bound <= low { high } else { inner }) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the standard words it.
    fn paeth_predictor(a: u8, b: u8, c: u8) -> u8 {
        let p = i32::from(a) + i32::from(b) - i32::from(c);
        let distance = |of: u8| (p - i32::from(of)).abs();
        if distance(a) <= distance(b) && distance(a) <= distance(c) {
            a
        } else if distance(b) <= distance(c) {
            b
        } else {
            c
        }
    }

    #[test]
    fn the_nearest_neighbour_is_the_one_of_the_standard() {
        for a in 0..=255 {
            for b in 0..=255 {
                for c in 0..=255 {
                    assert_eq!(nearest(a, b, c), paeth_predictor(a, b, c), "{a} {b} {c}");
                }
            }
        }
    }

    /// A picture with every filter, its first row too, is what was filtered.
    fn comes_back<const N: usize>() {
        let (length, count) = (N * 7, 11);
        let data: Vec<u8> = (0..length * count).map(|i| (i * i % 251) as u8).collect();
        let at = |y: usize, x: usize| data[y * length + x];
        for first in 0..5 {
            let mut rows = Vec::new();
            for y in 0..count {
                let filter = (first + y) % 5;
                rows.push(filter as u8);
                for x in 0..length {
                    let left = if x < N { 0 } else { at(y, x - N) };
                    let above = if y == 0 { 0 } else { at(y - 1, x) };
                    let corner = if x < N || y == 0 { 0 } else { at(y - 1, x - N) };
                    let mean = u16::from(left).midpoint(u16::from(above)) as u8;
                    let taken = [0, left, above, mean, paeth_predictor(left, above, corner)];
                    rows.push(at(y, x).wrapping_sub(taken[filter]));
                }
            }
            assert_eq!(unfilter::<N>(&rows, length, count).unwrap(), data);
            let part = unfilter::<N>(&rows, length, 4).unwrap();
            assert_eq!(part, data[..4 * length]);
        }
    }

    #[test]
    fn what_was_filtered_comes_back() {
        comes_back::<1>();
        comes_back::<2>();
        comes_back::<3>();
        comes_back::<4>();
    }

    #[test]
    fn a_filter_that_is_none_is_refused() {
        assert_eq!(unfilter::<1>(&[5, 1, 2], 2, 1), None);
    }
}
