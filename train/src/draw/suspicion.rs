//! Whether a model's first answer is of the kind that it is taken for.

use tch::{Kind, Tensor};

use crate::{Error, config::PredictionType};

/// Where there is hardly anything but noise, an ε-model gives the noise back and a v-model something unlike it.
const LATE: usize = 900;
const LIKE: f64 = 0.9;
const UNLIKE: f64 = 0.5;

/// A warning, with its evidence, if the `answer` to almost pure noise belongs to the other kind of prediction.
pub(super) fn look(
    latents: &Tensor,
    answer: &Tensor,
    kind: PredictionType,
    timestep: usize,
) -> Result<Option<String>, Error> {
    if timestep < LATE {
        return Ok(None);
    }
    let (a, b) = (latents.f_to_kind(Kind::Float)?, answer);
    let product = (&a * b).f_sum(Kind::Float)?.f_double_value(&[])?;
    let sizes = a.f_norm()?.f_double_value(&[])? * b.f_norm()?.f_double_value(&[])?;
    let likeness = product / sizes.max(f64::MIN_POSITIVE);
    let taken = match kind {
        PredictionType::VPrediction if likeness > LIKE => "v_prediction",
        PredictionType::Epsilon if likeness < UNLIKE => "epsilon",
        _ => return Ok(None),
    };
    let other = match kind {
        PredictionType::VPrediction => "epsilon",
        PredictionType::Epsilon => "v_prediction",
    };
    Ok(Some(format!(
        "the model is sampled as {taken}, but its answer at timestep {timestep} correlates {likeness:.2} with the noise, \
         as that of {other} does\nhint: if the picture is spoilt, try `--prediction-type {other}`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::NoiseKey;

    fn noise(purpose: &str) -> Tensor {
        Tensor::from_slice(&NoiseKey::new(purpose, &[]).normal(1024)).view([1, 4, 16, 16])
    }

    #[test]
    fn an_answer_of_the_other_kind_is_told_with_its_correlation() {
        let latents = noise("latents");
        let epsilon = &latents * 0.98 + noise("error") * 0.1;
        let velocity = noise("picture") * -0.8;
        let told = |answer: &Tensor, kind| look(&latents, answer, kind, 999).unwrap();
        assert!(told(&epsilon, PredictionType::Epsilon).is_none());
        assert!(told(&velocity, PredictionType::VPrediction).is_none());
        let text = told(&epsilon, PredictionType::VPrediction).unwrap();
        assert!(text.contains("correlates 0.99"), "{text}");
        assert!(told(&velocity, PredictionType::Epsilon).is_some());
        assert!(
            look(&latents, &epsilon, PredictionType::VPrediction, 500)
                .unwrap()
                .is_none()
        );
    }
}
