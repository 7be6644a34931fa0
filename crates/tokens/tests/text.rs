//! Ids and texts of 220 odd strings equal those of SentencePiece and of tokenizers: see
//! `tests/golden/make_captioners.py`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::HashMap, io::Read as _, path::Path};

use terminus_tokens::TextTokenizer;

#[test]
fn ids_and_texts_are_those_of_sentencepiece_and_of_tokenizers() {
    let packed = include_bytes!("data/text.json.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    let expected: HashMap<String, Vec<(String, Vec<u32>, String)>> =
        serde_json::from_str(&text).unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (kind, folder) in [
        ("sentencepiece", "../../caption/tests/golden/cogvlm"),
        ("bytes", "../../caption/tests/golden/cogvlm2"),
        ("characters", "tests/data/llama2"),
    ] {
        let tokenizer = TextTokenizer::from_folder(&here.join(folder)).unwrap();
        assert!(expected[kind].len() > 200);
        for (text, ids, decoded) in &expected[kind] {
            assert_eq!(tokenizer.encode(text), *ids, "{kind} {text:?}");
            assert_eq!(tokenizer.decode(ids), *decoded, "{kind} {text:?}");
        }
    }
}

#[test]
fn a_file_that_is_no_tokenizer_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let fault = || {
        TextTokenizer::from_folder(folder.path())
            .unwrap_err()
            .to_string()
    };
    assert!(fault().contains("expected `tokenizer.json` or `tokenizer.model`"));
    fs_err::write(folder.path().join("tokenizer.model"), b"\x0a\xffjunk").unwrap();
    assert!(fault().contains("it is damaged or no SentencePiece model"));
    fs_err::write(
        folder.path().join("tokenizer.json"),
        r#"{"model": {"type": "Unigram"}}"#,
    )
    .unwrap();
    assert!(
        fault().contains("`model.type` is \"Unigram\""),
        "{}",
        fault()
    );
}
