//! `cargo xtask mutations`: the mistakes that other programs of this kind have made, made here; a test must see each.
//!
//! Each is made in a copy of the checkout, so that nothing of it can stay behind. A word chooses those of one package.

use std::{fs, path::Path, process::Command};

use crate::{
    checkout::{Checkout, run},
    error::Error,
};

/// A mistake, and the tests that must see it.
struct Mutation {
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    package: &'static str,
    /// Which of the package's tests, as arguments of `cargo test`.
    test: &'static [&'static str],
}

const CAPTIONERS: &[&str] = &["--lib", "vlm::"];

const MUTATIONS: [Mutation; 13] = [
    Mutation {
        name: "height and width swapped in time_ids",
        file: "train/src/time_ids.rs",
        from: "            self.original_height,\n            self.original_width,",
        to: "            self.original_width,\n            self.original_height,",
        package: "terminus-train",
        test: &["--test", "pipelines"],
    },
    Mutation {
        name: "the last hidden state in place of the penultimate",
        file: "train/src/networks/clip/mod.rs",
        from: "self.layers.iter().rev().skip(1).rev()",
        to: "self.layers.iter()",
        package: "terminus-train",
        test: &["--test", "pipelines"],
    },
    Mutation {
        name: "sines before cosines",
        file: "crates/nn/src/layers/sinusoid.rs",
        from: "if self.flip_sin_to_cos {",
        to: "if !self.flip_sin_to_cos {",
        package: "terminus-train",
        test: &["--test", "pipelines"],
    },
    Mutation {
        name: "both tokenizers pad with the mark of end",
        file: "crates/tokens/src/clip.rs",
        from: "ids.resize(self.context, i64::from(self.special.pad));",
        to: "ids.resize(self.context, i64::from(self.special.eos));",
        package: "terminus-train",
        test: &["--test", "pipelines"],
    },
    Mutation {
        name: "the signal-to-noise ratio of the schedule before its rescaling",
        file: "train/src/schedule.rs",
        from: "        let alpha = self.alphas_cumprod[t];\n        alpha / (1.0 - alpha)",
        to: "        let plain = Self::scaled_linear(Betas::default(), false);\n        let alpha = plain.alphas_cumprod[t];\n        alpha / (1.0 - alpha)",
        package: "terminus-train",
        test: &["--lib", "--test", "schedule"],
    },
    Mutation {
        name: "the VAE's downsampling padded on all sides",
        file: "train/src/networks/resampling.rs",
        from: "self.conv.forward(&xs.constant_pad_nd([0, 1, 0, 1]))",
        to: "self.conv.forward(&xs.constant_pad_nd([1, 0, 1, 0]))",
        package: "terminus-train",
        test: &["--test", "pipelines"],
    },
    Mutation {
        name: "the vision tower's norms before its sublayers",
        file: "caption/src/vlm/cogvlm.rs",
        from: "norm: NormPlace::After,",
        to: "norm: NormPlace::Before,",
        package: "terminus-caption",
        test: CAPTIONERS,
    },
    Mutation {
        name: "the mark of the picture's end through the vision expert",
        file: "caption/src/vlm/family.rs",
        from: "vision: (start, tokens - 1),",
        to: "vision: (start, *tokens),",
        package: "terminus-caption",
        test: CAPTIONERS,
    },
    Mutation {
        name: "a position of its own for each patch",
        file: "caption/src/vlm/family.rs",
        from: "positions.extend(std::iter::repeat_n(start + 1, *tokens as usize - 2));",
        to: "positions.extend(start + 1..start + tokens - 1);",
        package: "terminus-caption",
        test: CAPTIONERS,
    },
    Mutation {
        name: "the eps of the configuration class in place of the file's",
        file: "caption/src/vlm/cogvlm.rs",
        from: "eps: config.real(\"rms_norm_eps\")?,",
        to: "eps: 1e-6,",
        package: "terminus-caption",
        test: CAPTIONERS,
    },
    Mutation {
        name: "tables of angles in f32 where the model's kind is asked for",
        file: "crates/nn/src/layers/rotary.rs",
        from: "inv_freq: inv_freq.to_kind(kind),",
        to: "inv_freq: inv_freq.to_kind(Kind::Float),",
        package: "terminus-caption",
        test: CAPTIONERS,
    },
    Mutation {
        name: "a norm that rounds before its weight, in place of behind",
        file: "crates/nn/src/layers/rms_norm.rs",
        from: "CastOrder::Last => (normed * self.weight.to_kind(Kind::Float)).to_kind(kind),",
        to: "CastOrder::Last => normed.to_kind(kind) * self.weight.to_kind(kind),",
        package: "terminus-nn",
        test: &["--lib", "rms_norm"],
    },
    Mutation {
        name: "CogVLM's norms rounded as Llama's",
        file: "caption/src/vlm/cogvlm.rs",
        from: "cast: CastOrder::Last,",
        to: "cast: CastOrder::First,",
        package: "terminus-caption",
        test: CAPTIONERS,
    },
];

/// Makes each mistake and runs its tests; with `package`, those that tests of that package must see.
pub fn check(checkout: &Checkout, package: Option<&str>) -> Result<(), Error> {
    let chosen: Vec<&Mutation> = MUTATIONS
        .iter()
        .filter(|mutation| package.is_none_or(|package| mutation.package == package))
        .collect();
    if chosen.is_empty() {
        let mut packages: Vec<&str> = MUTATIONS.iter().map(|mutation| mutation.package).collect();
        packages.dedup();
        return Err(Error::Usage(format!(
            "no mistake is made for the tests of `{}`: {}",
            package.unwrap_or_default(),
            packages.join(", ")
        )));
    }
    let target = checkout.target();
    let copy = target.join("mutations");
    copy_sources(&checkout.join("."), &copy)?;
    // Tests that fail on sound sources would see everything.
    let mut sound: Vec<_> = chosen
        .iter()
        .map(|mutation| (mutation.package, mutation.test))
        .collect();
    sound.sort_unstable();
    sound.dedup();
    for (package, tests) in sound {
        run(test_in(checkout, &copy, package, tests, &[]))?;
    }
    let mut unseen = Vec::new();
    for mutation in chosen {
        let path = copy.join(mutation.file);
        let sound = fs::read_to_string(&path).map_err(|source| io("read", &path, source))?;
        if sound.matches(mutation.from).count() != 1 {
            eprintln!("BAD {}: `{}` has changed", mutation.name, mutation.file);
            unseen.push(mutation.name);
            continue;
        }
        let write =
            |text: &str| fs::write(&path, text).map_err(|source| io("write", &path, source));
        write(&sound.replacen(mutation.from, mutation.to, 1))?;
        let test = |more: &[&str]| {
            let (package, tests) = (mutation.package, mutation.test);
            run(test_in(checkout, &copy, package, tests, more))
        };
        // What does not build proves nothing.
        let built = test(&["--no-run"]);
        let outcome = built.map(|()| test(&[]).is_err());
        write(&sound)?;
        if outcome? {
            println!("ok  {}: seen", mutation.name);
        } else {
            println!("BAD {}: no test sees it", mutation.name);
            unseen.push(mutation.name);
        }
    }
    if unseen.is_empty() {
        Ok(())
    } else {
        Err(Error::Steps(unseen))
    }
}

/// `cargo test` of these tests of `package` in the copy.
fn test_in(
    checkout: &Checkout,
    copy: &Path,
    package: &str,
    tests: &[&str],
    more: &[&str],
) -> Command {
    let mut arguments = vec!["test", "--release", "-q", "-p", package];
    arguments.extend(tests);
    arguments.extend(more);
    let mut cargo = checkout.cargo(&arguments);
    cargo
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", checkout.target());
    cargo
}

fn io(verb: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        verb,
        path: path.to_owned(),
        source,
    }
}

/// Files of the checkout without what was built or fetched.
fn copy_sources(from: &Path, to: &Path) -> Result<(), Error> {
    const LEFT_OUT: [&str; 4] = ["target", "work", ".git", ".libtorch"];
    fs::create_dir_all(to).map_err(|source| io("create", to, source))?;
    let entries = fs::read_dir(from).map_err(|source| io("read", from, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| io("read", from, source))?;
        let name = entry.file_name();
        if LEFT_OUT.iter().any(|left_out| name == *left_out) {
            continue;
        }
        let (old, new) = (entry.path(), to.join(&name));
        if old.is_dir() {
            copy_sources(&old, &new)?;
            continue;
        }
        let bytes = fs::read(&old).map_err(|source| io("read", &old, source))?;
        // An unchanged file keeps its time, and what was built from it.
        if fs::read(&new).is_ok_and(|present| present == bytes) {
            continue;
        }
        fs::write(&new, bytes).map_err(|source| io("write", &new, source))?;
    }
    Ok(())
}
