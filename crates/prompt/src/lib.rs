//! The Midjourney and Niji prompt grammar, lossless.
