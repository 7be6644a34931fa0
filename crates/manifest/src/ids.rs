//! Ids, seeded draws and seeded orders: the definitions on which every file of the contract rests.
//!
//! `H(kind, fields…)` is SHA-256 over `terminus/<kind>/1` and then each field as its length (u32, little-endian)
//! and its UTF-8 bytes; integers are written in decimal. The first 16 bytes are the id.

use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};

use crate::Error;

/// `H(kind, fields…)`: 16 bytes that depend on every field and on where one ends and the next begins.
pub fn hash(kind: &str, fields: &[&str]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    hasher.update(b"terminus/");
    hasher.update(kind.as_bytes());
    hasher.update(b"/1");
    for field in fields {
        hasher.update((field.len() as u32).to_le_bytes());
        hasher.update(field.as_bytes());
    }
    let digest = hasher.finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    id
}

/// The first 64 bits of `H(kind, fields…)`, big-endian.
pub fn hash_u64(kind: &str, fields: &[&str]) -> u64 {
    u64_of(&hash(kind, fields))
}

fn u64_of(id: &[u8; 16]) -> u64 {
    u64::from_be_bytes([id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7]])
}

/// A number below `bound` from 64 random bits, by multiply-shift. 0 if `bound` is 0.
pub fn below(bits: u64, bound: u64) -> u64 {
    ((u128::from(bits) * u128::from(bound)) >> 64) as u64
}

/// Draw `k` of the crop with number `crop_index` of a picture, as 64 random bits.
pub fn draw(seed: u64, picture: PictureId, crop_index: u32, k: u32) -> u64 {
    hash_u64(
        "draw",
        &[
            &seed.to_string(),
            &picture.to_string(),
            &crop_index.to_string(),
            &k.to_string(),
        ],
    )
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// The first 8 bytes as a big-endian number: what `--shard i/N` and shares of a split are told by.
            pub fn prefix(self) -> u64 {
                u64_of(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                for byte in self.0 {
                    write!(f, "{byte:02x}")?;
                }
                Ok(())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                let mut id = [0; 16];
                hex::decode_to_slice(text, &mut id)
                    .map_err(|_| Error::NotAnId { what: stringify!($name), found: text.to_owned() })?;
                Ok(Self(id))
            }
        }
    };
}

id_type!(
    /// Keys the ledger and the verdicts: where an item was found, and which tile of it.
    ItemId
);
id_type!(
    /// The origin of pixels: the bytes' sha256 and the rectangle of the tile in them, nothing else.
    PictureId
);
id_type!(
    /// Pixels as they lie in a shard: picture, crop, size, resampling, pixel policy and packing class.
    SampleId
);
id_type!(
    /// Duplicates share one.
    GroupId
);
id_type!(
    /// A caption: of which picture, by which captioner with which settings, from which input text.
    CaptionKey
);

/// The SHA-256 of a file's bytes; its text form is 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest(pub [u8; 32]);

impl Sha256Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Sha256Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut digest = [0; 32];
        hex::decode_to_slice(text, &mut digest).map_err(|_| Error::NotAnId {
            what: "sha256",
            found: text.to_owned(),
        })?;
        Ok(Self(digest))
    }
}

/// A rectangle in pixels of the oriented picture, its origin at the top left.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Rect {
    /// Rows above it.
    pub top: u32,
    /// Columns left of it.
    pub left: u32,
    /// Columns in it.
    pub width: u32,
    /// Rows in it.
    pub height: u32,
}

impl Rect {
    /// The whole of a picture of this size.
    pub fn whole(width: u32, height: u32) -> Self {
        Self {
            top: 0,
            left: 0,
            width,
            height,
        }
    }

    /// Whether all of it lies within a picture of this size.
    pub fn fits(&self, width: u32, height: u32) -> bool {
        u64::from(self.left) + u64::from(self.width) <= u64::from(width)
            && u64::from(self.top) + u64::from(self.height) <= u64::from(height)
    }
}

impl ItemId {
    /// Tile 0 is the whole picture.
    pub fn new(source_id: &str, tile: u32) -> Self {
        Self(hash("item", &[source_id, &tile.to_string()]))
    }

    /// Whether `--shard index/of` takes this item. `of` 0 or 1 takes all.
    pub fn in_shard(self, index: u32, of: u32) -> bool {
        of <= 1 || self.prefix() % u64::from(of) == u64::from(index)
    }
}

impl PictureId {
    /// `tile` is the rectangle of the tile in the oriented original; the whole picture for tile 0.
    pub fn new(sha256: Sha256Digest, tile: Rect) -> Self {
        let [top, left, width, height] =
            [tile.top, tile.left, tile.width, tile.height].map(|n| n.to_string());
        Self(hash(
            "picture",
            &[&sha256.to_string(), &top, &left, &width, &height],
        ))
    }
}

impl GroupId {
    /// The group whose smallest member, when it was first seen, was `item`.
    pub fn new(item: ItemId) -> Self {
        Self(hash("group", &[&item.to_string()]))
    }
}

impl CaptionKey {
    /// `captioner_config` is the config hash of the captioner; `input` the text that it was given.
    pub fn new(picture: PictureId, captioner_config: &str, input: &str) -> Self {
        Self(hash(
            "caption",
            &[&picture.to_string(), captioner_config, input],
        ))
    }
}

/// Which pixels of a picture a sample shows, and how they came to be.
#[derive(Clone, Copy, Debug)]
pub struct SampleKey<'a> {
    /// The picture that the sample is cut from.
    pub picture: PictureId,
    /// The crop, in pixels of the tile.
    pub crop: Rect,
    /// Size of the stored sample: width, height.
    pub target_size: (u32, u32),
    /// The resampling policy's name: `never`, `down`, `any`.
    pub resample: &'a str,
    /// Hash of the pixel policies and the decoder.
    pub pixel_policy_id: &'a str,
    /// `exact` or `jpeg-lossless`.
    pub packing_class: &'a str,
}

impl SampleId {
    /// The id of the sample that `key` describes.
    pub fn new(key: &SampleKey<'_>) -> Self {
        let crop = key.crop;
        let numbers = [
            crop.top,
            crop.left,
            crop.width,
            crop.height,
            key.target_size.0,
            key.target_size.1,
        ]
        .map(|n| n.to_string());
        let picture = key.picture.to_string();
        let mut fields = vec![picture.as_str()];
        fields.extend(numbers.iter().map(String::as_str));
        fields.extend([key.resample, key.pixel_policy_id, key.packing_class]);
        Self(hash("sample", &fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_into_each_other() {
        assert_ne!(hash("item", &["ab", "c"]), hash("item", &["a", "bc"]));
        assert_ne!(hash("item", &["ab"]), hash("picture", &["ab"]));
    }

    #[test]
    fn an_id_is_the_hash_that_the_contract_states() {
        // sha256("terminus/item/1" ++ 03000000 "a:b" ++ 01000000 "0"), first 16 bytes, worked out with hashlib.
        assert_eq!(
            ItemId::new("a:b", 0).to_string(),
            "91de4e82afb47a9a3411f6461465f4ea"
        );
    }

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let id = ItemId::new("niji:a.png", 0);
        assert_eq!(id.to_string().parse::<ItemId>().unwrap(), id);
        assert!("zz".parse::<ItemId>().is_err());
    }

    #[test]
    fn a_draw_stays_below_its_bound() {
        assert_eq!(below(u64::MAX, 10), 9);
        assert_eq!(below(0, 10), 0);
        assert_eq!(below(u64::MAX, 0), 0);
    }
}
