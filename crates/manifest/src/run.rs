//! What a long step is given by whoever started it: where to report progress, and how it is told to stop.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Where a stage reports what it has done. Libraries call it; they never draw.
pub trait Progress: Send + Sync {
    /// A step begins: `total` things of `unit` are to be done, if that is known.
    fn start(&self, step: &str, total: Option<u64>, unit: &str);
    /// `done` more things are done.
    fn advance(&self, done: u64);
    /// What else is to be said of the step while it goes on, beside its count: the newest replaces the one before.
    fn status(&self, _text: &str) {}
    /// A line that a person should see now.
    fn note(&self, text: &str);
    /// The step has ended.
    fn finish(&self);
}

/// Progress that nobody looks at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _step: &str, _total: Option<u64>, _unit: &str) {}
    fn advance(&self, _done: u64) {}
    fn note(&self, _text: &str) {}
    fn finish(&self) {}
}

/// A flag that asks a stage to save what it has and stop. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
