#!/bin/sh
# A wrapper of rustc that has libFuzzer see which edges of this project's crates are taken.
case "$CARGO_PKG_NAME" in
terminus-*)
    exec "$@" --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
        -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Coverflow-checks
    ;;
*) exec "$@" ;;
esac
