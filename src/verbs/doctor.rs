//! `terminus doctor`: what this machine can do, and whether a recipe will run on it.

#[cfg(feature = "torch")]
mod model;

use std::io::Write as _;

use serde_json::json;

use crate::{cli::DoctorArgs, context::print_json, exit::CheckFailed, recipe};

/// One thing that was looked at.
#[derive(serde::Serialize)]
struct Finding {
    what: &'static str,
    found: String,
    is_ok: bool,
}

impl Finding {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self {
            what,
            found: found.into(),
            is_ok: true,
        }
    }

    fn bad(what: &'static str, found: impl Into<String>) -> Self {
        Self {
            what,
            found: found.into(),
            is_ok: false,
        }
    }
}

pub(super) fn doctor(args: &DoctorArgs) -> anyhow::Result<()> {
    let mut findings = vec![
        Finding::good("terminus", env!("CARGO_PKG_VERSION")),
        Finding::good(
            "features",
            if cfg!(feature = "torch") {
                "torch"
            } else {
                "no torch"
            },
        ),
        Finding::good(
            "cores",
            std::thread::available_parallelism()
                .map_or(0, std::num::NonZero::get)
                .to_string(),
        ),
        memory(),
    ];
    #[cfg(feature = "torch")]
    findings.push(torch());
    #[cfg(feature = "torch")]
    if let Some(path) = &args.model {
        findings.extend(model::findings(path, args.config.as_deref()));
    }
    if let Some(path) = &args.recipe {
        findings.extend(recipe_findings(path));
    }
    let bad = findings.iter().filter(|finding| !finding.is_ok).count();
    if args.json {
        print_json(&json!({ "schema_version": 1, "verb": "doctor", "findings": findings }))?;
    } else {
        let mut out = std::io::stdout().lock();
        for Finding { what, found, is_ok } in &findings {
            writeln!(
                out,
                "{} {what:<12} {found}",
                if *is_ok { "ok " } else { "BAD" }
            )?;
        }
    }
    if bad == 0 {
        Ok(())
    } else {
        Err(CheckFailed(format!("{bad} things need mending")).into())
    }
}

fn memory() -> Finding {
    let text = fs_err::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<f64>().ok());
    match available {
        Some(kilobytes) => {
            Finding::good("memory", format!("{:.1} GiB free", kilobytes / 1048576.0))
        }
        None => Finding::good("memory", "unknown"),
    }
}

#[cfg(feature = "torch")]
fn torch() -> Finding {
    Finding::good("libtorch", terminus_nn::device::describe())
}

fn recipe_findings(path: &std::path::Path) -> Vec<Finding> {
    let recipe = match recipe::load(path, &[]) {
        Ok(recipe) => recipe,
        Err(error) => return vec![Finding::bad("recipe", error.to_string())],
    };
    let plan = match recipe.plan() {
        Ok(plan) => plan,
        Err(error) => return vec![Finding::bad("recipe", error.to_string())],
    };
    let mut findings = vec![Finding::good("recipe", plan.name.clone())];
    for collection in &plan.collections {
        let source = collection.source.path().display();
        let found = format!(
            "{}: {} `{source}`",
            collection.name,
            collection.source.kind()
        );
        findings.push(match collection.source.kind() {
            "folder" if collection.source.path().is_dir() => Finding::good("source", found),
            "folder" => Finding::bad("source", format!("{found} does not exist")),
            _ => Finding::bad(
                "source",
                format!("{found}: this version reads folders only"),
            ),
        });
    }
    findings
}
