//! Continuous batching (Yu et al. 2022, Orca): a row whose answer is at its end is asked anew about its picture, or is given
//! to the next picture, while the other rows speak on.
//!
//! Rows wait until an eighth of them is idle: a few pictures shown together take less time than each by itself.
// B rows, V tokens of the vocabulary

use std::borrow::Cow;

use tch::Tensor;

use super::{
    Model,
    generate::{Answer, Decoding, Finish, next_tokens},
    place::guarded,
    session::Session,
    trace::Trace,
};
use crate::Error;

/// What the model said of one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The text, special tokens left out.
    pub text: String,
    /// Its tokens.
    pub ids: Vec<u32>,
    /// Why it ended.
    pub finish: Finish,
}

/// A question, by the number under which it is answered: [`Model::request`].
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub number: usize,
    /// The tokens behind the picture.
    pub question: Vec<i64>,
    pub decoding: Decoding,
}

/// A picture as the model wants it, and all that is asked about it.
#[derive(Clone, Debug)]
pub(crate) struct Showing<'p> {
    pub pixels: Cow<'p, [f32]>,
    pub requests: Vec<Request>,
}

/// Where pictures come from, and answers go.
pub(crate) trait Requests<'p> {
    /// The next picture; none if no more come.
    ///
    /// # Errors
    /// What ends everything.
    fn next(&mut self) -> Result<Option<Showing<'p>>, Error>;

    /// Takes the answer to the question of this number; gives the one that is asked about the same picture instead, if one
    /// is. Whether it was asked shows in an answer to it: it may not be, where its answer has no room.
    ///
    /// # Errors
    /// What ends everything.
    fn tell(&mut self, number: usize, said: Said) -> Result<Option<Request>, Error>;
}

/// What a batch has room for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchSize {
    /// Pictures at a time.
    pub pictures: usize,
    /// Tokens of a question.
    pub question: usize,
    /// Tokens of an answer.
    pub answer: usize,
}

impl BatchSize {
    /// Of a batch of so many pictures in which any of these requests may come.
    pub(crate) fn new(pictures: usize, requests: &[Request]) -> Self {
        let answers = requests
            .iter()
            .map(|request| request.decoding.max_new_tokens);
        Self {
            pictures,
            question: longest_question(requests),
            answer: answers.max().unwrap_or(0),
        }
    }
}

/// Answers all requests.
///
/// # Errors
/// No memory ([`Error::OutOfMemory`]): whatever was not told must come again, in smaller batches. libtorch refuses an
/// operation, or `requests` fails.
pub(crate) fn answer_all(
    model: &Model,
    requests: &mut dyn Requests<'_>,
    size: BatchSize,
) -> Result<(), Error> {
    let mut next = requests.next()?;
    while let Some(first) = next.take() {
        let mut showings = vec![first];
        while showings.len() < size.pictures {
            match requests.next()? {
                Some(showing) => showings.push(showing),
                None => break,
            }
        }
        let mut batch = Batch::open(model, &showings, size, requests)?;
        drop(showings);
        next = requests.next()?;
        while batch.rows.iter().any(|row| !matches!(row, Row::Idle)) {
            if batch.silent().len() * 8 >= batch.rows.len() {
                batch.ask_again(requests)?;
                batch.refill(&mut next, requests)?;
            }
            batch.step(requests)?;
        }
    }
    Ok(())
}

/// What a row does.
#[derive(Debug)]
enum Row {
    /// Nothing: its answer is told.
    Idle,
    /// Its answer was refused, and this comes instead.
    Refused(Request),
    /// It answers; `token` is its last one.
    Speaking {
        request: Request,
        answer: Answer,
        token: i64,
    },
}

/// Rows that speak at the same time.
struct Batch<'m> {
    model: &'m Model,
    size: BatchSize,
    session: Session<'m>,
    rows: Vec<Row>,
}

impl<'m> Batch<'m> {
    /// Shows the pictures and begins the answers to all that is asked about them.
    fn open(
        model: &'m Model,
        showings: &[Showing<'_>],
        size: BatchSize,
        requests: &mut dyn Requests<'_>,
    ) -> Result<Self, Error> {
        let asked = of_all(showings);
        // Short questions are padded to long ones, and each may have the longest answer.
        let (session, logits) = show(model, showings, size.question + size.answer)?;
        let mut batch = Self {
            model,
            size,
            session,
            rows: asked.iter().map(|_| Row::Idle).collect(),
        };
        let rows: Vec<usize> = (0..asked.len()).collect();
        batch.begin(&rows, asked, &logits, requests)?;
        Ok(batch)
    }

    /// Rows that do not speak.
    fn silent(&self) -> Vec<usize> {
        self.rows_that(|row| !matches!(row, Row::Speaking { .. }))
    }

    fn rows_that(&self, is: impl Fn(&Row) -> bool) -> Vec<usize> {
        let all = self.rows.iter().enumerate();
        all.filter(|(_, row)| is(row)).map(|(at, _)| at).collect()
    }

    /// Asks the rows anew whose answers were refused, from where their pictures end.
    fn ask_again(&mut self, requests: &mut dyn Requests<'_>) -> Result<(), Error> {
        let (mut rows, mut asked) = (Vec::new(), Vec::new());
        for (at, row) in self.rows.iter_mut().enumerate() {
            if let Some(request) = row.take_refused() {
                // Otherwise it comes again with its picture.
                if request.question.len() <= self.size.question
                    && request.decoding.max_new_tokens <= self.size.answer
                {
                    rows.push(at);
                    asked.push(request);
                }
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let room = longest_question(&asked);
        let pictures: Vec<i64> = (0..rows.len() as i64).collect();
        let (session, logits) = guarded(|| {
            let mut session = self.session.reopen(&numbers(&rows), room as i64)?;
            let logits = ask(&mut session, &pictures, &asked)?;
            Ok((session, logits))
        })?;
        self.seat(&rows, asked, &session, &logits, requests)
    }

    /// Gives idle rows to the pictures that come next, as many as there are rows for all that is asked about them.
    fn refill<'p>(
        &mut self,
        next: &mut Option<Showing<'p>>,
        requests: &mut dyn Requests<'p>,
    ) -> Result<(), Error> {
        let mut rows = self.rows_that(|row| matches!(row, Row::Idle));
        let mut showings = Vec::new();
        let mut taken = 0;
        while showings.len() < self.size.pictures
            && let Some(showing) = next.take_if(|next| taken + next.requests.len() <= rows.len())
        {
            taken += showing.requests.len();
            showings.push(showing);
            *next = requests.next()?;
        }
        if showings.is_empty() {
            // Nothing comes for them, now or ever, or a picture about which more is asked than this batch has rows.
            let fits = |next: &Showing<'_>| next.requests.len() <= self.rows.len();
            if !next.as_ref().is_some_and(fits) {
                self.part_with_idle();
            }
            return Ok(());
        }
        rows.truncate(taken);
        let asked = of_all(&showings);
        let (session, logits) = show(self.model, &showings, longest_question(&asked))?;
        self.seat(&rows, asked, &session, &logits, requests)
    }

    /// Goes on without the rows that have nothing to do.
    fn part_with_idle(&mut self) {
        let kept = self.rows_that(|row| !matches!(row, Row::Idle));
        if !kept.is_empty() && kept.len() < self.rows.len() {
            self.session.keep_rows(&numbers(&kept));
            self.rows.retain(|row| !matches!(row, Row::Idle));
        }
    }

    /// Gives rows to those of `session`, which were asked these questions.
    fn seat(
        &mut self,
        rows: &[usize],
        asked: Vec<Request>,
        session: &Session<'m>,
        logits: &Tensor,
        requests: &mut dyn Requests<'_>,
    ) -> Result<(), Error> {
        guarded(|| {
            self.session.replace_rows(&numbers(rows), session);
            Ok(())
        })?;
        self.begin(rows, asked, logits, requests)
    }

    /// Begins the answers of these rows by the logits behind their questions.
    fn begin(
        &mut self,
        rows: &[usize],
        asked: Vec<Request>,
        logits: &Tensor,
        requests: &mut dyn Requests<'_>,
    ) -> Result<(), Error> {
        let speaking: Vec<_> = asked
            .iter()
            .map(|asked| Some((asked.decoding, 0)))
            .collect();
        let tokens = guarded(|| Ok(next_tokens(logits, &speaking)))?;
        for ((&row, request), token) in rows.iter().zip(asked).zip(tokens) {
            let answer = Answer { ids: Vec::new() };
            self.rows[row] = self.go_on(request, answer, token, requests)?;
        }
        Ok(())
    }

    /// One token more for every row that speaks.
    fn step(&mut self, requests: &mut dyn Requests<'_>) -> Result<(), Error> {
        let speaking: Vec<_> = self.rows.iter().map(Row::speaking).collect();
        let last: Vec<i64> = self.rows.iter().map(Row::token).collect();
        let silent = numbers(&self.silent());
        if silent.len() == self.rows.len() {
            return Ok(());
        }
        let tokens = guarded(|| {
            self.session.rest(&silent);
            let last = Tensor::from_slice(&last).to_device(self.session.device());
            Ok(next_tokens(&self.session.step(&last), &speaking))
        })?;
        for (at, token) in tokens.into_iter().enumerate() {
            match std::mem::replace(&mut self.rows[at], Row::Idle) {
                Row::Speaking {
                    request, answer, ..
                } => self.rows[at] = self.go_on(request, answer, token, requests)?,
                silent => self.rows[at] = silent,
            }
        }
        Ok(())
    }

    /// What a row does after a token.
    fn go_on(
        &self,
        request: Request,
        mut answer: Answer,
        token: i64,
        requests: &mut dyn Requests<'_>,
    ) -> Result<Row, Error> {
        let Some(finish) = answer.push(token, request.decoding, self.model.stop()) else {
            return Ok(Row::Speaking {
                request,
                answer,
                token,
            });
        };
        let said = Said {
            text: self.model.tokenizer().decode(&answer.ids),
            ids: answer.ids,
            finish,
        };
        let again = requests.tell(request.number, said)?;
        Ok(again.map_or(Row::Idle, Row::Refused))
    }
}

impl Row {
    fn speaking(&self) -> Option<(Decoding, usize)> {
        match self {
            Self::Speaking {
                request, answer, ..
            } => Some((request.decoding, answer.ids.len())),
            Self::Idle | Self::Refused(_) => None,
        }
    }

    /// The question that comes in place of one whose answer was refused.
    fn take_refused(&mut self) -> Option<Request> {
        match std::mem::replace(self, Self::Idle) {
            Self::Refused(request) => Some(request),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Any token will do for a row that does not speak.
    fn token(&self) -> i64 {
        match self {
            Self::Speaking { token, .. } => *token,
            Self::Idle | Self::Refused(_) => 0,
        }
    }
}

/// A session of these pictures with all that is asked about them, and the logits behind it.
fn show<'m>(
    model: &'m Model,
    showings: &[Showing<'_>],
    room: usize,
) -> Result<(Session<'m>, Tensor), Error> {
    let pixels: Vec<&[f32]> = showings.iter().map(|showing| &*showing.pixels).collect();
    let asked = of_all(showings);
    let pictures = (0..).zip(showings);
    let pictures: Vec<i64> = pictures
        .flat_map(|(number, showing)| showing.requests.iter().map(move |_| number))
        .collect();
    guarded(|| {
        let mut session = model.open_session(&pixels, room, &mut Trace::none())?;
        let logits = ask(&mut session, &pictures, &asked)?;
        Ok((session, logits))
    })
}

fn ask(session: &mut Session<'_>, pictures: &[i64], asked: &[Request]) -> Result<Tensor, Error> {
    let questions: Vec<&[i64]> = asked.iter().map(|asked| &*asked.question).collect();
    session.ask(pictures, &questions, &mut Trace::none())
}

fn of_all(showings: &[Showing<'_>]) -> Vec<Request> {
    let all = showings.iter().flat_map(|showing| &showing.requests);
    all.cloned().collect()
}

/// Tokens of the longest question.
fn longest_question(requests: &[Request]) -> usize {
    let lengths = requests.iter().map(|request| request.question.len());
    lengths.max().unwrap_or(0)
}

fn numbers(rows: &[usize]) -> Vec<i64> {
    rows.iter().map(|&row| row as i64).collect()
}
