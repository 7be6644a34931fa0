//! Whole runs of a toy model: stopping, going on, changing one's mind.
#![cfg(feature = "torch")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod toy;

use std::{
    collections::BTreeSet,
    num::{NonZeroU32, NonZeroU64},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use fs_err as fs;
use terminus_manifest::run::{Cancel, Progress, Silent};
use terminus_train::{
    Error,
    checkpoint::{Checkpoints, read_state},
    config::{CheckpointConfig, EmaConfig, Interval, LrSchedule, TrainConfig},
    evaluate::{EvaluateOptions, evaluate},
    metrics::{Record, Step, read_metrics},
    plan::{Resume, TrainPlan},
    train::{Outcome, train},
};
use toy::Toy;

/// Cancels after so many updates.
struct StopAfter {
    updates: u64,
    cancel: Cancel,
    is_training: std::sync::atomic::AtomicBool,
    done: AtomicU64,
}

impl StopAfter {
    fn new(updates: u64) -> Self {
        Self {
            updates,
            cancel: Cancel::new(),
            is_training: false.into(),
            done: 0.into(),
        }
    }
}

impl Progress for StopAfter {
    fn start(&self, _step: &str, _total: Option<u64>, unit: &str) {
        self.is_training.store(unit == "updates", Ordering::Relaxed);
    }

    fn advance(&self, done: u64) {
        if self.is_training.load(Ordering::Relaxed) {
            let before = self.done.fetch_add(done, Ordering::Relaxed);
            if before + done == self.updates {
                self.cancel.cancel();
            }
        }
    }

    fn note(&self, _text: &str) {}

    fn finish(&self) {}
}

fn run(plan: &TrainPlan) -> Outcome {
    train(plan, &Silent, &Cancel::new()).unwrap()
}

fn run_some(plan: &TrainPlan, updates: u64) -> Outcome {
    let stop = StopAfter::new(updates);
    train(plan, &stop, &stop.cancel).unwrap()
}

fn steps(plan: &TrainPlan) -> Vec<Step> {
    let records = read_metrics(&plan.metrics_path()).unwrap();
    records
        .into_iter()
        .filter_map(|record| match record {
            Record::Step(step) => Some(step),
            _ => None,
        })
        .collect()
}

/// Twenty updates over several epochs, with averages and two batches to an update.
fn twenty(config: &mut TrainConfig) {
    config.max_steps = NonZeroU64::new(20);
    config.epochs = NonZeroU32::new(10).unwrap();
    config.accumulation = NonZeroU32::new(2).unwrap();
    config.ema = Some(EmaConfig::default());
    config.warm_up_steps = 3;
    config.checkpoint = CheckpointConfig {
        every: Interval::Steps(NonZeroU64::new(100).unwrap()),
        ..CheckpointConfig::default()
    };
}

fn assert_same_checkpoint(a: &Outcome, b: &Outcome) {
    // The state names the run's own manifest path and settings, which are the same here; compare it as well.
    let (a, b) = (
        a.checkpoint.as_ref().unwrap(),
        b.checkpoint.as_ref().unwrap(),
    );
    let (a, b) = (toy::bytes_of(a, &[]), toy::bytes_of(b, &[]));
    let names = |files: &std::collections::BTreeMap<_, _>| {
        files
            .keys()
            .cloned()
            .collect::<BTreeSet<std::path::PathBuf>>()
    };
    assert_eq!(names(&a), names(&b));
    for (name, bytes) in &a {
        assert!(bytes == &b[name], "`{}` differs", name.display());
    }
}

#[test]
fn ten_steps_a_stop_and_ten_more_equal_twenty_straight_ones_bit_for_bit() {
    let toy = Toy::new(24);
    let straight = run(&toy.plan("straight", twenty));
    assert_eq!((straight.step, straight.finished), (20, true));

    let plan = toy.plan("resumed", twenty);
    let first = run_some(&plan, 10);
    assert_eq!((first.step, first.finished), (10, false));
    let resumed = run(&plan);
    assert_eq!((resumed.step, resumed.updates), (20, 10));
    assert_same_checkpoint(&straight, &resumed);
    assert_eq!(
        fs::read(straight.samples.as_ref().unwrap()).unwrap(),
        fs::read(resumed.samples.as_ref().unwrap()).unwrap()
    );
    let numbers = |name| {
        let lines = steps(&toy.plan(name, twenty));
        lines
            .iter()
            .map(|s| (s.step, s.lr.to_bits(), s.loss.to_bits(), s.samples))
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers("straight"), numbers("resumed"));
}

#[test]
fn a_killed_run_goes_on_from_its_last_checkpoint_as_if_nothing_had_happened() {
    let toy = Toy::new(24);
    let every_five = |config: &mut TrainConfig| {
        twenty(config);
        config.checkpoint.every = Interval::Steps(NonZeroU64::new(5).unwrap());
        config.checkpoint.keep = NonZeroU32::new(10).unwrap();
    };
    let straight = run(&toy.plan("straight", every_five));
    let plan = toy.plan("killed", every_five);
    run_some(&plan, 13);
    // What a kill after the 13th update leaves: no checkpoint of it, and a half-written one.
    fs::remove_dir_all(plan.checkpoints_folder().join("000013")).unwrap();
    fs::create_dir(plan.checkpoints_folder().join(".draft-000013")).unwrap();
    let resumed = run(&plan);
    assert_eq!((resumed.step, resumed.updates), (20, 10));
    assert_same_checkpoint(&straight, &resumed);
    let numbers: Vec<u64> = steps(&plan).iter().map(|line| line.step).collect();
    assert_eq!(numbers, [1, 5, 10, 15, 20], "every line once");
}

#[test]
fn a_finished_run_does_nothing_the_second_time() {
    let toy = Toy::new(12);
    let plan = toy.plan("run", |config| config.epochs = NonZeroU32::MIN);
    let first = run(&plan);
    assert!(first.finished && first.updates > 0);
    let before = toy::bytes_of(&plan.run_folder, &[]);
    let second = run(&plan);
    assert_eq!(
        (second.updates, second.step, second.finished),
        (0, first.step, true)
    );
    assert_eq!(second.samples, first.samples);
    assert_eq!(before, toy::bytes_of(&plan.run_folder, &[]));
}

#[test]
fn a_learning_rate_that_was_changed_counts_after_resuming_and_is_noted() {
    let toy = Toy::new(24);
    run_some(&toy.plan("run", twenty), 10);
    let changed = toy.plan("run", |config| {
        twenty(config);
        config.lr.start = 5e-4;
        config.lr.schedule = LrSchedule::Constant;
    });
    run(&changed);
    let rates: Vec<f64> = steps(&changed).iter().map(|step| step.lr).collect();
    assert!((rates[0] - 1e-3 / 3.0).abs() < 1e-9, "{rates:?}");
    assert!(
        rates[3..].iter().all(|rate| (rate - 5e-4).abs() < 1e-12),
        "{rates:?}"
    );
    let records = read_metrics(&changed.metrics_path()).unwrap();
    let changes: Vec<String> = records
        .iter()
        .filter_map(|record| match record {
            Record::Started(started) => Some(started),
            _ => None,
        })
        .flat_map(|started| started.changed.iter().map(|change| change.key.clone()))
        .collect();
    assert_eq!(changes, ["train.lr.start", "train.lr.schedule"]);
}

#[test]
fn the_newest_checkpoints_are_kept_and_the_rest_is_removed() {
    let toy = Toy::new(24);
    let plan = toy.plan("run", |config| {
        config.max_steps = NonZeroU64::new(9);
        config.checkpoint.every = Interval::Steps(NonZeroU64::new(2).unwrap());
        config.checkpoint.keep = NonZeroU32::new(2).unwrap();
    });
    run(&plan);
    let steps: Vec<u64> = Checkpoints::new(plan.checkpoints_folder())
        .list()
        .unwrap()
        .into_iter()
        .map(|(step, _)| step)
        .collect();
    assert_eq!(steps, [8, 9]);
}

#[test]
fn an_epoch_takes_up_the_newest_generation_only_if_it_is_asked_to() {
    for follow in [false, true] {
        let toy = Toy::new(12);
        let settings = |config: &mut TrainConfig| {
            config.epochs = NonZeroU32::new(2).unwrap();
            config.follow = follow;
        };
        let plan = toy.plan("run", settings);
        // The first epoch has 11 train samples with their anchors: 3 or 4 updates. Stop amid it.
        run_some(&plan, 2);
        toy.publish(20);
        run(&plan);
        let generations: Vec<(u64, u64)> = read_metrics(&plan.metrics_path())
            .unwrap()
            .into_iter()
            .filter_map(|record| match record {
                Record::Epoch(epoch) => Some((epoch.epoch, epoch.generation)),
                _ => None,
            })
            .collect();
        let second = if follow { 2 } else { 1 };
        assert_eq!(generations, [(0, 1), (1, second)], "follow = {follow}");
    }
}

#[test]
fn latents_are_encoded_once_and_a_run_without_them_makes_the_same_model() {
    let toy = Toy::new(12);
    let short = |config: &mut TrainConfig| config.max_steps = NonZeroU64::new(2);
    let first = run(&toy.plan("first", short));
    let cache = toy::bytes_of(&toy.root().join("latents"), &[]);
    let second = run(&toy.plan("second", short));
    assert_eq!(cache, toy::bytes_of(&toy.root().join("latents"), &[]));
    fs::remove_dir_all(toy.root().join("latents")).unwrap();
    let third = run(&toy.plan("third", short));
    assert_same_checkpoint(&first, &second);
    assert_same_checkpoint(&first, &third);
}

#[test]
fn training_on_bf16_products_keeps_f32_weights_and_learns() {
    let toy = Toy::new(24);
    let plan = toy.plan("bf16", |config| {
        config.precision = terminus_train::config::Precision::Bf16;
        config.max_steps = NonZeroU64::new(8);
    });
    let outcome = run(&plan);
    let (first, last) = outcome.validation.unwrap();
    assert!(last < first, "{first} to {last}");
    let unet = outcome.checkpoint.unwrap().join("unet");
    let checkpoint = terminus_nn::Checkpoint::open(&unet).unwrap();
    let weight = checkpoint.tensor("conv_in.weight").unwrap().unwrap();
    assert_eq!(weight.kind(), tch::Kind::Float);
    let rounded = weight
        .to_kind(tch::Kind::BFloat16)
        .to_kind(tch::Kind::Float);
    assert_ne!(weight, rounded, "weights have bits that bf16 has not");
}

#[test]
fn a_checkpoint_is_a_diffusers_folder_that_says_how_to_sample() {
    let toy = Toy::new(12);
    let plan = toy.plan("run", |config| config.max_steps = NonZeroU64::new(1));
    let checkpoint = run(&plan).checkpoint.unwrap();
    let json = |path: &Path| -> serde_json::Value {
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    let index = json(&checkpoint.join("model_index.json"));
    assert_eq!(index["_class_name"], "StableDiffusionXLPipeline");
    for (part, _) in index
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, v)| v[0].is_string())
    {
        assert!(checkpoint.join(part).is_dir(), "{part}");
    }
    let scheduler = json(&checkpoint.join("scheduler/scheduler_config.json"));
    assert_eq!(scheduler["prediction_type"], "v_prediction");
    assert_eq!(scheduler["rescale_betas_zero_snr"], true);
    assert_eq!(scheduler["timestep_spacing"], "trailing");
    assert!(read_state(&checkpoint).unwrap().finished);
}

#[test]
fn an_evaluation_compares_right_captions_shuffled_ones_and_the_untrained_model() {
    let toy = Toy::new(48);
    let plan = toy.plan("run", |config| {
        config.epochs = NonZeroU32::new(6).unwrap();
    });
    run(&plan);
    let options = EvaluateOptions {
        timesteps: 4,
        ..EvaluateOptions::default()
    };
    let found = evaluate(&plan, &options, &Silent, &Cancel::new()).unwrap();
    assert_eq!((found.pictures, found.timesteps), (6, 4));
    assert!(found.training.mean > 0.0, "{found}");
    assert!((found.training.mean - (found.untrained.mean - found.trained.mean)).abs() < 1e-9);
    assert_eq!(
        found,
        evaluate(&plan, &options, &Silent, &Cancel::new()).unwrap()
    );
}

#[test]
fn a_damaged_picture_is_left_out_and_training_goes_on() {
    let toy = Toy::new(12);
    // Picture 3 is trained on, picture 7 held out.
    toy.publish_with(12, |row| {
        if ["toy:3.png", "toy:7.png"].contains(&row.source_id.as_str()) {
            let half = row.image.bytes.len() / 2;
            row.image.bytes.truncate(half);
        }
    });
    let plan = toy.plan("run", |config| config.epochs = NonZeroU32::MIN);
    assert!(run(&plan).finished);
    let epochs: Vec<(u64, u64)> = read_metrics(&plan.metrics_path())
        .unwrap()
        .into_iter()
        .filter_map(|record| match record {
            Record::Epoch(epoch) => Some((epoch.samples, epoch.skipped)),
            _ => None,
        })
        .collect();
    assert_eq!(epochs, [(10, 2)]);
}

#[test]
fn a_run_keeps_its_base_wherever_the_source_goes_and_refuses_another() {
    let toy = Toy::new(12);
    let one = |config: &mut TrainConfig| config.max_steps = NonZeroU64::new(1);
    let two = |config: &mut TrainConfig| config.max_steps = NonZeroU64::new(2);
    let three = |config: &mut TrainConfig| config.max_steps = NonZeroU64::new(3);
    run(&toy.plan("run", one));

    let moved = toy.root().join("moved");
    fs::rename(toy.model(), &moved).unwrap();
    assert_eq!(run(&toy.plan("run", two)).step, 2, "its source is gone");
    let elsewhere = |config: &mut TrainConfig| {
        three(config);
        config.base = Some(moved.clone());
    };
    assert_eq!(
        run(&toy.plan("run", elsewhere)).step,
        3,
        "its source was moved"
    );

    let other = |config: &mut TrainConfig| {
        elsewhere(config);
        config.seed = Some(7);
        config.max_steps = NonZeroU64::new(4);
    };
    let result = train(&toy.plan("run", other), &Silent, &Cancel::new());
    assert!(matches!(result, Err(Error::OtherBase { .. })), "{result:?}");
}

#[test]
fn pictures_of_a_size_that_the_networks_cannot_halve_are_refused_before_training() {
    let toy = Toy::new(12);
    let mut plan = toy.plan("run", |_| {});
    plan.sample_size = (36, 32);
    let result = train(&plan, &Silent, &Cancel::new());
    let Err(Error::SideMultiple {
        width, multiple, ..
    }) = result
    else {
        panic!("{result:?}");
    };
    assert_eq!((width, multiple), (36, 8));
    assert!(!plan.checkpoints_folder().exists());
}

#[test]
fn a_second_process_is_kept_out_of_a_run() {
    let toy = Toy::new(12);
    let plan = toy.plan("run", |_| {});
    let _held = terminus_manifest::Lock::take(&plan.run_folder.join("lock")).unwrap();
    let result = train(&plan, &Silent, &Cancel::new());
    assert!(matches!(result, Err(Error::Manifest(_))), "{result:?}");
}

#[test]
fn a_run_branches_off_under_another_name_alone() {
    let toy = Toy::new(12);
    let steps = |count: u64| {
        move |config: &mut TrainConfig| {
            config.max_steps = NonZeroU64::new(count);
            config.checkpoint.every = Interval::Steps(NonZeroU64::MIN);
        }
    };
    run(&toy.plan("trunk", steps(3)));
    let first = toy
        .plan("trunk", steps(3))
        .checkpoints_folder()
        .join("000001");
    let mut again = toy.plan("trunk", steps(3));
    again.resume = Resume::From(first.clone());
    let result = train(&again, &Silent, &Cancel::new());
    assert!(
        matches!(result, Err(Error::NewerCheckpoint { newest: 3, .. })),
        "{result:?}"
    );
    let mut branch = toy.plan("branch", steps(3));
    branch.resume = Resume::From(first);
    let branched = run(&branch);
    assert_eq!((branched.step, branched.updates), (3, 2));
    let trunk = run(&toy.plan("trunk", steps(3)));
    assert_same_checkpoint(&trunk, &branched);
}
