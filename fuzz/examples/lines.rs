//! Which lines of the parsers ran, by the profiles that instrumented tests and programs left.
//!
//! usage: `lines PROFILES BINARY...`, PROFILES is a folder of `.profraw` files. A line counts as run if the innermost region that
//! holds it did; lines of tests do not count.

use std::{collections::BTreeMap, error::Error, fs, path::PathBuf};

use llvm_profparser::{CoverageMapping, merge_profiles};

/// What reads bytes and texts from outside.
const PARSERS: [(&str, &[&str]); 4] = [
    (
        "headers",
        &[
            "crates/pixels/src/header",
            "crates/pixels/src/format.rs",
            "crates/pixels/src/exif.rs",
            "crates/pixels/src/icc.rs",
            "crates/pixels/src/bytes.rs",
        ],
    ),
    ("PNG", &["crates/pixels/src/decode/png"]),
    ("prompts", &["crates/prompt/src"]),
    (
        "Discord JSON",
        &[
            "ingest/src/source/discord.rs",
            "ingest/src/source/message.rs",
        ],
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let folder = arguments.next().ok_or("which folder of profiles?")?;
    let binaries: Vec<PathBuf> = arguments.collect();
    let mut profiles = Vec::new();
    for entry in fs::read_dir(folder)? {
        profiles.push(entry?.path());
    }
    let profile = merge_profiles(&profiles)?;
    let mapping = CoverageMapping::new(&binaries, &profile, true)?;
    let mut files: BTreeMap<PathBuf, (usize, usize, Vec<usize>)> = BTreeMap::new();
    for (path, result) in mapping.generate_report().files {
        let Ok(path) = path.canonicalize() else {
            continue;
        };
        let text = fs::read_to_string(&path)?;
        let end = text
            .lines()
            .position(|line| line.starts_with("#[cfg(test)]"));
        let end = end.unwrap_or_else(|| text.lines().count());
        let mut innermost: BTreeMap<usize, ((usize, usize), usize)> = BTreeMap::new();
        for (region, hits) in &result.hits {
            let extent = (region.line_end - region.line_start, region.column_end);
            for line in region.line_start..=region.line_end.min(end) {
                let best = innermost.entry(line).or_insert((extent, *hits));
                if extent < best.0 {
                    *best = (extent, *hits);
                }
            }
        }
        let missed: Vec<usize> = innermost
            .iter()
            .filter(|(_, (_, hits))| *hits == 0)
            .map(|(line, _)| *line)
            .collect();
        files.insert(
            path,
            (innermost.len() - missed.len(), innermost.len(), missed),
        );
    }
    for (name, starts) in PARSERS {
        let (mut run, mut all) = (0, 0);
        for (path, (ran, lines, missed)) in &files {
            let shown = path.to_string_lossy();
            if starts.iter().any(|start| shown.contains(start)) {
                println!("  {ran:5} of {lines:5}  {shown}  missed {missed:?}");
                run += ran;
                all += lines;
            }
        }
        println!(
            "{name}: {run} of {all} lines, {:.1} %",
            100.0 * run as f64 / all.max(1) as f64
        );
    }
    Ok(())
}
