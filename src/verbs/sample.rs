//! `terminus sample`: pictures from a model.

mod request;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;
use terminus_train::{
    Error,
    draw::{Compute, Demand, DrawRequest, Drawn, Gib, MemoryPlan, draw, files},
    hash,
    source::{Layout, ModelSource},
};

use crate::{
    cli::sample::SampleArgs,
    context::{print_json, resume_command, set_threads},
    exit::Interrupted,
    interrupt::Interrupt,
    terminal::Terminal,
};

pub(super) fn sample(args: &SampleArgs) -> anyhow::Result<()> {
    set_threads(args.common.threads)?;
    if let Some(threads) = args.common.threads {
        terminus_nn::device::set_threads(threads);
    }
    let interrupt = Interrupt::watch()?;
    let mut source = ModelSource::open(&args.what.model, args.what.config.as_deref())?;
    if args.what.ema {
        source = source.averaged()?;
    }
    let request = request::request(args, &source)?;
    let compute = Compute::open(&args.machine.device, args.machine.precision.map(Into::into))?;
    let memory = check_memory(args, &source, &request, compute)?;
    let outputs = outputs(&args.files.output, &request)?;
    for note in &request.sampling.notes {
        eprintln!("note: {note}");
    }
    if args.common.dry_run {
        eprintln!(
            "sample: would draw {} pictures of {}x{} with {} in {} steps, with about {} of memory",
            request.seeds.len(),
            request.size.0,
            request.size.1,
            request.solver.display_name(),
            request.steps,
            Gib(memory.peak_bytes())
        );
        return Ok(());
    }
    let terminal = Terminal::new(args.common.quiet);
    // A checksum of gigabytes is ready before the last step is taken.
    let hashing = (source.layout == Layout::SingleFile).then(|| {
        let path = source.path.clone();
        std::thread::spawn(move || hash::auto_v2(&path))
    });
    let drawn = match draw(&source, &request, compute, &terminal, &interrupt.cancel) {
        Err(Error::Cancelled) => {
            return Err(Interrupted {
                signal: interrupt.signal(),
                resume: resume_command(),
            }
            .into());
        }
        drawn => drawn?,
    };
    if let Some(suspicion) = &drawn.suspicion {
        eprintln!("warning: {suspicion}");
    }
    let model_hash = hashing.and_then(|thread| thread.join().ok()?.ok());
    write(
        args,
        &source,
        &request,
        &drawn,
        &outputs,
        model_hash.as_deref(),
    )?;
    tell(args, &request, &outputs)
}

fn check_memory(
    args: &SampleArgs,
    source: &ModelSource,
    request: &DrawRequest,
    compute: Compute,
) -> anyhow::Result<MemoryPlan> {
    let demand = Demand::of(request, source, compute.kind);
    let plan = MemoryPlan::new(source, demand)?;
    let limit = args
        .machine
        .memory_limit
        .map(|gib| (gib * f64::from(1 << 30)) as u64);
    if let Some(available) = limit.or_else(|| compute.free_bytes()) {
        plan.check(source, demand, available)?;
    }
    Ok(plan)
}

/// A file for each picture.
fn outputs(output: &Path, request: &DrawRequest) -> anyhow::Result<Vec<PathBuf>> {
    if !request.decodes {
        return Ok(Vec::new());
    }
    let is_file = output
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    if is_file {
        anyhow::ensure!(
            request.seeds.len() == 1,
            "`--output {}` names one file, and {} pictures are asked for\nhint: name a folder",
            output.display(),
            request.seeds.len()
        );
        if let Some(folder) = output.parent() {
            fs_err::create_dir_all(folder)?;
        }
        return Ok(vec![output.to_owned()]);
    }
    fs_err::create_dir_all(output)?;
    let taken = fs_err::read_dir(output)?
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            let (number, _) = name.to_str()?.split_once('-')?;
            number.parse::<u32>().ok()
        })
        .max()
        .unwrap_or(0);
    // Nothing that was drawn before is written over.
    let numbered = (taken + 1..).zip(&request.seeds);
    Ok(numbered
        .map(|(number, seed)| output.join(format!("{number:06}-{seed}.png")))
        .collect())
}

fn write(
    args: &SampleArgs,
    source: &ModelSource,
    request: &DrawRequest,
    drawn: &Drawn,
    outputs: &[PathBuf],
    model_hash: Option<&str>,
) -> anyhow::Result<()> {
    if let Some(path) = &args.files.save_latents {
        files::write_latents(path, &drawn.latents)
            .with_context(|| format!("writing `{}`", path.display()))?;
    }
    for (i, (image, path)) in drawn.images.iter().zip(outputs).enumerate() {
        let size = (image.width_px, image.height_px);
        let parameters = request::infotext(args, source, request, i, size, model_hash);
        files::write_picture(path, image, &parameters.to_string())?;
    }
    Ok(())
}

fn tell(args: &SampleArgs, request: &DrawRequest, outputs: &[PathBuf]) -> anyhow::Result<()> {
    if !args.common.json {
        for path in outputs {
            println!("{}", path.display());
        }
        return Ok(());
    }
    let pictures: Vec<_> = outputs
        .iter()
        .zip(&request.seeds)
        .map(|(path, seed)| json!({ "path": path, "seed": seed }))
        .collect();
    print_json(&json!({
        "schema_version": 1,
        "verb": "sample",
        "model": args.what.model,
        "scheduler": request.solver.class_name(),
        "steps": request.steps,
        "width": request.size.0,
        "height": request.size.1,
        "pictures": pictures,
        "latents": args.files.save_latents,
    }))
}
