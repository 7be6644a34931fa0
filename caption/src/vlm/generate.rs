//! From logits to text, token by token, for all rows of a batch.

use tch::{Device, Kind, Tensor};

use super::{sampling::choose, session::Session};
use crate::speaker::Sampling;

/// How an answer is put together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decoding {
    /// Its tokens at most.
    pub max_new_tokens: usize,
    /// Drawn by probability; the likeliest token each time if none.
    pub sampling: Option<Sampling>,
    /// Seed of its draws.
    pub seed: u64,
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

/// An answer for every row, from the logits behind its question; `stop` are the tokens that end one.
pub(crate) fn generate(
    session: &mut Session<'_>,
    mut logits: Tensor,
    decoding: &[Decoding],
    stop: &[i64],
) -> Vec<Answer> {
    let mut ids: Vec<Vec<u32>> = vec![Vec::new(); decoding.len()];
    let mut finishes: Vec<Option<Finish>> = vec![None; decoding.len()];
    // Which answer each row of the session belongs to.
    let mut rows: Vec<usize> = (0..decoding.len()).collect();
    loop {
        let tokens = next_tokens(&logits, &rows, &ids, decoding);
        for (&answer, &token) in rows.iter().zip(&tokens) {
            if finishes[answer].is_some() {
                continue;
            }
            if stop.contains(&token) {
                finishes[answer] = Some(Finish::Stop);
                continue;
            }
            ids[answer].push(token as u32);
            if ids[answer].len() >= decoding[answer].max_new_tokens {
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
        // A quarter of the rows compute for nothing: worth a copy of the others' past.
        if open.len() * 4 <= rows.len() * 3 {
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

/// One token for every row of `logits` `[B, V]`, which belong to the answers `rows`.
fn next_tokens(
    logits: &Tensor,
    rows: &[usize],
    ids: &[Vec<u32>],
    decoding: &[Decoding],
) -> Vec<i64> {
    let mut tokens = vec![0; rows.len()];
    let best = logits.argmax(-1, false).to_device(Device::Cpu);
    best.copy_data(&mut tokens, rows.len());
    let is_drawn = |answer: &usize| decoding[*answer].sampling.is_some();
    if !rows.iter().any(is_drawn) {
        return tokens;
    }
    let logits = logits.to_device(Device::Cpu).to_kind(Kind::Float);
    let vocabulary = logits.size()[1] as usize;
    let mut values = vec![0.0_f32; vocabulary];
    for (row, &answer) in rows.iter().enumerate() {
        let Decoding { sampling, seed, .. } = decoding[answer];
        if let Some(sampling) = sampling {
            let row_logits = logits.get(row as i64).contiguous();
            row_logits.copy_data(&mut values, vocabulary);
            tokens[row] = choose(&values, sampling, seed, ids[answer].len() as u64);
        }
    }
    tokens
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
