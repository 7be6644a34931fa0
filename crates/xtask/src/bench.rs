//! `cargo xtask bench <room>`: a room's figures for `benches/README.md`, with its rivals beside it.

use crate::{
    checkout::{Checkout, run as run_command},
    error::Error,
    python,
};

/// What a room's benchmark takes: builds, and the script under `benches/`, which is told the programs by path.
struct Bench {
    room: &'static str,
    builds: &'static [&'static [&'static str]],
    script: &'static str,
    programs: &'static [&'static str],
}

const BENCHES: &[Bench] = &[
    Bench {
        room: "ingest",
        builds: &[
            &["--no-default-features"],
            &["-p", "terminus-pixels", "--example", "decode_files"],
            &["-p", "terminus-ingest", "--example", "near"],
            &["-p", "terminus-ingest", "--example", "serve"],
        ],
        script: "benches/ingest.py",
        programs: &[
            "terminus",
            "examples/decode_files",
            "examples/near",
            "examples/serve",
        ],
    },
    Bench {
        room: "bucket",
        builds: &[
            &["--no-default-features"],
            &["-p", "terminus-bucket", "--example", "bench"],
        ],
        script: "benches/bucket.py",
        programs: &[],
    },
    Bench {
        room: "caption",
        builds: &[
            &["-p", "terminus-caption", "--example", "time_vlm"],
            &["-p", "terminus-pixels", "--example", "fit"],
        ],
        script: "benches/caption.py",
        programs: &["examples/time_vlm", "examples/fit"],
    },
    Bench {
        room: "sdxl",
        builds: &[&["-p", "terminus-train", "--example", "time_unet"]],
        script: "benches/sdxl.py",
        programs: &["examples/time_unet"],
    },
];

/// Builds what the benchmark of `room` needs and runs its script with `rest`.
///
/// # Errors
/// There is no such room, or a step fails.
pub fn run(checkout: &Checkout, room: &str, rest: &[&str]) -> Result<(), Error> {
    let Some(bench) = BENCHES.iter().find(|bench| bench.room == room) else {
        let rooms: Vec<&str> = BENCHES.iter().map(|bench| bench.room).collect();
        return Err(Error::Usage(format!(
            "there is no benchmark of `{room}`: {}",
            rooms.join(", ")
        )));
    };
    for build in bench.builds {
        run_command(checkout.cargo(&[&["build", "--release"], *build].concat()))?;
    }
    let mut script = checkout.command(python::interpreter());
    script.arg(bench.script);
    script.args(bench.programs.iter().map(|name| checkout.built(name)));
    script.args(rest);
    run_command(script)
}
