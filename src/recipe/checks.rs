//! What no schema can say: settings that need or exclude each other.

use terminus_bucket::config::{CropStyle, PackingChoice, Resample, Shape};
use terminus_manifest::{
    plan::{AnchorRatio, CollectionRule},
    words::Role,
};
use terminus_train::config::{LrSchedule, PredictionType};

use super::{
    Recipe,
    allowed::quoted,
    document::Document,
    fault::{Draft, Faults},
    key::KeyPath,
};

/// Faults what in `recipe` contradicts itself; what is faulted already is not asked again.
pub(super) fn check(recipe: &Recipe, document: &Document, faults: &mut Faults) {
    let mut checks = Checks {
        recipe,
        document,
        faults,
    };
    checks.roles();
    checks.buckets();
    checks.shares();
    checks.objective();
    checks.learning_rate();
    checks.base();
}

struct Checks<'a> {
    recipe: &'a Recipe,
    document: &'a Document<'a>,
    faults: &'a mut Faults,
}

impl Checks<'_> {
    fn fault(&mut self, key: &KeyPath, message: impl Into<String>, hint: impl Into<String>) {
        let offset = self.document.offset_of(key);
        self.faults
            .push(Draft::new(offset, key, message).hint(hint));
    }

    /// Whether nothing at or around these dotted keys has been faulted.
    fn are_clean(&self, keys: &[&str]) -> bool {
        !keys.iter().any(|key| self.faults.touch(&KeyPath::of(key)))
    }

    fn roles(&mut self) {
        if !self.are_clean(&["collection"]) {
            return;
        }
        let has = |role: Role| {
            self.recipe
                .collection
                .iter()
                .any(|collection| collection.role == role)
        };
        let (has_train, has_anchor) = (has(Role::Train), has(Role::Anchor));
        if !has_train {
            let key = KeyPath::of("collection");
            self.fault(
                &key,
                "every collection is an anchor",
                "one needs `role = \"train\"`",
            );
        }
        let asked = match self.recipe.mix.anchor {
            Some(AnchorRatio::ShareOfAll(ratio) | AnchorRatio::RatioToTrain(ratio)) => {
                ratio.as_f64()
            }
            None => 0.0,
        };
        if asked > 0.0 && !has_anchor && self.are_clean(&["mix.anchor"]) {
            let key = KeyPath::of("mix.anchor");
            let message = "anchors are asked for, and no collection is one";
            self.fault(
                &key,
                message,
                "set `role = \"anchor\"` in the collection that holds them",
            );
        }
    }

    fn buckets(&mut self) {
        let bucket = &self.recipe.bucket;
        if bucket.aspects.narrowest > bucket.aspects.widest && self.are_clean(&["bucket.aspects"]) {
            let (narrowest, widest) = (bucket.aspects.narrowest, bucket.aspects.widest);
            let message = format!("the narrowest, {narrowest}, is wider than the widest, {widest}");
            self.fault(
                &KeyPath::of("bucket.aspects"),
                message,
                "an aspect is width:height",
            );
        }
        if bucket.style == CropStyle::Center
            && bucket.crops_per_image.get() > 1
            && self.are_clean(&["bucket.style", "bucket.crops_per_image"])
        {
            let message = format!(
                "{} crops of one picture have one middle",
                bucket.crops_per_image
            );
            let hint = "leave it out, or set `style = \"random\"` or `\"interest\"`";
            self.fault(&KeyPath::of("bucket.crops_per_image"), message, hint);
        }
        if bucket.shape == Shape::Square
            && !bucket.sizes.is_empty()
            && self.are_clean(&["bucket.sizes"])
        {
            let message = "a list of sizes is for `shape = \"aspect\"` alone";
            let hint = "set `shape = \"aspect\"`, or say `target_px` instead";
            self.fault(&KeyPath::of("bucket.sizes"), message, hint);
        }
        let keeps_bytes = matches!(
            bucket.packing,
            PackingChoice::Verbatim | PackingChoice::JpegLossless
        );
        if bucket.resample != Resample::Never && keeps_bytes && self.are_clean(&["bucket.packing"])
        {
            let message =
                "this packing keeps the original's own bytes, and `resample` changes its pixels";
            let hint = "set `packing = \"auto\"`, `\"png\"` or `\"webp-lossless\"`, or `resample = \"never\"`";
            self.fault(&KeyPath::of("bucket.packing"), message, hint);
        }
        if !self.are_clean(&["bucket.target_px", "bucket.step_px", "bucket.shape"]) {
            return;
        }
        let (target, step) = (bucket.target_px.get(), bucket.step_px.get());
        match bucket.shape {
            Shape::Aspect if step > target => {
                let message = format!("{step} is over `target_px`, {target}");
                let hint = "the sides of buckets are multiples of the step";
                self.fault(&KeyPath::of("bucket.step_px"), message, hint);
            }
            Shape::Square if !target.is_multiple_of(LATENT_PX) => {
                let message = format!("{target} is no multiple of {LATENT_PX}");
                let hint = format!("a latent stands for {LATENT_PX} by {LATENT_PX} pixels");
                self.fault(&KeyPath::of("bucket.target_px"), message, hint);
            }
            Shape::Aspect | Shape::Square => {}
        }
    }

    fn shares(&mut self) {
        if !self.are_clean(&["collection", "mix.collections"]) {
            return;
        }
        let rules = &self.recipe.mix.collections;
        let key = KeyPath::of("mix.collections");
        for name in rules.keys() {
            if !self.recipe.collection.iter().any(|c| &c.name == name) {
                let hint = "the rules of `[mix]` go by the names of collections";
                self.fault(&key.key(name), "no collection has this name", hint);
            }
        }
        for role in Role::ALL {
            let of_role = || self.recipe.collection.iter().filter(|c| c.role == *role);
            let shares = of_role().filter_map(|c| match rules.get(&c.name) {
                Some(CollectionRule::Share(share)) => Some(share.as_f64()),
                _ => None,
            });
            let shares: Vec<f64> = shares.collect();
            let sum: f64 = shares.iter().sum();
            let is_all = shares.len() == of_role().count();
            if sum > 1.0 + 1e-9 || (!is_all && sum > 1.0 - 1e-9) {
                let message = format!("the shares of the {role} collections add up to {sum}");
                let hint = "they are parts of one whole, and what has no share gets the rest";
                self.fault(&key, message, hint);
            }
        }
    }

    fn objective(&mut self) {
        let train = &self.recipe.train;
        let predicts_noise = train.prediction_type == PredictionType::Epsilon;
        let keys = ["train.prediction_type", "train.zero_terminal_snr"];
        if predicts_noise && train.zero_terminal_snr && self.are_clean(&keys) {
            let said = keys
                .into_iter()
                .find(|key| self.document.says(key))
                .unwrap_or(keys[0]);
            let message = "`prediction_type = \"epsilon\"` and `zero_terminal_snr = true` exclude each other: \
                           the last timestep is pure noise, and its signal cannot be told from it";
            let hint = "set `prediction_type = \"v_prediction\"` or `zero_terminal_snr = false`";
            self.fault(&KeyPath::of(said), message, hint);
        }
    }

    fn learning_rate(&mut self) {
        let lr = &self.recipe.train.lr;
        if !self.are_clean(&["train.lr"]) {
            return;
        }
        let needs = [
            (
                "period_steps",
                LrSchedule::CosineWave,
                lr.period_steps.is_some(),
                "cosine-wave",
            ),
            (
                "power",
                LrSchedule::Polynomial,
                lr.power.is_some(),
                "polynomial",
            ),
        ];
        for (key, schedule, is_set, word) in needs {
            let path = KeyPath::of("train.lr").key(key);
            if lr.schedule == schedule && !is_set {
                let hint = format!("`schedule = \"{word}\"` needs it");
                self.fault(&path, "is missing", hint);
            }
            if lr.schedule != schedule && is_set {
                let message = format!("is for `schedule = \"{word}\"` alone");
                self.fault(
                    &path,
                    message,
                    format!("leave it out, or set {}", quoted("schedule")),
                );
            }
        }
    }

    fn base(&mut self) {
        if self.document.says("train")
            && self.recipe.train.base.is_none()
            && self.are_clean(&["train.base"])
        {
            let hint = "the folder of the model that training starts from";
            self.fault(&KeyPath::of("train.base"), "is missing", hint);
        }
    }
}

/// Pixels that a latent stands for, on each side.
const LATENT_PX: u32 = 8;
