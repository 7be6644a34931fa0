//! Where a model computes, in which kind of numbers, and what becomes of its faults.

use tch::{Device, Kind, no_grad};
use terminus_nn::{device, guard};

use crate::{Error, config::Precision};

/// The device of this name; `auto` is a GPU where there is one.
pub(crate) fn open_device(name: &str) -> Result<Device, Error> {
    match name {
        "auto" => Ok(device::open("cuda").unwrap_or(Device::Cpu)),
        name => Ok(device::open(name)?),
    }
}

/// The kind of the weights: as set, else f32 on the CPU and bf16 elsewhere.
pub(crate) fn kind_on(precision: Option<Precision>, device: Device) -> Kind {
    match (precision, device) {
        (Some(Precision::F32), _) | (None, Device::Cpu) => Kind::Float,
        (Some(Precision::F16), _) => Kind::Half,
        (Some(Precision::Bf16) | None, _) => Kind::BFloat16,
    }
}

/// Runs `work` without gradients; a crash inside libtorch is an error, and a lack of memory one of its own.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    guard(|| no_grad(work)).map_err(|error| match error {
        Error::Nn(terminus_nn::Error::OutOfMemory { .. }) => Error::OutOfMemory,
        Error::Nn(terminus_nn::Error::Computing { message }) => Error::Computing { message },
        other => other,
    })
}
