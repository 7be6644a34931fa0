//! Captions: texts for pictures, and where each came from.

use crate::{
    ids::{CaptionKey, PictureId},
    log::LogRow,
    table::table,
};

table! {
    /// One caption; it hangs on the picture, so that it survives another crop, recipe or pixel policy.
    #[derive(Clone, Debug, PartialEq)]
    pub struct CaptionRow as "captions" {
        /// The run that wrote the row; the highest counts.
        run: u32,
        /// `H("caption", picture_id, captioner config hash, input text)`.
        caption_key: CaptionKey,
        /// The picture.
        picture_id: PictureId,
        /// The captioner's name in the recipe.
        captioner: String,
        /// The text that the captioner was given.
        prompt: String,
        /// The caption; empty where the quality gate refused what the captioner said.
        text: String,
        /// A form of it that CLIP's text encoders read whole; null where the caption itself is one.
        short: Option<String>,
        /// What the captioner said before it was cleaned.
        raw: String,
        /// Which attempt gave it, from 1.
        attempt: u32,
        /// Tokens of the text in CLIP's vocabulary, if they were counted.
        clip_tokens: Option<u32>,
        /// Names of the rules that changed or refused it.
        filters: Vec<String>,
        /// Captioner kind, version and settings, as JSON.
        provenance: String,
    }
}

impl LogRow for CaptionRow {
    type Key = CaptionKey;

    fn key(&self) -> CaptionKey {
        self.caption_key
    }

    fn run(&self) -> u32 {
        self.run
    }

    fn set_run(&mut self, run: u32) {
        self.run = run;
    }
}
