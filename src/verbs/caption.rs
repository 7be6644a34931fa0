//! `terminus caption`: the stage, or a quick look at what captioners say.

use std::io::Write as _;

use anyhow::bail;
use serde_json::json;
use terminus_caption::{CaptionerPlan, config::BUILT_IN, look, self_check};

use super::data;
use crate::{
    cli::CaptionArgs,
    context::{Context, print_json},
};

pub(super) fn caption(args: &CaptionArgs) -> anyhow::Result<()> {
    let stage = &args.sharded.stage;
    let mut context = Context::new(&stage.recipe, stage.common)?;
    #[cfg(feature = "torch")]
    if let Some(threads) = stage.common.threads {
        terminus_nn::device::set_threads(threads);
    }
    if args.self_check {
        return check(args, &context);
    }
    if !args.image.is_empty() {
        return look_at(args, &context);
    }
    let (shard, of) = args.sharded.shard.unwrap_or((0, 1));
    (context.stages.caption.shard, context.stages.caption.of) = (shard, of);
    let (line, summary) = data::run_caption(&context)?;
    context.tell("caption", &line, &summary)
}

/// The captioners of the recipe that look at pictures, each once; only the one that was named, if one was.
fn captioners(args: &CaptionArgs, context: &Context) -> anyhow::Result<Vec<CaptionerPlan>> {
    let mut chosen: Vec<CaptionerPlan> = Vec::new();
    let collections = &context.stages.caption.collections;
    for captioner in collections.iter().flat_map(|one| &one.captioners) {
        let is_asked = captioner.config.asks_a_model()
            && args
                .captioner
                .as_ref()
                .is_none_or(|name| *name == captioner.name);
        if is_asked && !chosen.iter().any(|known| known.name == captioner.name) {
            chosen.push(captioner.clone());
        }
    }
    match &args.captioner {
        _ if !chosen.is_empty() => Ok(chosen),
        Some(name) if name == BUILT_IN => bail!("the captioner `{BUILT_IN}` looks at no pictures"),
        Some(name) => bail!(
            "no collection of this recipe is captioned by a model named `{name}`\n\
             hint: its collections name their captioners in `captioner` and `more_captioners`"
        ),
        None => bail!(
            "no captioner of this recipe looks at pictures\n\
             hint: define one with `kind = \"vlm\"`, `\"tagger\"` or `\"http\"` and name it in a collection"
        ),
    }
}

fn look_at(args: &CaptionArgs, context: &Context) -> anyhow::Result<()> {
    let plan = &context.stages.caption;
    let mut looks = Vec::new();
    for captioner in captioners(args, context)? {
        let cancel = &context.interrupt.cancel;
        looks.extend(look(
            &captioner,
            &args.image,
            plan.policy,
            plan.limits,
            cancel,
        )?);
    }
    if context.common.json {
        return print_json(&context.document("caption", &json!({ "looks": looks })));
    }
    let mut out = std::io::stdout().lock();
    for look in &looks {
        writeln!(out, "{} ({})", look.file.display(), look.captioner)?;
        let lines = [
            ("prompt", look.prompt.as_str()),
            ("raw", &look.raw),
            ("caption", &look.text),
            ("rules", &look.rules.join(", ")),
            ("fault", look.fault.as_deref().unwrap_or_default()),
        ];
        for (name, text) in lines {
            if !text.is_empty() {
                writeln!(out, "  {name:<9}{}", text.escape_debug())?;
            }
        }
    }
    Ok(())
}

fn check(args: &CaptionArgs, context: &Context) -> anyhow::Result<()> {
    let plan = &context.stages.caption;
    let file = args.image.first().map(std::path::PathBuf::as_path);
    let mut models = Vec::new();
    for captioner in captioners(args, context)? {
        let stages = self_check(&captioner, file, plan.policy, plan.limits)?;
        models.push((captioner.name, stages));
    }
    if context.common.json {
        let models: Vec<_> = models
            .iter()
            .map(|(name, stages)| json!({ "captioner": name, "stages": stages }))
            .collect();
        return print_json(&context.document("caption", &json!({ "models": models })));
    }
    let mut out = std::io::stdout().lock();
    for (name, stages) in &models {
        writeln!(out, "captioner `{name}`")?;
        if stages.is_empty() {
            writeln!(
                out,
                "  only vision-language models that run here show their stages"
            )?;
        }
        for stage in stages {
            writeln!(
                out,
                "  {:<32}{:<22}mean {:>12.5e}  std {:>11.5e}  largest {:>11.5e}",
                stage.name,
                format!("{:?}", stage.shape),
                stage.mean,
                stage.std,
                stage.largest
            )?;
        }
    }
    Ok(())
}
