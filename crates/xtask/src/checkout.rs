//! The checkout that this program was built from, and programs run in it.

use std::{
    env,
    ffi::OsString,
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::error::Error;

/// The folder with the root `Cargo.toml`.
pub struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// The checkout that holds this program's sources.
    pub fn of_this_program() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self {
            root: here.ancestors().nth(2).unwrap_or(here).to_owned(),
        }
    }

    /// A path inside it.
    pub fn join(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A program that cargo has built: it lies beside this one, wherever the target folder is.
    pub fn built(&self, program: &str) -> PathBuf {
        let here = env::current_exe().unwrap_or_else(|_| self.join("target/release/xtask"));
        here.with_file_name(format!("{program}{}", env::consts::EXE_SUFFIX))
    }

    /// The folder that this program was built into, and all others are.
    pub fn target(&self) -> PathBuf {
        let release = self.built("xtask");
        let target = release.ancestors().nth(2).unwrap_or(&self.root);
        target.to_owned()
    }

    /// Free space where the checkout lies; none if the machine does not say.
    pub fn free_mb(&self) -> Option<u64> {
        let output = self.command("df").args(["-Pk", "."]).output().ok()?;
        // A heading, then: file system, blocks of 1 KiB, used, available, …
        kib_in_mb(&output.stdout, 1, 3)
    }

    /// Space that the target folder takes; 0 if the machine does not say.
    pub fn built_mb(&self) -> u64 {
        let output = self.command("du").arg("-sk").arg(self.target()).output();
        output
            .ok()
            .and_then(|output| kib_in_mb(&output.stdout, 0, 0))
            .unwrap_or(0)
    }

    /// `program` with the checkout as its folder, not started yet.
    pub fn command(&self, program: impl Into<OsString>) -> Command {
        let mut command = Command::new(program.into());
        command.current_dir(&self.root);
        command
    }

    /// The cargo that runs this program.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(arguments);
        cargo
    }
}

/// Runs `command` to its end; its output goes where ours goes.
pub fn run(mut command: Command) -> Result<(), Error> {
    let shown = shown(&command);
    eprintln!("$ {shown}");
    let status = command.status();
    let status = status.map_err(|source| not_started(&command, source))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed {
        command: shown,
        code: status.code(),
    })
}

/// Puts `command` into the place of this program: signals and the exit code are its own. Comes back only with the reason
/// why it could not start.
pub fn become_program(mut command: Command) -> Error {
    eprintln!("$ {}", shown(&command));
    let source = command.exec();
    not_started(&command, source)
}

fn not_started(command: &Command, source: io::Error) -> Error {
    Error::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    }
}

/// `command` as a person would type it, cut short where it names many files.
fn shown(command: &Command) -> String {
    const MOST_WORDS: usize = 20;
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let arguments = command.get_args().take(MOST_WORDS);
    let mut words = vec![name.to_string_lossy()];
    words.extend(arguments.map(|argument| argument.to_string_lossy()));
    if command.get_args().count() > MOST_WORDS {
        words.push("…".into());
    }
    words.join(" ")
}

/// The number of KiB in one field of a table that a program has printed, in MB.
fn kib_in_mb(answer: &[u8], line: usize, field: usize) -> Option<u64> {
    let answer = String::from_utf8_lossy(answer);
    let fields = answer.lines().nth(line)?;
    let kib: u64 = fields.split_whitespace().nth(field)?.parse().ok()?;
    Some(kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_the_fourth_field_of_df() {
        let answer = b"Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                       /dev/vda 263174212 19000000 2048000 8% /\n";
        assert_eq!(kib_in_mb(answer, 1, 3), Some(2000));
        assert_eq!(kib_in_mb(b"df: no such thing", 1, 3), None);
    }

    #[test]
    fn the_checkout_has_the_root_manifest_and_free_space() {
        let checkout = Checkout::of_this_program();
        assert!(checkout.join("Cargo.lock").is_file());
        assert!(checkout.free_mb().is_some_and(|free_mb| free_mb > 0));
    }

    #[test]
    fn a_program_that_is_not_there_cannot_take_this_ones_place() {
        let error = become_program(Command::new("no-such-program"));
        assert!(matches!(error, Error::Start { .. }));
    }

    #[test]
    fn a_failure_passes_the_exit_code_of_the_program_on() {
        let failing = |script| {
            let mut sh = Command::new("sh");
            sh.args(["-c", script]);
            run(sh).unwrap_err()
        };
        assert!(matches!(
            failing("exit 7"),
            Error::Failed { code: Some(7), .. }
        ));
        assert!(matches!(
            failing("kill -9 $$"),
            Error::Failed { code: None, .. }
        ));
        assert!(matches!(
            run(Command::new("no-such-program")),
            Err(Error::Start { .. })
        ));
    }
}
