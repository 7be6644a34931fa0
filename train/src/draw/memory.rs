//! How much memory drawing takes, before anything is loaded.
//!
//! Networks come one after the other, so the largest of them decides: its weights and what one forward holds at a time.
//! What a forward holds is counted in tensors as large as its largest, rounded up: an estimate, not a promise.

use std::fmt;

use serde::Serialize;
use tch::Kind;

use super::{DrawRequest, Start, TILE_PX};
use crate::{Error, single_file::Part, source::ModelSource};

/// Tensors as large as the UNet's widest that a forward holds at a time: skips, a block's input, its halves and norms.
const UNET_TENSORS: u64 = 12;
/// Tensors as large as the VAE's widest at full size that a forward holds at a time.
const VAE_TENSORS: u64 = 5;
/// Bytes that libtorch itself takes.
const LIBRARY_BYTES: u64 = 400 << 20;

/// What drawing takes at its largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryPlan {
    /// While prompts are encoded.
    pub text_bytes: u64,
    /// While the UNet walks.
    pub unet_bytes: u64,
    /// While pictures are decoded.
    pub vae_bytes: u64,
}

/// What of a request decides how much memory it takes.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// Kind of UNet and text encoders.
    pub kind: Kind,
    /// Rows that go through the UNet at once.
    pub rows: u64,
    /// Width and height of the largest canvas.
    pub size: (u32, u32),
    /// Whether large pictures are decoded tile by tile.
    pub tiled: bool,
}

impl Demand {
    /// That of a request.
    pub fn of(request: &DrawRequest, source: &ModelSource, kind: Kind) -> Self {
        let batch = request.batch_size.clamp(1, request.seeds.len().max(1)) as u64;
        let guided = 1 + u64::from(request.guidance.needs_negative());
        let multiple = source.side_multiple();
        Self {
            kind,
            rows: batch * guided,
            size: request
                .upscale
                .map_or(request.size, |upscale| upscale.size(request.size, multiple)),
            // A picture that goes in is encoded whole.
            tiled: request.tiled && matches!(request.start, Start::Noise),
        }
    }
}

impl MemoryPlan {
    /// What drawing takes.
    ///
    /// # Errors
    /// The networks' own faults alone.
    pub fn new(source: &ModelSource, demand: Demand) -> Result<Self, Error> {
        let element = demand.kind.elt_size_in_bytes() as u64;
        let parameters =
            |part: Part| -> Result<u64, Error> { Ok(source.parameters(part)?.parameter_count()) };
        let (unet, vae) = (&source.configs.unet, &source.configs.vae);
        let down = u64::from(vae.downsampling());
        let latents = u64::from(demand.size.0) * u64::from(demand.size.1) / (down * down);
        let widest = 3 * unet.block_out_channels.first().copied().unwrap_or(0) as u64;
        let side = u64::from(TILE_PX);
        let whole = latents * down * down;
        let pixels = if demand.tiled {
            whole.min(side * side)
        } else {
            whole
        };
        let channels = vae.block_out_channels.get(1).copied().unwrap_or(128) as u64;
        let f32_bytes = 4;
        Ok(Self {
            text_bytes: LIBRARY_BYTES
                + (parameters(Part::Text)? + parameters(Part::Text2)?) * element,
            unet_bytes: LIBRARY_BYTES
                + parameters(Part::UNet)? * element
                + demand.rows * latents * widest * element * UNET_TENSORS,
            vae_bytes: LIBRARY_BYTES
                + parameters(Part::Vae)? * f32_bytes
                + pixels * channels * f32_bytes * VAE_TENSORS,
        })
    }

    /// What is needed at the same time, at most.
    pub fn peak_bytes(&self) -> u64 {
        self.text_bytes.max(self.unet_bytes).max(self.vae_bytes)
    }

    /// That `available` bytes are enough.
    ///
    /// # Errors
    /// They are not: how many are needed, and which settings make it fit.
    pub fn check(&self, source: &ModelSource, demand: Demand, available: u64) -> Result<(), Error> {
        if self.peak_bytes() <= available {
            return Ok(());
        }
        let one_row = if demand.rows > 1 { 2 } else { 1 };
        let half = if demand.kind == Kind::Float {
            Kind::BFloat16
        } else {
            demand.kind
        };
        let ways = [
            (
                "`--precision bf16`",
                Demand {
                    kind: half,
                    ..demand
                },
            ),
            (
                "`--vae-tiling`",
                Demand {
                    tiled: true,
                    ..demand
                },
            ),
            (
                "`--batch-size 1`",
                Demand {
                    rows: one_row,
                    ..demand
                },
            ),
            (
                "`--precision bf16 --vae-tiling --batch-size 1`",
                Demand {
                    kind: half,
                    tiled: true,
                    rows: one_row,
                    ..demand
                },
            ),
        ];
        let mut fitting = Vec::new();
        for (way, demand) in ways {
            if Self::new(source, demand)?.peak_bytes() <= available {
                fitting.push(way);
            }
        }
        Err(Error::TooLittleMemory {
            needed: Gib(self.peak_bytes()),
            available: Gib(available),
            way: fitting.first().map_or_else(
                || "no setting makes it fit: draw smaller, or on a larger device".to_owned(),
                |way| format!("it fits with {way}"),
            ),
        })
    }
}

/// Bytes, told in GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gib(pub u64);

impl fmt::Display for Gib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} GiB", self.0 as f64 / f64::from(1 << 30))
    }
}
