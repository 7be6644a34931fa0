//! Named places where a test can kill the process, to prove that nothing is lost there.
//!
//! The program arms at most one; a disarmed failpoint costs one atomic load.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

static ARMED: AtomicBool = AtomicBool::new(false);
static TARGET: Mutex<Option<(String, u64)>> = Mutex::new(None);

/// Every failpoint of the program, in the order in which a run passes them.
pub const NAMES: [&str; 11] = [
    "store.before_rename",
    "ingest.before_batch",
    "ingest.after_batch",
    "ingest.before_verdicts",
    "caption.after_answer",
    "caption.after_batch",
    "bucket.after_claim",
    "bucket.after_shard",
    "bucket.before_index",
    "bucket.before_manifest",
    "bucket.before_latest",
];

/// Makes the process die, as if by `kill -9`, the `count`th time that it passes the failpoint `name`.
pub fn arm(name: &str, count: u64) {
    if let Ok(mut target) = TARGET.lock() {
        *target = Some((name.to_owned(), count.max(1)));
        ARMED.store(true, Ordering::SeqCst);
    }
}

/// Passes the failpoint `name`.
pub fn pass(name: &'static str) {
    if ARMED.load(Ordering::Relaxed) {
        pass_armed(name);
    }
}

#[cold]
fn pass_armed(name: &str) {
    let Ok(mut target) = TARGET.lock() else {
        return;
    };
    if let Some((armed, left)) = target.as_mut()
        && armed == name
    {
        *left -= 1;
        if *left == 0 {
            // No destructor runs and no buffer is flushed: what a kill leaves behind is what a test must see.
            std::process::abort();
        }
    }
}
