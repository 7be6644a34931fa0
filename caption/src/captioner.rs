//! One captioner of a recipe: what it is given for a picture, and so the key of its caption.

use serde_json::{Value, json};
use terminus_manifest::{
    canonical,
    caption::CaptionRow,
    ids::{CaptionKey, PictureId},
    ledger::LedgerRow,
    view::View,
};
use terminus_prompt::Prompt;

use crate::{
    CaptionerPlan, Error, LOGIC_VERSION,
    config::CaptionerConfig,
    speaker::{Asking, Questions},
    weights::fingerprint,
};

/// The captioner of people's own captions, in `overrides.csv`.
pub(crate) const OVERRIDE: &str = "override";

/// Ready to say what it is given.
#[derive(Debug)]
pub(crate) struct Captioner<'a> {
    pub plan: &'a CaptionerPlan,
    /// Hash of all that its raw answer depends on but the picture and the words.
    hash: String,
    /// Fingerprint of its model.
    pub weights: Option<String>,
    /// What it asks; none for those that need not ask.
    pub questions: Option<Questions<'a>>,
    /// Hash of the gate's settings and rules.
    pub gate_hash: Option<String>,
}

impl<'a> Captioner<'a> {
    /// `known` are the captions of the root: without the model's folder, the weights that made the newest count.
    ///
    /// # Errors
    /// A file of the model cannot be read.
    pub(crate) fn new<'c>(
        plan: &'a CaptionerPlan,
        known: impl Iterator<Item = &'c CaptionRow>,
    ) -> Result<Self, Error> {
        let weights = match &plan.config {
            CaptionerConfig::Vlm(config) => fingerprint(&config.model)?,
            CaptionerConfig::Tagger(config) => fingerprint(&config.model)?,
            CaptionerConfig::Prompt {}
            | CaptionerConfig::Text { .. }
            | CaptionerConfig::Http(_) => None,
        };
        let is_local = matches!(
            plan.config,
            CaptionerConfig::Vlm(_) | CaptionerConfig::Tagger(_)
        );
        let weights = weights.or_else(|| {
            let newest = known
                .filter(|row| is_local && row.captioner == plan.name)
                .max_by_key(|row| (row.run, row.caption_key))?;
            Some(provenance(newest)["weights"].as_str()?.to_owned())
        });
        let hash = if Questions::of(&plan.config).is_some() {
            let asked = json!({ "asked": plan.config.asked(), "weights": weights });
            canonical::config_hash(&asked, LOGIC_VERSION)?
        } else {
            plan.config_hash.clone()
        };
        let gate_hash = plan
            .config
            .gate()
            .map(|gate| canonical::config_hash(&json!(gate), crate::gate::RULES_VERSION))
            .transpose()?;
        Ok(Self {
            plan,
            hash,
            weights,
            questions: Questions::of(&plan.config),
            gate_hash,
        })
    }

    /// The text that the captioner is given, and so the key of its caption; none if there is no text. `asking` is what it
    /// asks about the picture, if it asks.
    pub(crate) fn input(
        &self,
        row: &LedgerRow,
        view: View,
        asking: Option<&Asking<'_>>,
    ) -> Option<(CaptionKey, String)> {
        let input = match (&self.plan.config, asking) {
            (CaptionerConfig::Text { text }, _) => text.clone(),
            (_, Some(asking)) => asking.prompt(1).to_owned(),
            (_, None) => row
                .prompt
                .clone()
                .filter(|prompt| !prompt.trim().is_empty())?,
        };
        Some((CaptionKey::new(view.id(), &self.hash, &input), input))
    }

    /// The caption of a captioner that need not ask; none if nothing is left of the text.
    pub(crate) fn instant(
        &self,
        key: CaptionKey,
        picture: PictureId,
        input: String,
    ) -> Option<CaptionRow> {
        let text = match &self.plan.config {
            CaptionerConfig::Text { text } => text.trim().to_owned(),
            _ => Prompt::parse(&input).to_caption(),
        };
        (!text.is_empty()).then(|| CaptionRow {
            captioner: self.plan.name.clone(),
            raw: input.clone(),
            prompt: input,
            provenance: json!({ "kind": self.plan.config.kind() }).to_string(),
            text,
            ..CaptionRow::new(key, View::whole(picture))
        })
    }
}

/// Where a caption came from.
pub(crate) fn provenance(caption: &CaptionRow) -> Value {
    serde_json::from_str(&caption.provenance).unwrap_or_default()
}

/// The caption that a person wrote for a picture.
pub(crate) fn by_hand(picture: PictureId, text: &str) -> CaptionRow {
    let key = CaptionKey::new(picture, OVERRIDE, text);
    CaptionRow {
        captioner: OVERRIDE.to_owned(),
        text: text.to_owned(),
        raw: text.to_owned(),
        provenance: json!({ "kind": OVERRIDE }).to_string(),
        ..CaptionRow::new(key, View::whole(picture))
    }
}
