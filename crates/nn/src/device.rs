//! Where tensors live and how many threads compute.

use tch::{Cuda, Device};

use crate::error::{Error, Result};

/// The device called `cpu`, `cuda` (the first) or `cuda:N`, proven to be there.
///
/// # Errors
/// An unknown name; CUDA asked for in a build without it, or a device that this machine has not.
pub fn open(name: &str) -> Result<Device> {
    let unknown = || Error::UnknownDevice {
        name: name.to_owned(),
    };
    let index: usize = match name {
        "cpu" => return Ok(Device::Cpu),
        "cuda" => 0,
        _ => name
            .strip_prefix("cuda:")
            .and_then(|n| n.parse().ok())
            .ok_or_else(unknown)?,
    };
    if !cfg!(feature = "cuda") {
        return Err(Error::BuiltWithoutCuda {
            name: name.to_owned(),
        });
    }
    let found = if Cuda::is_available() {
        Cuda::device_count()
    } else {
        0
    };
    if index as i64 >= found {
        return Err(Error::NoSuchCudaDevice {
            name: name.to_owned(),
            found,
        });
    }
    Ok(Device::Cuda(index))
}

/// Lets one operation on the CPU use `threads` threads, at least one. Results of reductions may differ in the last bits
/// between counts.
pub fn set_threads(threads: usize) {
    tch::set_num_threads(threads.max(1) as i32);
}

/// Waits until the device has done all that was asked of it: for measuring time. Nothing on the CPU.
pub fn synchronize(device: Device) {
    if let Device::Cuda(index) = device {
        Cuda::synchronize(index as i64);
    }
}

/// What libtorch can compute on here, in a few words.
pub fn describe() -> String {
    let threads = tch::get_num_threads();
    match tch::Cuda::device_count() {
        0 => format!("the CPU with {threads} threads, no CUDA device"),
        count => format!("the CPU with {threads} threads, {count} CUDA devices"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_name_is_cpu_or_cuda_with_a_number() {
        assert_eq!(open("cpu").unwrap(), Device::Cpu);
        for name in ["gpu", "cuda:", "cuda:x", "CPU", ""] {
            assert!(
                matches!(open(name), Err(Error::UnknownDevice { .. })),
                "{name}"
            );
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_build_without_cuda_says_so() {
        let error = open("cuda:1").unwrap_err().to_string();
        assert!(
            error.contains("`cuda:1`") && error.contains("--features cuda"),
            "{error}"
        );
    }
}
