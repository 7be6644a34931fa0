//! Which samples a recipe asks for: from facts, captions and settings alone, without reading a pixel.

use std::collections::{BTreeSet, HashMap, HashSet};

use terminus_manifest::{
    caption::CaptionRow,
    ids::{CaptionKey, PictureId, Rect, SampleId, SampleKey, Sha256Digest, hash},
    index::{CaptionChoice, IndexRow},
    ledger::LedgerRow,
    overrides::Override,
    run::{Cancel, Progress},
    verdict::VerdictRow,
    view::{Cut, View},
    words::{Outcome, Reason, Role, Stage},
};
use terminus_pixels::Decoder;

use crate::{
    BucketPlan, CollectionPlan, Error,
    accounts::Facts,
    buckets::{Buckets, Size, covering},
    config::{CaptionOf, CropStyle, Resample},
    crop::{Corner, Crop, CropFault, Picture, crop},
    measure::{Interest, Unmeasured, key_of, measure},
    pack::PlannedSample,
    sides::{Sides, group_of},
    stage::Location,
};

/// An item that came in, and what is to become of it.
#[derive(Clone, Debug)]
pub(crate) struct Planned<'a> {
    pub row: &'a LedgerRow,
    pub config_hash: &'a str,
    pub role: Role,
    pub captions: Vec<CaptionKey>,
    pub samples: Vec<PlannedSample<'a>>,
    /// Why it gives no sample.
    pub rejected: Option<VerdictRow>,
    /// Crops that give no sample because no caption describes them.
    pub uncaptioned: u64,
}

/// The rules of a recipe, worked out.
pub(crate) struct Sampling<'a> {
    plan: &'a BucketPlan,
    buckets: Buckets,
    collections: HashMap<&'a str, &'a CollectionPlan>,
    /// The pixel policy's id by the name of the decoder.
    policies: HashMap<&'static str, String>,
    /// Where pictures are busiest.
    interest: Interest,
}

/// How a picture is brought to its bucket.
#[derive(Clone, Debug)]
pub(crate) struct Fitted<'a> {
    /// Its rectangle in the file.
    pub tile: Rect,
    /// What is cut: the picture, at the size to which it is resized.
    pub picture: Picture<'a>,
    /// The size to which it is resized; none if it is cut as it is.
    pub resized: Option<Size>,
    /// The bucket.
    pub size: Size,
}

impl<'a> Sampling<'a> {
    pub(crate) fn new(plan: &'a BucketPlan) -> Self {
        let id = |decoder: Decoder| {
            let fields = plan.policy.identity(decoder);
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            SampleId(hash("pixel_policy", &fields)).to_string()
        };
        Self {
            plan,
            buckets: if plan.sizes.is_empty() {
                Buckets::new(plan.shape, plan.target_px, plan.step_px, &plan.aspects)
            } else {
                Buckets::of_sizes(&plan.sizes)
            },
            collections: plan
                .collections
                .iter()
                .map(|c| (c.name.as_str(), c))
                .collect(),
            policies: Decoder::ALL.iter().map(|&d| (d.name(), id(d))).collect(),
            interest: Interest::new(),
        }
    }

    /// Looks at the pixels of pictures that are cut by interest and have not been measured. Other styles need none.
    pub(crate) fn measure<'r>(
        &mut self,
        rows: impl Iterator<Item = &'r LedgerRow>,
        progress: &dyn Progress,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        if self.plan.style != CropStyle::Interest {
            return Ok(());
        }
        self.interest = self.plan.root.interest().latest()?;
        let last = self.plan.crops_per_image.saturating_sub(1);
        let mut keys = HashSet::new();
        let unmeasured: Vec<Unmeasured<'_>> = rows
            .filter_map(|row| {
                let fitted = self.fit(row)?;
                let key = key_of(&fitted, last, self.plan);
                let is_new = !self.interest.contains_key(&key) && keys.insert(key);
                is_new.then_some(Unmeasured { row, fitted })
            })
            .collect();
        let mut interest = std::mem::take(&mut self.interest);
        measure(self.plan, &unmeasured, &mut interest, progress, cancel)?;
        self.interest = interest;
        Ok(())
    }

    /// The items that ingest passed, in the ledger's order, those of `--shard shard/of`.
    pub(crate) fn ingested<'f>(
        &self,
        facts: &'f Facts,
        (shard, of): (u32, u32),
    ) -> impl Iterator<Item = &'f LedgerRow> {
        facts.ledger.iter().filter(move |row| {
            let collection = self.collections.get(row.collection.as_str());
            row.item_id.in_shard(shard, of)
                && collection.is_some_and(|collection| {
                    let hash = &collection.ingest_config_hash;
                    let verdict = facts.verdict(row.item_id, Stage::Ingest, hash);
                    verdict.is_some_and(|verdict| verdict.verdict == Outcome::Passed)
                })
        })
    }

    /// The items that captioning passed, in the ledger's order, each with its collection and the verdict on captions.
    pub(crate) fn entered<'f>(
        &self,
        facts: &'f Facts,
    ) -> impl Iterator<Item = (&'f LedgerRow, &'a CollectionPlan, &'f VerdictRow)> {
        facts.ledger.iter().filter_map(|row| {
            let collection = *self.collections.get(row.collection.as_str())?;
            let passed = |stage, config_hash| {
                facts
                    .verdict(row.item_id, stage, config_hash)
                    .filter(|verdict| verdict.verdict == Outcome::Passed)
            };
            passed(Stage::Ingest, &collection.ingest_config_hash)?;
            let caption = passed(Stage::Caption, &collection.caption_config_hash)?;
            Some((row, collection, caption))
        })
    }

    /// Every item that captioning passed, in the ledger's order.
    pub(crate) fn plan(
        &self,
        facts: &'a Facts,
        captions: &'a HashMap<CaptionKey, CaptionRow>,
    ) -> Vec<Planned<'a>> {
        self.entered(facts)
            .map(|(row, collection, caption)| {
                let keys = caption.detail.as_deref().unwrap_or_default();
                let keys = keys
                    .split_whitespace()
                    .filter_map(|key| key.parse().ok())
                    .collect();
                self.item(row, collection, keys, captions)
            })
            .collect()
    }

    fn item(
        &self,
        row: &'a LedgerRow,
        collection: &'a CollectionPlan,
        keys: Vec<CaptionKey>,
        captions: &'a HashMap<CaptionKey, CaptionRow>,
    ) -> Planned<'a> {
        let decision = self.plan.overrides.of(row.item_id, &row.source_id);
        let mut planned = Planned {
            row,
            config_hash: &collection.config_hash,
            role: collection.role,
            captions: keys,
            samples: Vec::new(),
            rejected: None,
            uncaptioned: 0,
        };
        match self.crops(row, decision) {
            Ok((tile, resized, crops)) => {
                let mut seen = HashSet::new();
                for crop in crops {
                    let sample_id = self.sample_id(row, tile, resized, crop);
                    let Some(sample_id) = sample_id.filter(|id| seen.insert(*id)) else {
                        continue;
                    };
                    let view = view(row, tile, resized, crop);
                    let first = captions_of(&planned.captions, captions, view).next();
                    if first.is_none() && self.plan.caption_of == CaptionOf::Crop {
                        planned.uncaptioned += 1;
                        continue;
                    }
                    planned.samples.push(PlannedSample {
                        sample_id,
                        row,
                        tile,
                        resized,
                        role: collection.role,
                        crop,
                        caption: first.map_or("", |caption| caption.text.as_str()),
                    });
                }
                if planned.samples.is_empty() && planned.uncaptioned > 0 {
                    planned.rejected = Some(uncaptioned(row, collection));
                }
            }
            Err(fault) => planned.rejected = Some(self.reject(row, collection, fault)),
        }
        planned
    }

    /// What is cut out of an item, each rectangle once; nothing if no crop can be.
    pub(crate) fn views(&self, row: &LedgerRow) -> Vec<View> {
        let decision = self.plan.overrides.of(row.item_id, &row.source_id);
        let Ok((tile, resized, crops)) = self.crops(row, decision) else {
            return Vec::new();
        };
        let views = crops.into_iter();
        let views: BTreeSet<View> = views.map(|crop| view(row, tile, resized, crop)).collect();
        views.into_iter().collect()
    }

    /// How an item's picture is brought to its bucket; none if no bucket fits.
    fn fit<'r>(&self, row: &'r LedgerRow) -> Option<Fitted<'r>> {
        let (tile, id) = row.tile_rect().zip(row.picture_id())?;
        let mut picture = Picture {
            id,
            tile,
            file_size: row.width_px.zip(row.height_px)?,
            format: row.format.as_deref().unwrap_or_default(),
            is_plain: row.is_plain == Some(true),
            grid: row.mcu_width_px.zip(row.mcu_height_px),
        };
        let size = match self.plan.resample {
            Resample::Any => self.buckets.of_any(tile.width, tile.height),
            Resample::Never | Resample::Down => self.buckets.of(tile.width, tile.height),
        }?;
        let whole = (tile.width, tile.height);
        let resized = Some(covering(whole, size))
            .filter(|&size| self.plan.resample != Resample::Never && size != whole);
        if let Some((width, height)) = resized {
            // Pixels that are made anew have no coefficients to keep.
            picture.tile = Rect::whole(width, height);
            picture.is_plain = false;
            picture.grid = None;
        }
        Some(Fitted {
            tile,
            picture,
            resized,
            size,
        })
    }

    /// The tile of an item, its new size if it gets one, and its crops; none of the fault means that no bucket fits.
    fn crops(
        &self,
        row: &LedgerRow,
        decision: Option<&Override>,
    ) -> Result<(Rect, Option<Size>, Vec<Crop>), Option<CropFault>> {
        let plan = self.plan;
        let fitted = self.fit(row).ok_or(None)?;
        let Fitted {
            tile,
            picture,
            resized,
            size,
        } = &fitted;
        if kept_share(picture.tile, *size) < plan.min_kept_area.as_f64() {
            return Err(Some(CropFault::KeptArea));
        }
        let by_hand = decision.and_then(|decision| decision.crop);
        let corner = |index| match (by_hand, plan.style) {
            (Some((top, left)), _) => Corner::At(top, left),
            (None, CropStyle::Random) => Corner::Drawn {
                seed: plan.seed,
                index,
            },
            (None, CropStyle::Center) => Corner::Center,
            (None, CropStyle::Interest) => self
                .interest
                .get(&key_of(&fitted, index, plan))
                .map_or(Corner::Center, |row| {
                    Corner::At(row.crop_top, row.crop_left)
                }),
        };
        let count = if by_hand.is_some() {
            1
        } else {
            plan.crops_per_image
        };
        let crops = (0..count)
            .map(|index| crop(picture, *size, plan.packing, corner(index)))
            .collect::<Result<_, _>>()
            .map_err(Some)?;
        Ok((*tile, *resized, crops))
    }

    fn reject(
        &self,
        row: &LedgerRow,
        collection: &CollectionPlan,
        fault: Option<CropFault>,
    ) -> VerdictRow {
        let verdict = VerdictRow::passed(row.item_id, Stage::Bucket, &collection.config_hash);
        let (width, height) = (row.tile_width.unwrap_or(0), row.tile_height.unwrap_or(0));
        let size = format!("{width}x{height}");
        match fault {
            None => verdict
                .because(Outcome::Rejected, Reason::TooSmall)
                .measured(f64::from(width.min(height)), f64::from(self.plan.target_px))
                .detail(format!(
                    "no bucket fits inside {size}, and nothing is padded or enlarged"
                )),
            Some(CropFault::KeptArea) => {
                let kept = self
                    .fit(row)
                    .map_or(0.0, |fitted| kept_share(fitted.picture.tile, fitted.size));
                verdict
                    .because(Outcome::Rejected, Reason::KeptArea)
                    .measured(kept, self.plan.min_kept_area.as_f64())
                    .detail(format!(
                        "a crop would show {:.1} % of the {size} picture",
                        100.0 * kept
                    ))
            }
            Some(CropFault::Outside) => verdict
                .because(Outcome::Rejected, Reason::CropOutside)
                .detail(format!(
                    "the crop of `overrides.csv` leaves the {size} picture"
                )),
            Some(CropFault::Packing) => verdict
                .because(Outcome::Rejected, Reason::PackingImpossible)
                .detail(format!(
                    "a {size} {} of colour {} cannot be stored with the fixed `bucket.packing`",
                    row.format.as_deref().unwrap_or("image"),
                    row.colour.as_deref().unwrap_or("unknown"),
                )),
        }
    }

    fn sample_id(
        &self,
        row: &LedgerRow,
        tile: Rect,
        resized: Option<Size>,
        crop: Crop,
    ) -> Option<SampleId> {
        let resample = match resized {
            Some((width, height)) => format!("lanczos3:{width}x{height}"),
            None => "never".to_owned(),
        };
        let decoder = row.decoder.as_deref()?.split(' ').next()?;
        Some(SampleId::new(&SampleKey {
            picture: PictureId::new(row.sha256?, tile),
            crop: crop.rect,
            target_size: (crop.rect.width, crop.rect.height),
            resample: &resample,
            pixel_policy_id: self.policies.get(decoder)?,
            packing_class: crop.packing.class(),
        }))
    }
}

impl Planned<'_> {
    /// The row of the index.
    pub(crate) fn index_row(
        &self,
        sample: &PlannedSample<'_>,
        location: &Location,
        captions: &HashMap<CaptionKey, CaptionRow>,
        sides: &Sides,
    ) -> IndexRow {
        let ledger = self.row;
        let group_id = group_of(ledger);
        let rect = sample.crop.rect;
        IndexRow {
            sample_id: sample.sample_id,
            shard: location.shard.clone(),
            row: location.row,
            item_id: ledger.item_id,
            picture_id: ledger.picture_id().unwrap_or(PictureId([0; 16])),
            group_id,
            collection: ledger.collection.clone(),
            role: self.role,
            split: sides.of(group_id),
            original_width: sample.tile.width,
            original_height: sample.tile.height,
            crop_top: rect.top,
            crop_left: rect.left,
            tile_top: sample.tile.top,
            tile_left: sample.tile.left,
            resized_width: sample.resized.map(|(width, _)| width),
            resized_height: sample.resized.map(|(_, height)| height),
            width: rect.width,
            height: rect.height,
            packing: location.packing,
            captions: captions_of(
                &self.captions,
                captions,
                view(ledger, sample.tile, sample.resized, sample.crop),
            )
            .flat_map(choices)
            .collect(),
        }
    }
}

/// What a crop shows.
fn view(row: &LedgerRow, tile: Rect, resized: Option<Size>, crop: Crop) -> View {
    let sha256 = row.sha256.unwrap_or(Sha256Digest([0; 32]));
    let picture = PictureId::new(sha256, tile);
    let rect = crop.rect;
    View::of_crop(picture, (tile.width, tile.height), Cut { rect, resized })
}

/// Of the captions of an item those that describe `view` or its whole picture.
fn captions_of<'c>(
    keys: &[CaptionKey],
    captions: &'c HashMap<CaptionKey, CaptionRow>,
    view: View,
) -> impl Iterator<Item = &'c CaptionRow> {
    let captions = keys.iter().filter_map(|key| captions.get(key));
    captions.filter(move |caption| {
        let described = caption.view();
        described.crop.is_none() || described == view
    })
}

/// The verdict on an item whose crops have moved since captions were made.
fn uncaptioned(row: &LedgerRow, collection: &CollectionPlan) -> VerdictRow {
    VerdictRow::passed(row.item_id, Stage::Bucket, &collection.config_hash)
        .because(Outcome::Failed, Reason::NoCaption)
        .detail("no caption describes its crops: caption again")
        .retryable()
}

/// The share of a picture that a crop of `size` shows, 0 to 1.
fn kept_share(picture: Rect, size: Size) -> f64 {
    let area = |width: u32, height: u32| f64::from(width) * f64::from(height);
    area(size.0, size.1) / area(picture.width, picture.height).max(1.0)
}

/// The caption, and its short form if it has one.
fn choices(caption: &CaptionRow) -> Vec<CaptionChoice> {
    let provenance: serde_json::Value =
        serde_json::from_str(&caption.provenance).unwrap_or_default();
    let kind = provenance["kind"].as_str().unwrap_or_default();
    let choice = |text: &str, kind: &str| CaptionChoice {
        text: text.to_owned(),
        kind: kind.to_owned(),
        source: caption.captioner.clone(),
        weight: 1.0,
    };
    let whole = choice(&caption.text, kind);
    let short = caption.short.as_deref();
    std::iter::once(whole)
        .chain(short.map(|text| choice(text, &format!("{kind}-short"))))
        .collect()
}
