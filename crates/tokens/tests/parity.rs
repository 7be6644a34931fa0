//! Token ids equal those of transformers, on the fixtures of `tests/golden/make_tokens.py`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use terminus_tokens::ClipTokenizer;

#[derive(Deserialize)]
struct Fixture {
    texts: Vec<String>,
    tokenizer: Vec<Vec<u32>>,
    tokenizer_2: Vec<Vec<u32>>,
    padded: usize,
    tokenizer_padded: Vec<Vec<i64>>,
    tokenizer_2_padded: Vec<Vec<i64>>,
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/tokens")
}

fn fixture() -> Fixture {
    let packed = fs_err::read(data().join("clip.json.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn both_tokenizers_give_transformers_ids_on_1600_odd_strings() {
    let Fixture {
        texts,
        tokenizer,
        tokenizer_2,
        ..
    } = fixture();
    assert_eq!(texts.len(), 1600);
    let (first, second) = ClipTokenizer::sdxl().unwrap();
    for ((text, one), two) in texts.iter().zip(tokenizer).zip(tokenizer_2) {
        assert_eq!(first.encode(text), one, "tokenizer: {text:?}");
        assert_eq!(second.encode(text), two, "tokenizer_2: {text:?}");
        assert_eq!(first.count(text), one.len());
    }
}

#[test]
fn padded_ids_equal_transformers_and_the_cut_is_counted() {
    let Fixture {
        texts,
        tokenizer,
        padded,
        tokenizer_padded,
        tokenizer_2_padded,
        ..
    } = fixture();
    let (first, second) = ClipTokenizer::sdxl().unwrap();
    let mut cut = 0;
    for at in 0..padded {
        let text = &texts[at];
        let one = first.encode_padded(text);
        assert_eq!(one.ids, tokenizer_padded[at], "tokenizer: {text:?}");
        assert_eq!(
            one.dropped,
            tokenizer[at].len().saturating_sub(75),
            "{text:?}"
        );
        assert_eq!(
            second.encode_padded(text).ids,
            tokenizer_2_padded[at],
            "tokenizer_2: {text:?}"
        );
        cut += usize::from(one.dropped > 0);
    }
    assert!(cut >= 5, "the fixture holds texts that are too long");
}

#[test]
fn every_layout_of_a_folder_reads_as_transformers_reads_it() {
    let small = data().join("small");
    let text = fs_err::read_to_string(small.join("expected.json")).unwrap();
    let expected: HashMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    let texts: Vec<String> = serde_json::from_value(expected["texts"].clone()).unwrap();
    for folder in ["bare", "map", "map_same", "decoder", "whole"] {
        let ids: Vec<Vec<i64>> = serde_json::from_value(expected[folder].clone()).unwrap();
        let tokenizer = ClipTokenizer::from_folder(&small.join(folder)).unwrap();
        assert_eq!(tokenizer.context(), 9);
        for (text, ids) in texts.iter().zip(ids) {
            assert_eq!(tokenizer.encode_padded(text).ids, ids, "{folder}: {text:?}");
        }
    }
}

#[test]
fn a_written_folder_reads_back_as_the_same_tokenizer() {
    let scratch = tempfile::tempdir().unwrap();
    let (first, second) = ClipTokenizer::sdxl().unwrap();
    for (name, tokenizer) in [("tokenizer", first), ("tokenizer_2", second)] {
        let folder = scratch.path().join(name);
        tokenizer.write_folder(&folder).unwrap();
        let back = ClipTokenizer::from_folder(&folder).unwrap();
        assert_eq!(back.vocabulary_size(), 49_408);
        for text in fixture().texts.iter().take(300) {
            assert_eq!(
                back.encode_padded(text),
                tokenizer.encode_padded(text),
                "{text:?}"
            );
        }
    }
}

#[test]
fn a_folder_that_is_no_clip_tokenizer_says_why() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let error = |folder: &Path| {
        let error = ClipTokenizer::from_folder(folder).unwrap_err();
        error.to_string().replace(&*folder.to_string_lossy(), "DIR")
    };
    assert_eq!(
        error(folder),
        "`DIR` holds no tokenizer\nhint: expected `vocab.json` and `merges.txt`, or `tokenizer.json`"
    );

    fs_err::write(
        folder.join("tokenizer.json"),
        r#"{"model":{"type":"WordPiece","vocab":{}}}"#,
    )
    .unwrap();
    assert!(error(folder).starts_with(
        "`DIR/tokenizer.json` is not a CLIP tokenizer: `model.type` is `WordPiece`, expected `BPE`"
    ));
    fs_err::write(
        folder.join("tokenizer.json"),
        r#"{"model":{"type":"BPE","vocab":{}}}"#,
    )
    .unwrap();
    assert!(error(folder).contains("`model.end_of_word_suffix` is absent, expected `</w>`"));

    fs_err::write(folder.join("vocab.json"), r#"{"<|startoftext|>":0,"a":1}"#).unwrap();
    fs_err::write(folder.join("merges.txt"), "#version: 0.2\na b\n").unwrap();
    assert_eq!(
        error(folder),
        "merge 1 needs the token `b`, which the vocabulary lacks"
    );
    fs_err::write(folder.join("merges.txt"), "#version: 0.2\n").unwrap();
    assert!(
        error(folder).starts_with("the eos token `<|endoftext|>` is not in the vocabulary\nhint:")
    );
    fs_err::write(folder.join("vocab.json"), "{").unwrap();
    assert_eq!(
        error(folder),
        "`DIR/vocab.json` is not a valid tokenizer file"
    );
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_text_encodes_within_the_vocabulary_and_pads_to_the_context(text in ".{0,200}") {
        thread_local!(static PAIR: (ClipTokenizer, ClipTokenizer) = ClipTokenizer::sdxl().unwrap());
        PAIR.with(|(first, second)| {
            for tokenizer in [first, second] {
                let padded = tokenizer.encode_padded(&text);
                assert_eq!(padded.ids.len(), 77);
                assert!(padded.ids.iter().all(|id| (0..49_408).contains(id)));
                assert_eq!(padded.ids[0], 49_406);
                assert_eq!(padded.dropped, tokenizer.count(&text).saturating_sub(75));
            }
        });
    }
}
