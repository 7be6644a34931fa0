//! A wall between a decoder that crashes and the run that it must not end.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use crate::{Decoder, Error};

/// Who is at work behind the wall, for the message.
pub(crate) type AtWork = Cell<Option<Decoder>>;

/// The result of `work`, or [`Error::DecoderPanic`] if it panicked. Nothing outside is touched by
/// `work` but what it returns, so that no broken state survives.
pub(crate) fn guard<T>(work: impl FnOnce(&AtWork) -> Result<T, Error>) -> Result<T, Error> {
    static QUIET: Once = Once::new();
    QUIET.call_once(keep_quiet_behind_the_wall);
    let at_work = Cell::new(None);
    let outer = IS_GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(|| work(&at_work)))
        .unwrap_or_else(|payload| Err(Error::panic(at_work.get(), payload.as_ref())));
    IS_GUARDED.set(outer);
    result
}

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Lets the program's own panic hook speak only of panics that nobody catches here: a caught one becomes an error, and a
/// message in the middle of a progress bar would look like a crash.
fn keep_quiet_behind_the_wall() {
    let hook = take_hook();
    set_hook(Box::new(move |info| {
        if !IS_GUARDED.get() {
            hook(info);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_becomes_an_error_that_names_the_decoder() {
        let result: Result<(), Error> = guard(|at_work| {
            at_work.set(Some(Decoder::Png));
            panic!("index 7 out of range");
        });
        let error = result.unwrap_err();
        assert_eq!(error.reason(), "decoder_panic");
        assert_eq!(
            error.to_string(),
            "the decoder png crashed: index 7 out of range"
        );
    }
}
