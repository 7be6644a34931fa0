//! Gives every picture its captions.
