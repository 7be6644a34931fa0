//! Captions: texts for pictures, and where each came from.

use crate::{
    ids::{CaptionKey, PictureId, Rect},
    log::LogRow,
    table::table,
    view::{Cut, View},
};

table! {
    /// One caption; it hangs on the picture, so that it survives another crop, recipe or pixel policy.
    #[derive(Clone, Debug, PartialEq)]
    pub struct CaptionRow as "captions" {
        /// The run that wrote the row; the highest counts.
        run: u32,
        /// `H("caption", picture_id, captioner config hash, input text)`; of a crop, `H("view", picture_id, top, left, width, height)` stands for the picture's id, with the width and the height of a resized picture behind.
        caption_key: CaptionKey,
        /// The picture.
        picture_id: PictureId,
        /// Rows of the picture above the crop that it describes; null where it describes the whole picture.
        crop_top: Option<u32>,
        /// Columns left of that crop.
        crop_left: Option<u32>,
        /// Columns of that crop.
        crop_width: Option<u32>,
        /// Rows of that crop.
        crop_height: Option<u32>,
        /// Width to which the picture is resized before that crop is cut; null = never.
        resized_width: Option<u32>,
        /// Height to which it is resized.
        resized_height: Option<u32>,
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

impl CaptionRow {
    /// A caption of `view` that says nothing yet.
    pub fn new(caption_key: CaptionKey, view: View) -> Self {
        let (rect, resized) = match view.crop {
            Some(Cut { rect, resized }) => (Some(rect), resized),
            None => (None, None),
        };
        let (resized_width, resized_height) = resized.unzip();
        Self {
            run: 0,
            caption_key,
            picture_id: view.picture,
            crop_top: rect.map(|rect| rect.top),
            crop_left: rect.map(|rect| rect.left),
            crop_width: rect.map(|rect| rect.width),
            crop_height: rect.map(|rect| rect.height),
            resized_width,
            resized_height,
            captioner: String::new(),
            prompt: String::new(),
            text: String::new(),
            short: None,
            raw: String::new(),
            attempt: 1,
            clip_tokens: None,
            filters: Vec::new(),
            provenance: String::new(),
        }
    }

    /// What it describes.
    pub fn view(&self) -> View {
        let rect = || {
            Some(Rect {
                top: self.crop_top?,
                left: self.crop_left?,
                width: self.crop_width?,
                height: self.crop_height?,
            })
        };
        View {
            picture: self.picture_id,
            crop: rect().map(|rect| Cut {
                rect,
                resized: self.resized_width.zip(self.resized_height),
            }),
        }
    }
}
