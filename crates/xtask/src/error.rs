//! Why a command did not succeed.

use std::{fmt, io, path::PathBuf, process::ExitCode};

use crate::{USAGE, machine::Missing};

/// What went wrong.
#[derive(Debug)]
pub enum Error {
    /// The arguments mean nothing.
    Usage(String),
    /// The machine lacks things; all of them.
    Missing(Vec<Missing>),
    /// A file or folder could not be handled.
    Io {
        /// What was tried, as a verb: `create`.
        verb: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// A program could not be started.
    Start { program: String, source: io::Error },
    /// A program ended with a failure, which it has described itself.
    Failed {
        command: String,
        /// None if a signal ended it.
        code: Option<i32>,
    },
    /// The libtorch that was found cannot be used.
    UnfitLibtorch { path: PathBuf, fault: String },
    /// Steps of `verify` failed, by name.
    Steps(Vec<&'static str>),
}

impl Error {
    /// 1 if something ran and failed, 2 if it could not run; a program's own code is passed on.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Failed { code, .. } => {
                let code = code.and_then(|code| u8::try_from(code).ok());
                ExitCode::from(code.filter(|code| *code != 0).unwrap_or(1))
            }
            Self::Steps(_) => ExitCode::from(1),
            _ => ExitCode::from(2),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(fault) => write!(f, "{fault}\n\n{USAGE}"),
            Self::Missing(missing) => {
                write!(
                    f,
                    "this machine lacks what the work needs; nothing was started"
                )?;
                for Missing { what, hint } in missing {
                    write!(f, "\n  {what}\n    hint: {hint}")?;
                }
                Ok(())
            }
            Self::Io { verb, path, source } => {
                write!(f, "cannot {verb} `{}`: {source}", path.display())
            }
            Self::Start { program, source } => write!(f, "cannot start `{program}`: {source}"),
            Self::Failed {
                command,
                code: Some(code),
            } => write!(f, "`{command}` failed with exit code {code}"),
            Self::Failed {
                command,
                code: None,
            } => write!(f, "`{command}` was ended by a signal"),
            Self::UnfitLibtorch { path, fault } => write!(
                f,
                "the libtorch in `{}` cannot be used: {fault}\n  hint: unset LIBTORCH, and the right one is fetched",
                path.display()
            ),
            Self::Steps(names) => write!(f, "failed: {}", names.join(", ")),
        }
    }
}

impl std::error::Error for Error {}
