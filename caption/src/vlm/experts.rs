//! Which tokens go through a decoder's vision weights.
// B rows, L tokens, D size of a token's vector

use tch::Tensor;

/// The tokens of a batch, dealt to the two halves of a decoder with experts; the same for every row, so that no token
/// is gathered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Experts {
    /// Text, and everything that is generated.
    Language,
    /// Contiguous tokens of the picture.
    Vision {
        /// The first.
        start: i64,
        /// How many.
        length: i64,
    },
}

impl Experts {
    /// From the first token of vision, and how many there are.
    pub(crate) fn new((start, length): (i64, i64)) -> Self {
        if length == 0 {
            Self::Language
        } else {
            Self::Vision { start, length }
        }
    }

    /// `[B, L, D]` to `[B, L, D']`, each token by the map that it is dealt to.
    pub(crate) fn map(
        self,
        xs: &Tensor,
        language: impl Fn(&Tensor) -> Tensor,
        vision: impl Fn(&Tensor) -> Tensor,
    ) -> Tensor {
        let Self::Vision { start, length } = self else {
            return language(xs);
        };
        let end = start + length;
        let rest = xs.size()[1] - end;
        let seen = vision(&xs.narrow(1, start, length));
        // Both ends of the row in one product: the weights are read once.
        let outside = Tensor::cat(&[xs.narrow(1, 0, start), xs.narrow(1, end, rest)], 1);
        let outside = language(&outside);
        let parts = [
            outside.narrow(1, 0, start),
            seen,
            outside.narrow(1, start, rest),
        ];
        Tensor::cat(&parts, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn tokens_of_the_picture_meet_one_map_and_all_others_the_other() {
        let xs = Tensor::arange(2 * 7 * 3, (Kind::Float, Device::Cpu)).reshape([2, 7, 3]);
        let mapped = Experts::new((1, 3)).map(&xs, |xs| xs * 2.0, |xs| xs * -1.0);
        for token in 0..7 {
            let factor = if (1..4).contains(&token) { -1.0 } else { 2.0 };
            let found = mapped.double_value(&[1, token, 2]);
            assert!((found - xs.double_value(&[1, token, 2]) * factor).abs() < 1e-9);
        }
        let plain = Experts::new((1, 0)).map(&xs, |xs| xs * 2.0, |xs| xs * -1.0);
        assert!(plain.equal(&(xs * 2.0)));
    }
}
