//! How gradients become updates.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Probability;

/// The optimizer and its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// Which.
    pub kind: OptimizerKind,
    /// Decay of the gradients' average.
    #[schemars(extend("exclusiveMaximum" = 1))]
    pub beta1: Probability,
    /// Decay of the squared gradients' average.
    #[schemars(extend("exclusiveMaximum" = 1))]
    pub beta2: Probability,
    /// What keeps the quotient finite.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub epsilon: f64,
    /// Pull of every weight towards 0, times the learning rate.
    #[schemars(range(min = 0))]
    pub weight_decay: f64,
    /// Gradients are scaled down to this norm over all weights.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub max_grad_norm: f64,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            kind: OptimizerKind::AdamW,
            beta1: Probability::ADAM_BETA1,
            beta2: Probability::ADAM_BETA2,
            epsilon: 1e-8,
            weight_decay: 0.01,
            max_grad_norm: 1.0,
        }
    }
}

/// Which optimizer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OptimizerKind {
    /// Adam with decoupled weight decay.
    #[default]
    #[serde(rename = "adamw")]
    AdamW,
}

/// A running average of the weights, in f32.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EmaConfig {
    /// How much of the average stays at an update; less in the beginning: `(1 + n) / (10 + n)`.
    #[schemars(extend("exclusiveMaximum" = 1))]
    pub decay: Probability,
}

impl Default for EmaConfig {
    fn default() -> Self {
        Self {
            decay: Probability::EMA_DECAY,
        }
    }
}
