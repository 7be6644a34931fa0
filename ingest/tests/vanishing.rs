//! What other tools drop without a word: each of these is an item here.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::default_trait_access, reason = "short fixtures")]

mod world;

use std::{collections::BTreeMap, io::Write as _, path::Path, sync::Arc};

use arrow_array::{ArrayRef, BinaryArray, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use terminus_ingest::config::Source;
use world::{World, png};

fn text(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn table(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let file = fs_err::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

type Entry<'a> = (&'a str, tar::EntryType, &'a [u8]);

/// Files with their bytes, links with what they lead to.
fn tar(path: &Path, entries: &[Entry<'_>]) {
    let mut tar = tar::Builder::new(fs_err::File::create(path).unwrap());
    for &(name, kind, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        // As `tar -c .` writes names: the library would take `./` away.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        let is_link = kind != tar::EntryType::Regular;
        if is_link {
            header.as_old_mut().linkname[..bytes.len()].copy_from_slice(bytes);
        }
        header.set_size(if is_link { 0 } else { bytes.len() as u64 });
        header.set_cksum();
        tar.append(&header, if is_link { &[] } else { bytes })
            .unwrap();
    }
    tar.finish().unwrap();
}

/// Every item: its verdict or reason, and its prompt.
fn items(world: &World) -> BTreeMap<String, (String, Option<String>)> {
    let ledger = world.ledger();
    let prompt = |name: &str| ledger[&(format!("c:{name}"), 0)].prompt.clone();
    let verdicts = world.verdicts().into_iter();
    verdicts
        .map(|(name, word)| (name.clone(), (word, prompt(&name))))
        .collect()
}

#[track_caller]
fn expect(world: &World, expected: &[(&str, &str, Option<&str>)]) {
    let expected: BTreeMap<_, _> = expected
        .iter()
        .map(|&(name, word, prompt)| {
            (
                name.to_owned(),
                (word.to_owned(), prompt.map(str::to_owned)),
            )
        })
        .collect();
    assert_eq!(items(world), expected);
}

fn ingest(world: &World, source: Source) {
    let plan = world.plan(vec![World::collection("c", source)]);
    world.run(&plan);
    assert_eq!(
        world.run(&plan).changed,
        0,
        "a second run has nothing to do"
    );
}

#[test]
fn every_member_of_a_tar_is_an_item_whatever_its_name_or_kind() {
    use tar::EntryType::{Fifo, Link, Regular, Symlink};
    let world = World::new();
    world.write("x", "");
    let pictures = [1, 2, 3, 4, 5].map(|seed| png(64, 48, seed));
    tar(
        &world.path("a.tar"),
        &[
            ("./dot.png", Regular, &pictures[0]),
            ("./dot.txt", Regular, b"as `tar -c .` writes names"),
            ("in/v5.2.png", Regular, &pictures[1]),
            ("in/v5.2.txt", Regular, b"a dot in the name"),
            ("same.png", Regular, &pictures[2]),
            ("same.png", Regular, &pictures[3]),
            ("in/soft.png", Symlink, b"../same.png"),
            ("hard.png", Link, b"in/v5.2.png"),
            ("lost.png", Symlink, b"/elsewhere/lost.png"),
            ("pipe", Fifo, b""),
            ("suffix.png", Regular, &pictures[4]),
            ("suffix.png.txt", Regular, b"as some tools write"),
            (".hidden.png", Regular, &pictures[4]),
        ],
    );
    ingest(&world, Source::Webdataset(world.path("a.tar")));
    expect(
        &world,
        &[
            (
                "a.tar!dot.png",
                "passed",
                Some("as `tar -c .` writes names"),
            ),
            ("a.tar!hard.png", "passed", None),
            ("a.tar!in/soft.png", "passed", None),
            ("a.tar!in/v5.2.png", "duplicate", Some("a dot in the name")),
            ("a.tar!lost.png", "unreadable", None),
            ("a.tar!same.png", "passed", None),
            ("a.tar!same.png#2", "duplicate", None),
            ("a.tar!suffix.png", "passed", Some("as some tools write")),
        ],
    );
}

#[test]
fn each_member_of_a_zip_that_cannot_be_read_is_an_item() {
    let world = World::new();
    world.write("x", "");
    let mut zip = zip::ZipWriter::new(fs_err::File::create(world.path("a.zip")).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    for name in ["v5.2.png", "one.png", "two.png"] {
        let options = options.compression_method(zip::CompressionMethod::Stored);
        zip.start_file(name, options).unwrap();
        zip.write_all(&png(
            64,
            48,
            name.len() as u32 + u32::from(name.as_bytes()[0]),
        ))
        .unwrap();
    }
    zip.start_file("v5.2.txt", options).unwrap();
    zip.write_all(b"a dot in the name").unwrap();
    zip.finish().unwrap();
    // The directory says that two of them are packed by bzip2 and by nothing that is known.
    let path = world.path("a.zip");
    let mut bytes = fs_err::read(&path).unwrap();
    for (name, method) in [("one.png", 12_u16), ("two.png", 77)] {
        let at = (0..bytes.len() - 50).find(|&at| {
            bytes[at..].starts_with(b"PK\x01\x02") && bytes[at + 46..].starts_with(name.as_bytes())
        });
        let at = at.unwrap() + 10;
        bytes[at..at + 2].copy_from_slice(&method.to_le_bytes());
    }
    fs_err::write(&path, bytes).unwrap();
    ingest(&world, Source::Zip(path));
    expect(
        &world,
        &[
            ("a.zip!one.png", "unreadable", None),
            ("a.zip!two.png", "unreadable", None),
            ("a.zip!v5.2.png", "passed", Some("a dot in the name")),
        ],
    );
}

#[test]
fn rows_of_a_table_that_share_an_id_are_items_of_their_own() {
    let world = World::new();
    world.write("x", "");
    let pictures = [1, 2].map(|seed| png(64, 48, seed));
    let image: ArrayRef = Arc::new(BinaryArray::from_vec(vec![&pictures[0], &pictures[1]]));
    let path = world.path("a.parquet");
    table(
        &path,
        vec![
            ("image", image),
            ("image_id", text(&[Some("7"), Some("7")])),
        ],
    );
    ingest(&world, Source::Parquet(path));
    expect(
        &world,
        &[
            ("a.parquet!7", "passed", None),
            ("a.parquet!7#2", "passed", None),
        ],
    );
}

#[test]
fn a_table_that_is_damaged_gives_the_rows_around_the_damage() {
    let world = World::new();
    world.write("x", "");
    let path = world.path("a.parquet");
    let schema = Arc::new(Schema::new(vec![
        Field::new("image", DataType::Binary, true),
        Field::new("text", DataType::Utf8, true),
    ]));
    let file = fs_err::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), None).unwrap();
    let mut ends = Vec::new();
    for seed in 1..=3 {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(BinaryArray::from_vec(vec![&png(64, 48, seed)])),
            text(&[Some("a cat")]),
        ];
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        writer.write(&batch).unwrap();
        writer.flush().unwrap();
        ends.push(writer.bytes_written());
    }
    writer.close().unwrap();
    let mut bytes = fs_err::read(&path).unwrap();
    bytes[ends[0]..ends[1]].fill(0xff);
    fs_err::write(&path, bytes).unwrap();
    ingest(&world, Source::Parquet(path));
    expect(
        &world,
        &[
            ("a.parquet", "corrupt", None),
            ("a.parquet!0", "passed", Some("a cat")),
            ("a.parquet!2", "passed", Some("a cat")),
        ],
    );
}

#[test]
fn images_of_img2dataset_that_no_row_tells_of_are_items() {
    use tar::EntryType::Regular;
    let world = World::new();
    world.write("out/x", "");
    let pictures = [1, 2, 3, 4].map(|seed| png(64, 48, seed));
    tar(
        &world.path("out/00000.tar"),
        &[
            ("000000000.png", Regular, &pictures[0]),
            ("000000001.png", Regular, &pictures[1]),
            ("000000001.txt", Regular, b"no row tells of it"),
        ],
    );
    table(
        &world.path("out/00000.parquet"),
        vec![
            ("key", text(&[Some("000000000")])),
            ("caption", text(&[Some("a cat")])),
            ("status", text(&[Some("success")])),
        ],
    );
    // A run that was ended wrote no table for its last shards.
    tar(
        &world.path("out/00001.tar"),
        &[
            ("000010000.png", Regular, &pictures[2]),
            ("000010000.txt", Regular, b"a dog"),
        ],
    );
    world.write("out/00002/000020000.png", &pictures[3]);
    ingest(&world, Source::Img2dataset(world.path("out")));
    expect(
        &world,
        &[
            ("00000!000000000", "passed", Some("a cat")),
            ("00000!000000001", "passed", Some("no row tells of it")),
            ("00001!000010000", "passed", Some("a dog")),
            ("00002!000020000", "passed", None),
        ],
    );
}

#[test]
fn rows_of_nijijourney_without_an_id_or_with_one_of_another_are_items() {
    let world = World::new();
    world.write("niji/x", "");
    tar(
        &world.path("niji/0.tar"),
        &[("11.png", tar::EntryType::Regular, &png(64, 48, 1))],
    );
    table(
        &world.path("niji/train.parquet"),
        vec![
            ("id", text(&[Some("11"), None, Some("11"), Some("11")])),
            (
                "original_text",
                text(&[Some("a cat"), Some("?"), Some("a dog"), Some("a cat")]),
            ),
        ],
    );
    ingest(&world, Source::Nijijourney(world.path("niji")));
    expect(
        &world,
        &[
            ("0.tar!11.png", "passed", Some("a cat")),
            ("train.parquet#2", "bad_row", None),
            ("train.parquet#3", "bad_row", None),
        ],
    );
}

/// The items of a list, each with its prompt; nothing is fetched.
fn listed(name: &str, bytes: &[u8]) -> Vec<(String, Option<String>)> {
    let world = World::new();
    let path = world.write(name, bytes);
    let mut plan = world.plan(vec![World::collection("c", Source::Urls(path))]);
    // Port 9 of this machine answers nobody, and private addresses are refused.
    plan.download.attempts = std::num::NonZeroU32::MIN;
    world.run(&plan);
    let short = |name: String| name.replace("url:http://127.0.0.1:9/", "");
    let items = items(&world).into_iter();
    items
        .map(|(name, (word, prompt))| match word.as_str() {
            "address_refused" => (short(name), prompt),
            word => (format!("{} {word}", short(name)), prompt),
        })
        .collect()
}

fn row<'a>(name: &str, prompt: impl Into<Option<&'a str>>) -> (String, Option<String>) {
    (name.to_owned(), prompt.into().map(str::to_owned))
}

#[test]
fn a_quote_without_an_end_takes_no_rows_with_it() {
    let at = "http://127.0.0.1:9";
    let tsv = format!("url\tprompt\n{at}/1\t\"a cat\n{at}/2\ta dog\n{at}/3\tthe end\n");
    assert_eq!(
        listed("a.tsv", tsv.as_bytes()),
        [row("1", "a cat"), row("2", "a dog"), row("3", "the end")]
    );
    let csv = format!("prompt,url\n\"two\nlines\",{at}/1\n\"open,{at}/2\nshut,{at}/3\n");
    assert_eq!(
        listed("a.csv", csv.as_bytes()),
        [row("1", "two\nlines"), row("2", "open"), row("3", "shut")]
    );
}

#[test]
fn a_value_too_many_is_told_and_an_empty_one_is_not() {
    let at = "http://127.0.0.1:9";
    let csv = format!("url,prompt\n{at}/1,a cat, sitting\n{at}/2,a dog,,\n");
    assert_eq!(
        listed("a.csv", csv.as_bytes()),
        [row("a.csv#2 bad_row", None), row("2", "a dog")]
    );
}

#[test]
fn lists_come_as_json_empty_or_in_another_encoding() {
    let at = "http://127.0.0.1:9";
    let json =
        format!("\u{feff}[\n {{\"url\": \"{at}/1\", \"prompt\": \"a cat\"}},\n \"{at}/2\",\n 3\n]");
    assert_eq!(
        listed("a.json", json.as_bytes()),
        [
            row("a.json#3 bad_row", None),
            row("1", "a cat"),
            row("2", None)
        ]
    );
    let lines = format!("{{\"url\": \"{at}/1\"}}\n{{\"url\": \"{at}/2\"}}\n");
    assert_eq!(
        listed("b.json", lines.as_bytes()),
        [row("1", None), row("2", None)]
    );
    let cut = json.as_bytes();
    assert_eq!(
        listed("c.json", &cut[..cut.len() - 5]),
        [
            row("c.json corrupt", None),
            row("1", "a cat"),
            row("2", None)
        ]
    );
    for name in ["d.csv", "d.txt", "d.json", "d.jsonl", "d.tsv"] {
        assert_eq!(listed(name, b""), [], "a list that grows begins empty");
    }
    let utf_16: Vec<u8> = "\u{feff}http://127.0.0.1:9/1\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(listed("e.txt", &utf_16), [row("e.txt corrupt", None)]);
}

#[test]
fn a_discord_export_may_begin_with_a_mark() {
    let world = World::new();
    world.write("media/a.png", png(64, 48, 1));
    let export = "\u{feff}{\"messages\": [{\"id\": \"1\", \"content\": \"**a cat --niji 6** - Image #1 <@1>\", \"attachments\": [{\"id\": \"2\", \"url\": \"media/a.png\"}]}]}";
    let path = world.write("a.json", export);
    ingest(&world, Source::Discord(path));
    expect(&world, &[("discord:1/2", "passed", Some("a cat --niji 6"))]);
}
