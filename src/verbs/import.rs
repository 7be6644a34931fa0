//! `terminus import`: the dataset config of another trainer as a recipe.

use std::{io::Write as _, path::Path};

use anyhow::Context as _;
use fs_err as fs;
use serde_json::Value;
use terminus_manifest::atomic;

use crate::{
    cli::{ImportArgs, Trainer},
    import::{Imported, kohya, simpletuner},
};

pub(super) fn import(args: &ImportArgs) -> anyhow::Result<()> {
    let text = fs::read_to_string(&args.config)?;
    let is_toml = args.config.extension().is_some_and(|end| end == "toml");
    let document: Value = if is_toml {
        let document: toml::Table = text
            .parse()
            .with_context(|| format!("reading `{}`", args.config.display()))?;
        serde_json::to_value(document)?
    } else {
        serde_json::from_str(&text)
            .with_context(|| format!("reading `{}`", args.config.display()))?
    };
    // kohya's config is a table of datasets, SimpleTuner's a list of backends.
    let trainer = args.from.unwrap_or(if document.is_array() {
        Trainer::SimpleTuner
    } else {
        Trainer::Kohya
    });
    let imported = match trainer {
        Trainer::Kohya => {
            let folder = args.config.parent().unwrap_or(Path::new(""));
            kohya::read(&document, &|path, extension| {
                holds(&folder.join(path), extension)
            })
        }
        Trainer::SimpleTuner => simpletuner::read(&document),
    };
    let imported: Imported =
        imported.with_context(|| format!("reading `{}`", args.config.display()))?;
    let recipe = imported.recipe(&args.config);
    match &args.out {
        Some(path) => {
            atomic::write(path, recipe.as_bytes())?;
            eprintln!(
                "import: {} collections in `{}`",
                imported.collections.len(),
                path.display()
            );
        }
        None => std::io::stdout().lock().write_all(recipe.as_bytes())?,
    }
    for note in &imported.not_carried {
        eprintln!("  not carried over: {note}");
    }
    Ok(())
}

/// Whether a folder holds a file with this extension, written with its dot.
fn holds(folder: &Path, extension: &str) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name());
    names.any(|name| name.to_string_lossy().ends_with(extension))
}
