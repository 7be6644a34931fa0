//! Draws the demo collection.
