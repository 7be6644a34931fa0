//! Steps with names and times.

use std::{fmt, time::Duration, time::Instant};

use crate::error::Error;

/// The steps of a command that have been taken.
pub struct Steps {
    command: &'static str,
    count: usize,
    taken: Vec<Step>,
    start: Instant,
}

struct Step {
    name: &'static str,
    time: Duration,
    passed: bool,
}

impl Steps {
    /// `count` steps are going to be taken.
    pub fn new(command: &'static str, count: usize) -> Self {
        Self {
            command,
            count,
            taken: Vec::with_capacity(count),
            start: Instant::now(),
        }
    }

    /// Takes a step: says its name before and its time after.
    pub fn take(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let number = self.taken.len() + 1;
        eprintln!("\n{} [{number}/{}] {name}", self.command, self.count);
        let start = Instant::now();
        let result = work();
        let time = start.elapsed();
        if let Err(error) = &result {
            eprintln!("{name} failed after {}: {error}", Time(time));
        } else {
            eprintln!("{name} took {}", Time(time));
        }
        self.taken.push(Step {
            name,
            time,
            passed: result.is_ok(),
        });
        result
    }

    /// Names of the steps that failed.
    pub fn failed(&self) -> Vec<&'static str> {
        let failed = self.taken.iter().filter(|step| !step.passed);
        failed.map(|step| step.name).collect()
    }
}

/// The summary: a line for each step, and the whole time.
impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.taken {
            let result = if step.passed { "ok" } else { "FAILED" };
            writeln!(
                f,
                "{:<24}{:>12}  {result}",
                step.name,
                Time(step.time).to_string()
            )?;
        }
        write!(
            f,
            "{:<24}{:>12}",
            self.command,
            Time(self.start.elapsed()).to_string()
        )
    }
}

/// `4.2 s`, `3 min 05 s`.
struct Time(Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if seconds < 60 {
            write!(f, "{:.1} s", self.0.as_secs_f64())
        } else {
            write!(f, "{} min {:02} s", seconds / 60, seconds % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_seconds_and_then_in_minutes() {
        assert_eq!(Time(Duration::from_millis(4_240)).to_string(), "4.2 s");
        assert_eq!(Time(Duration::from_secs(185)).to_string(), "3 min 05 s");
    }

    #[test]
    fn a_failed_step_is_named_and_the_others_are_not() {
        let mut steps = Steps::new("verify", 2);
        assert!(steps.take("fmt", || Ok(())).is_ok());
        let failure = || {
            Err(Error::Failed {
                command: "cargo clippy".to_owned(),
                code: Some(101),
            })
        };
        assert!(steps.take("clippy", failure).is_err());
        assert_eq!(steps.failed(), ["clippy"]);
        let summary = steps.to_string();
        let lines: Vec<&str> = summary.lines().collect();
        assert!(lines[0].starts_with("fmt ") && lines[0].ends_with("ok"));
        assert!(lines[1].starts_with("clippy ") && lines[1].ends_with("FAILED"));
        assert!(lines[2].starts_with("verify "));
    }
}
