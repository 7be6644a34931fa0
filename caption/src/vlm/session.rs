//! A batch of pictures, and what has been asked and said about them so far.
//!
//! The pictures go through the decoder once, and a question about each, or several at once about one, goes on from its
//! picture's end. Where each is asked one question, all of one length, the questions go with their pictures: one pass, and
//! no mask. Rows whose questions differ in length are padded between picture and question, and the pads are hidden:
//! rotations tell distances alone, so that a row's answer does not depend on its neighbours.
//!
//! Rows end where they end: one that is finished can be asked anew from its picture's end, or be given to another picture.
// B rows, P tokens before the question (the picture's among them), S tokens of the question, T tokens in all

use tch::{Device, Kind, Tensor};
use terminus_nn::{KvCache, KvCacheShape, Mask};

use super::{
    decoder::{Call, Decoder},
    experts::Experts,
    trace::Trace,
};
use crate::Error;

/// What precedes the question, the same for every row.
#[derive(Debug)]
pub(crate) struct Opening {
    /// Vectors `[B, P, D]`.
    pub tokens: Tensor,
    /// Positions of the P tokens.
    pub positions: Vec<i64>,
    /// First token that the vision expert sees, and how many.
    pub vision: (i64, i64),
}

/// The state of a batch.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    decoder: &'a Decoder,
    /// The pictures, while they wait for the first questions to go through the decoder with them.
    unseen: Option<Opening>,
    /// What the rows have seen.
    cache: KvCache,
    /// B of the opening.
    pictures: i64,
    /// P.
    opening: i64,
    /// The position of the first token behind the opening.
    first_position: i64,
    /// The position of each row's next token.
    next: Vec<i64>,
    /// What is added where a row must not see, `[B, 1, 1, T room]`; none without pads.
    hidden: Option<Tensor>,
    device: Device,
}

impl<'a> Session<'a> {
    /// Shows the pictures; there is room for `room` further tokens.
    ///
    /// # Errors
    /// No memory.
    pub(crate) fn open(
        decoder: &'a Decoder,
        opening: Opening,
        room: i64,
        trace: &mut Trace<'_>,
    ) -> Result<Self, Error> {
        let size = opening.tokens.size(); // [B, P, D]
        let (batch, length) = (size[0], size[1]);
        let device = opening.tokens.device();
        let shape = &decoder.shape;
        let cache = KvCache::new(KvCacheShape {
            layers: shape.layers as usize,
            batch,
            heads: shape.kv_heads,
            room: length + room,
            head: shape.head,
            kind: opening.tokens.kind(),
            device,
        })?;
        let first_position = opening.positions.iter().max().map_or(0, |last| last + 1);
        let mut session = Self {
            decoder,
            unseen: None,
            cache,
            pictures: batch,
            opening: length,
            first_position,
            next: vec![first_position; batch as usize],
            hidden: None,
            device,
        };
        if trace.is_on() {
            session.see(&opening, trace);
        } else {
            session.unseen = Some(opening);
        }
        Ok(session)
    }

    /// Takes the pictures through the decoder, all but what the last block would say behind them: questions follow.
    fn see(&mut self, opening: &Opening, trace: &mut Trace<'_>) {
        let call = Call {
            positions: &self.of_every_row(&opening.positions),
            experts: &Experts::new(opening.vision),
            mask: Mask::Causal,
        };
        self.decoder
            .remember(&opening.tokens, &call, &mut self.cache, trace);
    }

    /// Takes the pictures through the decoder with a question about each, all of one length; gives the logits behind them.
    fn see_with(&mut self, opening: &Opening, questions: &[&[i64]]) -> Tensor {
        let length = questions.first().map_or(0, |each| each.len()) as i64;
        self.next = vec![self.first_position + length; questions.len()];
        self.hidden = None;
        let ids = Tensor::from_slice(&questions.concat())
            .reshape([-1, length])
            .to_device(self.device);
        let tokens = Tensor::cat(&[&opening.tokens, &self.decoder.embed(&ids)], 1); // [B, P + S, D]
        let mut positions = opening.positions.clone();
        positions.extend((0..length).map(|at| self.first_position + at));
        let call = Call {
            positions: &self.of_every_row(&positions),
            experts: &Experts::new(opening.vision),
            mask: Mask::Causal,
        };
        let last = self.decoder.last(&tokens, &call, &mut self.cache); // [B, D]
        self.decoder.logits(&last)
    }

    /// Positions that are the same in every row, `[B, S]`.
    fn of_every_row(&self, positions: &[i64]) -> Tensor {
        Tensor::from_slice(positions)
            .to_device(self.device)
            .unsqueeze(0)
            .expand([self.pictures, -1], false)
    }

    /// Rows of this session as they were when they had seen their pictures alone; questions are to follow, and there is room
    /// for `room` tokens of them.
    ///
    /// # Errors
    /// No memory.
    pub(crate) fn reopen(&self, rows: &[i64], room: i64) -> Result<Self, Error> {
        Ok(Self {
            decoder: self.decoder,
            unseen: None,
            cache: self.cache.fork(rows, self.opening, self.opening + room)?,
            pictures: rows.len() as i64,
            opening: self.opening,
            first_position: self.first_position,
            next: vec![self.first_position; rows.len()],
            hidden: None,
            device: self.device,
        })
    }

    /// Asks the questions, each about the picture whose number stands at its place, from the picture's end: as many rows
    /// as questions from now on. Gives the logits behind the last token of each, `[B, V]` f32.
    ///
    /// # Errors
    /// No memory.
    pub(crate) fn ask(
        &mut self,
        pictures: &[i64],
        questions: &[&[i64]],
        trace: &mut Trace<'_>,
    ) -> Result<Tensor, Error> {
        let is_of_each = pictures.iter().copied().eq(0..self.pictures);
        if let Some(opening) = self.unseen.take() {
            let first = questions.first().map_or(0, |each| each.len());
            if is_of_each && first > 0 && questions.iter().all(|each| each.len() == first) {
                return Ok(self.see_with(&opening, questions));
            }
            self.see(&opening, trace);
        }
        if !is_of_each {
            self.cache = self.cache.fork(pictures, self.opening, self.cache.room())?;
        }
        let longest = questions.iter().map(|each| each.len()).max().unwrap_or(0);
        let (mut ids, mut positions) = (Vec::new(), Vec::new());
        let mut pads = Vec::new();
        for question in questions {
            let pad = longest - question.len();
            pads.push(pad as i64);
            ids.extend(std::iter::repeat_n(0, pad));
            ids.extend(*question);
            positions.extend(std::iter::repeat_n(0, pad));
            positions.extend((0..question.len() as i64).map(|at| self.first_position + at));
        }
        self.next = questions
            .iter()
            .map(|question| self.first_position + question.len() as i64)
            .collect();
        let size = [questions.len() as i64, longest as i64];
        let tensor = |values: &[i64]| {
            Tensor::from_slice(values)
                .reshape(size)
                .to_device(self.device)
        };
        let (ids, positions) = (tensor(&ids), tensor(&positions));
        let kind = self.decoder.kind();
        self.hidden = pads
            .iter()
            .any(|pad| *pad > 0)
            .then(|| self.hide(&pads, kind));
        let mask = self.mask_of_question(longest as i64, kind);
        let call = Call {
            positions: &positions,
            experts: &Experts::Language,
            mask: Mask::Added(&mask),
        };
        let xs = self.decoder.embed(&ids);
        let xs = self.decoder.forward(&xs, &call, &mut self.cache, trace);
        let last = xs.narrow(1, longest as i64 - 1, 1).squeeze_dim(1); // [B, D]
        Ok(self.decoder.logits(&last))
    }

    /// Takes one token a row, `[B]` i64; gives the logits behind it, `[B, V]` f32.
    pub(crate) fn step(&mut self, tokens: &Tensor) -> Tensor {
        let positions = Tensor::from_slice(&self.next)
            .unsqueeze(1)
            .to_device(self.device); // [B, 1]
        let pads = self.hidden.as_ref();
        let pads = pads.map(|hidden| hidden.narrow(3, 0, self.cache.len() + 1));
        let mask = match (self.cache.unseen(self.decoder.kind()), pads) {
            (Some(unseen), Some(pads)) => Some(unseen + pads),
            (one, other) => one.or(other),
        };
        let call = Call {
            positions: &positions,
            experts: &Experts::Language,
            mask: mask.as_ref().map_or(Mask::Full, Mask::Added),
        };
        let xs = self.decoder.embed(&tokens.unsqueeze(1)); // [B, 1, D]
        let xs = self
            .decoder
            .forward(&xs, &call, &mut self.cache, &mut Trace::none());
        self.next.iter_mut().for_each(|position| *position += 1);
        self.decoder.logits(&xs.squeeze_dim(1))
    }

    /// Goes on with these rows alone, named in rising order: the others are finished.
    pub(crate) fn keep_rows(&mut self, rows: &[i64]) {
        self.cache.keep_rows(rows);
        self.next = rows.iter().map(|row| self.next[*row as usize]).collect();
        self.hidden = self.hidden.take().map(|hidden| {
            let places = Tensor::from_slice(rows).to_device(self.device);
            hidden.index_select(0, &places)
        });
    }

    /// Lets these rows, which are finished, forget all but their pictures, so that they do not grow on.
    pub(crate) fn rest(&mut self, rows: &[i64]) {
        self.cache.truncate(rows, self.opening);
        for &row in rows {
            self.next[row as usize] = self.first_position;
        }
    }

    /// Gives these rows to those of `other`, in their order, with all that they have seen.
    pub(crate) fn replace_rows(&mut self, rows: &[i64], other: &Self) {
        self.cache.replace_rows(rows, &other.cache);
        for (&row, &next) in rows.iter().zip(&other.next) {
            self.next[row as usize] = next;
        }
        if self.hidden.is_none() && other.hidden.is_none() {
            return;
        }
        let (kind, room) = (self.decoder.kind(), self.cache.room());
        let hidden = self.hidden.take();
        let size = [self.next.len() as i64, 1, 1, room];
        let hidden = hidden.unwrap_or_else(|| Tensor::zeros(size, (kind, self.device)));
        for (from, &to) in (0..).zip(rows) {
            let mut row = hidden.get(to); // [1, 1, T room]
            let _ = row.zero_();
            if let Some(pads) = &other.hidden {
                row.narrow(2, 0, other.cache.room()).copy_(&pads.get(from));
            }
        }
        self.hidden = Some(hidden);
    }

    /// Where the tokens are.
    pub(crate) fn device(&self) -> Device {
        self.device
    }

    /// `[B, 1, 1, T room]`: minus infinity at the pads behind the opening.
    fn hide(&self, pads: &[i64], kind: Kind) -> Tensor {
        let size = [pads.len() as i64, 1, 1, self.cache.room()];
        let hidden = Tensor::zeros(size, (kind, self.device));
        for (row, pad) in pads.iter().enumerate() {
            let _ = hidden
                .narrow(0, row as i64, 1)
                .narrow(3, self.opening, *pad)
                .fill_(f64::NEG_INFINITY);
        }
        hidden
    }

    /// `[1 or B, 1, S, P + S]`: every token sees the opening, and of the question itself and those before it but pads.
    fn mask_of_question(&self, length: i64, kind: Kind) -> Tensor {
        let options = (kind, self.device);
        let ahead = Tensor::full([length, length], f64::NEG_INFINITY, options).triu(1);
        let seen = Tensor::zeros([length, self.opening], options);
        let mask = Tensor::cat(&[seen, ahead], 1).unsqueeze(0).unsqueeze(0);
        match &self.hidden {
            Some(hidden) => mask + hidden.narrow(3, 0, self.opening + length),
            None => mask,
        }
    }
}
