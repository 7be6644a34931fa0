//! From logits to text, token by token, for all rows of a batch.

use tch::{Kind, Tensor};

use super::{sampling::choose, session::Session};
use crate::speaker::Sampling;

/// How an answer is put together.
#[derive(Clone, Debug)]
pub struct Decoding {
    /// Tokens of an answer at most.
    pub max_new_tokens: usize,
    /// Drawn by probability; the likeliest token each time if none.
    pub sampling: Option<Sampling>,
    /// Tokens that end an answer, besides the model's own.
    pub stop: Vec<i64>,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model ended it.
    Stop,
    /// It had as many tokens as it may.
    Length,
    /// Its end went round in a circle.
    Repetition,
}

impl Finish {
    /// The word that provenance holds.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Repetition => "repetition",
        }
    }
}

/// One answer, without the token that ended it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub ids: Vec<u32>,
    pub finish: Finish,
}

/// Answers for every row, from the logits behind its question; `seeds` holds one number a row for its draws.
pub(crate) fn generate(
    session: &mut Session<'_>,
    mut logits: Tensor,
    decoding: &Decoding,
    seeds: &[u64],
) -> Vec<Answer> {
    let mut ids: Vec<Vec<u32>> = vec![Vec::new(); seeds.len()];
    let mut finishes: Vec<Option<Finish>> = vec![None; seeds.len()];
    // Which answer each row of the session belongs to.
    let mut rows: Vec<usize> = (0..seeds.len()).collect();
    loop {
        let tokens = next_tokens(&logits, &rows, &ids, decoding, seeds);
        for (&answer, &token) in rows.iter().zip(&tokens) {
            if finishes[answer].is_some() {
                continue;
            }
            if decoding.stop.contains(&token) {
                finishes[answer] = Some(Finish::Stop);
                continue;
            }
            ids[answer].push(token as u32);
            if ids[answer].len() >= decoding.max_new_tokens {
                finishes[answer] = Some(Finish::Length);
            } else if is_circling(&ids[answer]) {
                finishes[answer] = Some(Finish::Repetition);
            }
        }
        let open: Vec<usize> = (0..rows.len())
            .filter(|&row| finishes[rows[row]].is_none())
            .collect();
        if open.is_empty() {
            break;
        }
        let mut tokens = Tensor::from_slice(&tokens).to_device(session.device());
        // Half of the rows compute for nothing: worth a copy of the others' past.
        if open.len() * 2 <= rows.len() {
            let places: Vec<i64> = open.iter().map(|&row| row as i64).collect();
            session.keep_rows(&places);
            tokens =
                tokens.index_select(0, &Tensor::from_slice(&places).to_device(session.device()));
            rows = open.iter().map(|&row| rows[row]).collect();
        }
        logits = session.step(&tokens);
    }
    ids.into_iter()
        .zip(finishes)
        .map(|(ids, finish)| Answer {
            ids,
            finish: finish.unwrap_or(Finish::Length),
        })
        .collect()
}

/// One token for every row of `logits` `[B, V]`.
fn next_tokens(
    logits: &Tensor,
    rows: &[usize],
    ids: &[Vec<u32>],
    decoding: &Decoding,
    seeds: &[u64],
) -> Vec<i64> {
    let Some(sampling) = decoding.sampling else {
        let best = logits.argmax(-1, false);
        return (0..rows.len())
            .map(|row| best.int64_value(&[row as i64]))
            .collect();
    };
    let logits = logits.to_device(tch::Device::Cpu).to_kind(Kind::Float);
    let vocabulary = logits.size()[1] as usize;
    let mut values = vec![0.0_f32; vocabulary];
    rows.iter()
        .enumerate()
        .map(|(row, &answer)| {
            let row = logits.get(row as i64).contiguous();
            row.copy_data(&mut values, vocabulary);
            choose(&values, sampling, seeds[answer], ids[answer].len() as u64)
        })
        .collect()
}

/// Tokens over which a circle must have gone on before an answer is given up.
const CIRCLE_TOKENS: usize = 48;
/// The longest circle that is looked for.
const LONGEST_CIRCLE: usize = 16;

/// Whether the end of an answer repeats the same few tokens.
fn is_circling(ids: &[u32]) -> bool {
    let Some(tail) = ids
        .len()
        .checked_sub(CIRCLE_TOKENS)
        .map(|start| &ids[start..])
    else {
        return false;
    };
    (1..=LONGEST_CIRCLE).any(|period| tail[period..] == tail[..tail.len() - period])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_told_from_a_list() {
        let circle: Vec<u32> = (0..60).map(|at| if at < 9 { at } else { at % 5 }).collect();
        assert!(is_circling(&circle));
        assert!(!is_circling(&circle[..40]), "too short to tell");
        let list: Vec<u32> = (0..60).map(|at| if at % 3 == 0 { 7 } else { at }).collect();
        assert!(!is_circling(&list));
    }
}
