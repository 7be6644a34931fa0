//! Whole runs of a small random model end at the latents of diffusers' pipelines (`tests/golden/make_pipelines.py`).
#![cfg(feature = "torch")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod small;

use serde_json::json;
use small::{Small, case, file, request};
use tch::Tensor;
use terminus_manifest::run::{Cancel, Silent};
use terminus_train::{
    Error,
    config::Solver,
    draw::{Compute, DrawRequest, Drawn, Start, Upscale, draw, files::Picture},
    prompt::Prompt,
    sampler::Guidance,
    source::ModelSource,
    time_ids::SampleGeometry,
};

const PROMPTS: [&str; 2] = ["a red cat, in the rain", "dog"];
/// Of the largest value.
const TOLERANCE: f64 = 1e-3;

fn run(source: &ModelSource, request: &DrawRequest) -> Result<Drawn, Error> {
    terminus_nn::device::set_threads(1);
    let compute = Compute::open("cpu", None).unwrap();
    draw(source, request, compute, &Silent, &Cancel::new())
}

fn ratio(ours: &Tensor, reference: &Tensor) -> f64 {
    assert_eq!(ours.size(), reference.size());
    let difference = (ours - reference).abs().max().double_value(&[]);
    difference / reference.abs().max().double_value(&[])
}

fn assert_close(source: &ModelSource, request: &DrawRequest, name: &str) {
    let drawn = run(source, request).unwrap();
    let ratio = ratio(&drawn.latents, &case(&format!("{name}.latents")));
    println!("{name}: {ratio:.1e}");
    assert!(ratio <= TOLERANCE, "{name}: {ratio:e}");
}

fn picture(strength: f64) -> Start {
    Start::Picture {
        picture: Picture::read(&file("image.png")).unwrap().image,
        strength,
    }
}

fn inpaint(strength: f64) -> Start {
    let picture = Picture::read(&file("image.png")).unwrap();
    Start::Inpaint {
        mask: picture.mask_from(&file("mask.png"), 0).unwrap(),
        picture: picture.image,
        strength,
        only_masked_padding: None,
    }
}

#[test]
fn text_to_image_ends_at_diffusers_latents_with_every_deterministic_solver() {
    let small = Small::new();
    let source = small.open();
    for (name, solver) in [
        ("ddim", Solver::Ddim),
        ("euler", Solver::Euler),
        ("dpmpp_2m", Solver::DpmPlusPlus2m),
        ("unipc", Solver::UniPc),
    ] {
        let request = request(&source, &PROMPTS, solver, 5);
        assert_close(&source, &request, &format!("text.{name}"));
    }
}

#[test]
fn an_epsilon_model_with_leading_timesteps_and_zeros_for_no_prompt_ends_there_too() {
    let small = Small::new();
    small.set_scheduler(&json!({
        "_class_name": "EulerDiscreteScheduler", "beta_schedule": "scaled_linear", "beta_start": 0.00085,
        "beta_end": 0.012, "prediction_type": "epsilon", "timestep_spacing": "leading", "steps_offset": 1,
    }));
    let source = small.open();
    assert!(source.has_zeros_for_no_prompt);
    let request = DrawRequest {
        negative: None,
        guidance: Guidance {
            scale: 3.0,
            rescale: 0.0,
        },
        ..request(&source, &PROMPTS, source.sampling.solver, 6)
    };
    assert_close(&source, &request, "plain");
}

#[test]
fn sizes_and_crops_are_told_as_diffusers_tells_them() {
    let small = Small::new();
    let source = small.open();
    let request = DrawRequest {
        guidance: Guidance {
            scale: 1.0,
            rescale: 0.7,
        },
        geometry: Some(SampleGeometry {
            original_height: 300,
            original_width: 200,
            crop_top: 17,
            crop_left: 5,
            target_height: 40,
            target_width: 56,
        }),
        ..request(&source, &PROMPTS, Solver::Ddim, 4)
    };
    assert_close(&source, &request, "sizes");
}

#[test]
fn image_to_image_ends_at_diffusers_latents() {
    let small = Small::new();
    let source = small.open();
    for (name, solver) in [("ddim", Solver::Ddim), ("dpmpp_2m", Solver::DpmPlusPlus2m)] {
        let request = DrawRequest {
            start: picture(0.6),
            ..request(&source, &PROMPTS[..1], solver, 5)
        };
        assert_close(&source, &request, &format!("picture.{name}"));
    }
}

#[test]
fn inpainting_ends_at_diffusers_latents_with_4_channels_and_with_9() {
    for channels in [4, 9] {
        let small = Small::new();
        if channels == 9 {
            small.make_for_inpainting();
        }
        let source = small.open();
        for (name, strength) in [("1.0", 1.0), ("0.6", 0.6)] {
            let request = DrawRequest {
                start: inpaint(strength),
                ..request(&source, &PROMPTS[..1], Solver::Ddim, 5)
            };
            assert_close(&source, &request, &format!("inpaint.{channels}.{name}"));
        }
    }
}

#[test]
fn inpainting_leaves_every_byte_outside_the_mask() {
    let small = Small::new();
    let source = small.open();
    for padding in [None, Some(4)] {
        let start = match inpaint(1.0) {
            Start::Inpaint {
                picture,
                mask,
                strength,
                ..
            } => Start::Inpaint {
                picture,
                mask,
                strength,
                only_masked_padding: padding,
            },
            start => start,
        };
        let request = DrawRequest {
            start,
            decodes: true,
            ..request(&source, &PROMPTS[..1], Solver::Euler, 3)
        };
        let drawn = run(&source, &request).unwrap();
        let old = Picture::read(&file("image.png")).unwrap().image;
        let new = &drawn.images[0];
        assert_eq!((new.width_px, new.height_px), (56, 40));
        let mut changed = 0;
        for y in 0..40 {
            for x in 0..56 {
                let is_masked = (8..32).contains(&y) && (16..40).contains(&x);
                let is_same = new.pixel(y, x) == old.pixel(y, x);
                assert!(
                    is_masked || is_same,
                    "pixel {x}, {y} with padding {padding:?}"
                );
                changed += u32::from(!is_same);
            }
        }
        assert!(changed > 400, "{changed} of 576 pixels were drawn anew");
    }
}

#[test]
fn a_picture_of_any_size_comes_back_in_its_size() {
    let small = Small::new();
    let source = small.open();
    let picture = Picture::read(&file("image.png")).unwrap().image;
    let odd = picture.crop(0, 0, 51, 37).unwrap();
    let request = DrawRequest {
        start: Start::Picture {
            picture: odd,
            strength: 0.5,
        },
        noise: None,
        decodes: true,
        ..request(&source, &PROMPTS[..1], Solver::Ddim, 4)
    };
    let drawn = run(&source, &request).unwrap();
    let image = &drawn.images[0];
    assert_eq!((image.width_px, image.height_px), (51, 37));
}

#[test]
fn a_picture_hangs_on_its_seed_and_not_on_its_batch() {
    let small = Small::new();
    let source = small.open();
    let of = |seeds: Vec<u64>, batch_size: usize| {
        let prompts = vec![PROMPTS[0]; seeds.len()];
        let request = DrawRequest {
            seeds,
            batch_size,
            noise: None,
            ..request(&source, &prompts, Solver::EulerAncestral, 3)
        };
        run(&source, &request).unwrap().latents
    };
    let together = of(vec![5, 6, 7], 3);
    let apart = of(vec![6], 1);
    assert!(ratio(&together.narrow(0, 1, 1), &apart) < 1e-5);
    assert!(ratio(&together.narrow(0, 0, 1), &apart) > 0.1);
}

#[test]
fn a_second_walk_enlarges_the_picture() {
    let small = Small::new();
    let source = small.open();
    let request = DrawRequest {
        upscale: Some(Upscale {
            factor: 1.5,
            strength: 0.5,
        }),
        decodes: true,
        ..request(&source, &PROMPTS[..1], Solver::Ddim, 4)
    };
    let drawn = run(&source, &request).unwrap();
    assert_eq!(drawn.latents.size()[2..], [8, 11]);
    assert_eq!(
        (drawn.images[0].width_px, drawn.images[0].height_px),
        (88, 64)
    );
    assert!(drawn.latents.isfinite().all().int64_value(&[]) == 1);
}

#[test]
fn tiles_give_nearly_the_picture_of_the_whole() {
    let small = Small::new();
    let source = small.open();
    let wide = DrawRequest {
        size: (1024, 16),
        noise: None,
        decodes: true,
        ..request(&source, &PROMPTS[..1], Solver::Ddim, 2)
    };
    let whole = run(&source, &wide).unwrap();
    let tiled = run(
        &source,
        &DrawRequest {
            tiled: true,
            ..wide
        },
    )
    .unwrap();
    let bytes = |drawn: &Drawn| drawn.images[0].data.clone();
    let (a, b) = (bytes(&whole), bytes(&tiled));
    assert_eq!(a.len(), b.len());
    let difference: u64 = a
        .iter()
        .zip(&b)
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    let mean = difference as f64 / a.len() as f64;
    println!("tiles differ by {mean:.2} of 255 on average");
    assert!(mean < 12.0 && mean > 0.0, "{mean}");
}

#[test]
fn long_prompts_are_seen_to_their_end_and_weights_count() {
    let small = Small::new();
    let source = small.open();
    let of = |prompt: Prompt| {
        let request = DrawRequest {
            prompts: vec![prompt],
            ..request(&source, &[""], Solver::Ddim, 2)
        };
        run(&source, &request).unwrap().latents
    };
    let words = "cat ".repeat(100);
    let long = of(Prompt::literal(&format!("{words} dog")));
    let other = of(Prompt::literal(&format!("{words} red")));
    assert!(
        ratio(&long, &other) > 1e-5,
        "the words past 75 tokens are not seen"
    );
    let plain = of(Prompt::literal("red cat"));
    assert!(ratio(&of(Prompt::weighted("red cat")), &plain) == 0.0);
    assert!(ratio(&of(Prompt::weighted("(red:1.0) cat")), &plain) < 1e-6);
    assert!(ratio(&of(Prompt::weighted("(red:1.5) cat")), &plain) > 1e-5);
}

#[test]
fn bad_requests_are_refused_before_anything_is_loaded() {
    let small = Small::new();
    let source = small.open();
    let size = DrawRequest {
        size: (60, 40),
        ..request(&source, &PROMPTS[..1], Solver::Ddim, 2)
    };
    let error = run(&source, &size).unwrap_err();
    assert!(matches!(error, Error::DrawnSize { multiple: 8, .. }));
    assert!(
        error.to_string().contains("--width 64 --height 40"),
        "{error}"
    );
    let noise = DrawRequest {
        noise: Some(case("noise")),
        ..request(&source, &PROMPTS[..1], Solver::Ddim, 2)
    };
    assert!(matches!(
        run(&source, &noise).unwrap_err(),
        Error::NoiseShape { .. }
    ));
    let small = Small::new();
    small.make_for_inpainting();
    let source = small.open();
    let request = request(&source, &PROMPTS[..1], Solver::Ddim, 2);
    assert!(matches!(
        run(&source, &request).unwrap_err(),
        Error::NeedsMask { channels: 9 }
    ));
}
