//! Printing a prompt and reading it again gives the same prompt, however nasty it is.

use proptest::prelude::*;
use terminus_prompt::Prompt;

/// Shreds of prompts that touch one another without the spaces that would keep them apart.
fn shred() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
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
        "--w",
        "--h",
        "--no",
        "--niji",
        "--v",
        "--tile",
        "--p",
        "--sref",
        "--style",
        "--exp",
        "--Fluffy",
        "--seed",
        "ar",
        "v",
        "no",
        "w",
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
    ]);
    prop_oneof![8 => fixed.prop_map(str::to_owned), 1 => "\\PC{0,3}"]
}

fn prompt() -> impl Strategy<Value = String> {
    prop::collection::vec(shred(), 0..24).prop_map(|shreds| shreds.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn a_printed_prompt_is_read_as_the_same(raw in prompt()) {
        let parsed = Prompt::parse(&raw);
        let printed = parsed.to_string();
        prop_assert_eq!(&parsed, &Prompt::parse(&printed), "printed as {:?}", printed);
        prop_assert_eq!(parsed.raw(), raw);
    }
}
