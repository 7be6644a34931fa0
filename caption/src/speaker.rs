//! What a captioner that is asked questions looks like from the stage: a model here, or one behind an endpoint.

use std::{borrow::Cow, collections::BTreeSet};

use terminus_manifest::{
    ids,
    ledger::LedgerRow,
    run::Cancel,
    view::{Cut, View},
    words::Reason,
};

use crate::{
    Error,
    config::CaptionerConfig,
    hints::{Hints, names_in},
};

/// How tokens are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Below 1 the likely become likelier.
    pub temperature: f64,
    /// Only the likeliest tokens that together have this probability.
    pub top_p: f64,
    /// Only so many of the likeliest; all if 0.
    pub top_k: u32,
}

/// How a picture is asked about again after the gate refused an answer.
pub(crate) const RETRY: Sampling = Sampling {
    temperature: 0.6,
    top_p: 0.9,
    top_k: 0,
};

/// One question about one picture.
#[derive(Clone, Debug)]
pub(crate) struct Ask<'a> {
    pub row: &'a LedgerRow,
    /// The part of it that is shown; all of it if none.
    pub crop: Option<Cut>,
    /// The words; none are needed by a tagger.
    pub prompt: String,
    /// The likeliest words if none.
    pub sampling: Option<Sampling>,
    /// Seed of its draws.
    pub seed: u64,
    /// Tokens of the answer at most.
    pub max_new_tokens: u32,
}

#[cfg(feature = "torch")]
impl<'a> Ask<'a> {
    /// What is shown.
    pub(crate) fn sight(&self) -> (&'a LedgerRow, Option<Cut>) {
        (self.row, self.crop)
    }

    /// Whether both are about the same pixels.
    pub(crate) fn shows_what(&self, other: &Self) -> bool {
        self.row.item_id == other.row.item_id && self.crop == other.crop
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Words.
    Said {
        raw: String,
        /// How many tokens they are, if that is known.
        tokens: Option<u32>,
        /// `stop`, `length`, `repetition`, or the endpoint's own word.
        finish: String,
    },
    /// No words: this time, at least.
    Fault { reason: Reason, detail: String },
}

/// Takes the reply to the ask of this number; gives the next question about the picture if the reply is refused. Whoever
/// can ask that at once for less does, and tells again; otherwise it comes in a later call.
pub(crate) type Tell<'t, 'a> = dyn FnMut(usize, Reply) -> Result<Option<Ask<'a>>, Error> + 't;

/// Answers questions about pictures.
pub(crate) trait Speaker {
    /// Gives `tell` a reply for each ask, in any order, as soon as it has it. Asks about one picture stand together.
    ///
    /// # Errors
    /// What ends the whole stage; [`Error::Interrupted`] if `cancel` says so.
    fn ask<'a>(
        &mut self,
        asks: &[Ask<'a>],
        cancel: &Cancel,
        tell: &mut Tell<'_, 'a>,
    ) -> Result<(), Error>;
}

/// What a captioner asks: the prompts of its list, and how often.
#[derive(Clone, Debug)]
pub(crate) struct Questions<'a> {
    prompts: &'a [String],
    pub attempts: u32,
    first: Option<Sampling>,
    seed: u64,
    max_new_tokens: u32,
}

impl<'a> Questions<'a> {
    /// None for captioners that ask nothing.
    pub(crate) fn of(config: &'a CaptionerConfig) -> Option<Self> {
        let drawn = |temperature: f64, top_p, top_k| {
            (temperature > 0.0).then_some(Sampling {
                temperature,
                top_p,
                top_k,
            })
        };
        match config {
            CaptionerConfig::Vlm(vlm) => Some(Self {
                prompts: &vlm.prompts,
                attempts: vlm.attempts.get(),
                first: drawn(vlm.temperature, vlm.top_p, vlm.top_k),
                seed: vlm.seed,
                max_new_tokens: vlm.max_new_tokens.get(),
            }),
            CaptionerConfig::Http(http) => Some(Self {
                prompts: &http.prompts,
                attempts: http.attempts.get(),
                first: drawn(http.temperature, 1.0, 0),
                seed: http.seed,
                max_new_tokens: http.max_new_tokens.get(),
            }),
            CaptionerConfig::Tagger(_) => Some(Self {
                prompts: &[],
                attempts: 1,
                first: None,
                seed: 0,
                max_new_tokens: 0,
            }),
            CaptionerConfig::Prompt {} | CaptionerConfig::Text { .. } => None,
        }
    }

    /// The names of the hints that its prompts ask for.
    pub(crate) fn hints(&self) -> BTreeSet<&'a str> {
        self.prompts
            .iter()
            .flat_map(|prompt| names_in(prompt))
            .collect()
    }

    /// What is asked about a picture: the prompts of which all hints are known, from the one on that its hash draws. None if
    /// there is no such prompt.
    pub(crate) fn about(
        &'a self,
        row: &'a LedgerRow,
        view: View,
        hints: &Hints,
    ) -> Option<Asking<'a>> {
        let fields = [self.seed.to_string(), view.id().to_string()];
        let bits = ids::hash_u64("prompt", &[&fields[0], &fields[1]]);
        let first = ids::below(bits, self.prompts.len() as u64) as usize;
        let (before, from) = self.prompts.split_at_checked(first)?;
        let prompts = from.iter().chain(before);
        let asking = Asking {
            questions: self,
            row,
            view,
            prompts: prompts.filter_map(|prompt| hints.fill(prompt)).collect(),
        };
        (!asking.prompts.is_empty() || self.prompts.is_empty()).then_some(asking)
    }
}

/// What is asked about one picture.
#[derive(Clone, Debug)]
pub(crate) struct Asking<'a> {
    questions: &'a Questions<'a>,
    pub row: &'a LedgerRow,
    pub view: View,
    prompts: Vec<Cow<'a, str>>,
}

impl<'a> Asking<'a> {
    /// Attempts at most.
    pub(crate) fn attempts(&self) -> u32 {
        self.questions.attempts
    }

    /// The prompt of an attempt: the first, and the next one from the third attempt on.
    pub(crate) fn prompt(&self, attempt: u32) -> &str {
        let at = attempt.saturating_sub(2) as usize;
        let count = self.prompts.len().max(1);
        self.prompts.get(at % count).map_or("", Cow::as_ref)
    }

    /// The question of an attempt.
    pub(crate) fn ask(&self, attempt: u32) -> Ask<'a> {
        let fields = [
            self.questions.seed.to_string(),
            self.view.id().to_string(),
            attempt.to_string(),
        ];
        Ask {
            row: self.row,
            crop: self.view.crop,
            prompt: self.prompt(attempt).to_owned(),
            sampling: if attempt == 1 {
                self.questions.first
            } else {
                Some(RETRY)
            },
            seed: ids::hash_u64("ask", &[&fields[0], &fields[1], &fields[2]]),
            max_new_tokens: self.questions.max_new_tokens,
        }
    }
}
