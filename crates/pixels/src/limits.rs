//! How large a picture may be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Error;

/// The largest picture that is decoded; the header is checked before any pixel buffer is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The longest width or height, in pixels.
    pub max_side_px: u32,
    /// The largest width times height, in pixels.
    pub max_pixels: u64,
}

impl Default for Limits {
    /// 65,535 pixels a side, which is all that JPEG can name, and 16,384² pixels in all.
    fn default() -> Self {
        Self {
            max_side_px: 65_535,
            max_pixels: 16_384 * 16_384,
        }
    }
}

impl Limits {
    /// Refuses a picture that is larger than the limits.
    ///
    /// # Errors
    /// [`Error::TooLarge`], with the size seen and the size allowed.
    pub fn check(&self, width_px: u32, height_px: u32) -> Result<(), Error> {
        let pixels = u64::from(width_px) * u64::from(height_px);
        if width_px.max(height_px) > self.max_side_px || pixels > self.max_pixels {
            return Err(Error::TooLarge {
                width_px,
                height_px,
                limits: *self,
            });
        }
        Ok(())
    }
}
