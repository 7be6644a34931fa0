//! `terminus plan`: the order of an epoch.

use std::io::{BufWriter, Write as _};

use serde_json::json;
use terminus_manifest::{
    generation::{Generation, plan_samples},
    places::place_rows,
    plan::{EpochPlan, PlanSample, PlanSettings, plan as plan_epoch},
    table,
};

use crate::{
    cli::PlanArgs,
    context::{Context, print_json},
};

pub(super) fn plan(args: &PlanArgs) -> anyhow::Result<()> {
    let context = Context::new(&args.stage.recipe, args.stage.common)?;
    let generation = Generation::required(context.root(), &context.plan.name)?;
    let index = generation.index()?;
    let samples = plan_samples(&index);
    let train = &context.plan.train;
    let settings = PlanSettings {
        device_batch: args.device_batch.unwrap_or(train.batch_size),
        devices: args.devices.unwrap_or(train.devices),
        accumulation: args.accumulation.unwrap_or(train.accumulation),
        ..generation.plan_settings()
    };
    let epoch = plan_epoch(&samples, &settings, args.epoch)?;
    if args.list {
        return list(&epoch, &samples);
    }
    if let Some(path) = &args.out {
        table::write(path, &place_rows(&index, &settings, &epoch))?;
        eprintln!(
            "plan: {} places in `{}`",
            epoch.places().len(),
            path.display()
        );
    }
    let mix = epoch.mix();
    if context.common.json {
        let fields = json!({
            "generation": generation.manifest.generation,
            "epoch": args.epoch,
            "device_batch": settings.device_batch,
            "devices": settings.devices,
            "accumulation": settings.accumulation,
            "places": epoch.places().len(),
            "steps": epoch.steps(),
            "mix": mix,
        });
        return print_json(&context.document("plan", &fields));
    }
    let mut out = std::io::stdout().lock();
    let (train, anchor) = (mix.by_role.train, mix.by_role.anchor);
    writeln!(
        out,
        "generation {}, epoch {}: {} steps of {} samples",
        generation.manifest.generation,
        args.epoch,
        epoch.steps(),
        settings.samples_per_step(),
    )?;
    writeln!(
        out,
        "train   {} places, {} unique, {} repeats, {} fill",
        train.places, train.unique, train.repeats, train.fill
    )?;
    writeln!(
        out,
        "anchor  {} places, {} unique, {} repeats, {} fill",
        anchor.places, anchor.unique, anchor.repeats, anchor.fill
    )?;
    let asked = mix
        .asked
        .map_or("no ratio".to_owned(), |asked| asked.to_string());
    writeln!(
        out,
        "anchors: asked {asked}, achieved {:.6} = {} of {} places",
        mix.achieved,
        anchor.places,
        train.places + anchor.places
    )?;
    if let Some(window) = mix.worst_window {
        writeln!(
            out,
            "worst window: step {} has {} anchors of {} samples, {:+.2} from the mean",
            window.step, window.anchors, window.samples, window.deviation
        )?;
    }
    Ok(())
}

fn list(epoch: &EpochPlan, samples: &[PlanSample]) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    writeln!(out, "step,place,sample_id,role,width,height,is_fill")?;
    for step in 0..epoch.steps() {
        for (number, place) in epoch.step(step).unwrap_or_default().iter().enumerate() {
            let sample = &samples[place.sample as usize];
            let PlanSample {
                sample_id,
                role,
                width,
                height,
                ..
            } = sample;
            let is_fill = place.is_fill;
            writeln!(
                out,
                "{step},{number},{sample_id},{role},{width},{height},{is_fill}"
            )?;
        }
    }
    Ok(out.flush()?)
}
