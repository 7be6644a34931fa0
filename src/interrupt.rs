//! Ctrl-C and `kill`: the first asks to save and stop, the second stops at once.

use std::sync::{
    Arc,
    atomic::{AtomicI32, Ordering},
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use terminus_manifest::run::Cancel;

/// Watches for signals from now on.
#[derive(Clone, Debug)]
pub struct Interrupt {
    /// Set by the first signal.
    pub cancel: Cancel,
    signal: Arc<AtomicI32>,
}

impl Interrupt {
    /// Starts the watch.
    ///
    /// # Errors
    /// The system refuses a handler.
    pub fn watch() -> std::io::Result<Self> {
        let interrupt = Self {
            cancel: Cancel::new(),
            signal: Arc::new(AtomicI32::new(0)),
        };
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let watched = interrupt.clone();
        std::thread::spawn(move || {
            for signal in signals.forever() {
                if watched.cancel.is_cancelled() {
                    std::process::exit(128 + signal);
                }
                watched.signal.store(signal, Ordering::Relaxed);
                watched.cancel.cancel();
                eprintln!("stopping: what is finished is saved; once more stops at once");
            }
        });
        Ok(interrupt)
    }

    /// The signal that asked to stop; SIGINT if none did.
    pub fn signal(&self) -> i32 {
        match self.signal.load(Ordering::Relaxed) {
            0 => SIGINT,
            signal => signal,
        }
    }
}
