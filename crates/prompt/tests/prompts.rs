//! Prompts as people write them, and what each gives.

use terminus_prompt::Prompt;

/// (prompt, text, args, caption, generator and version)
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<(&'static str, Option<&'static str>)>,
);

const CASES: &[Case] = &[
    (
        "3D render digital art, futuristic vehicle --ar 16:9 --stylize 1000 --seed 20161027 --quality 4 --profile 31dqpqy",
        "3D render digital art, futuristic vehicle",
        "--ar 16:9 --stylize 1000 --seed 20161027 --quality 4 --profile 31dqpqy",
        "3D render digital art, futuristic vehicle",
        None,
    ),
    (
        "80s anime still, retro city at dusk --niji 5 --ar 16:9",
        "80s anime still, retro city at dusk",
        "--niji 5 --ar 16:9",
        "80s anime still, retro city at dusk",
        Some(("niji", Some("5"))),
    ),
    (
        "cel shading girl —ar 2:3 —v 5.2 –s 250",
        "cel shading girl",
        "--ar 2:3 --v 5.2 --stylize 250",
        "cel shading girl",
        Some(("midjourney", Some("5.2"))),
    ),
    (
        "a cat --niji",
        "a cat",
        "--niji",
        "a cat",
        Some(("niji", None)),
    ),
    (
        "a cat --v 6.0,",
        "a cat",
        "--v 6.0,",
        "a cat",
        Some(("midjourney", Some("6"))),
    ),
    (
        "a cat --v 8 --v",
        "a cat",
        "--v 8 --v",
        "a cat",
        Some(("midjourney", None)),
    ),
    (
        "a cat --v 9",
        "a cat",
        "--v 9",
        "a cat",
        Some(("midjourney", Some("9"))),
    ),
    (
        "a cat --testp",
        "a cat",
        "--testp",
        "a cat",
        Some(("midjourney", Some("testp"))),
    ),
    (
        "a cat --ar 3:2 on a mat, --tile at night",
        "a cat on a mat, at night",
        "--ar 3:2 --tile",
        "a cat on a mat, at night",
        None,
    ),
    (
        "portrait --no hands, text, blurry background --ar 1:1",
        "portrait",
        "--no hands, text, blurry background --ar 1:1",
        "portrait",
        None,
    ),
    (
        "a cat --ar --v 5",
        "a cat",
        "--ar --v 5",
        "a cat",
        Some(("midjourney", Some("5"))),
    ),
    (
        "a cat --ar16:9 --v5",
        "a cat",
        "--ar 16:9 --v 5",
        "a cat",
        Some(("midjourney", Some("5"))),
    ),
    (
        "a cat--ar 16:9--v 4 -- s 50",
        "a cat",
        "--ar 16:9 --v 4 --stylize 50",
        "a cat",
        Some(("midjourney", Some("4"))),
    ),
    (
        "a cat --AR=16:9 --Seed: 7",
        "a cat",
        "--ar 16:9 --seed 7",
        "a cat",
        None,
    ),
    ("a cat --w 500", "a cat", "--weird 500", "a cat", None),
    (
        "a cat --w 512 --h 768",
        "a cat",
        "--w 512 --h 768",
        "a cat",
        None,
    ),
    (
        "https://s.mj.run/a <https://s.mj.run/b>, two cats --iw .5",
        "two cats",
        "--iw .5",
        "two cats",
        None,
    ),
    (
        "space:: ship::2 fog::-.5 --q 2",
        "space ship fog",
        "--quality 2",
        "space, ship",
        None,
    ),
    (
        r"a {red\, pastel, {dark, light} blue} bird --ar {1:1, 16:9}",
        r"a {red\, pastel, {dark, light} blue} bird",
        "--ar {1:1, 16:9}",
        "a red, pastel, dark, light blue bird",
        None,
    ),
    (
        "bird --{v 5, niji, test} --motion low",
        "bird",
        "--{v 5, niji, test} --motion low",
        "bird",
        None,
    ),
    (
        "bird --sref https://a.b/c.png::2 4096 random flying --cref <https://d.e/f.jpg> --cw 0",
        "bird flying",
        "--sref https://a.b/c.png::2 4096 random --cref <https://d.e/f.jpg> --cw 0",
        "bird flying",
        None,
    ),
    (
        "well-known — the last of 1990–1995, sci-fi -- a tale",
        "well-known — the last of 1990–1995, sci-fi -- a tale",
        "",
        "well-known — the last of 1990–1995, sci-fi -- a tale",
        None,
    ),
    ("--ar 1:1", "", "--ar 1:1", "", None),
    ("", "", "", "", None),
];

#[test]
fn prompts_give_text_arguments_caption_and_generator() {
    for (raw, text, args, caption, generator) in CASES {
        let prompt = Prompt::parse(raw);
        let owned =
            |(name, version): (&str, Option<&str>)| (name.to_owned(), version.map(str::to_owned));
        assert_eq!(prompt.text(), *text, "text of {raw:?}");
        assert_eq!(prompt.args(), *args, "arguments of {raw:?}");
        assert_eq!(prompt.to_caption(), *caption, "caption of {raw:?}");
        assert_eq!(
            prompt.generator_and_version(),
            generator.map(owned),
            "generator of {raw:?}"
        );
        assert_eq!(
            Prompt::parse(&prompt.to_string()),
            prompt,
            "round trip of {raw:?}"
        );
    }
}

#[test]
fn parts_and_pictures_have_weights() {
    let prompt = Prompt::parse("<https://s.mj.run/b>::.25 space:: ship::2 fog::-.5");
    let image = &prompt.images()[0];
    assert_eq!(image.url(), "https://s.mj.run/b");
    assert_eq!(image.weight().unwrap().valid(), Some(&0.25));
    let parts: Vec<_> = prompt
        .parts()
        .iter()
        .map(|part| (part.text(), part.weight()))
        .collect();
    assert_eq!(parts, [("space", 1.0), ("ship", 2.0), ("fog", -0.5)]);
    assert_eq!(
        prompt.to_string(),
        "https://s.mj.run/b::.25 space:: ship::2 fog::-.5"
    );
}
