//! Photo-like anchors: people in soft light, seen through a lens.
//!
//! A person is a solid of blended ellipsoids that a ray marcher lights as skin, hair and cloth;
//! behind it lies a place so far out of focus that only its colours and lamps are left. A lens
//! adds softness, vignetting and grain. Nothing here has a line or a flat tone, which is what an
//! anchor is for.

mod backdrop;
mod lens;
mod march;
mod person;
mod solid;

use serde::Serialize;
use terminus_pixels::RgbImage;

use crate::canvas::Canvas;
use crate::dice::Dice;

/// Where a photo was taken, which decides its light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Setting {
    /// By a window.
    Window,
    /// By a lamp in the evening.
    Lamp,
    /// In a park by day.
    Park,
    /// In a street at night.
    Street,
    /// In low sun.
    Sunset,
    /// In front of a paper backdrop.
    Studio,
}

/// The hair of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// Short.
    Short,
    /// To the shoulders.
    Long,
    /// Tied behind.
    Bun,
    /// None.
    Bald,
}

/// What a photo shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PhotoAttributes {
    /// Where it was taken.
    pub setting: Setting,
    /// The person's hair.
    pub cut: Cut,
}

impl PhotoAttributes {
    /// A photo.
    pub fn any(dice: &mut Dice) -> Self {
        use Setting::{Lamp, Park, Street, Studio, Sunset, Window};
        Self {
            setting: dice.pick([Window, Lamp, Park, Street, Sunset, Studio]),
            cut: dice.weighted([
                (Cut::Short, 4),
                (Cut::Long, 4),
                (Cut::Bun, 2),
                (Cut::Bald, 1),
            ]),
        }
    }
}

/// Takes the photo. None where a side has no pixels.
pub fn draw(
    attributes: PhotoAttributes,
    (width, height): (u32, u32),
    picture_seed: u64,
) -> Option<RgbImage> {
    let mut dice = Dice::new(picture_seed, 0, "photo");
    let mut canvas = Canvas::new(width, height, 1.0)?;
    backdrop::draw(&mut canvas, attributes.setting, &mut dice)?;
    let person = person::Person::any(attributes, &mut dice);
    let layer = march::render(&person, attributes.setting, (width, height), &mut dice)?;
    canvas.lay(&layer);
    lens::expose(canvas.pixmap_mut(), &mut dice);
    canvas.into_image()
}
