//! Tells every package whose programs link libtorch how to, so that they start from any folder.
//!
//! `LIBTORCH` is set by the environment or by `.cargo/config.toml`. Dependents read `DEP_TERMINUS_NN_LINK_ARG` in a
//! build script of their own, because cargo passes link arguments only to the package that prints them.
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-changed=build.rs");
    let Some(libtorch) = std::env::var_os("LIBTORCH").map(PathBuf::from) else {
        println!("cargo:warning=LIBTORCH is not set: run `cargo xtask libtorch` in the checkout");
        return;
    };
    let lib = libtorch.join("lib");
    let lib = lib.canonicalize().unwrap_or(lib);

    // An old-style rpath is searched before LD_LIBRARY_PATH, so another libtorch there does no harm.
    let mut argument = format!("-Wl,--disable-new-dtags,-rpath,{}", lib.display());
    if std::env::var_os("CARGO_FEATURE_CUDA").is_some() {
        // Nothing refers to a symbol of the CUDA half: it registers its kernels when it is loaded.
        argument.push_str(",--no-as-needed,-ltorch_cuda,--as-needed");
    }
    extension(&libtorch);
    println!("cargo:link_arg={argument}");
    println!("cargo:rustc-link-arg={argument}");
}

/// Builds the C++ extension against libtorch's headers.
fn extension(libtorch: &Path) {
    let source = "src/ext/packed_linear.cpp";
    println!("cargo:rerun-if-changed={source}");
    let abi = std::env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".to_owned());
    println!("cargo:rerun-if-env-changed=LIBTORCH_CXX11_ABI");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .define("_GLIBCXX_USE_CXX11_ABI", abi.as_str())
        .include(libtorch.join("include"))
        // libtorch's headers warn of themselves.
        .warnings(false)
        .file(source)
        .compile("terminus_ext");
}
