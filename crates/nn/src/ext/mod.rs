//! The C++ extension: what libtorch has and tch has not, behind safe functions; and how a program with libtorch ends.
#![expect(unsafe_code, reason = "calls into C++; each says why it is sound")]

use std::{
    ffi::{CStr, c_char, c_int},
    ptr,
};

use tch::{TchError, Tensor};

type Pointer = *mut std::ffi::c_void;

unsafe extern "C" {
    fn terminus_pack_linear(weight: Pointer, error: *mut *mut c_char) -> Pointer;
    fn terminus_packed_linear(
        xs: Pointer,
        weight: Pointer,
        bias: Pointer,
        then: *const c_char,
        algorithm: *const c_char,
        error: *mut *mut c_char,
    ) -> Pointer;
    fn terminus_free_text(text: *mut c_char);
    /// The C library's own.
    fn _Exit(code: c_int) -> !;
}

/// Ends the process, and leaves out what libtorch does at the end: it takes its thousands of operators out of their
/// tables one by one, which is a third of the time of a run that never used one.
///
/// Nothing that is buffered is written; whoever calls it has flushed what matters.
pub fn exit_at_once(code: u8) -> ! {
    // SAFETY: the process ends, whatever state it is in.
    unsafe { _Exit(c_int::from(code)) }
}

/// A matrix `[out, in]` f32 on the CPU in the layout in which [`packed_linear`] reads it: oneDNN's own, opaque.
///
/// # Errors
/// This libtorch was built without oneDNN, or there is no memory.
pub(crate) fn pack_linear(weight: &Tensor) -> Result<Tensor, TchError> {
    // SAFETY: a `Tensor` holds an `at::Tensor*` that lives as long as it; the function only reads it.
    tensor(|error| unsafe { terminus_pack_linear(pointer(weight), error) })
}

/// What oneDNN does to each output while it is at hand, by its words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Then {
    pub word: &'static CStr,
    pub algorithm: &'static CStr,
}

/// `[…, in]` f32 or bf16 to `[…, out]` by a matrix of [`pack_linear`]'s, and `then`. No gradients pass through it.
///
/// # Errors
/// Sizes that do not fit, or no memory.
pub(crate) fn packed_linear(
    xs: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    then: Then,
) -> Result<Tensor, TchError> {
    let bias = bias.map_or(ptr::null_mut(), pointer);
    let (word, algorithm) = (then.word.as_ptr(), then.algorithm.as_ptr());
    let (xs, weight) = (pointer(xs), pointer(weight));
    // SAFETY: as above; `bias` may be null there, and the words end by a zero.
    tensor(|error| unsafe { terminus_packed_linear(xs, weight, bias, word, algorithm, error) })
}

fn pointer(tensor: &Tensor) -> Pointer {
    tensor.as_ptr().cast_mut().cast()
}

/// The tensor that `call` makes, or the text that it leaves.
fn tensor(call: impl FnOnce(*mut *mut c_char) -> Pointer) -> Result<Tensor, TchError> {
    let mut error = ptr::null_mut();
    let made = call(&raw mut error);
    if made.is_null() {
        // SAFETY: without a tensor the extension leaves a text of its own, ended by a zero, which is freed once.
        let text = unsafe { CStr::from_ptr(error) }
            .to_string_lossy()
            .into_owned();
        // SAFETY: as above; `text` is a copy.
        unsafe { terminus_free_text(error) };
        return Err(TchError::Torch(text));
    }
    // SAFETY: a new `at::Tensor*` that nobody else has; `Tensor` deletes it.
    Ok(unsafe { Tensor::from_ptr(made.cast()) })
}
