//! What every verb that works on a root needs: the plan, progress, and how to stop.

use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};
use terminus_manifest::{Root, overrides::Overrides};

use crate::{
    cli::{CommonArgs, RecipeArgs},
    exit::Interrupted,
    interrupt::Interrupt,
    recipe::{self, Plan, Recipe},
    stages::Stages,
    terminal::Terminal,
};

/// A recipe, ready to be worked on.
#[derive(Debug)]
pub struct Context {
    /// As it was written.
    pub recipe: Recipe,
    /// What it does.
    pub plan: Plan,
    /// The plans of the stages.
    pub stages: Stages,
    /// How to work and talk.
    pub common: CommonArgs,
    /// Progress on stderr.
    pub terminal: Terminal,
    /// Signals.
    pub interrupt: Interrupt,
}

impl Context {
    /// Reads and checks the recipe.
    ///
    /// # Errors
    /// Its faults, all at once; a line of `overrides.csv` that cannot be obeyed.
    pub fn new(args: &RecipeArgs, common: CommonArgs) -> anyhow::Result<Self> {
        set_threads(common.threads)?;
        let recipe = recipe::load(&args.recipe, &args.sets)?;
        let plan = recipe.plan()?;
        let root = Root::new(std::path::absolute(&plan.root).context("finding the root")?);
        let overrides = Overrides::read(&root.overrides())?;
        let stages = Stages::new(&plan, root, overrides, common.dry_run)?;
        let terminal = Terminal::new(common.quiet);
        Ok(Self {
            recipe,
            plan,
            stages,
            common,
            terminal,
            interrupt: Interrupt::watch()?,
        })
    }

    /// The root of the recipe.
    pub fn root(&self) -> &Root {
        &self.stages.root
    }

    /// What a verb that was interrupted ends with.
    pub fn interrupted(&self) -> anyhow::Error {
        Interrupted {
            signal: self.interrupt.signal(),
            resume: resume_command(),
        }
        .into()
    }

    /// Prints the verb's document with `--json`, else says `line` on stderr.
    ///
    /// # Errors
    /// stdout cannot be written to.
    pub fn tell(
        &self,
        verb: &str,
        line: &str,
        document: &impl serde::Serialize,
    ) -> anyhow::Result<()> {
        if self.common.json {
            print_json(&self.document(verb, &json!(document)))
        } else {
            eprintln!("{line}");
            Ok(())
        }
    }

    /// A verb's document: version, verb and recipe, then its own fields.
    pub fn document(&self, verb: &str, fields: &Value) -> Value {
        let mut document = json!({
            "schema_version": terminus_manifest::SCHEMA_VERSION,
            "verb": verb,
            "recipe": self.plan.name,
            "root": self.root().path(),
            "dry_run": self.common.dry_run,
        });
        if let (Some(document), Some(fields)) = (document.as_object_mut(), fields.as_object()) {
            document.extend(fields.clone());
        }
        document
    }
}

/// Sets how many threads work; all cores unless told.
///
/// # Errors
/// They cannot be started.
pub fn set_threads(threads: Option<usize>) -> anyhow::Result<()> {
    if let Some(threads) = threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()
            .context("starting the worker threads")?;
    }
    Ok(())
}

/// Writes a JSON document on stdout.
///
/// # Errors
/// stdout cannot be written to.
pub fn print_json(document: &Value) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, document).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// The command line that is running, quoted for a shell.
pub fn resume_command() -> String {
    let quoted = |arg: String| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,".contains(c);
        if arg.chars().all(is_plain) {
            arg
        } else {
            format!("'{}'", arg.replace('\'', r"'\''"))
        }
    };
    let mut args = std::env::args();
    let program = args.next().unwrap_or_default();
    let name = Path::new(&program)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    std::iter::once(name)
        .chain(args.map(quoted))
        .collect::<Vec<_>>()
        .join(" ")
}
