//! How addresses are fetched.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How addresses are fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DownloadConfig {
    /// Downloads at once, over all hosts.
    #[schemars(range(max = 32))]
    pub concurrency: NonZeroU32,
    /// Downloads at once from one host; fewer while it answers slowly or with 429.
    #[schemars(range(max = 32))]
    pub per_host: NonZeroU32,
    /// Attempts at an address in one run, where a failure may pass.
    #[schemars(range(max = 10))]
    pub attempts: NonZeroU32,
    /// The longest that one attempt may take, redirects and body included, in seconds.
    pub timeout_s: NonZeroU32,
    /// The longest wait that a `Retry-After` is obeyed for, and that a host may be silent for; what takes longer is left to the
    /// next run, in seconds.
    pub max_wait_s: u32,
    /// Whether robots.txt is obeyed.
    pub robots_txt: Courtesy,
    /// Whether `X-Robots-Tag: noai` and its like are obeyed.
    pub opt_out: Courtesy,
    /// Hosts that may have an address in a private network, by name or address.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_private_hosts: Vec<String>,
}

impl Default for DownloadConfig {
    fn default() -> Self {
        Self {
            concurrency: const { NonZeroU32::new(32).unwrap() },
            per_host: const { NonZeroU32::new(16).unwrap() },
            attempts: const { NonZeroU32::new(3).unwrap() },
            timeout_s: const { NonZeroU32::new(60).unwrap() },
            max_wait_s: 60,
            robots_txt: Courtesy::Honour,
            opt_out: Courtesy::Honour,
            allow_private_hosts: Vec::new(),
        }
    }
}

/// Whether a site's wish is obeyed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Courtesy {
    /// It is.
    #[default]
    Honour,
    /// It is not: for sites whose owner agreed.
    Ignore,
}
