#!/bin/sh
# Builds the fuzz targets without cargo-fuzz and without a nightly compiler: only this project's crates are instrumented.
# usage: fuzz/build.sh [TARGET_DIR]; then TARGET_DIR/release/headers -runs=1000000 fuzz/corpus/headers
cd "$(dirname "$0")" || exit 1
[ -f Cargo.lock ] || cp ../Cargo.lock .
RUSTC_WRAPPER="$PWD/instrument.sh" CARGO_TARGET_DIR="${1:-target}" exec cargo build --release --bins
