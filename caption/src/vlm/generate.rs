//! From logits to tokens, and when an answer is at its end.

use tch::{Device, Kind, Tensor};

use super::sampling::choose;
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

/// An answer that is being given, without the token that ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub ids: Vec<u32>,
}

impl Answer {
    /// Takes its next token; tells why it ends with that, if it does. `stop` are the tokens that end one.
    pub(crate) fn push(&mut self, token: i64, decoding: Decoding, stop: &[i64]) -> Option<Finish> {
        if stop.contains(&token) {
            return Some(Finish::Stop);
        }
        self.ids.push(token as u32);
        if self.ids.len() >= decoding.max_new_tokens {
            Some(Finish::Length)
        } else if is_circling(&self.ids) {
            Some(Finish::Repetition)
        } else {
            None
        }
    }
}

/// One token for every row of `logits` `[B, V]`: the likeliest, or drawn where `rows` tells how, and how many tokens the
/// answer has so far.
pub(crate) fn next_tokens(logits: &Tensor, rows: &[Option<(Decoding, usize)>]) -> Vec<i64> {
    let mut tokens = vec![0; rows.len()];
    let best = logits.argmax(-1, false).to_device(Device::Cpu);
    best.copy_data(&mut tokens, rows.len());
    let drawn = rows.iter().enumerate().filter_map(|(row, speaking)| {
        let (Decoding { sampling, seed, .. }, at) = (*speaking)?;
        Some((row, sampling?, seed, at))
    });
    let mut values = vec![0.0_f32; logits.size()[1] as usize];
    for (row, sampling, seed, at) in drawn {
        let row_logits = logits
            .get(row as i64)
            .to_device(Device::Cpu)
            .to_kind(Kind::Float)
            .contiguous();
        row_logits.copy_data(&mut values, row_logits.numel());
        tokens[row] = choose(&values, sampling, seed, at as u64);
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
