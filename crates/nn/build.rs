//! Tells every package whose programs link libtorch where it lies, as an rpath, so that they start from any folder.
//!
//! `LIBTORCH` is set by the environment or by `.cargo/config.toml`. Dependents read `DEP_TERMINUS_NN_RPATH` in a
//! build script of their own, because cargo passes link arguments only to the package that prints them.
use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-changed=build.rs");
    let Some(libtorch) = std::env::var_os("LIBTORCH").map(PathBuf::from) else {
        println!("cargo:warning=LIBTORCH is not set: run `cargo xtask libtorch` in the checkout");
        return;
    };
    let lib = libtorch.join("lib");
    let lib = lib.canonicalize().unwrap_or(lib);
    println!("cargo:rpath={}", lib.display());
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
}
