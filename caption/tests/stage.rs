//! The stage over a root of its own: a small random model on disk, and an endpoint, each end to end.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use serde_json::{Value, json};
use terminus_caption::{CaptionPlan, CaptionerPlan, CollectionPlan, Summary, caption};
use terminus_manifest::{
    Root,
    caption::CaptionRow,
    ids::{ItemId, Sha256Digest},
    ledger::LedgerRow,
    overrides::Overrides,
    run::{Cancel, Silent},
    verdict::VerdictRow,
    words::Stage,
};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// A root whose ledger holds the two pictures of a golden model, passed by ingest.
fn root(folder: &Path) -> Root {
    let root = Root::new(folder);
    let run = root.claim_run("ingest", 0, 1).unwrap();
    let (mut rows, mut verdicts) = (Vec::new(), Vec::new());
    for (at, (width, height)) in [(37, 29), (45, 35)].into_iter().enumerate() {
        let path = golden("cogvlm").join(format!("image-{at}.png"));
        let source = format!("all:image-{at}.png");
        let item = ItemId::new(&source, 0);
        let mut row = LedgerRow::found(item, source, "all".to_owned(), path.display().to_string());
        row.sha256 = Some(Sha256Digest::of(&fs_err::read(&path).unwrap()));
        row.format = Some("png".to_owned());
        (row.tile_top, row.tile_left) = (Some(0), Some(0));
        (row.tile_width, row.tile_height) = (Some(width), Some(height));
        rows.push(row);
        verdicts.push(VerdictRow::passed(item, Stage::Ingest, "ingest"));
    }
    root.ledger().append(run, rows).unwrap();
    root.verdicts().append(run, verdicts).unwrap();
    root
}

fn plan(root: &Root, captioners: &[(&str, Value)]) -> CaptionPlan {
    let captioners = captioners.iter().map(|(name, settings)| CaptionerPlan {
        name: (*name).to_owned(),
        config: serde_json::from_value(settings.clone()).unwrap(),
        config_hash: settings.to_string(),
        key: None,
    });
    CaptionPlan {
        root: root.clone(),
        collections: vec![CollectionPlan {
            name: "all".to_owned(),
            captioners: captioners.collect(),
            ingest_config_hash: "ingest".to_owned(),
            config_hash: "caption".to_owned(),
        }],
        overrides: Overrides::default(),
        views: None,
        policy: terminus_pixels::PixelPolicy::default(),
        limits: terminus_pixels::Limits::default(),
        shard: 0,
        of: 1,
        dry_run: false,
    }
}

fn run(plan: &CaptionPlan) -> Summary {
    caption(plan, &Silent, &Cancel::new()).unwrap()
}

/// The captions of one captioner, in the order of the pictures' names.
fn captions(root: &Root, captioner: &str) -> Vec<CaptionRow> {
    let captions = root.captions().rows().unwrap();
    let mut rows = root.ledger().rows().unwrap();
    rows.sort_by(|a, b| a.source_id.cmp(&b.source_id));
    rows.iter()
        .filter_map(|row| {
            let picture = row.picture_id();
            captions
                .iter()
                .find(|caption| {
                    Some(caption.picture_id) == picture && caption.captioner == captioner
                })
                .cloned()
        })
        .collect()
}

#[cfg(feature = "torch")]
#[test]
fn a_model_and_a_tagger_on_disk_say_what_the_reference_scripts_say() {
    terminus_nn::device::set_threads(1);
    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    let model = json!({
        "kind": "vlm", "model": golden("cogvlm"), "prompts": ["Describe the image."], "max_new_tokens": 64, "attempts": 1,
    });
    let tagger = json!({ "kind": "tagger", "model": golden("tagger") });
    let plan = plan(&root, &[("small", model), ("tags", tagger)]);
    let summary = run(&plan);
    assert_eq!(summary.captioners["small"].asked, 2);
    assert_eq!(summary.captioners["small"].tokens, 128);
    assert_eq!(summary.counts.passed, 2, "by their tags at least");
    let read = |name: &str| -> Value {
        let path = golden(name).join("captions.json");
        serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap()
    };
    for (captioner, expected) in [
        ("small", &read("cogvlm")["unpadded"]),
        ("tags", &read("tagger")),
    ] {
        let raw: Vec<String> = captions(&root, captioner)
            .into_iter()
            .map(|row| row.raw)
            .collect();
        assert_eq!(json!(raw), *expected, "{captioner}");
    }
    let again = run(&plan);
    assert!(again.captioners.is_empty() && again.changed == 0);
}

/// Raw answers with the number of the attempt and the prompt that gave them.
#[cfg(feature = "torch")]
fn answers(root: &Root, captioner: &str) -> Vec<(String, u32, String)> {
    let rows = captions(root, captioner).into_iter();
    rows.map(|row| (row.raw, row.attempt, row.prompt)).collect()
}

#[cfg(feature = "torch")]
#[test]
fn captioners_that_share_a_model_say_what_each_says_alone() {
    terminus_nn::device::set_threads(1);
    let vlm = |prompt: &str, tokens: u32, attempts: u32, min_chars: u32| {
        json!({
            "kind": "vlm", "model": golden("cogvlm"), "max_new_tokens": tokens, "attempts": attempts,
            "prompts": [prompt, "Caption this image accurately, with as few words as possible."],
            "gate": { "min_chars": min_chars, "language": "any" },
        })
    };
    // What the second says is refused every time, so that all of its questions are asked.
    let both = [
        ("long", vlm("Describe the image.", 40, 1, 1)),
        ("refused", vlm("Say a word.", 12, 4, 100_000)),
    ];
    let folder = tempfile::tempdir().unwrap();
    let together = root(&folder.path().join("together"));
    let summary = run(&plan(&together, &both));
    assert_eq!(summary.captioners["long"].asked, 2);
    assert_eq!(summary.captioners["refused"].asked, 8);
    assert_eq!(summary.captioners["refused"].refused, 2);
    for (name, settings) in both {
        // A batch of one picture each: nothing is shared with another picture either.
        let mut settings = settings;
        settings["batch_size"] = json!(1);
        let alone = root(&folder.path().join(name));
        run(&plan(&alone, &[(name, settings)]));
        assert_eq!(answers(&together, name), answers(&alone, name), "{name}");
    }
}

/// An endpoint with one good answer; gives its address and counts the pictures that it sees.
fn endpoint() -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v1", listener.local_addr().unwrap());
    let count: Arc<AtomicU32> = Arc::default();
    let shared = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut first, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let line = line.trim().to_lowercase();
                if first.is_empty() {
                    first.clone_from(&line);
                }
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.parse().unwrap();
                }
                if line.is_empty() {
                    break;
                }
            }
            reader.read_exact(&mut vec![0; length]).unwrap();
            let answer = if first.contains("/models") {
                json!({ "data": [{ "id": "mock" }] })
            } else {
                shared.fetch_add(1, Ordering::Relaxed);
                let text = "The image shows a girl with silver hair in a field of flowers at dusk.";
                json!({ "choices": [{ "message": { "content": text }, "finish_reason": "stop" }] })
            };
            let text = answer.to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                text.len()
            );
            (&stream).write_all((head + &text).as_bytes()).unwrap();
        }
    });
    (address, count)
}

#[test]
fn an_endpoint_is_asked_once_and_a_changed_gate_asks_it_nothing() {
    let (address, count) = endpoint();
    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    let settings = |min_chars: u32| {
        json!({
            "kind": "http", "url": address, "model": "mock", "prompts": ["Describe the image."],
            "gate": { "min_chars": min_chars },
        })
    };
    let summary = run(&plan(&root, &[("served", settings(20))]));
    assert_eq!((summary.captioned, summary.counts.passed), (2, 2));
    let row = captions(&root, "served").remove(0);
    assert_eq!(
        row.text,
        "A girl with silver hair in a field of flowers at dusk."
    );
    assert_eq!(row.filters, ["lead_in"]);
    let strict = run(&plan(&root, &[("served", settings(400))]));
    assert_eq!(
        (strict.recleaned, strict.captioned, strict.counts.failed),
        (2, 0, 2)
    );
    assert_eq!(strict.rules["too_short"], 2);
    assert_eq!(
        run(&plan(&root, &[("served", settings(20))])).counts.passed,
        2
    );
    assert_eq!(
        count.load(Ordering::Relaxed),
        2,
        "one request a picture in all"
    );
    assert_eq!(captions(&root, "served")[0].raw, row.raw);
}

#[test]
fn the_four_tiles_of_a_grid_have_captions_of_their_own() {
    let (address, count) = endpoint();
    let folder = tempfile::tempdir().unwrap();
    let root = Root::new(folder.path());
    let run_number = root.claim_run("ingest", 0, 1).unwrap();
    let path = golden("cogvlm").join("image-1.png");
    let sha256 = Sha256Digest::of(&fs_err::read(&path).unwrap());
    let (mut rows, mut verdicts) = (Vec::new(), Vec::new());
    for tile in 1..=4_u32 {
        let source = "all:grid".to_owned();
        let item = ItemId::new(&source, tile);
        let mut row = LedgerRow::found(item, source, "all".to_owned(), path.display().to_string());
        (row.sha256, row.format, row.tile) = (Some(sha256), Some("png".to_owned()), tile);
        row.tile_top = Some(if tile > 2 { 17 } else { 0 });
        row.tile_left = Some(if tile % 2 == 0 { 22 } else { 0 });
        (row.tile_width, row.tile_height) = (Some(22), Some(17));
        rows.push(row);
        verdicts.push(VerdictRow::passed(item, Stage::Ingest, "ingest"));
    }
    root.ledger().append(run_number, rows).unwrap();
    root.verdicts().append(run_number, verdicts).unwrap();
    let settings =
        json!({ "kind": "http", "url": address, "model": "mock", "prompts": ["Describe it."] });
    let summary = run(&plan(&root, &[("served", settings)]));
    assert_eq!((summary.captioned, summary.counts.passed), (4, 4));
    assert_eq!(count.load(Ordering::Relaxed), 4);
    let captions = root.captions().rows().unwrap();
    let distinct = |of: fn(&CaptionRow) -> String| {
        let all: std::collections::BTreeSet<String> = captions.iter().map(of).collect();
        all.len()
    };
    assert_eq!(distinct(|row| row.picture_id.to_string()), 4);
    assert_eq!(distinct(|row| row.caption_key.to_string()), 4);
}

/// What the endpoint was asked, by pictures' names.
fn asked(root: &Root) -> Vec<String> {
    let rows = captions(root, "served").into_iter();
    rows.map(|row| row.prompt).collect()
}

#[test]
fn a_prompt_can_hold_the_pictures_own_and_is_passed_over_where_there_is_none() {
    let (address, count) = endpoint();
    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    let mut rows = root.ledger().rows().unwrap();
    rows.sort_by(|a, b| a.source_id.cmp(&b.source_id));
    rows[0].prompt = Some("a fox, watercolour --ar 3:2".to_owned());
    let run_id = root.claim_run("ingest", 0, 1).unwrap();
    root.ledger().append(run_id, rows).unwrap();
    let with = |prompts: &[&str]| {
        let settings =
            json!({ "kind": "http", "url": address, "model": "mock", "prompts": prompts });
        plan(&root, &[("served", settings)])
    };
    let hinted = "It was made for the words: {prompt}. Describe it.";
    let rehearsal = run(&CaptionPlan {
        dry_run: true,
        ..with(&[hinted])
    });
    assert_eq!((rehearsal.captioned, count.load(Ordering::Relaxed)), (1, 0));
    let summary = run(&with(&[hinted]));
    assert_eq!((summary.counts.passed, summary.counts.failed), (1, 1));
    let filled = "It was made for the words: a fox, watercolour. Describe it.";
    assert_eq!(asked(&root), [filled]);
    let verdicts = root.verdicts().rows().unwrap();
    let lacks = "all prompts ask for what the picture has not: `{prompt}`; one without hints would do for it";
    assert!(
        verdicts
            .iter()
            .any(|row| row.detail.as_deref() == Some(lacks))
    );
    let summary = run(&with(&[hinted, "Describe it."]));
    assert_eq!(summary.counts.passed, 2);
    assert!(asked(&root).contains(&"Describe it.".to_owned()));
}

#[test]
fn a_hint_of_a_tagger_that_the_collection_has_not_is_told_before_anything_is_asked() {
    let (address, count) = endpoint();
    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    let settings =
        json!({ "kind": "http", "url": address, "model": "mock", "prompts": ["Tags: {tags}."] });
    let plan = plan(&root, &[("served", settings)]);
    let error = caption(&plan, &Silent, &Cancel::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "captioner `served`: a prompt asks for `{tags}`, and no captioner `tags` of kind `tagger` captions collection \
         `all`\nhint: `{prompt}` stands for the picture's own prompt, the name of a tagger among `more_captioners` for its tags"
    );
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[cfg(feature = "torch")]
#[test]
fn a_prompt_can_hold_the_tags_of_a_tagger_and_other_tags_are_another_question() {
    terminus_nn::device::set_threads(1);
    let (address, count) = endpoint();
    let folder = tempfile::tempdir().unwrap();
    let root = root(folder.path());
    let with = |general: f64| {
        let tagger = json!({ "kind": "tagger", "model": golden("tagger"), "general": general });
        let served = json!({
            "kind": "http", "url": address, "model": "mock", "prompts": ["Tags: {tags}. Describe it."],
        });
        plan(&root, &[("served", served), ("tags", tagger)])
    };
    run(&with(0.35));
    let questions = || -> Vec<String> {
        let tags = captions(&root, "tags").into_iter();
        tags.map(|row| format!("Tags: {}. Describe it.", row.text))
            .collect()
    };
    assert_eq!(asked(&root), questions());
    assert_eq!(count.load(Ordering::Relaxed), 2);
    run(&with(0.35));
    assert_eq!(count.load(Ordering::Relaxed), 2, "the same tags");
    run(&with(0.02));
    assert_eq!(count.load(Ordering::Relaxed), 4, "more tags");
}
