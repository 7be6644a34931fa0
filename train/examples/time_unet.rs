//! Times the UNet for `benches/sdxl.py`, which times diffusers in turn with it: one line in, one line out.
//!
//! `time_unet CONFIG WEIGHTS CASE` loads the network and answers each line `f32|bf16 forward|backward` on stdin with the
//! seconds that it took and the mean of the output's magnitude.

use std::{
    io::{BufRead as _, Write as _},
    path::Path,
    time::Instant,
};

use tch::{Kind, Tensor, no_grad};
use terminus_nn::{Builder, Checkpoint, Weights};
use terminus_train::{
    Error,
    networks::{AddedConditions, UNet2DCondition, UNetConfig},
};

struct Bench {
    masters: (UNet2DCondition, Weights),
    half: UNet2DCondition,
    case: Checkpoint,
}

impl Bench {
    fn open(config: &Path, weights: &Path, case: &Path) -> Result<Self, Error> {
        let config = UNetConfig::read(config)?;
        let checkpoint = Checkpoint::open(weights)?;
        let build = |kind| {
            let builder = Builder::from_checkpoint(&checkpoint).kind(kind);
            builder.build(|root| UNet2DCondition::new(root, &config))
        };
        Ok(Self {
            masters: build(Kind::Float)?,
            half: build(Kind::BFloat16)?.0,
            case: Checkpoint::open(case)?,
        })
    }

    fn tensor(&self, name: &str) -> Result<Tensor, Error> {
        Ok(self.case.tensor(name)?.unwrap_or_default())
    }

    /// Seconds, and the mean magnitude of the output.
    fn run(&self, kind: Kind, is_backward: bool) -> Result<(f64, f64), Error> {
        let added = AddedConditions {
            text_embeds: self.tensor("text_embeds")?,
            time_ids: self.tensor("time_ids")?,
        };
        let (latents, timesteps) = (
            self.tensor("latents")?.to_kind(kind),
            self.tensor("timesteps")?,
        );
        let text = self.tensor("encoder_hidden_states")?;
        let (masters, weights) = &self.masters;
        // A sampler holds its weights in 16 bits; training casts 32-bit masters.
        let unet = if kind == Kind::BFloat16 && !is_backward {
            &self.half
        } else {
            masters
        };
        weights.set_trainable(is_backward);
        weights.zero_grad();
        let start = Instant::now();
        let output = if is_backward {
            let output = unet.forward(&latents, &timesteps, &text, &added);
            output
                .to_kind(Kind::Float)
                .square()
                .mean(Kind::Float)
                .backward();
            output
        } else {
            no_grad(|| unet.forward(&latents, &timesteps, &text, &added))
        };
        let seconds = start.elapsed().as_secs_f64();
        let magnitude = output.to_kind(Kind::Float).abs().mean(Kind::Float);
        Ok((seconds, magnitude.double_value(&[])))
    }
}

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [config, weights, case, threads] = &arguments[..] else {
        eprintln!("usage: time_unet CONFIG WEIGHTS CASE THREADS");
        std::process::exit(2);
    };
    terminus_nn::device::set_threads(threads.parse().unwrap_or(1));
    let bench = Bench::open(config.as_ref(), weights.as_ref(), case.as_ref())?;
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let kind = if line.starts_with("bf16") {
            Kind::BFloat16
        } else {
            Kind::Float
        };
        let (seconds, magnitude) = bench.run(kind, line.ends_with("backward"))?;
        writeln!(out, "{seconds} {magnitude}")?;
        out.flush()?;
    }
    Ok(())
}
