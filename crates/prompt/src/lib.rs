//! The Midjourney and Niji prompt grammar, lossless.
//!
//! A prompt is pictures, then text in weighted parts, then flags. People write it carelessly, and editors
//! make long dashes of two hyphens; all of it is read, and nothing is dropped:
//!
//! ```
//! use terminus_prompt::{Prompt, Version};
//!
//! let prompt = Prompt::parse("https://s.mj.run/x {red, blue} car::2 rain::-.5 —ar 3:2 --niji 5");
//! assert_eq!(prompt.text(), "{red, blue} car rain");
//! assert_eq!(prompt.args(), "--ar 3:2 --niji 5");
//! assert_eq!(prompt.to_caption(), "red, blue car");
//! assert_eq!(prompt.generator_and_version(), Some(("niji".into(), Some("5".into()))));
//! assert_eq!(Prompt::parse(&prompt.to_string()), prompt);
//!
//! let niji = prompt.parameters().niji.unwrap();
//! assert_eq!(niji.valid(), Some(&Version { major: 5, minor: 0 }));
//! ```
//!
//! A value that a generator would not take is kept as found, and knows its [`Fault`]; a flag that is not known
//! is kept in [`Parameters::extra`]. Where a flag stands among the text, the text goes on behind its value:
//! the value is what looks like one (`16:9`, `750`, a link), except that `--no` takes everything up to the
//! next flag, and that a lone word is a value whatever it looks like.

mod caption;
mod flag;
mod parameter;
mod parameters;
mod permutation;
mod prompt;
mod reading;
mod shape;
mod start;
mod token;
mod value;
mod weights;

pub use flag::Flag;
pub use parameter::Parameter;
pub use parameters::Parameters;
pub use prompt::Prompt;
pub use reading::{Aspect, Reference, Seed, Style, Version};
pub use value::{Fault, Value};
pub use weights::{ImagePrompt, Part};
