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

/// Bytes that the device could give now: for the CPU what the system calls available, for CUDA what is free on the card.
/// None where that cannot be known.
pub fn free_bytes(device: Device) -> Option<u64> {
    match device {
        Device::Cpu => available_memory(&fs_err::read_to_string("/proc/meminfo").ok()?),
        Device::Cuda(index) => cuda_memory::free_bytes(index),
        _ => None,
    }
}

/// `MemAvailable` of Linux' `/proc/meminfo`, in bytes.
fn available_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(not(feature = "cuda"))]
mod cuda_memory {
    pub(super) fn free_bytes(_: usize) -> Option<u64> {
        None
    }
}

#[cfg(feature = "cuda")]
mod cuda_memory {
    //! tch has no call for this; the CUDA runtime that libtorch brought along has.

    use std::ffi::c_int;

    use libloading::os::unix::{Library, Symbol};

    type GetDevice = unsafe extern "C" fn(*mut c_int) -> c_int;
    type SetDevice = unsafe extern "C" fn(c_int) -> c_int;
    type MemGetInfo = unsafe extern "C" fn(*mut usize, *mut usize) -> c_int;

    #[expect(unsafe_code, reason = "calls of the CUDA runtime; see SAFETY")]
    pub(super) fn free_bytes(index: usize) -> Option<u64> {
        let process = Library::this();
        // SAFETY: the three symbols have had these signatures in every CUDA runtime (CUDA Runtime API, "Device
        // Management" and "Memory Management"), all pointers are to locals of the right type, and the thread's device,
        // which libtorch relies on, is put back.
        unsafe {
            let get: Symbol<GetDevice> = process.get(b"cudaGetDevice\0").ok()?;
            let set: Symbol<SetDevice> = process.get(b"cudaSetDevice\0").ok()?;
            let info: Symbol<MemGetInfo> = process.get(b"cudaMemGetInfo\0").ok()?;
            let (mut before, mut free, mut total) = (0, 0, 0);
            let is_there = get(&raw mut before) == 0 && set(c_int::try_from(index).ok()?) == 0;
            let is_known = is_there && info(&raw mut free, &raw mut total) == 0;
            set(before);
            is_known.then_some(free as u64)
        }
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

    #[test]
    fn the_cpu_gives_what_the_system_calls_available() {
        let meminfo =
            "MemTotal:       24000 kB\nMemFree:          100 kB\nMemAvailable:   12000 kB\n";
        assert_eq!(available_memory(meminfo), Some(12_000 * 1024));
        assert_eq!(available_memory("MemTotal: 1 kB\n"), None);
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
