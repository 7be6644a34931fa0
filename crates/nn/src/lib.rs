//! Layers, attention, weights and device start-up on libtorch.
