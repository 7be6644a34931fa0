//! The light of a time of day: what it does to surfaces, to the sky and to distance.

use crate::attributes::Time;
use crate::colour::{Colour, WHITE, hex};

/// How a time of day colours what it falls on.
#[derive(Debug, Clone, Copy)]
pub struct Light {
    /// The time of day.
    pub time: Time,
    /// The sky at the zenith, half-way and at the horizon.
    pub sky: [Colour; 3],
    /// What distance fades to.
    pub haze: Colour,
    /// The rim along edges that face the light behind a character; its opacity is its strength.
    pub rim: Colour,
    key: Colour,
    shade: Colour,
    lift: f32,
    chroma: f32,
}

impl Light {
    /// The light at `time`.
    pub const fn at(time: Time) -> Self {
        match time {
            Time::Night => Self {
                time,
                sky: [hex(0x050818), hex(0x0d1436), hex(0x212c5c)],
                haze: hex(0x151e45),
                rim: hex(0x9db8ff).alpha(0.75),
                key: hex(0x68739f),
                shade: hex(0x363c68),
                lift: 0.0,
                chroma: 1.35,
            },
            Time::Dawn => Self {
                time,
                sky: [hex(0x7a95d6), hex(0xe3b6d2), hex(0xffe0c4)],
                haze: hex(0xf3ccd0),
                rim: hex(0xfff0dc).alpha(0.6),
                key: hex(0xfff0f0),
                shade: hex(0xbb9fc9),
                lift: 0.04,
                chroma: 1.0,
            },
            Time::Noon => Self {
                time,
                sky: [hex(0x2f7fe0), hex(0x6fb4f2), hex(0xcdebfb)],
                haze: hex(0xbfe0f5),
                rim: hex(0xffffff).alpha(0.35),
                key: hex(0xffffff),
                shade: hex(0xb9b2dc),
                lift: 0.0,
                chroma: 1.0,
            },
            Time::Dusk => Self {
                time,
                sky: [hex(0x3a2f6e), hex(0xc4537a), hex(0xffb45a)],
                haze: hex(0xe08a6e),
                rim: hex(0xffc06a).alpha(0.9),
                key: hex(0xf6cbae),
                shade: hex(0x94669a),
                lift: 0.0,
                chroma: 1.0,
            },
            Time::WhiteOut => Self {
                time,
                sky: [hex(0xf6f9fc), hex(0xfcfdfe), hex(0xffffff)],
                haze: hex(0xffffff),
                rim: hex(0xffffff).alpha(1.0),
                key: hex(0xffffff),
                shade: hex(0xdcdef0),
                lift: 0.40,
                chroma: 1.15,
            },
        }
    }

    /// A surface of `colour` in the light.
    pub fn lit(&self, colour: Colour) -> Colour {
        colour
            .times(self.key)
            .saturated(self.chroma)
            .mix(WHITE.alpha(colour.a), self.lift)
    }

    /// The same surface in its own shadow.
    pub fn shaded(&self, colour: Colour) -> Colour {
        colour
            .times(self.shade)
            .saturated(1.12)
            .mix(WHITE.alpha(colour.a), self.lift * 0.8)
    }

    /// The surface where it shines.
    pub fn shining(&self, colour: Colour) -> Colour {
        self.lit(colour).lighter(0.45)
    }

    /// The line around a surface: a deep tone of its own colour.
    pub fn line(&self, colour: Colour) -> Colour {
        let deep = colour.times(hex(0x5a4a66)).saturated(1.2).darker(0.35);
        let deep = deep.mix(hex(0x1a1426), 0.45);
        match self.time {
            Time::Night => deep.darker(0.35),
            Time::WhiteOut => deep.lighter(0.22),
            Time::Dawn | Time::Noon | Time::Dusk => deep,
        }
    }

    /// `colour` (already lit) seen through `depth` (0 near, 1 far) of air.
    pub fn far(&self, colour: Colour, depth: f32) -> Colour {
        let glare = if matches!(self.time, Time::WhiteOut) {
            0.40
        } else {
            0.0
        };
        colour.mix(self.haze.alpha(colour.a), depth + (1.0 - depth) * glare)
    }

    /// A lit surface of `colour` in the distance.
    pub fn distant(&self, colour: Colour, depth: f32) -> Colour {
        self.far(self.lit(colour), depth)
    }

    /// True where lamps are lit.
    pub const fn needs_lamps(&self) -> bool {
        matches!(self.time, Time::Night | Time::Dusk)
    }
}
