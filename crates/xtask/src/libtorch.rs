//! Libtorch in `.libtorch`, from the wheels on `PyPI`, or the one that LIBTORCH names.

use std::{
    env, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    checkout::{Checkout, run},
    error::Error,
    machine::Needs,
};

/// The version that `tch` binds.
const VERSION: &str = "2.11.0";

/// Enough to build and run on the CPU: the wheel of torch holds both halves, and the headers of its CUDA half ask for
/// those of two further wheels. macOS has no CUDA half.
const CPU_WHEELS: &[&str] = if cfg!(target_os = "macos") {
    &["torch==2.11.0"]
} else {
    &[
        "torch==2.11.0",
        "nvidia-cuda-cupti==13.0.85",
        "nvidia-cuda-runtime==13.0.96",
    ]
};

/// The same wheels, whatever python3 the machine has: nothing here is run by Python.
const ANY_PYTHON: &[&str] = &[
    "--only-binary=:all:",
    "--python-version=3.12",
    "--implementation=cp",
];

/// The folder of the checkout that builds look into.
const FOLDER: &str = ".libtorch";
/// Where the next one is put together.
const PARTIAL: &str = ".libtorch.partial";
/// Tells, in a complete folder, what was installed.
const STAMP: &str = "installed.txt";

/// How much of libtorch is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The CPU half alone can run.
    Cpu,
    /// With all libraries that a GPU needs.
    Cuda,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        }
    }

    fn stamp(self) -> String {
        format!("torch {VERSION} {}\n", self.name())
    }

    /// Disk that fetching takes: the wheels and what is in them.
    fn disk_mb(self) -> u64 {
        match self {
            Self::Cpu => 2_200,
            Self::Cuda => 8_000,
        }
    }
}

/// Sees to it that builds find libtorch; does nothing if they do.
///
/// # Errors
/// If the machine lacks what fetching needs, fetching fails, or LIBTORCH names one that cannot be used.
pub fn provide(checkout: &Checkout, kind: Kind) -> Result<(), Error> {
    needs(checkout, kind)?.check(checkout)?;
    provide_checked(checkout, kind)
}

/// What [`provide_checked`] will need of the machine.
///
/// # Errors
/// If LIBTORCH names one that cannot be used, which is better known before work starts.
pub fn needs(checkout: &Checkout, kind: Kind) -> Result<Needs, Error> {
    if let Some(path) = foreign(checkout) {
        fitness(&path)?;
        return Ok(Needs::default());
    }
    if is_installed(checkout, kind) {
        return Ok(Needs::default());
    }
    Ok(Needs {
        pip: true,
        disk_mb: kind.disk_mb(),
        ..Needs::default()
    })
}

/// As [`provide`], on a machine that was checked before.
///
/// # Errors
/// As [`provide`].
pub fn provide_checked(checkout: &Checkout, kind: Kind) -> Result<(), Error> {
    if let Some(path) = foreign(checkout) {
        fitness(&path)?;
        eprintln!(
            "libtorch {VERSION} in `{}`, as LIBTORCH says",
            path.display()
        );
        return Ok(());
    }
    if is_installed(checkout, kind) {
        eprintln!("libtorch {VERSION} is in `{FOLDER}`");
        return Ok(());
    }
    fetch(checkout, kind)?;
    fitness(&checkout.join(FOLDER).join("torch"))?;
    eprintln!("libtorch {VERSION} is in `{FOLDER}` now");
    Ok(())
}

/// What LIBTORCH names, unless that is the checkout's own folder, which `.cargo/config.toml` makes it name.
fn foreign(checkout: &Checkout) -> Option<PathBuf> {
    let named = PathBuf::from(env::var_os("LIBTORCH").filter(|value| !value.is_empty())?);
    let is_own = named.ends_with(Path::new(FOLDER).join("torch"))
        && named.ancestors().nth(2).is_some_and(|root| {
            matches!((root.canonicalize(), checkout.join("").canonicalize()), (Ok(a), Ok(b)) if a == b)
        });
    (!is_own).then_some(named)
}

/// Whether the checkout's own folder is complete. It comes into being by one rename, so that a stamp is proof.
fn is_installed(checkout: &Checkout, kind: Kind) -> bool {
    let folder = checkout.join(FOLDER);
    let Ok(stamp) = fs::read_to_string(folder.join(STAMP)) else {
        // Put there by other means, such as `pip install --target`.
        return kind == Kind::Cpu && fitness(&folder.join("torch")).is_ok();
    };
    stamp == kind.stamp() || stamp == Kind::Cuda.stamp()
}

/// Whether the folder holds libtorch of the right version.
fn fitness(libtorch: &Path) -> Result<(), Error> {
    let unfit = |fault: String| {
        Err(Error::UnfitLibtorch {
            path: libtorch.to_owned(),
            fault,
        })
    };
    let library = if cfg!(target_os = "macos") {
        "lib/libtorch_cpu.dylib"
    } else {
        "lib/libtorch_cpu.so"
    };
    if !libtorch.join(library).is_file() {
        return unfit(format!("it has no `{library}`"));
    }
    // A wheel has the first file, a zip from pytorch.org the second.
    let version = fs::read_to_string(libtorch.join("version.py"))
        .ok()
        .and_then(|text| version_in_python(&text))
        .or_else(|| fs::read_to_string(libtorch.join("build-version")).ok());
    match version.as_deref().map(release) {
        Some(VERSION) => Ok(()),
        Some(other) => unfit(format!("it is version {other}, {VERSION} is needed")),
        None => unfit("it has neither `version.py` nor `build-version`".to_owned()),
    }
}

/// The value of `__version__ = '2.11.0+cu130'`.
fn version_in_python(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with("__version__"))?;
    Some(line.split(['\'', '"']).nth(1)?.to_owned())
}

/// `2.11.0+cu130` without what was built in.
fn release(version: &str) -> &str {
    version.split('+').next().unwrap_or(version).trim()
}

/// Downloads the wheels, unpacks them beside, and puts the result in place by a rename.
///
/// Wheels that a broken-off attempt has finished are not downloaded again.
fn fetch(checkout: &Checkout, kind: Kind) -> Result<(), Error> {
    let partial = checkout.join(PARTIAL);
    let (wheels, site) = (partial.join(kind.name()), partial.join("site"));
    create(&wheels)?;
    match kind {
        Kind::Cpu => {
            eprintln!("fetching libtorch {VERSION} from PyPI: 0.55 GB");
            for wheel in CPU_WHEELS {
                let mut download = pip(checkout, "download");
                download.args(["--no-deps", wheel, "--dest"]).arg(&wheels);
                run(download)?;
            }
        }
        Kind::Cuda => {
            eprintln!("fetching libtorch {VERSION} and the libraries of CUDA from PyPI: 2.6 GB");
            let mut download = pip(checkout, "download");
            download.args([CPU_WHEELS[0], "--dest"]).arg(&wheels);
            run(download)?;
        }
    }

    remove(&site)?;
    let mut install = pip(checkout, "install");
    install.args([
        "--no-index",
        "--no-deps",
        "--ignore-requires-python",
        "--no-compile",
        "--target",
    ]);
    install.arg(&site).args(files(&wheels)?);
    run(install)?;
    let stamp = site.join(STAMP);
    fs::write(&stamp, kind.stamp()).map_err(io("write", &stamp))?;

    let folder = checkout.join(FOLDER);
    remove(&folder)?;
    fs::rename(&site, &folder).map_err(io("rename", &site))?;
    remove(&partial)
}

fn pip(checkout: &Checkout, verb: &str) -> Command {
    let mut pip = checkout.command("python3");
    pip.args(["-m", "pip", verb, "--disable-pip-version-check"]);
    pip.args(ANY_PYTHON);
    // What it says is talk; and a warning about root has no point where nothing is installed into the system.
    pip.stdout(std::io::stderr())
        .env("PIP_ROOT_USER_ACTION", "ignore");
    pip
}

/// The files in a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect()
    };
    let mut files = read().map_err(io("read", folder))?;
    files.sort();
    Ok(files)
}

fn create(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(io("create", folder))
}

/// Removes a folder with all that is in it; none is fine.
fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io("remove", folder)(error)),
        _ => Ok(()),
    }
}

fn io(verb: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { verb, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of the name of a test, gone at the end of it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(test: &str) -> Self {
            let folder = env::temp_dir().join(format!("xtask-{test}-{}", std::process::id()));
            fs::create_dir_all(folder.join("lib")).unwrap();
            Self(folder)
        }

        fn with(self, file: &str, text: &str) -> Self {
            fs::write(self.0.join(file), text).unwrap();
            self
        }

        fn fault(&self) -> String {
            fitness(&self.0).unwrap_err().to_string()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn library() -> &'static str {
        if cfg!(target_os = "macos") {
            "lib/libtorch_cpu.dylib"
        } else {
            "lib/libtorch_cpu.so"
        }
    }

    #[test]
    fn a_wheel_and_a_zip_of_the_right_version_fit() {
        let wheel = Folder::new("wheel").with(library(), "").with(
            "version.py",
            "from typing import Optional\n__version__ = '2.11.0+cu130'\n",
        );
        assert!(fitness(&wheel.0).is_ok());
        let zip = Folder::new("zip")
            .with(library(), "")
            .with("build-version", "2.11.0+cpu\n");
        assert!(fitness(&zip.0).is_ok());
    }

    #[test]
    fn another_version_is_named_in_the_refusal() {
        let old = Folder::new("old")
            .with(library(), "")
            .with("build-version", "2.9.1+cpu\n");
        assert!(old.fault().contains("version 2.9.1, 2.11.0 is needed"));
        assert!(old.fault().contains("hint: unset LIBTORCH"));
    }

    #[test]
    fn a_folder_without_the_library_or_a_version_does_not_fit() {
        assert!(Folder::new("empty").fault().contains("libtorch_cpu"));
        assert!(
            Folder::new("nameless")
                .with(library(), "")
                .fault()
                .contains("neither")
        );
    }

    #[test]
    fn the_first_wheel_is_the_version_that_is_checked() {
        assert_eq!(CPU_WHEELS[0], format!("torch=={VERSION}"));
    }
}
