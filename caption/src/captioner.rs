//! Captioners that need no model: the picture's own prompt, and a fixed text.

use serde_json::json;
use terminus_manifest::{
    caption::CaptionRow,
    ids::{CaptionKey, PictureId},
    ledger::LedgerRow,
};
use terminus_prompt::Prompt;

use crate::{CaptionerPlan, Error, config::CaptionerConfig};

/// The captioner of people's own captions, in `overrides.csv`.
pub(crate) const OVERRIDE: &str = "override";

/// Ready to caption.
pub(crate) struct Captioner<'a> {
    plan: &'a CaptionerPlan,
    config_hash: &'a str,
}

impl<'a> Captioner<'a> {
    /// # Errors
    /// A kind that this version does not run.
    pub(crate) fn new(plan: &'a CaptionerPlan, config_hash: &'a str) -> Result<Self, Error> {
        match plan.config {
            CaptionerConfig::Prompt {} | CaptionerConfig::Text { .. } => {
                Ok(Self { plan, config_hash })
            }
            CaptionerConfig::Vlm { .. } => Err(Error::CaptionerKind {
                name: plan.name.clone(),
                kind: plan.config.kind(),
            }),
        }
    }

    /// The text that the captioner would be given, and so the key of its caption; none if there is no text.
    pub(crate) fn input(
        &self,
        row: &LedgerRow,
        picture: PictureId,
    ) -> Option<(CaptionKey, String)> {
        let input = match &self.plan.config {
            CaptionerConfig::Text { text } => text.clone(),
            CaptionerConfig::Prompt {} | CaptionerConfig::Vlm { .. } => row
                .prompt
                .clone()
                .filter(|prompt| !prompt.trim().is_empty())?,
        };
        Some((CaptionKey::new(picture, self.config_hash, &input), input))
    }

    /// The caption; none if nothing is left of the text.
    pub(crate) fn caption(
        &self,
        key: CaptionKey,
        picture: PictureId,
        input: String,
    ) -> Option<CaptionRow> {
        let text = match &self.plan.config {
            CaptionerConfig::Text { text } => text.trim().to_owned(),
            CaptionerConfig::Prompt {} | CaptionerConfig::Vlm { .. } => {
                Prompt::parse(&input).to_caption()
            }
        };
        (!text.is_empty()).then(|| CaptionRow {
            run: 0,
            caption_key: key,
            picture_id: picture,
            captioner: self.plan.name.clone(),
            raw: input.clone(),
            prompt: input,
            attempt: 1,
            clip_tokens: None,
            filters: Vec::new(),
            provenance: json!({ "kind": self.plan.config.kind() }).to_string(),
            text,
        })
    }
}

/// The caption that a person wrote for a picture.
pub(crate) fn by_hand(picture: PictureId, text: &str) -> CaptionRow {
    CaptionRow {
        run: 0,
        caption_key: CaptionKey::new(picture, OVERRIDE, text),
        picture_id: picture,
        captioner: OVERRIDE.to_owned(),
        prompt: String::new(),
        text: text.to_owned(),
        raw: text.to_owned(),
        attempt: 1,
        clip_tokens: None,
        filters: Vec::new(),
        provenance: json!({ "kind": OVERRIDE }).to_string(),
    }
}
