//! Prompts in Midjourney's own syntax that name every scored attribute in plain words.

use crate::attributes::{Accessory, CharacterAttributes, CharacterDetails, SceneAttributes};
use crate::dice::Dice;
use crate::plan::Subject;

/// The prompt of a picture of `subject` whose aspect flag is `aspect`.
pub fn write(subject: Subject, aspect: &str, dice: &mut Dice) -> String {
    let text = match subject {
        Subject::Character(attributes, details) => character(attributes, details, dice),
        Subject::Scene(attributes) => scene(attributes, dice),
        Subject::Photo(_) => String::from("photo"),
    };
    format!("{text}{}", flags(aspect, dice))
}

/// One of the phrases of an attribute; the first is the usual one.
fn phrase(phrases: &'static [&'static str], dice: &mut Dice) -> &'static str {
    if dice.chance(0.7) {
        phrases[0]
    } else {
        phrases[dice.below(phrases.len())]
    }
}

fn style(dice: &mut Dice) -> &'static str {
    dice.weighted([
        ("anime style", 6),
        ("anime style, cel shading", 2),
        ("anime illustration", 1),
        ("cel shaded anime", 1),
    ])
}

fn character(
    attributes: CharacterAttributes,
    details: CharacterDetails,
    dice: &mut Dice,
) -> String {
    let who = if details.is_boy { "1boy" } else { "1girl" };
    let (style_word, colour) = (
        attributes.hair_style.phrases()[0],
        attributes.hair_colour.word(),
    );
    let hair = match attributes.hair_style.word() {
        "ponytail" => format!("{colour} hair in a ponytail"),
        "twintails" => format!("{colour} hair in twintails"),
        "bob" => format!("{colour} bob hair"),
        _ => format!("{style_word} {colour} hair"),
    };
    let subject = if dice.chance(0.6) {
        format!("{who} with {hair}")
    } else {
        format!("{who}, {hair}")
    };
    let clothes = format!(
        "{} {}",
        attributes.garment_colour.word(),
        attributes.garment.word()
    );
    let clothes = if dice.chance(0.25) {
        format!("wearing a {clothes}")
    } else {
        clothes
    };
    let place = place_and_time(
        attributes.background.phrases()[0],
        attributes.time_of_day.phrases()[0],
    );
    let mut middle = vec![
        clothes,
        phrase(attributes.expression.phrases(), dice).to_owned(),
        place,
    ];
    if dice.chance(0.35) {
        middle.push(details.eye_colour.phrases()[0].to_owned());
    }
    if details.accessory != Accessory::Nothing {
        middle.push(details.accessory.phrases()[0].to_owned());
    }
    dice.shuffle(&mut middle);
    let mut clauses = vec![subject];
    clauses.extend(middle);
    finish(
        clauses,
        phrase(attributes.line_weight.phrases(), dice),
        dice,
    )
}

fn scene(attributes: SceneAttributes, dice: &mut Dice) -> String {
    let place = place_and_time(
        attributes.place.phrases()[0],
        attributes.time_of_day.phrases()[0],
    );
    let object = format!(
        "{} {}",
        attributes.accent_colour.word(),
        attributes.place.object()
    );
    let mut clauses = vec![place, object];
    if dice.chance(0.4) {
        clauses.swap(0, 1);
    }
    if dice.chance(0.3) {
        clauses.push(dice.pick(["no humans", "scenery", "wide view"]).to_owned());
    }
    finish(
        clauses,
        phrase(attributes.line_weight.phrases(), dice),
        dice,
    )
}

/// "city street at night", but "city street, white-out, …".
fn place_and_time(place: &str, time: &str) -> String {
    if time.starts_with("at ") {
        format!("{place} {time}")
    } else {
        format!("{place}, {time}")
    }
}

/// The clauses, line weight and style, the style sometimes in front.
fn finish(mut clauses: Vec<String>, line: &str, dice: &mut Dice) -> String {
    let style = style(dice).to_owned();
    clauses.push(line.to_owned());
    if dice.chance(0.8) {
        clauses.push(style);
    } else {
        clauses.insert(0, style);
    }
    clauses.join(", ")
}

fn flags(aspect: &str, dice: &mut Dice) -> String {
    let mut flags = Vec::new();
    if aspect != "1:1" || dice.chance(0.3) {
        flags.push(format!("--ar {aspect}"));
    }
    let version = dice.weighted([
        ("--niji 5", 4),
        ("--niji 6", 3),
        ("--v 5.2", 2),
        ("--v 6.1", 1),
    ]);
    flags.push(version.to_owned());
    if version == "--niji 5" && dice.chance(0.6) {
        flags.push(format!(
            "--style {}",
            dice.pick(["expressive", "cute", "scenic", "original"])
        ));
    } else if dice.chance(0.2) {
        flags.push("--style raw".to_owned());
    }
    if dice.chance(0.4) {
        flags.push(format!("--s {}", dice.pick([50, 100, 180, 250, 400, 750])));
    }
    if dice.chance(0.1) {
        flags.push(format!("--c {}", dice.pick([5, 10, 25])));
    }
    if dice.chance(0.15) {
        flags.push(format!("--seed {}", dice.bits() >> 32));
    }
    if dice.chance(0.2) {
        flags.push(format!(
            "--no {}",
            dice.pick(["text, watermark", "text", "blurry, photo"])
        ));
    }
    // The version's own style stays behind it; everything else comes in any order.
    if flags.len() > 2 && dice.chance(0.3) {
        flags.rotate_left(1);
    }
    flags.iter().map(|flag| format!(" {flag}")).collect()
}
