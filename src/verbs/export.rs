//! `terminus export`: a model in another layout.

use serde_json::json;
use terminus_manifest::time::Timestamp;
use terminus_train::{
    convert::{ConvertOptions, ModelCard, thumbnail, to_folder, to_single_file},
    hash,
    source::ModelSource,
};

use crate::{
    cli::export::{CardArgs, ExportArgs, Format},
    context::print_json,
    recipe,
};

pub(super) fn export(args: &ExportArgs) -> anyhow::Result<()> {
    let mut source = ModelSource::open(&args.model, args.config.as_deref())?;
    if args.ema {
        source = source.averaged()?;
    }
    for note in &source.sampling.notes {
        eprintln!("note: {note}");
    }
    let options = ConvertOptions {
        arithmetic: args.precision.map(Into::into),
        variant: args.variant.clone(),
        card: card(&args.card)?,
    };
    let hashes = match args.format {
        Format::Diffusers => {
            to_folder(&source, &args.output, &options)?;
            None
        }
        Format::SingleFile => {
            anyhow::ensure!(
                args.variant.is_none(),
                "`--variant` names files of a folder; a single file has the name of `--output`"
            );
            to_single_file(&source, &args.output, &options)?;
            let sha256 = hash::sha256(&args.output)?;
            Some((sha256[..10].to_uppercase(), sha256))
        }
    };
    let (auto_v2, sha256) = hashes.unzip();
    if args.json {
        return print_json(&json!({
            "schema_version": 1,
            "verb": "export",
            "model": args.model,
            "output": args.output,
            "sha256": sha256,
            "auto_v2": auto_v2,
        }));
    }
    println!("{}", args.output.display());
    if let Some(auto_v2) = auto_v2 {
        println!("AutoV2 {auto_v2}");
    }
    Ok(())
}

/// What the arguments say, and the recipe where they are silent.
fn card(args: &CardArgs) -> anyhow::Result<ModelCard> {
    let model = match &args.recipe {
        Some(path) => recipe::load(path, &[])?.plan()?.model,
        None => terminus_train::config::ModelConfig::default(),
    };
    Ok(ModelCard {
        title: args.title.clone().or(model.name),
        author: args.author.clone().or(model.author),
        license: args.license.clone().or(model.license),
        description: args.description.clone().or(model.description),
        usage_hint: model.usage_hint,
        trigger_phrase: model.trigger_phrase,
        tags: model.tags,
        date: args.date.clone().or_else(|| {
            // Whole seconds, which every reader of dates takes.
            let now = Timestamp::now().0;
            Some(Timestamp(now - now.rem_euclid(1_000_000)).to_string())
        }),
        thumbnail: args.thumbnail.as_deref().map(thumbnail).transpose()?,
    })
}
