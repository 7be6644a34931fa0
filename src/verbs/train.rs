//! `terminus train`: from a generation to a checkpoint and pictures.

use std::{fmt::Write as _, path::PathBuf};

use serde::Serialize;
use serde_json::json;
use terminus_train::{
    Error,
    dataset::DataSource,
    evaluate::{EvaluateOptions, Evaluation, evaluate},
    plan::{Resume, RunSettings, TrainPlan},
    train::{Outcome, train as train_run},
};

use crate::{
    cli::TrainArgs,
    context::{Context, print_json},
    exit::CheckFailed,
};

/// Standard errors by which a difference of losses must stand out.
const Z: f64 = 3.0;

/// What is asked of training besides the recipe.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    manifest: Option<PathBuf>,
    run: Option<String>,
    checkpoint: Option<PathBuf>,
    evaluate: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(super) struct Trained {
    #[serde(flatten)]
    outcome: Outcome,
    evaluation: Option<Evaluation>,
}

pub(super) fn train(args: &TrainArgs) -> anyhow::Result<()> {
    let context = Context::new(&args.stage.recipe, args.stage.common)?;
    let wish = Wish {
        manifest: args.manifest.clone(),
        run: args.run.clone(),
        checkpoint: args.resume_from.clone(),
        evaluate: args.evaluate,
    };
    if context.common.dry_run {
        let plan = plan(&context, &wish)?;
        let manifest = plan.data.manifest()?;
        let line = format!(
            "train: would train {} epochs on `{}` into `{}`",
            plan.config.epochs,
            manifest.display(),
            plan.run_folder.display()
        );
        return context.tell("train", &line, &json!({ "manifest": manifest }));
    }
    let trained = run_train(&context, &wish)?;
    if context.common.json {
        print_json(&context.document("train", &json!(trained)))?;
    } else {
        print!("{}", trained.text());
    }
    trained.check()
}

fn plan(context: &Context, wish: &Wish) -> anyhow::Result<TrainPlan> {
    let root = context.root();
    let name = &context.plan.name;
    let data = match &wish.manifest {
        Some(path) => DataSource::Manifest(path.clone()),
        None => DataSource::Recipe {
            root: root.path().to_owned(),
            name: name.clone(),
        },
    };
    let settings = RunSettings {
        run_folder: root.run_folder(wish.run.as_ref().unwrap_or(name)),
        latents_folder: root.path().join("latents"),
        data,
        seed: context.plan.seed,
        target_px: context.plan.bucket.target_px.get(),
        resume: wish.checkpoint.clone().map_or(Resume::Latest, Resume::From),
    };
    Ok(TrainPlan::new(
        settings,
        context.plan.train.clone(),
        context.plan.sample.clone(),
    )?)
}

/// Trains, and evaluates if that was asked for.
pub(super) fn run_train(context: &Context, wish: &Wish) -> anyhow::Result<Trained> {
    let plan = plan(context, wish)?;
    if let Some(threads) = context.common.threads {
        terminus_nn::device::set_threads(threads);
    }
    let (progress, cancel) = (&context.terminal, &context.interrupt.cancel);
    let outcome = match train_run(&plan, progress, cancel) {
        Err(Error::Cancelled) => return Err(context.interrupted()),
        outcome => outcome?,
    };
    if !outcome.finished {
        return Err(context.interrupted());
    }
    let evaluation = if wish.evaluate {
        match evaluate(&plan, &EvaluateOptions::default(), progress, cancel) {
            Err(Error::Cancelled) => return Err(context.interrupted()),
            evaluation => Some(evaluation?),
        }
    } else {
        None
    };
    Ok(Trained {
        outcome,
        evaluation,
    })
}

impl Trained {
    /// Loss, checkpoint and picture, a line each, for a person.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<12}{value}");
        };
        if let Some(evaluation) = &self.evaluation {
            line("evaluation", evaluation.to_string());
        }
        if let Some((before, after)) = self.outcome.validation {
            let word = if after < before {
                "fell"
            } else {
                "did not fall"
            };
            line(
                "loss",
                format!("held out {before:.4} before, {after:.4} after: it {word}"),
            );
        }
        if !self.outcome.pictures.is_empty() {
            let pictures = self
                .outcome
                .pictures
                .iter()
                .filter(|p| p.is_picture())
                .count();
            let all = self.outcome.pictures.len();
            line(
                "pictures",
                format!("{pictures} of {all} are neither noise nor blank"),
            );
        }
        if let Some(path) = &self.outcome.checkpoint {
            line("checkpoint", path.display().to_string());
        }
        if let Some(path) = &self.outcome.samples {
            line("picture", path.display().to_string());
        }
        text
    }

    /// Whether training did what it is for.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if let Some((before, after)) = self.outcome.validation
            && after >= before
        {
            let text =
                format!("the held-out loss did not fall: {before:.6} before, {after:.6} after");
            return Err(CheckFailed(text).into());
        }
        if !self
            .outcome
            .pictures
            .iter()
            .all(terminus_train::pictures::PictureStatistics::is_picture)
        {
            return Err(CheckFailed("a drawn picture is noise or blank".to_owned()).into());
        }
        match &self.evaluation {
            Some(evaluation) if !evaluation.is_beyond(Z) => Err(CheckFailed(format!(
                "a difference of losses is within {Z} standard errors: train longer"
            ))
            .into()),
            _ => Ok(()),
        }
    }
}
