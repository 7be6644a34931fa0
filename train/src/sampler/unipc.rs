//! `UniPC` of second order for predicted pictures, with `B(h) = eʰ − 1` (Zhao et al. 2023, arXiv:2302.04867).
//!
//! Each answer first corrects the latents that it was asked for, then predicts the next ones.

use tch::Tensor;

use super::{
    level::Level,
    solver::{Memory, Place, remember},
};

/// The highest order.
const ORDER: usize = 2;

/// The latents at the next level from `latents` here and the `picture` that the answer to them implies.
pub(super) fn step(
    place: Place<'_>,
    memory: &mut Memory,
    latents: &Tensor,
    picture: Tensor,
) -> Tensor {
    let latents = match memory.last.take() {
        Some((last, order)) => correct(place, memory, &last, order, &picture),
        None => latents.shallow_clone(),
    };
    remember(memory, picture);
    let order = ORDER.min(place.left()).min(memory.pictures.len());
    let next = predict(place, memory, &latents, order);
    memory.last = Some((latents, order));
    next
}

/// `UniP`: the next latents from the last `order` pictures.
fn predict(place: Place<'_>, memory: &Memory, latents: &Tensor, order: usize) -> Tensor {
    let interval = Interval::new(place.here(), place.next());
    match memory.pictures.as_slice() {
        [before, now] if order == 2 => {
            let ratio = interval.ratio(place.levels[place.index - 1]);
            let slope = (before - now) / ratio;
            interval.first_order(latents, now) - slope * (0.5 * interval.weight())
        }
        [.., now] => interval.first_order(latents, now),
        [] => latents.shallow_clone(),
    }
}

/// `UniC`: the latents here again, from those of the step before (`last`) and the `picture` that is known by now.
fn correct(
    place: Place<'_>,
    memory: &Memory,
    last: &Tensor,
    order: usize,
    picture: &Tensor,
) -> Tensor {
    let interval = Interval::new(place.levels[place.index - 1], place.here());
    match memory.pictures.as_slice() {
        [before, now] if order == 2 => {
            let ratio = interval.ratio(place.levels[place.index - 2]);
            let [old, new] = interval.corrector_weights(ratio);
            let bent = (before - now) * (old / ratio) + (picture - now) * new;
            interval.first_order(last, now) - bent * interval.weight()
        }
        [.., now] => interval.first_order(last, now) - (picture - now) * (0.5 * interval.weight()),
        [] => last.shallow_clone(),
    }
}

/// From one level to the next, in λ.
struct Interval {
    from: Level,
    to: Level,
    /// −h.
    hh: f64,
}

impl Interval {
    fn new(from: Level, to: Level) -> Self {
        Self {
            from,
            to,
            hh: from.lambda() - to.lambda(),
        }
    }

    fn first_order(&self, latents: &Tensor, picture: &Tensor) -> Tensor {
        latents * (self.to.noise / self.from.noise) - picture * self.weight()
    }

    /// `signal · (e⁻ʰ − 1)`: −1 where the step ends at the finished picture.
    fn weight(&self) -> f64 {
        self.to.signal * self.hh.exp_m1()
    }

    /// Where an earlier level lies, in units of this interval; negative.
    fn ratio(&self, earlier: Level) -> f64 {
        (earlier.lambda() - self.from.lambda()) / -self.hh
    }

    /// The two weights that make the corrector exact for pictures that bend quadratically in λ.
    ///
    /// Solves `old + new = b₁`, `ratio·old + new = b₂`.
    fn corrector_weights(&self, ratio: f64) -> [f64; 2] {
        let (hh, b_h) = (self.hh, self.hh.exp_m1());
        let phi_1 = b_h / hh - 1.0;
        let phi_2 = phi_1 / hh - 0.5;
        let (b_1, b_2) = (phi_1 / b_h, 2.0 * phi_2 / b_h);
        let old = (b_1 - b_2) / (1.0 - ratio);
        [old, b_1 - old]
    }
}
