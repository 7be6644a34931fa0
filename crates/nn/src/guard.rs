//! A wall between libtorch's faults and a run: they come back as errors.
//!
//! Most of tch's operations panic where libtorch throws. Behind the wall nothing is printed, and what is known of the
//! fault, above all that the device is out of memory, is an [`Error`].

use std::{
    any::Any,
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    sync::Once,
};

use crate::error::Error;

/// The result of `work`, or what libtorch threw in it.
///
/// What `work` was changing is half changed after a fault: drop it.
///
/// # Errors
/// Those of `work`; [`Error::OutOfMemory`] and [`Error::Computing`] for a panic.
pub fn guard<T, E: From<Error>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    static QUIET: Once = Once::new();
    QUIET.call_once(keep_quiet_behind_the_wall);
    let outer = IS_GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(outer);
    result.unwrap_or_else(|payload| Err(E::from(Error::thrown(message(payload.as_ref())))))
}

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Lets the program's own panic hook speak only of panics that nobody catches here.
fn keep_quiet_behind_the_wall() {
    let hook = take_hook();
    set_hook(Box::new(move |info| {
        if !IS_GUARDED.get() {
            hook(info);
        }
    }));
}

fn message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("it does not say why")
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;

    fn thrown(work: impl FnOnce() -> Tensor) -> Error {
        guard(|| Ok::<_, Error>(work())).unwrap_err()
    }

    #[test]
    fn a_fault_of_libtorch_is_an_error_of_one_line() {
        let wide = Tensor::zeros([2, 3], (Kind::Float, Device::Cpu));
        let error = thrown(|| wide.matmul(&wide));
        assert!(matches!(error, Error::Computing { .. }), "{error:?}");
        let text = error.to_string();
        assert!(
            text.starts_with("libtorch: mat1 and mat2 shapes cannot be multiplied")
                && text.lines().count() == 1,
            "{text}"
        );
    }

    #[test]
    fn a_lack_of_memory_is_an_error_of_its_own() {
        let size = [1 << 30, 1 << 20];
        let error = thrown(|| Tensor::zeros(size, (Kind::Float, Device::Cpu)));
        assert!(matches!(error, Error::OutOfMemory { .. }), "{error:?}");
        let text = error.to_string();
        assert!(
            !text.contains("unwrap") && !text.contains("frame #") && text.lines().count() == 1,
            "{text}"
        );
        let checked = Tensor::f_zeros(size, (Kind::Float, Device::Cpu)).unwrap_err();
        assert!(matches!(Error::from(checked), Error::OutOfMemory { .. }));
    }

    #[test]
    fn errors_of_the_work_itself_pass() {
        let result: Result<(), Error> = guard(|| {
            Err(Error::UnknownDevice {
                name: "tpu".to_owned(),
            })
        });
        assert!(matches!(result, Err(Error::UnknownDevice { .. })));
    }
}
