//! What a picture shows, in closed lists: the words of prompts and of the truth file.

use serde::Serialize;

use crate::dice::Dice;

macro_rules! attribute {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal | $($phrase:literal),+;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $(#[doc = $word] $variant,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The value's name in the truth file.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The words that name the value in a prompt; a prompt uses one of them.
            pub const fn phrases(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($phrase),+],)+ }
            }

            /// Any value, each as likely as the others.
            pub fn any(dice: &mut Dice) -> Self {
                Self::ALL[dice.below(Self::ALL.len())]
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }
    };
}

attribute! {
    /// The colour of a character's hair.
    HairColour {
        Black = "black" | "black";
        Brown = "brown" | "brown";
        Blonde = "blonde" | "blonde";
        Red = "red" | "red";
        Pink = "pink" | "pink";
        Purple = "purple" | "purple";
        Blue = "blue" | "blue";
        Green = "green" | "green";
        Silver = "silver" | "silver";
    }
}

attribute! {
    /// The cut of a character's hair.
    HairStyle {
        Short = "short" | "short";
        Bob = "bob" | "bob";
        Long = "long" | "long";
        Wavy = "wavy" | "long wavy";
        Ponytail = "ponytail" | "ponytail";
        Twintails = "twintails" | "twintails";
    }
}

attribute! {
    /// What a character wears.
    Garment {
        Hoodie = "hoodie" | "hoodie";
        Sailor = "sailor uniform" | "sailor uniform";
        Jacket = "jacket" | "jacket";
        Kimono = "kimono" | "kimono";
        Sweater = "sweater" | "sweater";
        Dress = "dress" | "dress";
    }
}

attribute! {
    /// The colour of a garment, a sail, a field of flowers.
    Dye {
        Red = "red" | "red";
        Yellow = "yellow" | "yellow";
        Green = "green" | "green";
        Blue = "blue" | "blue";
        Purple = "purple" | "purple";
        Pink = "pink" | "pink";
        White = "white" | "white";
        Black = "black" | "black";
    }
}

attribute! {
    /// What a character's face says.
    Expression {
        Calm = "calm" | "calm", "calm expression";
        Smiling = "smiling" | "smiling", "gentle smile";
        Laughing = "laughing" | "laughing", "laughing with closed eyes";
        Sad = "sad" | "sad", "sad, teary eyes";
        Angry = "angry" | "angry", "angry glare";
        Surprised = "surprised" | "surprised", "surprised, wide eyes";
    }
}

attribute! {
    /// Where the picture plays.
    Place {
        City = "city street" | "city street";
        Mountains = "mountains" | "mountains";
        Sea = "seaside" | "seaside";
        Forest = "forest" | "forest";
        Room = "room" | "cozy room";
        Flowers = "flower field" | "flower field";
    }
}

attribute! {
    /// The light, from the darkest picture to the brightest.
    Time {
        Night = "night" | "at night";
        Dawn = "dawn" | "at dawn";
        Noon = "noon" | "at noon";
        Dusk = "dusk" | "at dusk";
        WhiteOut = "white-out" | "white-out, blinding white light";
    }
}

attribute! {
    /// The width of the line work.
    Line {
        Thin = "thin" | "thin lines", "thin line art";
        Medium = "medium" | "medium lines", "medium line art";
        Thick = "thick" | "thick lines", "thick line art";
    }
}

attribute! {
    /// The colour of the eyes: a detail, too small to be scored.
    EyeColour {
        Blue = "blue" | "blue eyes";
        Green = "green" | "green eyes";
        Brown = "brown" | "brown eyes";
        Red = "red" | "red eyes";
        Purple = "purple" | "purple eyes";
        Amber = "amber" | "amber eyes";
    }
}

attribute! {
    /// What a character wears in the hair or on the face: a detail.
    Accessory {
        Nothing = "nothing" | "";
        CatEars = "cat ears" | "cat ears";
        Glasses = "glasses" | "glasses";
        Ribbon = "ribbon" | "hair ribbon";
        Headphones = "headphones" | "headphones";
        Flower = "hair flower" | "flower in hair";
    }
}

/// What a character picture shows; each value is seen in at least 2 % of the pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CharacterAttributes {
    /// Hair colour.
    pub hair_colour: HairColour,
    /// Hair style.
    pub hair_style: HairStyle,
    /// Kind of clothes.
    pub garment: Garment,
    /// Colour of the clothes.
    pub garment_colour: Dye,
    /// Expression.
    pub expression: Expression,
    /// Background.
    pub background: Place,
    /// Time of day.
    pub time_of_day: Time,
    /// Line weight.
    pub line_weight: Line,
}

/// What else a character picture shows: named in some prompts, never scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CharacterDetails {
    /// `1boy` instead of `1girl`.
    pub is_boy: bool,
    /// Colour of the eyes.
    pub eye_colour: EyeColour,
    /// Accessory.
    pub accessory: Accessory,
}

/// What a scene shows; each value is seen in at least 2 % of the pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SceneAttributes {
    /// The place.
    pub place: Place,
    /// The colour of the place's own object: tram, balloon, sail, tent, curtains, flowers.
    pub accent_colour: Dye,
    /// Time of day.
    pub time_of_day: Time,
    /// Line weight.
    pub line_weight: Line,
}

impl Place {
    /// The object of a scene at this place, which bears the accent colour.
    pub const fn object(self) -> &'static str {
        match self {
            Self::City => "tram",
            Self::Mountains => "hot air balloon",
            Self::Sea => "sailboat",
            Self::Forest => "tent",
            Self::Room => "curtains",
            Self::Flowers => "flowers",
        }
    }
}

impl CharacterAttributes {
    /// A character and its details. Boys wear their hair short or in a ponytail, and no dresses.
    pub fn any(dice: &mut Dice) -> (Self, CharacterDetails) {
        let is_boy = dice.chance(0.25);
        let attributes = Self {
            hair_colour: HairColour::any(dice),
            hair_style: if is_boy {
                dice.weighted([
                    (HairStyle::Short, 3),
                    (HairStyle::Ponytail, 1),
                    (HairStyle::Bob, 1),
                ])
            } else {
                HairStyle::any(dice)
            },
            garment: if is_boy {
                dice.pick([
                    Garment::Hoodie,
                    Garment::Jacket,
                    Garment::Kimono,
                    Garment::Sweater,
                ])
            } else {
                Garment::any(dice)
            },
            garment_colour: Dye::any(dice),
            expression: Expression::any(dice),
            background: Place::any(dice),
            time_of_day: Time::any(dice),
            line_weight: Line::any(dice),
        };
        let accessory = if dice.chance(0.5) {
            Accessory::Nothing
        } else if is_boy {
            dice.pick([
                Accessory::CatEars,
                Accessory::Glasses,
                Accessory::Headphones,
            ])
        } else {
            Accessory::any(dice)
        };
        (
            attributes,
            CharacterDetails {
                is_boy,
                eye_colour: EyeColour::any(dice),
                accessory,
            },
        )
    }
}

impl SceneAttributes {
    /// A scene.
    pub fn any(dice: &mut Dice) -> Self {
        Self {
            place: Place::any(dice),
            accent_colour: Dye::any(dice),
            time_of_day: Time::any(dice),
            line_weight: Line::any(dice),
        }
    }
}
