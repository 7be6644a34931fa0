//! Every kind of source, small: each thing in it is accounted for.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::default_trait_access, reason = "short fixtures")]

mod world;

use std::{collections::BTreeMap, io::Write as _, path::Path, sync::Arc};

use arrow_array::{ArrayRef, BinaryArray, Float64Array, RecordBatch, StringArray, StructArray};
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use terminus_ingest::config::{Grids, Range, Select, Source};
use terminus_manifest::words::Role;
use world::{World, grid_png, png};

fn tar(path: &Path, members: &[(&str, &[u8])]) {
    let mut tar = tar::Builder::new(fs_err::File::create(path).unwrap());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *bytes).unwrap();
    }
    tar.into_inner().unwrap();
}

fn table(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer =
        ArrowWriter::try_new(fs_err::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn text(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn expect(world: &World, expected: &[(&str, &str)]) {
    let expected: BTreeMap<String, String> = expected
        .iter()
        .map(|(name, word)| ((*name).to_owned(), (*word).to_owned()))
        .collect();
    assert_eq!(world.verdicts(), expected);
}

#[test]
fn a_webdataset_is_read_where_it_lies() {
    let world = World::new();
    world.write("sets/x", "");
    tar(
        &world.path("sets/a.tar"),
        &[
            ("k1.png", &png(64, 48, 1)),
            ("k1.txt", b"a cat --niji 5"),
            ("k2.png", &png(64, 48, 2)),
            (
                "k2.json",
                br#"{"prompt": "a dog --v 5.2", "author": "ann"}"#,
            ),
            ("k3.cls", b"7"),
        ],
    );
    let plan = world.plan(vec![World::collection(
        "c",
        Source::Webdataset(world.path("sets/*.tar")),
    )]);
    assert_eq!(world.run(&plan).decoded, 3);
    expect(
        &world,
        &[
            ("a.tar!k1.png", "passed"),
            ("a.tar!k2.png", "passed"),
            ("a.tar!k3.cls", "not_an_image"),
        ],
    );
    let ledger = world.ledger();
    let row = &ledger[&("c:a.tar!k2.png".to_owned(), 0)];
    assert_eq!(row.author.as_deref(), Some("ann"));
    assert_eq!(
        (row.generator.as_deref(), row.generator_version.as_deref()),
        (Some("midjourney"), Some("5.2"))
    );
    assert!(world.path("root/originals").exists(), "members are copied");
    assert_eq!(world.run(&plan).decoded, 0, "nothing is new");
}

#[test]
fn a_damaged_tar_gives_what_it_has_and_one_item_for_the_damage() {
    let world = World::new();
    world.write("x", "");
    let path = world.path("a.tar");
    tar(
        &path,
        &[("k1.png", &png(64, 48, 1)), ("k2.png", &png(64, 48, 2))],
    );
    let bytes = fs_err::read(&path).unwrap();
    fs_err::write(&path, &bytes[..bytes.len() - 3000]).unwrap();
    world.run(&world.plan(vec![World::collection("c", Source::Webdataset(path))]));
    expect(&world, &[("a.tar!k1.png", "passed"), ("a.tar", "corrupt")]);
}

#[test]
fn a_zip_is_read_stored_or_deflated() {
    let world = World::new();
    world.write("x", "");
    let mut zip = zip::ZipWriter::new(fs_err::File::create(world.path("a.zip")).unwrap());
    for (name, bytes, method) in [
        ("in/one.png", png(64, 48, 1), zip::CompressionMethod::Stored),
        (
            "in/one.txt",
            b"a cat --niji 6".to_vec(),
            zip::CompressionMethod::Deflated,
        ),
        (
            "in/two.png",
            png(64, 48, 2),
            zip::CompressionMethod::Deflated,
        ),
        (
            "__MACOSX/in/._two.png",
            b"x".to_vec(),
            zip::CompressionMethod::Stored,
        ),
    ] {
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        zip.start_file(name, options).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap();
    world.run(&world.plan(vec![World::collection(
        "c",
        Source::Zip(world.path("a.zip")),
    )]));
    expect(
        &world,
        &[
            ("a.zip!in/one.png", "passed"),
            ("a.zip!in/two.png", "passed"),
        ],
    );
    assert_eq!(
        world.ledger()[&("c:a.zip!in/one.png".to_owned(), 0)]
            .prompt_text
            .as_deref(),
        Some("a cat")
    );
    world.write("b.zip", "no zip at all");
    world.run(&world.plan(vec![World::collection(
        "d",
        Source::Zip(world.path("b.zip")),
    )]));
    assert_eq!(world.verdicts()["b.zip"], "corrupt");
}

#[test]
fn a_hugging_face_table_gives_its_pictures() {
    let world = World::new();
    world.write("x", "");
    let (one, two) = (png(64, 48, 1), png(64, 48, 2));
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![
        Some(&one[..]),
        Some(&two[..]),
        None,
    ]));
    let image: ArrayRef = Arc::new(StructArray::from(vec![
        (Arc::new(Field::new("bytes", DataType::Binary, true)), bytes),
        (
            Arc::new(Field::new("path", DataType::Utf8, true)),
            text(&[Some("1.png"), None, None]),
        ),
    ]));
    let path = world.path("a.parquet");
    table(
        &path,
        vec![
            ("image", image),
            ("text", text(&[Some("a cat --v 6"), None, Some("nothing")])),
        ],
    );
    let plan = world.plan(vec![World::collection("c", Source::Parquet(path))]);
    world.run(&plan);
    expect(
        &world,
        &[
            ("a.parquet!0", "passed"),
            ("a.parquet!1", "passed"),
            ("a.parquet!2", "no_image"),
        ],
    );
    assert_eq!(
        world.ledger()[&("c:a.parquet!0".to_owned(), 0)]
            .prompt_text
            .as_deref(),
        Some("a cat")
    );
    assert_eq!(world.run(&plan).decoded, 0);
}

#[test]
fn nijijourney_joins_tars_and_table() {
    let world = World::new();
    world.write("niji/x", "");
    tar(
        &world.path("niji/0.tar"),
        &[("11.png", &png(64, 48, 1)), ("12.png", &png(64, 48, 2))],
    );
    table(
        &world.path("niji/train.parquet"),
        vec![
            ("id", text(&[Some("11"), Some("13")])),
            ("version", text(&[Some("5"), Some("5")])),
            ("original_text", text(&[Some("a cat"), Some("lost")])),
            ("arguments", text(&[Some("--ar 4:3"), None])),
            ("gpt_caption", text(&[Some("A cat sits."), None])),
        ],
    );
    world.run(&world.plan(vec![World::collection(
        "c",
        Source::Nijijourney(world.path("niji")),
    )]));
    expect(
        &world,
        &[
            ("0.tar!11.png", "passed"),
            ("0.tar!12.png", "passed"),
            ("id:13", "no_image"),
        ],
    );
    let row = &world.ledger()[&("c:0.tar!11.png".to_owned(), 0)];
    assert_eq!(row.prompt.as_deref(), Some("a cat --ar 4:3"));
    assert_eq!(row.found_caption.as_deref(), Some("A cat sits."));
    assert_eq!(
        (row.generator.as_deref(), row.generator_version.as_deref()),
        (Some("niji"), Some("5"))
    );
}

#[test]
fn img2dataset_output_is_taken_with_its_failures() {
    let world = World::new();
    world.write("out/00000/000000000.png", png(64, 48, 1));
    table(
        &world.path("out/00000.parquet"),
        vec![
            (
                "url",
                text(&[Some("https://x/1.png"), Some("https://x/2.png")]),
            ),
            ("caption", text(&[Some("a cat"), Some("a dog")])),
            ("key", text(&[Some("000000000"), Some("000000001")])),
            (
                "status",
                text(&[Some("success"), Some("failed_to_download")]),
            ),
            ("error_message", text(&[None, Some("HTTP Error 404")])),
        ],
    );
    world.run(&world.plan(vec![World::collection(
        "c",
        Source::Img2dataset(world.path("out")),
    )]));
    expect(
        &world,
        &[
            ("00000!000000000", "passed"),
            ("00000!000000001", "no_image"),
        ],
    );
    assert_eq!(
        world.ledger()[&("c:00000!000000000".to_owned(), 0)]
            .prompt
            .as_deref(),
        Some("a cat")
    );
}

const BOT: &str = r#""author": {"id": "1022952195194359889", "name": "niji", "isBot": true}"#;

fn export(messages: &[String]) -> String {
    format!(
        r#"{{"guild": {{"id": "1"}}, "messages": [{}], "messageCount": 1}}"#,
        messages.join(",")
    )
}

fn message(id: u64, content: &str, more: &str, attachments: &[&str]) -> String {
    let attachments: Vec<String> = attachments
        .iter()
        .enumerate()
        .map(|(n, url)| format!(r#"{{"id": "{id}{n}", "url": "{url}", "fileName": "x.png"}}"#))
        .collect();
    format!(
        r#"{{"id": "{id}", "timestamp": "2024-07-15T14:03:11.2+00:00", "content": "{content}", {BOT}, {more} "attachments": [{}]}}"#,
        attachments.join(",")
    )
}

#[test]
fn a_discord_export_is_accounted_for_message_by_message() {
    let world = World::new();
    world.write("export/media/grid 1.png", grid_png(1024, 1024));
    let tile = world::picture(512, 512, 3);
    let single = terminus_pixels::encode_png(&tile, terminus_pixels::Effort::Fast).unwrap();
    world.write("export/media/single.png", &single);
    let messages = [
        message(
            10,
            "**a cat --ar 1:1** - <@5> (fast)",
            r#""reactions": [{"count": 3}, {"count": 2}],"#,
            &["media/grid%201.png"],
        ),
        message(
            11,
            "**a cat --ar 1:1** - Image #3 <@5>",
            r#""reference": {"messageId": "10"},"#,
            &["media/single.png"],
        ),
        message(12, "**a dog** - <@5> (31%) (fast)", "", &["media/none.png"]),
        message(
            13,
            "**a dog** - <@5> (fast) (Open on website for full quality)",
            "",
            &["media/none.png"],
        ),
        message(14, "hello", "", &[]),
        message(15, "**lost** - <@5> (fast)", "", &["media/lost.png"]),
        message(16, "**evil** - <@5> (fast)", "", &["../../secret.png"]),
        r#"{"id": 17}"#.to_owned(),
    ];
    world.write("export/niji.json", export(&messages));
    let plan = world.plan(vec![World::collection(
        "c",
        Source::Discord(world.path("export/*.json")),
    )]);
    let summary = world.run(&plan);
    assert_eq!(
        (summary.found, summary.counts.entered),
        (8, 12),
        "four tiles are items too"
    );
    expect(
        &world,
        &[
            ("discord:10/100", "split_into_tiles"),
            ("discord:10/100#1", "passed"),
            ("discord:10/100#2", "passed"),
            ("discord:10/100#3", "passed"),
            ("discord:10/100#4", "passed"),
            ("discord:11/110", "near_duplicate"),
            ("discord:12", "not_final"),
            ("discord:13", "reduced"),
            ("discord:14", "no_image"),
            ("discord:15/150", "unreadable"),
            ("discord:16/160", "bad_row"),
            ("message 8", "bad_row"),
        ],
    );
    let ledger = world.ledger();
    let row = |name: &str, tile| &ledger[&(format!("c:discord:{name}"), tile)];
    let grid = row("10/100", 0);
    assert_eq!(grid.reactions, Some(5));
    assert_eq!(
        (grid.generator.as_deref(), grid.generator_version.as_deref()),
        (Some("niji"), Some("6")),
        "by the day"
    );
    assert_eq!(row("11/110", 0).parent_id, Some(row("10/100", 3).item_id));
    assert_eq!(
        row("11/110", 0).group_id,
        row("10/100", 3).group_id,
        "a tile and its image are one picture, of which the older stays"
    );
    let corner = row("10/100", 4);
    assert_eq!(
        (
            corner.tile_top,
            corner.tile_left,
            corner.tile_width,
            corner.tile_height
        ),
        (Some(512), Some(512), Some(512), Some(512))
    );
}

#[test]
fn an_export_that_is_cut_keeps_what_was_read() {
    let world = World::new();
    world.write("m.png", png(64, 48, 1));
    let whole = export(&[
        message(10, "**a cat** - Upscaled by <@5> (fast)", "", &["m.png"]),
        message(11, "x", "", &[]),
    ]);
    world.write("a.json", &whole[..whole.len() - 120]);
    world.run(&world.plan(vec![World::collection(
        "c",
        Source::Discord(world.path("a.json")),
    )]));
    expect(
        &world,
        &[("discord:10/100", "passed"), ("a.json", "corrupt")],
    );
}

#[test]
fn grids_are_told_by_their_seams_and_can_be_rejected() {
    let world = World::new();
    world.write("in/grid.png", grid_png(1024, 768));
    world.write("in/single.png", png(1024, 768, 5));
    let mut plan = world.plan(vec![World::collection(
        "c",
        Source::Folder(world.path("in")),
    )]);
    world.run(&plan);
    assert_eq!(world.verdicts()["grid.png"], "split_into_tiles");
    assert_eq!(world.verdicts()["grid.png#4"], "passed");
    assert_eq!(world.verdicts()["single.png"], "passed");
    plan.collections[0].grids = Grids::Reject;
    let summary = world.run(&plan);
    assert_eq!(summary.decoded, 0, "a policy costs no decoding");
    assert_eq!(world.verdicts()["grid.png#4"], "grid");
    // A grid that is replaced takes its tiles along.
    world.write("in/grid.png", png(1024, 768, 6));
    assert_eq!(world.run(&plan).gone, 4);
    assert_eq!(world.verdicts()["grid.png"], "passed");
}

#[test]
fn anchors_never_lose_to_larger_pictures_of_train() {
    let world = World::new();
    world.write("train/a.png", png(256, 192, 1));
    world.write("anchors/b.png", png(128, 96, 1));
    let mut anchors = World::collection("anchors", Source::Folder(world.path("anchors")));
    anchors.role = Role::Anchor;
    let train = World::collection("train", Source::Folder(world.path("train")));
    let mut plan = world.plan(vec![train, anchors]);
    world.run(&plan);
    expect(&world, &[("a.png", "near_duplicate"), ("b.png", "passed")]);
    plan.duplicates.near = false;
    assert_eq!(world.run(&plan).changed, 1);
    expect(&world, &[("a.png", "passed"), ("b.png", "passed")]);
}

#[test]
fn thresholds_and_joined_scores_decide_without_decoding() {
    let world = World::new();
    world.write("in/flat.bmp", b"");
    let flat = terminus_pixels::RgbImage::new(64, 64, vec![9; 64 * 64 * 3]).unwrap();
    let flat = terminus_pixels::encode_png(&flat, terminus_pixels::Effort::Fast).unwrap();
    world.write("in/flat.png", &flat);
    world.write("in/waves.png", png(64, 64, 1));
    let mut plan = world.plan(vec![World::collection(
        "c",
        Source::Folder(world.path("in")),
    )]);
    world.run(&plan);
    plan.collections[0].scores.min_entropy = Some(2.0);
    let summary = world.run(&plan);
    assert_eq!((summary.decoded, summary.changed), (0, 1));
    expect(
        &world,
        &[
            ("flat.bmp", "empty"),
            ("flat.png", "low_information"),
            ("waves.png", "passed"),
        ],
    );
    assert_eq!(
        summary.flags.missing_safety_scores,
        ["aesthetic", "nsfw", "watermark", "person"]
    );

    let sha256 = world.ledger()[&("c:waves.png".to_owned(), 0)]
        .sha256
        .unwrap()
        .to_string();
    let scores: ArrayRef = Arc::new(Float64Array::from(vec![4.5]));
    table(
        &world.path("scores.parquet"),
        vec![("sha256", text(&[Some(&sha256)])), ("aesthetic", scores)],
    );
    plan.score_files = vec![world.path("scores.parquet")];
    let at_least = |min| Select {
        scores: [(
            "aesthetic".to_owned(),
            Range {
                min: Some(min),
                max: None,
            },
        )]
        .into(),
        ..Select::default()
    };
    plan.collections[0].select = at_least(4.0);
    assert_eq!(
        world.run(&plan).flags.missing_safety_scores,
        ["nsfw", "watermark", "person"]
    );
    assert_eq!(world.verdicts()["waves.png"], "passed");
    plan.collections[0].select = at_least(5.0);
    world.run(&plan);
    assert_eq!(world.verdicts()["waves.png"], "not_selected");
    let sweep = terminus_ingest::sweep(&plan).unwrap();
    assert!(
        sweep
            .iter()
            .any(|row| row.score == "aesthetic" && row.items == 1)
    );
}

#[test]
fn shares_see_each_others_pictures() {
    let world = World::new();
    for seed in 0..12 {
        world.write(&format!("in/{seed}.png"), png(96, 64, seed % 6));
    }
    let plan = |shard, of| {
        let mut plan = world.plan(vec![World::collection(
            "c",
            Source::Folder(world.path("in")),
        )]);
        (plan.shard, plan.of) = (shard, of);
        plan
    };
    std::thread::scope(|scope| {
        for shard in 0..3 {
            let plan = plan(shard, 3);
            let world = &world;
            scope.spawn(move || world.run(&plan));
        }
    });
    let verdicts = world.verdicts();
    assert_eq!(verdicts.len(), 12);
    assert_eq!(
        verdicts.values().filter(|word| *word == "passed").count(),
        6
    );
    let whole = world.run(&plan(0, 1));
    assert_eq!(
        (whole.decoded, whole.changed),
        (0, 0),
        "one process has nothing to add"
    );
}

#[test]
fn one_place_in_two_collections_belongs_to_the_first() {
    let world = World::new();
    world.write("in/a.png", png(64, 48, 1));
    let collections =
        ["one", "two"].map(|name| World::collection(name, Source::Folder(world.path("in"))));
    let plan = world.plan(collections.to_vec());
    let summary = world.run(&plan);
    assert_eq!(summary.decoded, 1, "the second is not read");
    assert_eq!((summary.counts.passed, summary.counts.rejected), (1, 1));
    // Alone, the second collection's item is its own.
    let alone = world.plan(vec![collections[1].clone()]);
    assert_eq!(world.run(&alone).counts.passed, 1);
}

#[test]
fn lists_are_read_in_every_dress() {
    let world = World::new();
    let urls = |name: &str, bytes: &[u8]| {
        let path = world.write(name, bytes);
        let world = World::new();
        let mut plan = world.plan(vec![World::collection("c", Source::Urls(path))]);
        plan.dry_run = true;
        world.run(&plan).found
    };
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(b"{\"url\": \"https://x/1.png\"}\n\"https://x/2.png\"\nnonsense\n")
        .unwrap();
    assert_eq!(urls("a.jsonl.gz", &gz.finish().unwrap()), 3);
    assert_eq!(
        urls(
            "a.txt",
            b"# list\nhttps://x/1.png\ta cat\n\nhttps://x/2.png\n"
        ),
        2
    );
    assert_eq!(
        urls(
            "a.tsv",
            b"\xef\xbb\xbfURL\tprompt\nhttps://x/1.png\ta cat\n\t\n"
        ),
        2
    );
    assert_eq!(
        urls(
            "a.csv",
            b"link,text\nhttps://x/1.png,\"a, b\"\nhttps://x/2.png\n\xff\xfe,\n"
        ),
        3
    );
}
