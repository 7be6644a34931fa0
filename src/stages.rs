//! From a recipe's plan to the plans of the stages.

use std::time::Duration;

use terminus_bucket::BucketPlan;
use terminus_caption::{CaptionPlan, CaptionerPlan, Secret, config::CaptionerConfig};
use terminus_ingest::IngestPlan;
use terminus_manifest::{
    Error, Root, canonical::config_hash, overrides::Overrides, shard::ShardLimits,
};

use crate::recipe::Plan;

/// The plans of the data stages of one recipe.
#[derive(Clone, Debug)]
pub struct Stages {
    /// Where everything lies.
    pub root: Root,
    /// `terminus ingest`.
    pub ingest: IngestPlan,
    /// `terminus caption`.
    pub caption: CaptionPlan,
    /// `terminus bucket`.
    pub bucket: BucketPlan,
}

impl Stages {
    /// The plans of all stages.
    ///
    /// # Errors
    /// Settings without a canonical form.
    pub fn new(
        plan: &Plan,
        root: Root,
        overrides: Overrides,
        dry_run: bool,
    ) -> Result<Self, Error> {
        let mut ingest = Vec::new();
        let mut caption = Vec::new();
        let mut bucket = Vec::new();
        for collection in &plan.collections {
            let ingest_config_hash =
                config_hash(&collection.ingest_settings, terminus_ingest::LOGIC_VERSION)?;
            let caption_config_hash = config_hash(
                &collection.caption_settings,
                terminus_caption::LOGIC_VERSION,
            )?;
            ingest.push(terminus_ingest::CollectionPlan {
                name: collection.name.clone(),
                role: collection.role,
                source: collection.source.clone(),
                columns: collection.columns.clone(),
                defaults: collection.defaults.clone(),
                select: collection.select.clone(),
                store: collection.store,
                min_side_px: collection.min_side_px.get(),
                limits: plan.ingest.limits,
                policy: plan.ingest.pixels,
                grids: plan.ingest.grids,
                scores: plan.ingest.scores.clone(),
                decode_timeout: Duration::from_secs(u64::from(plan.ingest.decode_timeout_s.get())),
                max_file_bytes: u64::from(plan.ingest.max_file_mb.get()) << 20,
                max_sidecar_bytes: u64::from(plan.ingest.max_sidecar_kb.get()) << 10,
                config_hash: ingest_config_hash.clone(),
            });
            caption.push(terminus_caption::CollectionPlan {
                name: collection.name.clone(),
                captioners: collection
                    .captioners
                    .iter()
                    .map(|(name, config)| captioner_plan(name, config))
                    .collect::<Result<_, Error>>()?,
                ingest_config_hash: ingest_config_hash.clone(),
                config_hash: caption_config_hash.clone(),
            });
            bucket.push(terminus_bucket::CollectionPlan {
                name: collection.name.clone(),
                role: collection.role,
                ingest_config_hash,
                caption_config_hash,
                config_hash: config_hash(
                    &collection.bucket_settings,
                    terminus_bucket::LOGIC_VERSION,
                )?,
            });
        }
        Ok(Self {
            ingest: IngestPlan {
                root: root.clone(),
                collections: ingest,
                overrides: overrides.clone(),
                duplicates: plan.ingest.duplicates,
                download: plan.ingest.download.clone(),
                score_files: plan.ingest.scores.files.clone(),
                shard: 0,
                of: 1,
                rehash: false,
                dry_run,
            },
            caption: CaptionPlan {
                root: root.clone(),
                collections: caption,
                overrides: overrides.clone(),
                views: None,
                policy: plan.ingest.pixels,
                limits: plan.ingest.limits,
                shard: 0,
                of: 1,
                dry_run,
            },
            bucket: bucket_plan(plan, &root, bucket, overrides, dry_run),
            root,
        })
    }
}

fn bucket_plan(
    plan: &Plan,
    root: &Root,
    collections: Vec<terminus_bucket::CollectionPlan>,
    overrides: Overrides,
    dry_run: bool,
) -> BucketPlan {
    BucketPlan {
        root: root.clone(),
        recipe: plan.name.clone(),
        recipe_sha256: plan.recipe_sha256.clone(),
        seed: plan.seed,
        shape: plan.bucket.shape,
        target_px: plan.bucket.target_px.get(),
        step_px: plan.bucket.step_px.get(),
        aspects: plan.bucket.aspects,
        sizes: plan
            .bucket
            .sizes
            .iter()
            .map(|size| (size.width_px.get(), size.height_px.get()))
            .collect(),
        style: plan.bucket.style,
        min_kept_area: plan.bucket.min_kept_area,
        resample: plan.bucket.resample,
        crops_per_image: plan.bucket.crops_per_image.get(),
        caption_of: plan.bucket.caption_of,
        packing: plan.bucket.packing,
        shard_limits: ShardLimits {
            rows: u64::from(plan.bucket.shard_rows.get()),
            size_bytes: plan.bucket.shard_size_mb.get() << 20,
            ..ShardLimits::default()
        },
        validation_share: plan.bucket.validation_share,
        anchor: plan.mix.anchor,
        rules: plan.mix.rules(),
        on_shortfall: plan.mix.on_shortfall,
        keep_generations: plan.bucket.keep_generations.get(),
        policy: plan.ingest.pixels,
        limits: plan.ingest.limits,
        collections,
        overrides,
        dry_run,
    }
}

/// The plan of one captioner; the key of an endpoint comes from the environment.
fn captioner_plan(name: &str, config: &CaptionerConfig) -> Result<CaptionerPlan, Error> {
    let key = match config {
        CaptionerConfig::Http(http) => http.key_env.as_ref(),
        _ => None,
    };
    Ok(CaptionerPlan {
        name: name.to_owned(),
        config: config.clone(),
        config_hash: config_hash(&config.settings(), terminus_caption::LOGIC_VERSION)?,
        key: key
            .and_then(|variable| std::env::var(variable).ok())
            .filter(|key| !key.is_empty())
            .map(Secret),
    })
}
