//! What to do with colours that are not 8-bit opaque sRGB.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Decoder, Error, Frames, Header,
    header::{Icc, Model},
};

/// Raised whenever this crate or its colour engine would give other pixels for the same file.
pub const CODE_VERSION: &str = "2";

/// Take a picture of this kind, or leave it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Convert it to 8-bit opaque sRGB.
    #[default]
    Convert,
    /// Reject it with the reason `colour_policy` (or `animated`).
    Reject,
}

impl Action {
    fn word(self) -> &'static str {
        match self {
            Self::Convert => "convert",
            Self::Reject => "reject",
        }
    }
}

/// How pictures that are not 8-bit opaque sRGB become so, kind by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PixelPolicy {
    /// The colour, sRGB, that transparent pictures are laid on.
    pub matte: [u8; 3],
    /// Pictures that can be transparent; `convert` lays them on the matte.
    pub alpha: Action,
    /// Pictures with a colour profile that is not sRGB; `convert` follows the profile.
    pub icc: Action,
    /// CMYK and YCCK pictures; `convert` follows their profile, or mixes the inks plainly without one.
    pub cmyk: Action,
    /// Pictures of 16 bits a sample; `convert` keeps the upper eight.
    pub sixteen_bit: Action,
    /// Animations and files of several pages; `convert` takes the first frame.
    pub animated: Action,
}

impl Default for PixelPolicy {
    /// White matte, everything converted.
    fn default() -> Self {
        Self {
            matte: [255; 3],
            alpha: Action::Convert,
            icc: Action::Convert,
            cmyk: Action::Convert,
            sixteen_bit: Action::Convert,
            animated: Action::Convert,
        }
    }
}

impl PixelPolicy {
    /// Refuses a picture of a kind that the policy rejects; the header is enough to say so.
    ///
    /// # Errors
    /// [`Error::ColourPolicy`] or [`Error::Animated`].
    pub fn admit(&self, header: &Header) -> Result<(), Error> {
        let colour = header.colour;
        if self.animated == Action::Reject && header.frames == Frames::Many {
            return Err(Error::Animated {
                format: header.format,
            });
        }
        let is_cmyk = matches!(colour.model, Model::Cmyk | Model::Ycck);
        let refused = [
            ("alpha", self.alpha, colour.has_alpha),
            ("cmyk", self.cmyk, is_cmyk),
            ("icc", self.icc, colour.icc == Icc::Foreign),
            ("sixteen_bit", self.sixteen_bit, colour.bits > 8),
        ]
        .into_iter()
        .find(|&(_, action, applies)| action == Action::Reject && applies);
        match refused {
            Some((key, ..)) => Err(Error::ColourPolicy {
                key,
                found: header.colour_text(),
            }),
            None => Ok(()),
        }
    }

    /// The fields that a `pixel_policy_id` is hashed from: this crate's code version, the matte, the
    /// policies for ICC, CMYK and 16 bits, and the decoder with its version.
    pub fn identity(&self, decoder: Decoder) -> Vec<String> {
        let [r, g, b] = self.matte;
        vec![
            CODE_VERSION.to_owned(),
            format!("{r:02x}{g:02x}{b:02x}"),
            self.icc.word().to_owned(),
            self.cmyk.word().to_owned(),
            self.sixteen_bit.word().to_owned(),
            decoder.name().to_owned(),
            decoder.version().to_owned(),
        ]
    }
}
