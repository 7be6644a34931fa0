//! How a run ends: 0 done, 1 ran but a check failed, 2 could not run, 130 or 143 interrupted with everything saved.

use std::{io::Write as _, process::ExitCode};

/// A check that failed: the program ran, and what it found is not what was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CheckFailed(pub String);

/// Stopped by a signal; what was finished is saved.
#[derive(Debug, thiserror::Error)]
#[error("interrupted; everything finished is saved\nhint: go on with `{resume}`")]
pub struct Interrupted {
    /// The signal's number.
    pub signal: i32,
    /// The command that goes on.
    pub resume: String,
}

/// The exit code of a verb, after its error has been told on stderr.
pub fn code(result: anyhow::Result<()>) -> u8 {
    let Err(error) = result else {
        return 0;
    };
    if is_broken_pipe(&error) {
        return 0;
    }
    if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
        eprintln!("{interrupted}");
        return u8::try_from(128 + interrupted.signal).unwrap_or(130);
    }
    eprintln!("error: {error:#}");
    if is_failed_check(&error) { 1 } else { 2 }
}

/// Ends the program with this code, once everything that it printed has gone out.
pub fn end(code: u8) -> ExitCode {
    // Whoever read it may have gone.
    let _ = std::io::stdout().flush();
    #[cfg(feature = "torch")]
    terminus_nn::exit_at_once(code);
    #[cfg(not(feature = "torch"))]
    ExitCode::from(code)
}

fn is_failed_check(error: &anyhow::Error) -> bool {
    error.is::<CheckFailed>()
        || matches!(
            error.downcast_ref(),
            Some(
                terminus_bucket::Error::NoSamples { .. } | terminus_bucket::Error::Shortfall { .. }
            )
        )
}

/// Whoever read stdout has seen enough, as in `terminus plan … | head`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
