#!/bin/sh
# A wrapper of rustc for RUSTC_WORKSPACE_WRAPPER: this project's crates count which of their lines run.
exec "$@" -Cinstrument-coverage
