//! The Midjourney and Niji prompt grammar, lossless.
//!
//! A prompt is pictures, then text in weighted parts, then flags. People write it carelessly, and editors
//! make long dashes of two hyphens; all of it is read, and nothing is dropped:
//!
//! ```
//! use terminus_prompt::Prompt;
//!
//! let prompt = Prompt::parse("https://s.mj.run/x {red, blue} car::2 rain::-.5 —ar 3:2 --niji 5");
//! assert_eq!(prompt.text(), "{red, blue} car rain");
//! assert_eq!(prompt.args(), "--ar 3:2 --niji 5");
//! assert_eq!(prompt.to_caption(), "red, blue car");
//! assert_eq!(prompt.generator_and_version(), Some(("niji".into(), Some("5".into()))));
//! assert_eq!(Prompt::parse(&prompt.to_string()), prompt);
//! ```

mod caption;
mod flag;
mod parameter;
mod permutation;
mod prompt;
mod token;
mod value;
mod weights;

pub use flag::Flag;
pub use parameter::Parameter;
pub use prompt::Prompt;
pub use value::{Fault, Value};
pub use weights::{ImagePrompt, Part};
