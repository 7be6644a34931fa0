//! The closed lists of the contract: roles, stages, verdicts, reasons, packings.

use std::{fmt, str::FromStr};

use crate::{Error, table::text_column};

macro_rules! words {
    (
        $(#[$attr:meta])*
        pub enum $name:ident ($what:literal) {
            $( #[doc = $doc:literal] $variant:ident = $word:literal ),+ $(,)?
        }
    ) => {
        $(#[$attr])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $( #[doc = $doc] #[serde(rename = $word)] $variant ),+
        }

        impl $name {
            /// Every value, in the order of the list.
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),+ ];

            /// The word that tables and reports hold.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word ),+ }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $( Self::$variant => $doc.trim_ascii() ),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                match text {
                    $( $word => Ok(Self::$variant), )+
                    _ => Err(Error::NotAnId { what: $what, found: text.to_owned() }),
                }
            }
        }

        text_column!($name);
    };
}

words! {
    /// What a collection is in the mix.
    pub enum Role ("role") {
        /// What the model shall learn.
        Train = "train",
        /// What keeps the model coherent; mixed in at an exact ratio.
        Anchor = "anchor",
    }
}

words! {
    /// Which half of the data a sample belongs to.
    pub enum Split ("split") {
        /// It is trained on.
        Train = "train",
        /// It is held out for the validation loss.
        Validation = "validation",
    }
}

words! {
    /// The stages that pass verdicts on items, in their order.
    pub enum Stage ("stage") {
        /// Is it an image that this recipe wants?
        Ingest = "ingest",
        /// Has it a caption?
        Caption = "caption",
        /// Does it yield a sample?
        Bucket = "bucket",
    }
}

words! {
    /// What a stage says of an item.
    pub enum Outcome ("verdict") {
        /// It goes on to the next stage.
        Passed = "passed",
        /// The settings do not want it.
        Rejected = "rejected",
        /// It could not be judged or used.
        Failed = "failed",
        /// It has not been judged with these settings yet.
        Pending = "pending",
        /// It is no longer where it was found.
        Gone = "gone",
    }
}

words! {
    /// Why an item was not passed.
    pub enum Reason ("reason") {
        /// The bytes are not those of an image.
        NotAnImage = "not_an_image",
        /// The file has no bytes.
        Empty = "empty",
        /// An image in a format that is not read.
        UnsupportedFormat = "unsupported_format",
        /// The bytes end before the image does.
        Truncated = "truncated",
        /// The bytes contradict the format.
        Corrupt = "corrupt",
        /// The header names more pixels than the limits allow.
        TooLarge = "too_large",
        /// A colour policy is `reject` for this kind of image.
        ColourPolicy = "colour_policy",
        /// The policy for animations is `reject`.
        Animated = "animated",
        /// The decoder crashed on it.
        DecoderPanic = "decoder_panic",
        /// The file cannot be read.
        Unreadable = "unreadable",
        /// Decoding it took longer than `decode_timeout_s`.
        DecodeTimeout = "decode_timeout",
        /// The sidecar is not UTF-8 text or not the JSON that its name says.
        BadSidecar = "bad_sidecar",
        /// The shorter side is under `min_side_px`, or no crop of the target fits.
        TooSmall = "too_small",
        /// The collection's `select` does not name it.
        NotSelected = "not_selected",
        /// Another item of the recipe has the same bytes and is preferred.
        Duplicate = "duplicate",
        /// An earlier collection of the recipe holds the same source item.
        DuplicateSource = "duplicate_source",
        /// It shows what another item shows, which is preferred.
        NearDuplicate = "near_duplicate",
        /// A line of a list or a row of a table that names no image.
        BadRow = "bad_row",
        /// A message without an image.
        NoImage = "no_image",
        /// A message about work that had not ended: waiting, a percentage, stopped.
        NotFinal = "not_final",
        /// A message whose image is reduced: the full one is on the website.
        Reduced = "reduced",
        /// The link has expired; an export made anew has a fresh one.
        LinkExpired = "link_expired",
        /// The server does not give it: 404, 410 and their like.
        HttpStatus = "http_status",
        /// The server asks for fewer requests.
        RateLimited = "rate_limited",
        /// The name was not resolved, or the connection failed or broke off.
        Network = "network",
        /// The download took longer than `download.timeout_s`.
        Timeout = "timeout",
        /// The address is not a public one.
        AddressRefused = "address_refused",
        /// More redirects than are followed, or one that leads nowhere.
        Redirects = "redirects",
        /// The site's robots.txt asks programs not to fetch it.
        Robots = "robots",
        /// Its `X-Robots-Tag` keeps it from being trained on.
        OptedOut = "opted_out",
        /// The sha256 is not the one that the list names.
        WrongHash = "wrong_hash",
        /// Darker than `scores.min_dark`.
        TooDark = "too_dark",
        /// Lighter than `scores.max_light`.
        TooLight = "too_light",
        /// Its entropy is under `scores.min_entropy`.
        LowInformation = "low_information",
        /// Its sharpness is under `scores.min_sharpness`.
        Blurry = "blurry",
        /// Its sides differ more than `scores.max_aspect`.
        OddAspect = "odd_aspect",
        /// Its size is far from those of its collection.
        OddSize = "odd_size",
        /// The whole of a grid, where grids are not split.
        Grid = "grid",
        /// The whole of a grid whose tiles are items of their own.
        SplitIntoTiles = "split_into_tiles",
        /// It has no text to make a caption from.
        NoCaption = "no_caption",
        /// The captioner gave nothing worth training on.
        CaptionFailed = "caption",
        /// `overrides.csv` drops it.
        Override = "override",
        /// The bytes are no longer those that the ledger recorded.
        SourceChanged = "source_changed",
        /// The crop that `overrides.csv` asks for leaves the picture.
        CropOutside = "crop_outside",
        /// A crop would show less of the picture than `min_kept_area`.
        KeptArea = "kept_area",
        /// The bytes need another packing than the one that the recipe fixes.
        PackingImpossible = "packing_impossible",
    }
}

words! {
    /// How the pixels of a sample are stored.
    pub enum Packing ("packing") {
        /// The original's own bytes.
        Verbatim = "verbatim",
        /// A crop in the coefficient domain: the original's own coefficients.
        JpegLossless = "jpeg-lossless",
        /// Encoded anew, without loss.
        Png = "png",
        /// Encoded anew as WebP, without loss: smaller than PNG, and slower to write.
        WebpLossless = "webp-lossless",
    }
}

impl Packing {
    /// `exact` where stored pixels equal decoded ones, else `jpeg-lossless`: what a sample id is made of.
    pub fn class(self) -> &'static str {
        match self {
            Self::Verbatim | Self::Png | Self::WebpLossless => "exact",
            Self::JpegLossless => "jpeg-lossless",
        }
    }
}
