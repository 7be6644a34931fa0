//! The colours that the attributes stand for.

use crate::attributes::{Dye, EyeColour, HairColour};
use crate::colour::{Colour, hex};

/// The skin tones that characters have, light to dark.
pub const SKINS: [Colour; 4] = [hex(0xffe6d6), hex(0xfcd9c2), hex(0xf0c4a3), hex(0xc98f6b)];

impl HairColour {
    /// The hair's colour in plain daylight.
    pub const fn colour(self) -> Colour {
        match self {
            Self::Black => hex(0x33313f),
            Self::Brown => hex(0x8a5637),
            Self::Blonde => hex(0xf6d674),
            Self::Red => hex(0xd2363a),
            Self::Pink => hex(0xf78fb8),
            Self::Purple => hex(0x8d5bc9),
            Self::Blue => hex(0x4a82e0),
            Self::Green => hex(0x55b06a),
            Self::Silver => hex(0xd5d9e6),
        }
    }
}

impl Dye {
    /// The dye's colour in plain daylight.
    pub const fn colour(self) -> Colour {
        match self {
            Self::Red => hex(0xd63b3b),
            Self::Yellow => hex(0xf5c63c),
            Self::Green => hex(0x3f9a5b),
            Self::Blue => hex(0x3566c4),
            Self::Purple => hex(0x7c4bb0),
            Self::Pink => hex(0xf394b4),
            Self::White => hex(0xf4f2ee),
            Self::Black => hex(0x34343d),
        }
    }

    /// A colour for trim that is seen on the dye.
    pub const fn trim(self) -> Colour {
        match self {
            Self::White => hex(0x35508c),
            Self::Yellow => hex(0x7a4a2a),
            Self::Pink => hex(0xfff6f4),
            Self::Black => hex(0xd8d8e0),
            Self::Red | Self::Green | Self::Blue | Self::Purple => hex(0xf7f1e6),
        }
    }
}

impl EyeColour {
    /// The iris.
    pub const fn colour(self) -> Colour {
        match self {
            Self::Blue => hex(0x3f86dc),
            Self::Green => hex(0x3aa66e),
            Self::Brown => hex(0x8d5a36),
            Self::Red => hex(0xcf3c46),
            Self::Purple => hex(0x8a55c6),
            Self::Amber => hex(0xdf9a2f),
        }
    }
}
