//! Colours in sRGB, as artists mix them: no linear light, no management.

/// An sRGB colour with opacity, each channel in `0.0..=1.0`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colour {
    /// Red.
    pub r: f32,
    /// Green.
    pub g: f32,
    /// Blue.
    pub b: f32,
    /// Opacity.
    pub a: f32,
}

/// The opaque colour `0xRRGGBB`.
pub const fn hex(rgb: u32) -> Colour {
    Colour {
        r: ((rgb >> 16) & 255) as f32 / 255.0,
        g: ((rgb >> 8) & 255) as f32 / 255.0,
        b: (rgb & 255) as f32 / 255.0,
        a: 1.0,
    }
}

/// White.
pub const WHITE: Colour = hex(0x00ff_ffff);
/// Black.
pub const BLACK: Colour = hex(0);

impl Colour {
    /// The same colour with opacity `a`.
    pub const fn alpha(self, a: f32) -> Self {
        Self { a, ..self }
    }

    /// The way from `self` (`t` = 0) to `other` (`t` = 1).
    pub fn mix(self, other: Self, t: f32) -> Self {
        let way = |a: f32, b: f32| a + (b - a) * t;
        Self {
            r: way(self.r, other.r),
            g: way(self.g, other.g),
            b: way(self.b, other.b),
            a: way(self.a, other.a),
        }
    }

    /// Channel-wise product: `self` seen under the light `other`.
    pub fn times(self, other: Self) -> Self {
        Self {
            r: self.r * other.r,
            g: self.g * other.g,
            b: self.b * other.b,
            a: self.a,
        }
    }

    /// Lighter by the share `t` of what is missing to white.
    pub fn lighter(self, t: f32) -> Self {
        self.mix(WHITE.alpha(self.a), t)
    }

    /// Darker by the share `t`.
    pub fn darker(self, t: f32) -> Self {
        self.mix(BLACK.alpha(self.a), t)
    }

    /// Perceived brightness in `0.0..=1.0` (Rec. 601 weights).
    pub fn luma(self) -> f32 {
        0.299 * self.r + 0.587 * self.g + 0.114 * self.b
    }

    /// Colourfulness multiplied by `k` around the colour's own brightness.
    pub fn saturated(self, k: f32) -> Self {
        let grey = self.luma();
        let stretch = |channel: f32| (grey + (channel - grey) * k).clamp(0.0, 1.0);
        Self {
            r: stretch(self.r),
            g: stretch(self.g),
            b: stretch(self.b),
            a: self.a,
        }
    }

    /// tiny-skia's form, clamped.
    pub fn skia(self) -> tiny_skia::Color {
        let unit = |channel: f32| channel.clamp(0.0, 1.0);
        tiny_skia::Color::from_rgba(unit(self.r), unit(self.g), unit(self.b), unit(self.a))
            .unwrap_or(tiny_skia::Color::BLACK)
    }
}
