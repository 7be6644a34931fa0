//! What a person sees while a stage works: a bar on a terminal, plain lines elsewhere. Always on stderr.

use std::{
    io::IsTerminal as _,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use terminus_manifest::run::Progress;

/// How often a plain line says how far a step is.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Draws progress on stderr.
#[derive(Debug)]
pub struct Terminal {
    is_quiet: bool,
    step: Mutex<Option<Step>>,
}

#[derive(Debug)]
struct Step {
    name: String,
    unit: String,
    status: String,
    bar: ProgressBar,
    started: Instant,
    told: Instant,
    is_plain: bool,
}

impl Terminal {
    /// `is_quiet` shows nothing but notes.
    pub fn new(is_quiet: bool) -> Self {
        Self {
            is_quiet,
            step: Mutex::new(None),
        }
    }

    fn step(&self) -> std::sync::MutexGuard<'_, Option<Step>> {
        self.step.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Step {
    fn rate(&self) -> f64 {
        self.bar.position() as f64 / self.started.elapsed().as_secs_f64().max(1e-3)
    }

    fn line(&self) -> String {
        let Self {
            name,
            unit,
            status,
            bar,
            ..
        } = self;
        let status = if status.is_empty() {
            String::new()
        } else {
            format!(", {status}")
        };
        let done = HumanCount(bar.position());
        match bar.length() {
            Some(total) => {
                let left = total.saturating_sub(bar.position()) as f64 / self.rate().max(1e-9);
                let left = HumanDuration(Duration::from_secs_f64(left.min(1e8)));
                let total = HumanCount(total);
                format!(
                    "{name}: {done} of {total} {unit}, {:.1}/s, {left} left{status}",
                    self.rate()
                )
            }
            None => format!("{name}: {done} {unit}, {:.1}/s{status}", self.rate()),
        }
    }
}

impl Progress for Terminal {
    fn start(&self, step: &str, total: Option<u64>, unit: &str) {
        let is_plain = self.is_quiet || !std::io::stderr().is_terminal();
        let bar = match total {
            _ if is_plain => ProgressBar::hidden(),
            Some(_) => ProgressBar::no_length().with_style(style(
                "{prefix:>8} {wide_bar:.cyan/blue} {human_pos}/{human_len} {msg} {rate:>10} eta {eta}",
            )),
            None => ProgressBar::no_length()
                .with_style(style("{prefix:>8} {spinner} {human_pos} {msg} {rate}")),
        };
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_prefix(step.to_owned());
        bar.set_message(unit.to_owned());
        if !is_plain {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        let now = Instant::now();
        let (name, unit) = (step.to_owned(), unit.to_owned());
        *self.step() = Some(Step {
            name,
            unit,
            status: String::new(),
            bar,
            started: now,
            told: now,
            is_plain,
        });
    }

    fn advance(&self, done: u64) {
        if let Some(step) = self.step().as_mut() {
            step.bar.inc(done);
            if step.is_plain && !self.is_quiet && step.told.elapsed() >= LINE_EVERY {
                step.told = Instant::now();
                eprintln!("{}", step.line());
            }
        }
    }

    fn status(&self, text: &str) {
        if let Some(step) = self.step().as_mut() {
            text.clone_into(&mut step.status);
            step.bar.set_message(format!("{}, {text}", step.unit));
        }
    }

    fn note(&self, text: &str) {
        match self.step().as_ref() {
            Some(step) if !step.is_plain => step.bar.suspend(|| eprintln!("{text}")),
            _ => eprintln!("{text}"),
        }
    }

    fn finish(&self) {
        if let Some(step) = self.step().take() {
            step.bar.finish_and_clear();
            let took = step.started.elapsed();
            // What took no time needs no word: the stage's own line follows.
            if !self.is_quiet && took >= Duration::from_secs(1) {
                let (done, rate) = (HumanCount(step.bar.position()), step.rate());
                let took = took.as_secs_f64();
                eprintln!(
                    "{}: {done} {} in {took:.1} s, {rate:.1}/s",
                    step.name, step.unit
                );
            }
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    // indicatif's own rate has ten decimals.
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{:.1}/s", state.per_sec());
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", rate)
}
