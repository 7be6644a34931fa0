//! One captioner over all of its pictures, or several that share a model.

use std::time::Instant;

use serde_json::json;
use terminus_manifest::{
    caption::CaptionRow,
    ids::CaptionKey,
    ledger::LedgerRow,
    run::{Cancel, Progress},
    view::View,
    words::Reason,
};

use super::{CaptionerSummary, Given, Summary, keeper::Keeper};
use crate::{
    CaptionPlan, Error,
    captioner::{Captioner, provenance},
    gate::{Circumstances, judge},
    hints::{Hints, OWN_PROMPT, own_prompt},
    picture::Pictures,
    speaker::{Ask, Asking, Questions, Reply, Speaker},
    speakers,
};

/// Pictures that are asked about before those whose answers were refused are asked again.
const CHUNK: usize = 512;

/// A captioner with the pictures, or crops of them, that are its own.
pub(super) struct Member<'a> {
    pub captioner: &'a Captioner<'a>,
    pub views: Vec<(&'a LedgerRow, View)>,
}

/// One picture that waits for an answer.
struct Waiting<'a> {
    /// Which member of the group asks.
    member: usize,
    asking: Asking<'a>,
    key: CaptionKey,
    attempt: u32,
}

impl<'a> Waiting<'a> {
    fn ask(&self) -> Ask<'a> {
        self.asking.ask(self.attempt)
    }
}

/// Finds, makes and cleans the captions of a group of captioners that one speaker answers for.
pub(super) fn run(
    plan: &CaptionPlan,
    group: &[Member<'_>],
    keeper: &mut Keeper<'_>,
    given: &mut Given,
    summary: &mut Summary,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<(), Error> {
    let pictures: usize = group.iter().map(|member| member.views.len()).sum();
    progress.start("caption", Some(pictures as u64), "pictures");
    let mut waiting = Vec::new();
    for (member, of_member) in group.iter().enumerate() {
        let found = find(member, of_member, keeper, given, summary, progress, cancel);
        if let Err(error) = found.map(|found| waiting.extend(found)) {
            keeper.commit()?;
            return Err(error);
        }
    }
    if waiting.is_empty() || plan.dry_run {
        summary.captioned += waiting.len() as u64;
        progress.finish();
        return Ok(());
    }
    if group.len() > 1 {
        // A picture is shown once for all that is asked about it.
        waiting.sort_by_key(|one| one.asking.view);
    }
    let pictures = Pictures::new(&plan.root, plan.policy, plan.limits);
    let mut speaker = speakers::open(group[0].captioner, pictures, waiting.len())?;
    let started = Instant::now();
    let mut round = Round {
        done: group.iter().map(|_| CaptionerSummary::default()).collect(),
        captioners: group.iter().map(|member| member.captioner).collect(),
        keeper,
        given,
        progress,
        started,
    };
    for chunk in in_chunks(waiting) {
        let asked = round.ask_all(chunk, speaker.as_mut(), cancel);
        if let Err(error) = asked {
            round.keeper.commit()?;
            return Err(error);
        }
    }
    let took_ms = started.elapsed().as_millis() as u64;
    let Round {
        done, captioners, ..
    } = round;
    progress.finish();
    for (captioner, mut done) in captioners.into_iter().zip(done) {
        if done.asked == 0 {
            continue;
        }
        done.took_ms = took_ms;
        let name = captioner.plan.name.as_str();
        progress.note(&done.line(name));
        summary.captioned += done.passed;
        summary.captioners.insert(name.to_owned(), done);
    }
    Ok(())
}

/// The pictures of one member that wait for an answer; the others get what is known, or needs no asking.
fn find<'a>(
    member: usize,
    Member { captioner, views }: &Member<'a>,
    keeper: &mut Keeper<'_>,
    given: &mut Given,
    summary: &mut Summary,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Vec<Waiting<'a>>, Error> {
    let name = captioner.plan.name.as_str();
    let mut waiting = Vec::new();
    for &(row, view) in views {
        if cancel.is_cancelled() {
            return Err(Error::Interrupted);
        }
        let place = (name.to_owned(), view);
        let asking = match &captioner.questions {
            None => None,
            Some(questions) => {
                let hints = hints(questions, row, view, given, keeper);
                let Some(asking) = questions.about(row, view, &hints) else {
                    let detail = lacking(questions, &hints);
                    given.faults.insert(place, (Reason::CaptionFailed, detail));
                    progress.advance(1);
                    continue;
                };
                Some(asking)
            }
        };
        let Some((key, input)) = captioner.input(row, view, asking.as_ref()) else {
            progress.advance(1);
            continue;
        };
        if let Some(known) = keeper.caption(key) {
            let tags = tags(captioner, view, given, keeper);
            let again = reclean(captioner, known, tags.as_deref());
            if let Some(cleaned) = again {
                summary.recleaned += 1;
                keeper.keep(cleaned)?;
            }
            given.keys.insert(place, key);
        } else if let Some(asking) = asking {
            // Two items may show the same picture: it is asked about once.
            if given.keys.insert(place, key).is_none() {
                waiting.push(Waiting {
                    member,
                    asking,
                    key,
                    attempt: 1,
                });
                continue;
            }
        } else if let Some(caption) = captioner.instant(key, view.picture, input) {
            summary.captioned += 1;
            keeper.keep(caption)?;
            given.keys.insert(place, key);
        }
        progress.advance(1);
    }
    Ok(waiting)
}

fn in_chunks(mut waiting: Vec<Waiting<'_>>) -> impl Iterator<Item = Vec<Waiting<'_>>> {
    std::iter::from_fn(move || {
        let rest = waiting.split_off(waiting.len().min(CHUNK));
        let chunk = std::mem::replace(&mut waiting, rest);
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// The captioners at work.
struct Round<'a, 'k> {
    captioners: Vec<&'a Captioner<'a>>,
    done: Vec<CaptionerSummary>,
    keeper: &'a mut Keeper<'k>,
    given: &'a mut Given,
    progress: &'a dyn Progress,
    started: Instant,
}

impl Round<'_, '_> {
    /// Asks about every picture, and again about those whose answers are refused.
    fn ask_all(
        &mut self,
        mut waiting: Vec<Waiting<'_>>,
        speaker: &mut dyn Speaker,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        while !waiting.is_empty() {
            let asks: Vec<Ask<'_>> = waiting.iter().map(Waiting::ask).collect();
            let mut is_open = vec![false; asks.len()];
            speaker.ask(&asks, cancel, &mut |at, reply| {
                is_open[at] = self.take(&waiting[at], reply)?;
                waiting[at].attempt += 1;
                Ok(is_open[at].then(|| waiting[at].ask()))
            })?;
            // Those that the speaker did not ask again by itself.
            let mut is_open = is_open.into_iter();
            waiting.retain(|_| is_open.next() == Some(true));
        }
        Ok(())
    }

    /// Whether the picture must be asked about again.
    fn take(&mut self, one: &Waiting<'_>, reply: Reply) -> Result<bool, Error> {
        let captioner = self.captioners[one.member];
        let done = &mut self.done[one.member];
        done.asked += 1;
        let place = (captioner.plan.name.clone(), one.asking.view);
        let (raw, tokens, finish) = match reply {
            Reply::Said {
                raw,
                tokens,
                finish,
            } => (raw, tokens, finish),
            Reply::Fault { reason, detail } => {
                self.given.keys.remove(&place);
                self.given.faults.insert(place, (reason, detail));
                done.failed += 1;
                self.progress.advance(1);
                return Ok(false);
            }
        };
        done.tokens += u64::from(tokens.unwrap_or(0));
        let tags = tags(captioner, one.asking.view, self.given, self.keeper);
        let (text, rules) = gated(captioner, &raw, &finish, tags.as_deref());
        if text.is_empty() && one.attempt < one.asking.attempts() {
            return Ok(true);
        }
        done.passed += u64::from(!text.is_empty());
        done.refused += u64::from(text.is_empty());
        let ask = one.ask();
        let sampling = ask.sampling.map(|sampling| {
            json!({
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "top_k": sampling.top_k,
            })
        });
        let provenance = json!({
            "kind": captioner.plan.config.kind(),
            "sha256": one.asking.row.sha256.map(|sha256| sha256.to_string()),
            "weights": captioner.weights,
            "settings": captioner.plan.config.asked(),
            "sampling": sampling,
            "seed": ask.seed.to_string(),
            "tokens": tokens,
            "finish": finish,
            "gate": captioner.gate_hash,
        });
        self.keeper.keep_now(CaptionRow {
            captioner: captioner.plan.name.clone(),
            prompt: ask.prompt,
            text,
            raw,
            attempt: one.attempt,
            filters: rules,
            provenance: provenance.to_string(),
            ..CaptionRow::new(one.key, one.asking.view)
        })?;
        let seconds = self.started.elapsed().as_secs_f64();
        let rates = CaptionerSummary::sum(&self.done).rates(seconds);
        self.progress.status(&rates);
        self.progress.advance(1);
        Ok(false)
    }
}

/// The text that the gate lets through, and the rules that it applied.
fn gated(
    captioner: &Captioner<'_>,
    raw: &str,
    finish: &str,
    tags: Option<&str>,
) -> (String, Vec<String>) {
    let Some(gate) = captioner.plan.config.gate() else {
        return (raw.trim().to_owned(), Vec::new());
    };
    let around = Circumstances {
        is_cut: finish == "length",
        is_circling: finish == "repetition",
        tags,
    };
    let judged = judge(raw, around, gate);
    let rules = judged.rules.into_iter().map(str::to_owned).collect();
    (judged.text, rules)
}

/// The tags that the gate of this captioner holds against its captions.
fn tags(
    captioner: &Captioner<'_>,
    view: View,
    given: &Given,
    keeper: &Keeper<'_>,
) -> Option<String> {
    tags_of(
        captioner.plan.config.gate()?.tags.as_deref()?,
        view,
        given,
        keeper,
    )
}

/// The tags that a tagger gave what is shown.
fn tags_of(tagger: &str, view: View, given: &Given, keeper: &Keeper<'_>) -> Option<String> {
    let key = given.keys.get(&(tagger.to_owned(), view))?;
    Some(keeper.caption(*key)?.text.clone())
}

/// What is known of a picture of that which a captioner's prompts ask for.
fn hints(
    questions: &Questions<'_>,
    row: &LedgerRow,
    view: View,
    given: &Given,
    keeper: &Keeper<'_>,
) -> Hints {
    Hints::new(questions.hints(), |name| match name {
        OWN_PROMPT => own_prompt(row),
        // A rehearsal counts what would be asked: the tagger has not been.
        tagger => {
            tags_of(tagger, view, given, keeper).or_else(|| keeper.plan.dry_run.then(String::new))
        }
    })
}

/// Why nothing can be asked about a picture.
fn lacking(questions: &Questions<'_>, hints: &Hints) -> String {
    let names = questions.hints().into_iter();
    let missing: Vec<String> = names
        .filter(|name| !hints.has(name))
        .map(|name| format!("`{{{name}}}`"))
        .collect();
    format!(
        "all prompts ask for what the picture has not: {}; one without hints would do for it",
        missing.join(", ")
    )
}

/// A kept answer through the gate as it is now; none if it went through this very gate already.
fn reclean(
    captioner: &Captioner<'_>,
    known: &CaptionRow,
    tags: Option<&str>,
) -> Option<CaptionRow> {
    let gate_hash = captioner.gate_hash.as_deref()?;
    let mut origin = provenance(known);
    if origin["gate"].as_str() == Some(gate_hash) {
        return None;
    }
    let finish = origin["finish"].as_str().unwrap_or_default().to_owned();
    let (text, filters) = gated(captioner, &known.raw, &finish, tags);
    origin["gate"] = json!(gate_hash);
    Some(CaptionRow {
        text,
        filters,
        provenance: origin.to_string(),
        ..known.clone()
    })
}
