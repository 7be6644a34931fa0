//! Holds the rooms and arrows of `ARCHITECTURE.md` against the crates as they are.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::Value;

/// Folder, crate, and the rooms that it may use, outside of dev-dependencies and examples.
const ROOMS: &[(&str, &str, &[&str])] = &[
    (
        "src/",
        "terminus",
        &[
            "ingest", "caption", "bucket", "train", "demo", "manifest", "nn",
        ],
    ),
    (
        "ingest/",
        "terminus-ingest",
        &["manifest", "pixels", "prompt"],
    ),
    (
        "caption/",
        "terminus-caption",
        &["manifest", "pixels", "prompt", "nn", "tokens"],
    ),
    ("bucket/", "terminus-bucket", &["manifest", "pixels"]),
    (
        "train/",
        "terminus-train",
        &["manifest", "pixels", "nn", "tokens"],
    ),
    ("crates/manifest/", "terminus-manifest", &[]),
    ("crates/pixels/", "terminus-pixels", &[]),
    ("crates/prompt/", "terminus-prompt", &[]),
    ("crates/tokens/", "terminus-tokens", &[]),
    ("crates/nn/", "terminus-nn", &[]),
    ("crates/demo/", "terminus-demo", &["pixels"]),
    ("crates/xtask/", "xtask", &[]),
];

/// Libraries that only these rooms may know, each the only place for what it does.
const KEPT_IN: &[(&str, &[&str])] = &[
    (
        "tch",
        &["terminus-nn", "terminus-train", "terminus-caption"],
    ),
    // Ingest reads the lists and datasets of others, which have schemas of their own.
    ("parquet", &["terminus-manifest", "terminus-ingest"]),
    ("image", &["terminus-pixels"]),
    ("clap", &["terminus"]),
    ("indicatif", &["terminus"]),
];

/// A dependency outside of dev-dependencies.
struct Dependency {
    name: String,
    is_optional: bool,
}

struct Package {
    folder: String,
    dependencies: Vec<Dependency>,
}

/// The packages of the workspace by name, as cargo sees them.
fn packages() -> BTreeMap<String, Package> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let root = Path::new(metadata["workspace_root"].as_str().unwrap());
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let manifest = Path::new(package["manifest_path"].as_str().unwrap());
            let folder = manifest.parent().unwrap().strip_prefix(root).unwrap();
            let dependencies = package["dependencies"].as_array().unwrap();
            let dependencies = dependencies
                .iter()
                .filter(|dependency| dependency["kind"] != "dev")
                .map(|dependency| Dependency {
                    name: dependency["name"].as_str().unwrap().to_owned(),
                    is_optional: dependency["optional"].as_bool().unwrap(),
                })
                .collect();
            let name = package["name"].as_str().unwrap().to_owned();
            let folder = format!("{}/", folder.display());
            (
                name,
                Package {
                    folder,
                    dependencies,
                },
            )
        })
        .collect()
}

#[test]
fn the_rooms_are_the_packages_of_the_workspace() {
    let found: BTreeSet<(String, String)> = packages()
        .into_iter()
        .map(|(name, package)| {
            // The root package lives in `src/`.
            let folder = if package.folder == "/" {
                "src/".to_owned()
            } else {
                package.folder
            };
            (folder, name)
        })
        .collect();
    let expected: BTreeSet<(String, String)> = ROOMS
        .iter()
        .map(|(folder, name, _)| ((*folder).to_owned(), (*name).to_owned()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn no_arrow_points_where_it_must_not() {
    let packages = packages();
    let mut forbidden = Vec::new();
    for (_, name, may_use) in ROOMS {
        for dependency in &packages[*name].dependencies {
            let room = dependency.name.strip_prefix("terminus-");
            let is_room = packages.contains_key(&dependency.name);
            if is_room && !room.is_some_and(|room| may_use.contains(&room)) {
                forbidden.push(format!("{name} -> {}", dependency.name));
            }
        }
    }
    assert!(forbidden.is_empty(), "{forbidden:?}");
}

#[test]
fn the_page_shows_the_same_rooms_and_arrows() {
    let page = include_str!("../ARCHITECTURE.md");
    let shown: Vec<(String, String, BTreeSet<String>)> = page
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.strip_prefix('|')?.split('|').map(str::trim).collect();
            let folder = cells.first()?.strip_prefix('`')?.strip_suffix('`')?;
            let name = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
            let rooms = cells.get(3)?.split(", ").filter(|room| !room.is_empty());
            Some((
                folder.to_owned(),
                name.to_owned(),
                rooms.map(str::to_owned).collect(),
            ))
        })
        .collect();
    let expected: Vec<(String, String, BTreeSet<String>)> = ROOMS
        .iter()
        .map(|(folder, name, may_use)| {
            let rooms = may_use.iter().map(|room| (*room).to_owned()).collect();
            ((*folder).to_owned(), (*name).to_owned(), rooms)
        })
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn a_library_is_known_only_where_its_work_is_done() {
    for (name, package) in packages() {
        for (library, rooms) in KEPT_IN {
            let knows = package
                .dependencies
                .iter()
                .any(|dependency| dependency.name == *library);
            assert!(
                !knows || rooms.contains(&name.as_str()),
                "{name} -> {library}"
            );
        }
    }
}

#[test]
fn libtorch_can_be_left_out_of_everything_but_nn() {
    for (name, package) in packages() {
        for dependency in package.dependencies {
            let needs_libtorch = ["tch", "terminus-nn"].contains(&dependency.name.as_str());
            assert!(
                !needs_libtorch || dependency.is_optional || name == "terminus-nn",
                "{name} cannot be built without {}",
                dependency.name
            );
        }
    }
}

#[test]
fn the_program_that_fetches_everything_needs_nothing() {
    assert!(packages()["xtask"].dependencies.is_empty());
}

/// The libraries that the built program asks its loader for stand by name in its dynamic section.
#[test]
fn the_program_links_libtorch_exactly_if_the_feature_is_on() {
    let program = fs_err::read(env!("CARGO_BIN_EXE_terminus")).unwrap();
    let library = b"libtorch_cpu.";
    let is_linked = program
        .windows(library.len())
        .any(|window| window == library);
    assert_eq!(is_linked, cfg!(feature = "torch"));
}
