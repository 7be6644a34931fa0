//! What the machine must bring, checked before any work starts.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{checkout::Checkout, error::Error};

/// Something that the machine lacks, and how to get it.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing {
    pub what: String,
    pub hint: String,
}

/// What a command needs of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// python3 with pip, to fetch libtorch.
    pub pip: bool,
    /// A C++ compiler, to build what lies between Rust and libtorch.
    pub compiler: bool,
    /// Free space where the checkout lies.
    pub disk_mb: u64,
}

impl Needs {
    /// These and what a build takes: a compiler, and what it has not yet written of `whole_mb`.
    pub fn and_build(self, checkout: &Checkout, whole_mb: u64) -> Self {
        Self {
            compiler: true,
            disk_mb: self.disk_mb + whole_mb.saturating_sub(checkout.built_mb()),
            ..self
        }
    }

    /// Checks that the machine has it all.
    ///
    /// # Errors
    /// [`Error::Missing`] with everything that is missing, not just the first.
    pub fn check(self, checkout: &Checkout) -> Result<(), Error> {
        let path = env::var_os("PATH").unwrap_or_default();
        let cxx = env::var_os("CXX");
        let missing: Vec<Missing> = [
            self.pip.then(|| pip_is_missing(&path)),
            self.compiler
                .then(|| compiler_is_missing(&path, cxx.as_deref())),
            // A machine that does not say what is free is no reason to stop.
            checkout
                .free_mb()
                .map(|free_mb| disk_is_missing(self.disk_mb, free_mb)),
        ]
        .into_iter()
        .flatten()
        .flatten()
        .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Error::Missing(missing))
        }
    }
}

/// The first of `names` that the folders of `path` hold.
pub fn find(path: &OsStr, names: &[&str]) -> Option<PathBuf> {
    let in_folder = |folder: &Path| {
        names
            .iter()
            .map(|name| folder.join(name))
            .find(|file| file.is_file())
    };
    env::split_paths(path).find_map(|folder| in_folder(&folder))
}

fn pip_is_missing(path: &OsStr) -> Option<Missing> {
    let Some(python) = find(path, &["python3"]) else {
        return Some(Missing {
            what: "python3 with pip".to_owned(),
            hint: format!(
                "it only fetches libtorch; {}",
                install("python3 python3-pip", "python3 python3-pip", "python")
            ),
        });
    };
    let has_pip = Command::new(&python)
        .args(["-m", "pip", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    (!has_pip).then(|| Missing {
        what: format!("pip for `{}`", python.display()),
        hint: format!(
            "{}, or `python3 -m ensurepip`",
            install("python3-pip", "python3-pip", "python")
        ),
    })
}

fn compiler_is_missing(path: &OsStr, chosen: Option<&OsStr>) -> Option<Missing> {
    if let Some(chosen) = chosen.filter(|chosen| !chosen.is_empty()) {
        // CXX may hold a path, a name, or a name with arguments.
        let text = chosen.to_string_lossy();
        let program = text.split_whitespace().next().unwrap_or_default();
        let is_there = Path::new(program).is_file() || find(path, &[program]).is_some();
        return (!is_there).then(|| Missing {
            what: format!("the C++ compiler `{text}` that the variable CXX names"),
            hint: "unset CXX, or let it name a compiler that is installed".to_owned(),
        });
    }
    find(path, &["c++", "g++", "clang++"])
        .is_none()
        .then(|| Missing {
            what: "a C++ compiler".to_owned(),
            hint: install("g++", "gcc-c++", "gcc"),
        })
}

fn disk_is_missing(needed_mb: u64, free_mb: u64) -> Option<Missing> {
    (free_mb < needed_mb).then(|| Missing {
        what: format!("{needed_mb} MB of free disk space: {free_mb} MB are free"),
        hint: "free some, or move the checkout to a larger disk".to_owned(),
    })
}

/// How to install a package where it has these names.
fn install(apt: &str, dnf: &str, brew: &str) -> String {
    if cfg!(target_os = "macos") {
        format!("`brew install {brew}`")
    } else {
        format!("`sudo apt install {apt}` on Debian and Ubuntu, `sudo dnf install {dnf}` on Fedora")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_path_lacks_python_and_a_compiler() {
        let nowhere = OsStr::new("");
        assert!(pip_is_missing(nowhere).unwrap().what.contains("python3"));
        let compiler = compiler_is_missing(nowhere, None).unwrap();
        assert_eq!(compiler.what, "a C++ compiler");
        assert!(compiler.hint.contains("install"));
    }

    #[test]
    fn a_compiler_that_cxx_names_must_exist() {
        let nowhere = OsStr::new("");
        let named = |cxx: &str| compiler_is_missing(nowhere, Some(OsStr::new(cxx)));
        assert!(named("no-such-compiler -O2").unwrap().what.contains("CXX"));
        let this_program = env::current_exe().unwrap();
        assert_eq!(named(&this_program.to_string_lossy()), None);
    }

    #[test]
    fn disk_is_missing_only_below_the_need() {
        assert_eq!(disk_is_missing(100, 100), None);
        assert!(disk_is_missing(101, 100).unwrap().what.contains("100 MB"));
    }
}
