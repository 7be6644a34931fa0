//! Printing a prompt and reading it again gives the same prompt, however nasty it is, and nothing is lost.

use proptest::prelude::*;
use terminus_prompt::Prompt;

/// Shreds of prompts that touch one another without the spaces that would keep them apart. Flags are spelt as
/// they are printed.
const SHREDS: [&str; 72] = [
    " ",
    " ",
    " ",
    " ",
    " ",
    "  ",
    "\n",
    "\t",
    "--",
    "—",
    "–",
    "-",
    "−",
    "--ar",
    "—ar",
    "--weird",
    "--h",
    "--no",
    "--niji",
    "--v",
    "--tile",
    "--profile",
    "--sref",
    "--style",
    "--exp",
    "--Fluffy",
    "--seed",
    "ar",
    "v",
    "no",
    "h",
    "tile",
    "16:9",
    "16",
    ":",
    "9",
    "5.2",
    "-5",
    ".5",
    "random",
    "raw",
    "cute",
    "::",
    "::2",
    "::-1",
    "::.5",
    ":::",
    "{",
    "}",
    "{a, b}",
    "\\,",
    "\\{",
    ",",
    ".",
    ";",
    "=",
    "https://x.png",
    "<https://s.mj.run/a>",
    "<",
    ">",
    "(http://y)",
    "cat",
    "2d",
    "31dqpqy",
    "a dog",
    "é",
    "日本",
    "\u{200b}",
    "**",
    "\"",
    "+1",
    "99999999999999999999",
];

/// Spellings that are printed differently, and any characters at all.
fn other_shred() -> impl Strategy<Value = String> {
    let short = prop::sample::select(vec!["--w", "--s", "--aspect", "—q", "--P", "w", "s", "--h"]);
    prop_oneof![2 => short.prop_map(str::to_owned), 1 => "\\PC{0,3}"]
}

fn prompt(others: u32) -> impl Strategy<Value = String> {
    let shred = prop_oneof![
        8 => prop::sample::select(SHREDS.to_vec()).prop_map(str::to_owned),
        others => other_shred(),
    ];
    prop::collection::vec(shred, 0..24).prop_map(|shreds| shreds.concat())
}

fn letters_and_digits(text: &str) -> Vec<char> {
    let mut chars: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
    chars.sort_unstable();
    chars
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_printed_prompt_is_read_as_the_same(raw in prompt(2)) {
        let parsed = Prompt::parse(&raw);
        let printed = parsed.to_string();
        prop_assert_eq!(&parsed, &Prompt::parse(&printed), "printed as {:?}", printed);
        prop_assert_eq!(parsed.parameters(), Prompt::parse(&printed).parameters());
        prop_assert_eq!(parsed.raw(), raw);
    }

    #[test]
    fn no_letter_and_no_digit_is_lost(raw in prompt(0)) {
        let printed = Prompt::parse(&raw).to_string();
        prop_assert_eq!(letters_and_digits(&printed), letters_and_digits(&raw), "{:?}", printed);
    }

    #[test]
    fn a_caption_is_one_line_without_links(raw in prompt(2)) {
        let caption = Prompt::parse(&raw).to_caption();
        let words: Vec<&str> = caption.split_whitespace().collect();
        prop_assert_eq!(words.join(" "), caption.clone());
        prop_assert!(!caption.to_lowercase().contains("http://"), "{:?}", caption);
    }
}

#[test]
#[ignore = "needs TERMINUS_CORPUS, the folder that holds fuzz/corpus"]
fn what_fuzzing_found_is_read_again_as_it_was_read() {
    let corpus = std::env::var("TERMINUS_CORPUS").unwrap();
    for entry in fs_err::read_dir(format!("{corpus}/prompts")).unwrap() {
        let Ok(text) = fs_err::read_to_string(entry.unwrap().path()) else {
            continue;
        };
        let prompt = Prompt::parse(&text);
        assert_eq!(prompt.raw(), text);
        assert_eq!(Prompt::parse(&prompt.to_string()), prompt);
        let _ = (prompt.to_caption(), prompt.generator_and_version());
    }
}
