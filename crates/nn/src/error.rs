//! What can go wrong between a file of weights and a network on a device.

use std::{fmt::Write as _, path::PathBuf};

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A tensor whose shape in the file is not the network's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misshaped {
    /// Its name.
    pub name: String,
    /// What the network has.
    pub expected: Vec<i64>,
    /// What the file has.
    pub found: Vec<i64>,
}

/// A fact about weights, a device or libtorch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading or writing failed; the message names the path.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A file of weights is a pickle, which can run code when it is read.
    #[error(
        "`{}` is a pickle, which can run any code when it is opened\nhint: convert it once where you trust it: \
         python -c \"import torch, safetensors.torch as s; d = torch.load('{}', map_location='cpu', weights_only=True); \
         s.save_file({{k: v.contiguous() for k, v in d.get('state_dict', d).items()}}, '{}')\"",
        path.display(), path.display(), path.with_extension("safetensors").display()
    )]
    Pickle {
        /// The file.
        path: PathBuf,
    },
    /// A folder holds no weights under any name that diffusers or transformers writes.
    #[error("`{}` holds no weights\nhint: expected one of {}", folder.display(), tried.join(", "))]
    NoWeights {
        /// The folder.
        folder: PathBuf,
        /// The names that were looked for.
        tried: Vec<String>,
    },
    /// A file is not in the safetensors format.
    #[error("`{}` is not a whole safetensors file: {source}\nhint: compare its size with the publisher's and fetch it again", path.display())]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What the safetensors library says.
        source: safetensors::SafeTensorError,
    },
    /// The index of a sharded checkpoint cannot be read.
    #[error("`{}` is no index of a sharded checkpoint: {source}", path.display())]
    Index {
        /// The index.
        path: PathBuf,
        /// What the JSON library says.
        source: serde_json::Error,
    },
    /// The index names a tensor that its shard does not hold.
    #[error("`{}` says that `{}` holds `{name}`, which it does not\nhint: index and shards are of different checkpoints", index.display(), shard.display())]
    IndexAndShardDisagree {
        /// The index.
        index: PathBuf,
        /// The shard.
        shard: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A tensor has an element type that libtorch has no counterpart for.
    #[error("`{name}` in `{}` has the element type {dtype}, which is not supported", path.display())]
    ElementType {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type in the file's words.
        dtype: String,
    },
    /// A tensor's kind cannot be written to safetensors.
    #[error("`{name}` has the kind {kind:?}, which safetensors cannot hold")]
    UnsavableKind {
        /// The tensor.
        name: String,
        /// Its kind.
        kind: tch::Kind,
    },
    /// A file's tensors are not the network's: every difference at once.
    #[error("{}", mismatch(origin, missing, surplus, misshaped))]
    Mismatch {
        /// The file, folder or store that was read.
        origin: String,
        /// Names that the network has and the file has not.
        missing: Vec<String>,
        /// Names that the file has and the network has not.
        surplus: Vec<String>,
        /// Names in both, with different shapes.
        misshaped: Vec<Misshaped>,
    },
    /// A network asked twice for one name.
    #[error("the network names the parameter `{name}` twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A device's name is none that is known.
    #[error("unknown device `{name}`\nhint: `cpu`, `cuda` or `cuda:N`")]
    UnknownDevice {
        /// The name as given.
        name: String,
    },
    /// A CUDA device was asked for and this program was built without CUDA.
    #[error(
        "`{name}` was asked for, but this program was built without CUDA\nhint: cargo xtask libtorch --cuda, then build with `--features cuda`; or use device `cpu`"
    )]
    BuiltWithoutCuda {
        /// The device asked for.
        name: String,
    },
    /// A CUDA device was asked for that this machine has not.
    #[error(
        "`{name}` was asked for, and libtorch finds {found} CUDA devices here\nhint: `nvidia-smi` lists devices and the driver; or use device `cpu`"
    )]
    NoSuchCudaDevice {
        /// The device asked for.
        name: String,
        /// How many there are.
        found: i64,
    },
    /// The device has no memory for what was asked of it.
    #[error("the device is out of memory: {message}")]
    OutOfMemory {
        /// What libtorch says, one line.
        message: String,
    },
    /// libtorch refused an operation.
    #[error("libtorch: {message}")]
    Computing {
        /// What libtorch says, one line.
        message: String,
    },
}

/// What allocators say when there is no more.
const NO_MEMORY: [&str; 3] = [
    "out of memory",
    "can't allocate memory",
    "not enough memory",
];

impl Error {
    /// What libtorch threw: its message goes on with a trace of its insides, which helps nobody here.
    pub(crate) fn thrown(message: &str) -> Self {
        let lacks_memory = NO_MEMORY.iter().any(|words| message.contains(words));
        let message = first_lines(message);
        if lacks_memory {
            Self::OutOfMemory { message }
        } else {
            Self::Computing { message }
        }
    }
}

/// What libtorch says before the trace of its insides, in one line. tch's panics carry the message as Rust would write it
/// in source code, behind words of their own.
fn first_lines(message: &str) -> String {
    let unwrapped = message
        .split_once("Torch(\"")
        .map_or(message, |(_, inner)| inner);
    let lines = unwrapped.replace("\\n", "\n").replace("\\\"", "\"");
    let said: Vec<&str> = lines
        .lines()
        .take_while(|line| {
            !line.starts_with("Exception raised from") && !line.starts_with("frame #")
        })
        .flat_map(str::split_whitespace)
        .collect();
    said.join(" ").trim_end_matches("\")").to_owned()
}

impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Self {
        Self::thrown(&error.to_string())
    }
}

/// At most so many names of one sort stand in a message; the fields hold all.
const NAMES_SHOWN: usize = 20;

fn mismatch(
    origin: &str,
    missing: &[String],
    surplus: &[String],
    misshaped: &[Misshaped],
) -> String {
    let mut text = format!(
        "the weights in `{origin}` are not this network's: {} missing, {} surplus, {} of another shape",
        missing.len(),
        surplus.len(),
        misshaped.len()
    );
    let mut list = |what: &str, lines: Vec<String>| {
        for line in lines.iter().take(NAMES_SHOWN) {
            let _ = write!(text, "\n  {what} {line}");
        }
        if lines.len() > NAMES_SHOWN {
            let _ = write!(text, "\n  {what} … and {} more", lines.len() - NAMES_SHOWN);
        }
    };
    let quoted = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect();
    list("missing", quoted(missing));
    list("surplus", quoted(surplus));
    let shapes = misshaped.iter().map(|fault| {
        format!(
            "`{}` {:?} instead of {:?}",
            fault.name, fault.found, fault.expected
        )
    });
    list("shape of", shapes.collect());
    text.push_str("\nhint: config.json and the weights must be of the same model");
    text
}
