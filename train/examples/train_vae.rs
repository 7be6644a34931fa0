//! Trains a small VAE on a folder of pictures, for demos and tests: 4 latent channels, an eighth of each side.
//!
//! ```text
//! cargo run --release -p terminus-demo --example collection -- work/vae-pictures/small 2400 90001 1/8
//! cargo run --release -p terminus-demo --example collection -- work/vae-pictures/large 800 90002 1/4
//! cargo run --release -p terminus-train --example train_vae -- work/vae-pictures assets/vae-demo
//! ```
//!
//! Writes a diffusers folder: `config.json`, whose `scaling_factor` is one over the spread of the latents, and
//! `diffusion_pytorch_model.safetensors` in f16; and `reconstruction.png`, pictures that were held out over what becomes
//! of them. All three are written anew every [`PUBLISH_STEPS`] steps. 10,000 steps take about an hour of one core;
//! `--from FOLDER` goes on from weights that were written before. `assets/vae-demo` is what 1,850 steps gave: 21.0 dB on
//! held-out pictures, colours and shapes but no fine lines.
// B batch, S side of a crop

use std::{
    error::Error,
    path::{Path, PathBuf},
    time::Instant,
};

use tch::{Device, Kind, Tensor, no_grad};
use terminus_nn::{Builder, Checkpoint, Metadata, Weights, device};
use terminus_pixels::{Effort, Limits, PixelPolicy, RgbImage, decode, encode_png};
use terminus_train::{
    networks::{AutoencoderKl, Posterior, VaeConfig},
    optimizer::{AdamW, AdamWOptions},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Side of the crops at the end, and of the pictures that are held out.
const SIDE_PX: u32 = 128;
/// Side of the crops for the first [`SMALL_SHARE`] of the steps: the same layers see four times as many pictures.
const SMALL_SIDE_PX: u32 = 64;
const SMALL_SHARE: f64 = 0.7;
/// Pixels of a batch, over a crop's pixels, is its size.
const BATCH_PX: u32 = 8 * SMALL_SIDE_PX * SMALL_SIDE_PX;
const HELD_OUT: usize = 12;

const PUBLISH_STEPS: u64 = 1000;

const LR: f64 = 2e-3;
const WARM_UP_STEPS: f64 = 100.0;
/// Weight of the divergence, which keeps neighbouring latents alike: much more than SDXL's, for a small denoiser.
const KL_WEIGHT: f64 = 2e-4;
/// Weight of the differences between neighbouring pixels, without which lines blur.
const EDGE_WEIGHT: f64 = 0.7;
/// Weight of the means of 4 × 4 pixels, which hold the colours.
const COARSE_WEIGHT: f64 = 0.5;

struct Options {
    pictures: PathBuf,
    out: PathBuf,
    steps: u64,
    threads: usize,
    seed: u64,
    from: Option<PathBuf>,
}

fn main() -> Result<()> {
    let options = parse(std::env::args().skip(1))?;
    device::set_threads(options.threads);
    tch::manual_seed(options.seed as i64);
    let pictures = read_pictures(&options.pictures)?;
    let (held_out, pictures) = pictures.split_at(HELD_OUT.min(pictures.len() / 2));
    println!("{} pictures, {} held out", pictures.len(), held_out.len());

    let config = VaeConfig {
        block_out_channels: vec![16, 32, 48, 64],
        layers_per_block: 1,
        latent_channels: 4,
        norm_num_groups: 8,
        sample_size: i64::from(SIDE_PX),
        scaling_factor: 1.0,
        force_upcast: false,
    };
    let (vae, weights) =
        Builder::random(options.seed).build(|path| AutoencoderKl::new(path, &config))?;
    if let Some(from) = &options.from {
        weights.copy_from(&Checkpoint::open(from)?)?;
    }
    println!("{} parameters", weights.parameter_count());
    train(&vae, &weights, pictures, &options, || {
        publish(&vae, &weights, &config, (pictures, held_out), &options.out)
    })
}

/// Writes the folder, with the scaling factor that the weights ask for now.
fn publish(
    vae: &AutoencoderKl,
    weights: &Weights,
    config: &VaeConfig,
    (pictures, held_out): (&[RgbImage], &[RgbImage]),
    out: &Path,
) -> Result<()> {
    let spread = no_grad(|| latent_spread(vae, pictures))?;
    let config = VaeConfig {
        scaling_factor: 1.0 / spread,
        ..config.clone()
    };
    println!(
        "spread of the latents {spread:.4}, scaling factor {:.4}",
        config.scaling_factor
    );
    fs_err::create_dir_all(out)?;
    let json = serde_json::to_string_pretty(&config.to_json())? + "\n";
    fs_err::write(out.join("config.json"), json)?;
    let file = out.join("diffusion_pytorch_model.safetensors");
    weights.save(&file, Some(Kind::Half), &Metadata::new())?;
    no_grad(|| write_reconstruction(vae, held_out, &out.join("reconstruction.png")))
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
    let usage =
        "usage: train_vae PICTURES OUT [--steps 10000] [--threads 1] [--seed 0] [--from FOLDER]";
    let mut options = Options {
        pictures: PathBuf::new(),
        out: PathBuf::new(),
        steps: 10_000,
        threads: 1,
        seed: 0,
        from: None,
    };
    let mut paths = Vec::new();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(usage);
        match argument.as_str() {
            "--steps" => options.steps = value()?.parse()?,
            "--threads" => options.threads = value()?.parse()?,
            "--from" => options.from = Some(value()?.into()),
            "--seed" => options.seed = value()?.parse()?,
            _ => paths.push(PathBuf::from(argument)),
        }
    }
    let [pictures, out] = <[PathBuf; 2]>::try_from(paths).map_err(|_| usage)?;
    Ok(Options {
        pictures,
        out,
        ..options
    })
}

/// Every picture of the folder and those in it that a crop fits in, in an order that scatters their names.
fn read_pictures(folder: &Path) -> Result<Vec<RgbImage>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    // Strides of a number that is prime to the count visit all.
    let count = files.len();
    let first = (count * 618 / 1000).max(1);
    let stride = (first..first + count)
        .find(|&stride| gcd(stride, count) == 1)
        .unwrap_or(1);
    let mut pictures = Vec::new();
    for place in 0..count {
        let bytes = fs_err::read(&files[place * stride % count])?;
        // Sidecars and whatever else is no picture lie among them.
        if let Ok(decoded) = decode(&bytes, &PixelPolicy::default(), &Limits::default())
            && decoded.image.width_px.min(decoded.image.height_px) >= SIDE_PX
        {
            pictures.push(decoded.image);
        }
    }
    if pictures.len() < 2 {
        let folder = folder.display();
        return Err(format!("`{folder}` has no two pictures of {SIDE_PX} px a side").into());
    }
    Ok(pictures)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn train(
    vae: &AutoencoderKl,
    weights: &Weights,
    pictures: &[RgbImage],
    options: &Options,
    publish: impl Fn() -> Result<()>,
) -> Result<()> {
    weights.set_trainable(true);
    let parameters = weights
        .iter()
        .map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()));
    let settings = AdamWOptions {
        beta2: 0.99,
        weight_decay: 1e-4,
        ..AdamWOptions::default()
    };
    let mut optimizer = AdamW::new(settings, parameters.collect())?;
    let mut dice = Dice(options.seed);
    let begun = Instant::now();
    let mut averages = [0.0; 2];
    for step in 0..options.steps {
        if step > 0 && step % PUBLISH_STEPS == 0 {
            publish()?;
        }
        let progress = step as f64 / options.steps as f64;
        let side_px = if progress < SMALL_SHARE {
            SMALL_SIDE_PX
        } else {
            SIDE_PX
        };
        let count = BATCH_PX / (side_px * side_px);
        let crops: Vec<RgbImage> = (0..count)
            .map(|_| random_crop(pictures, side_px, &mut dice))
            .collect::<Result<_>>()?;
        let pixels = to_tensor(&crops); // [B, 3, S, S]

        let posterior = vae.encode(&pixels);
        let decoded = vae.decode(&posterior.sample(&posterior.mean.randn_like()));
        let (reconstruction, kl) = (distance(&decoded, &pixels), kl_of_a_latent(&posterior));
        let loss = &reconstruction + &kl * KL_WEIGHT;
        loss.f_backward()?;
        let _ = optimizer.clip_gradients()?;
        let warm_up = ((step + 1) as f64 / WARM_UP_STEPS).min(1.0);
        let cosine = 0.5 + 0.5 * (std::f64::consts::PI * progress).cos();
        optimizer.step(LR * warm_up * cosine.max(0.01))?;

        for (average, value) in averages.iter_mut().zip([&reconstruction, &kl]) {
            let keep = if step == 0 { 0.0 } else { 0.98 };
            *average = *average * keep + value.double_value(&[]) * (1.0 - keep);
        }
        if step % 100 == 0 {
            let [reconstruction, kl] = averages;
            let minutes = begun.elapsed().as_secs_f64() / 60.0;
            println!("{minutes:5.1} min  step {step:5}  loss {reconstruction:.4}  kl {kl:.2}");
        }
    }
    publish()
}

/// How unlike two batches of pictures look: pixels, edges, and coarse colours.
fn distance(ours: &Tensor, theirs: &Tensor) -> Tensor {
    let difference = ours - theirs; // [B, 3, S, S]
    let mean = |tensor: Tensor| tensor.abs().mean(Kind::Float);
    let edges = mean(difference.diff::<Tensor>(1, -1, None, None))
        + mean(difference.diff::<Tensor>(1, -2, None, None));
    let coarse = mean(difference.avg_pool2d([4, 4], [4, 4], [0, 0], false, true, None));
    mean(difference) + edges * EDGE_WEIGHT + coarse * COARSE_WEIGHT
}

/// The divergence of one number of the latents, in nats.
fn kl_of_a_latent(posterior: &Posterior) -> Tensor {
    posterior.kl() * (posterior.mean.size()[0] as f64 / posterior.mean.numel() as f64)
}

/// Standard deviation of sampled latents of pictures at full size.
fn latent_spread(vae: &AutoencoderKl, pictures: &[RgbImage]) -> Result<f64> {
    let mut dice = Dice(1);
    let mut latents = Vec::new();
    for _ in 0..32 {
        let crops: Vec<RgbImage> = (0..4)
            .map(|_| random_crop(pictures, SIDE_PX, &mut dice))
            .collect::<Result<_>>()?;
        let posterior = vae.encode(&to_tensor(&crops));
        latents.push(posterior.sample(&posterior.mean.randn_like()));
    }
    Ok(Tensor::cat(&latents, 0).std(true).double_value(&[]))
}

fn random_crop(pictures: &[RgbImage], side_px: u32, dice: &mut Dice) -> Result<RgbImage> {
    let picture = &pictures[dice.below(pictures.len() as u64) as usize];
    let top = dice.below(u64::from(picture.height_px - side_px + 1)) as u32;
    let left = dice.below(u64::from(picture.width_px - side_px + 1)) as u32;
    let mut crop = picture.crop(top, left, side_px, side_px)?;
    if dice.below(2) == 1 {
        for row in crop.data.chunks_exact_mut(side_px as usize * 3) {
            row.reverse(); // mirrors the pixels and the channels…
            row.chunks_exact_mut(3).for_each(<[u8]>::reverse); // …and turns the channels back
        }
    }
    Ok(crop)
}

/// Pictures of one size as `[B, 3, H, W]` in −1..1.
fn to_tensor(pictures: &[RgbImage]) -> Tensor {
    let tensors: Vec<Tensor> = pictures
        .iter()
        .map(|picture| {
            let size = [i64::from(picture.height_px), i64::from(picture.width_px), 3];
            Tensor::from_data_size(&picture.data, &size, Kind::Uint8).permute([2, 0, 1])
        })
        .collect();
    Tensor::stack(&tensors, 0).to_kind(Kind::Float) / 127.5 - 1.0
}

/// Pairs of rows: pictures, and under them what the latents' mode decodes to. Prints the likeness.
fn write_reconstruction(vae: &AutoencoderKl, pictures: &[RgbImage], path: &Path) -> Result<()> {
    let crops: Vec<RgbImage> = pictures
        .iter()
        .map(|picture| picture.crop(0, 0, SIDE_PX, SIDE_PX))
        .collect::<std::result::Result<_, _>>()?;
    let pixels = to_tensor(&crops); // [B, 3, S, S]
    let decoded = vae.decode(&vae.encode(&pixels).mode()).clamp(-1.0, 1.0);
    let error = (&decoded - &pixels)
        .square()
        .mean(Kind::Float)
        .double_value(&[]);
    println!("held-out PSNR {:.2} dB", 10.0 * (4.0 / error).log10());

    let per_row = crops.len().div_ceil(2) as i64;
    let rows: Vec<Tensor> = pixels
        .split(per_row, 0)
        .iter()
        .zip(decoded.split(per_row, 0))
        .flat_map(|(original, decoded)| [original.shallow_clone(), decoded])
        .filter(|row| row.size()[0] == per_row)
        .map(|row| {
            row.permute([1, 2, 0, 3])
                .reshape([3, i64::from(SIDE_PX), -1])
        })
        .collect();
    let sheet = ((Tensor::cat(&rows, 1) + 1.0) * 127.5)
        .round()
        .to_kind(Kind::Uint8);
    let sheet = sheet.permute([1, 2, 0]).contiguous().to_device(Device::Cpu); // [rows·S, per_row·S, 3]
    let size = sheet.size();
    let mut data = vec![0; sheet.numel()];
    sheet.f_copy_data_u8(&mut data, sheet.numel())?;
    let sheet = RgbImage::new(size[1] as u32, size[0] as u32, data).ok_or("an empty sheet")?;
    fs_err::write(path, encode_png(&sheet, Effort::Fast)?)?;
    Ok(())
}

/// `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(z ^ (z >> 31)) * u128::from(bound)) >> 64) as u64
    }
}
