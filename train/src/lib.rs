//! SDXL networks, objective, loop, checkpoints and sampler.
