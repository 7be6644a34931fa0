//! Prompts: parse ∘ print ∘ parse = parse, and the raw text is kept.
#![no_main]

use terminus_prompt::Prompt;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let prompt = Prompt::parse(text);
    assert_eq!(prompt.raw(), text);
    assert_eq!(Prompt::parse(&prompt.to_string()), prompt);
    let _ = (
        prompt.to_caption(),
        prompt.parameters(),
        prompt.generator_and_version(),
    );
});
