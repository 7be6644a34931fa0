//! The pictures that a run draws.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Probability;

/// The pictures that a run draws at its end, and the defaults of `terminus sample`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SampleConfig {
    /// What to draw; without any, captions of the collection are taken.
    pub prompts: Vec<String>,
    /// What guidance moves away from.
    pub negative_prompt: String,
    /// Pictures of each prompt.
    pub images_per_prompt: NonZeroU32,
    /// Their size; the square of `bucket.target_px` unless it is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<SampleSize>,
    /// How to walk from noise to a picture.
    pub solver: Solver,
    /// Steps of the walk, spaced so that the first is pure noise (trailing).
    #[schemars(range(min = 1, max = 1000))]
    pub steps: NonZeroU32,
    /// How strongly the prompt is followed; 1 is without guidance.
    #[schemars(range(min = 0))]
    pub guidance_scale: f64,
    /// How much of the guided answer is brought back to the spread of the plain one (Lin et al. 2023, §3.4).
    pub guidance_rescale: Probability,
    /// Seed of the first noise; the recipe's unless it is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub seed: Option<u64>,
}

impl Default for SampleConfig {
    fn default() -> Self {
        Self {
            prompts: Vec::new(),
            negative_prompt: String::new(),
            images_per_prompt: NonZeroU32::MIN,
            size: None,
            solver: Solver::Ddim,
            steps: const { NonZeroU32::new(30).unwrap() },
            guidance_scale: 7.5,
            guidance_rescale: Probability::GUIDANCE_RESCALE,
            seed: None,
        }
    }
}

/// Width and height of a drawn picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleSize {
    /// Columns.
    #[schemars(extend("multipleOf" = 8))]
    pub width_px: NonZeroU32,
    /// Rows.
    #[schemars(extend("multipleOf" = 8))]
    pub height_px: NonZeroU32,
}

/// How to walk from noise to a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Solver {
    /// DDIM without added noise (Song et al. 2020, arXiv:2010.02502).
    #[default]
    Ddim,
    /// Euler's method in σ (Karras et al. 2022, arXiv:2206.00364).
    Euler,
    /// Euler's method with fresh noise in every step.
    EulerAncestral,
    /// DPM-Solver++ of second order over two answers (Lu et al. 2022, arXiv:2211.01095).
    #[serde(rename = "dpmpp_2m")]
    DpmPlusPlus2m,
    /// `UniPC` of second order, B(h) = eʰ − 1 (Zhao et al. 2023, arXiv:2302.04867).
    #[serde(rename = "unipc")]
    UniPc,
}

impl Solver {
    /// Every solver.
    pub const ALL: [Self; 5] = [
        Self::Ddim,
        Self::Euler,
        Self::EulerAncestral,
        Self::DpmPlusPlus2m,
        Self::UniPc,
    ];

    /// Its class in diffusers, as a `scheduler_config.json` names it.
    pub fn class_name(self) -> &'static str {
        match self {
            Self::Ddim => "DDIMScheduler",
            Self::Euler => "EulerDiscreteScheduler",
            Self::EulerAncestral => "EulerAncestralDiscreteScheduler",
            Self::DpmPlusPlus2m => "DPMSolverMultistepScheduler",
            Self::UniPc => "UniPCMultistepScheduler",
        }
    }

    /// Its name among users of web interfaces, as in the parameters of a picture.
    pub fn display_name(self) -> &'static str {
        match self {
            Self::Ddim => "DDIM",
            Self::Euler => "Euler",
            Self::EulerAncestral => "Euler a",
            Self::DpmPlusPlus2m => "DPM++ 2M",
            Self::UniPc => "UniPC",
        }
    }

    /// Whether a step looks at answers of the steps before.
    pub fn is_multistep(self) -> bool {
        matches!(self, Self::DpmPlusPlus2m | Self::UniPc)
    }
}
