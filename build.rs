//! Links the programs and tests of this package with the rpath of libtorch that `terminus-nn` found.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if let Some(rpath) = std::env::var_os("DEP_TERMINUS_NN_RPATH") {
        println!(
            "cargo:rustc-link-arg=-Wl,-rpath,{}",
            rpath.to_string_lossy()
        );
    }
}
