//! Pictures that a model was shown, and the questions that are asked about them.
//!
//! The pictures go through the network once; each question goes on from there, be it another about the same picture, or
//! the same again with draws.

use super::{
    Model,
    generate::{Decoding, Finish, generate},
    place::guarded,
    session::Session,
    trace::Trace,
};
use crate::Error;

/// A question about one of the pictures that a model was shown.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// Which one.
    pub picture: usize,
    /// The words.
    pub prompt: &'q str,
    /// How its answer is put together.
    pub decoding: Decoding,
}

/// What a model said of one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The text, special tokens left out.
    pub text: String,
    /// Its tokens.
    pub ids: Vec<u32>,
    /// Why it ended.
    pub finish: Finish,
}

/// A model with the pictures that it was shown.
#[derive(Debug)]
pub struct Sitting<'m> {
    model: &'m Model,
    session: Session<'m>,
}

impl<'m> Sitting<'m> {
    pub(super) fn new(model: &'m Model, session: Session<'m>) -> Self {
        Self { model, session }
    }

    /// Whether these questions and their answers have room behind the pictures.
    pub fn has_room(&self, questions: &[Question<'_>]) -> bool {
        self.model.room(questions) as i64 <= self.session.room()
    }

    /// What the model says; a picture may be asked about several times, or not at all.
    ///
    /// # Errors
    /// No memory ([`Error::OutOfMemory`]), or libtorch refuses an operation; nothing more can be asked then.
    pub fn ask(&mut self, questions: &[Question<'_>]) -> Result<Vec<Said>, Error> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let Self { model, session } = self;
        guarded(|| {
            let pictures: Vec<i64> = questions.iter().map(|asked| asked.picture as i64).collect();
            let prompts: Vec<Vec<i64>> = questions
                .iter()
                .map(|asked| model.question(asked.prompt))
                .collect();
            let decoding: Vec<Decoding> = questions.iter().map(|asked| asked.decoding).collect();
            let logits = session.ask(&pictures, &prompts, &mut Trace::none());
            let answers = generate(session, logits, &decoding, model.stop());
            Ok(answers
                .into_iter()
                .map(|answer| Said {
                    text: model.tokenizer().decode(&answer.ids),
                    ids: answer.ids,
                    finish: answer.finish,
                })
                .collect())
        })
    }
}
