//! How a stored tensor is seen under another name.

use std::ops::Range;

/// A tensor, or a part of one, as another layout names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// As it is stored.
    Whole,
    /// Part `part` of `of` equal parts of its first dimension: one of several maps that are stored as one.
    Part {
        /// Which, from 0.
        part: usize,
        /// How many there are.
        of: usize,
    },
    /// A matrix with its sides swapped.
    Transposed,
    /// A convolution with a kernel of 1x1 as the matrix that it is.
    Squeezed,
}

/// What a view makes of a tensor's place in its file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub shape: Vec<i64>,
    pub bytes: Range<usize>,
    pub is_transposed: bool,
}

impl View {
    /// The view of a tensor of this shape at these bytes; none if the shape does not allow it.
    pub(crate) fn of(self, shape: &[i64], bytes: &Range<usize>) -> Option<Seen> {
        let whole = || Seen {
            shape: shape.to_owned(),
            bytes: bytes.clone(),
            is_transposed: false,
        };
        match self {
            Self::Whole => Some(whole()),
            Self::Part { part, of } => {
                let first = *shape.first()?;
                if of == 0 || part >= of || first % of as i64 != 0 {
                    return None;
                }
                let size = bytes.len() / of;
                let start = bytes.start + part * size;
                let mut seen = whole();
                seen.shape[0] = first / of as i64;
                seen.bytes = start..start + size;
                Some(seen)
            }
            Self::Transposed => match *shape {
                [rows, columns] => Some(Seen {
                    shape: vec![columns, rows],
                    is_transposed: true,
                    ..whole()
                }),
                _ => None,
            },
            Self::Squeezed => match *shape {
                [_, _, 1, 1] | [_, _] => Some(Seen {
                    shape: shape[..2].to_owned(),
                    ..whole()
                }),
                _ => None,
            },
        }
    }

    /// The shape that a tensor is stored in which is seen in `shape`.
    pub fn stored_shape(self, shape: &[i64]) -> Vec<i64> {
        let mut stored = shape.to_owned();
        match self {
            Self::Whole => {}
            Self::Part { of, .. } => {
                if let Some(first) = stored.first_mut() {
                    *first *= of as i64;
                }
            }
            Self::Transposed => stored.reverse(),
            Self::Squeezed => stored.extend([1, 1]),
        }
        stored
    }
}

#[cfg(test)]
mod tests {
    use tch::{Kind, Tensor};

    use super::*;
    use crate::{Checkpoint, Metadata, save_safetensors};

    #[test]
    fn views_of_a_file_are_those_of_its_tensors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let fused = Tensor::arange(24, (Kind::Float, tch::Device::Cpu)).reshape([6, 4]);
        let conv = fused.reshape([6, 4, 1, 1]);
        let tensors = [("fused", &fused), ("conv", &conv)];
        save_safetensors(&path, tensors, None, &Metadata::new()).unwrap();
        let stored = Checkpoint::open(&path).unwrap();
        let seen = stored.seen_as([
            ("q".to_owned(), "fused", View::Part { part: 0, of: 3 }),
            ("v".to_owned(), "fused", View::Part { part: 2, of: 3 }),
            ("fifth".to_owned(), "fused", View::Part { part: 0, of: 5 }),
            ("turned".to_owned(), "fused", View::Transposed),
            ("linear".to_owned(), "conv", View::Squeezed),
            ("absent".to_owned(), "nothing", View::Whole),
        ]);
        let names: Vec<&str> = seen.names().collect();
        assert_eq!(names, ["linear", "q", "turned", "v"]);
        let tensor = |name| seen.tensor(name).unwrap().unwrap();
        assert!(tensor("q").equal(&fused.narrow(0, 0, 2)));
        assert!(tensor("v").equal(&fused.narrow(0, 4, 2)));
        assert!(tensor("turned").equal(&fused.tr()));
        assert!(tensor("turned").is_contiguous());
        assert!(tensor("linear").equal(&fused));
        assert_eq!(seen.shape("turned"), Some([4, 6].as_slice()));
    }

    #[test]
    fn the_stored_shape_is_the_one_that_is_seen_so() {
        let bytes = 0..96;
        for view in [
            View::Whole,
            View::Part { part: 1, of: 3 },
            View::Transposed,
            View::Squeezed,
        ] {
            let stored = view.stored_shape(&[2, 4]);
            assert_eq!(view.of(&stored, &bytes).unwrap().shape, [2, 4], "{view:?}");
        }
    }
}
