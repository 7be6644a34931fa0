//! Links the programs and tests of this package with libtorch where `terminus-nn` found it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if let Ok(argument) = std::env::var("DEP_TERMINUS_NN_LINK_ARG") {
        println!("cargo:rustc-link-arg={argument}");
    }
}
