//! Prompts in Midjourney's own syntax that name every scored attribute in plain words.

use crate::attributes::{
    Accessory, CharacterAttributes, CharacterDetails, HairStyle, Line, Place, SceneAttributes, Time,
};
use crate::dice::Dice;

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

/// The prompt of a character whose picture has the aspect flag `aspect`.
pub fn character(
    attributes: CharacterAttributes,
    details: CharacterDetails,
    aspect: &str,
    dice: &mut Dice,
) -> String {
    let who = if details.is_boy { "1boy" } else { "1girl" };
    let (cut, colour) = (
        attributes.hair_style.phrases()[0],
        attributes.hair_colour.phrases()[0],
    );
    let hair = match attributes.hair_style {
        HairStyle::Ponytail | HairStyle::Twintails => {
            let article = if attributes.hair_style == HairStyle::Ponytail {
                "a "
            } else {
                ""
            };
            format!("{colour} hair in {article}{cut}")
        }
        HairStyle::Bob => format!("{colour} {cut} hair"),
        HairStyle::Short | HairStyle::Long | HairStyle::Wavy => format!("{cut} {colour} hair"),
    };
    let subject = if dice.chance(0.6) {
        format!("{who} with {hair}")
    } else {
        format!("{who}, {hair}")
    };
    let (dye, garment) = (
        attributes.garment_colour.phrases()[0],
        attributes.garment.phrases()[0],
    );
    let wearing = if dice.chance(0.25) { "wearing a " } else { "" };
    let mut middle = vec![
        format!("{wearing}{dye} {garment}"),
        phrase(attributes.expression.phrases(), dice).to_owned(),
        place_and_time(attributes.background, attributes.time_of_day),
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
    finish(clauses, attributes.line_weight, aspect, dice)
}

/// The prompt of a place whose picture has the aspect flag `aspect`.
pub fn scene(attributes: SceneAttributes, aspect: &str, dice: &mut Dice) -> String {
    let place = place_and_time(attributes.place, attributes.time_of_day);
    let object = format!(
        "{} {}",
        attributes.accent_colour.phrases()[0],
        attributes.place.object()
    );
    let mut clauses = vec![place, object];
    if dice.chance(0.4) {
        clauses.swap(0, 1);
    }
    if dice.chance(0.3) {
        clauses.push(dice.pick(["no humans", "scenery", "wide view"]).to_owned());
    }
    finish(clauses, attributes.line_weight, aspect, dice)
}

/// "city street at night", but "city street, white-out, …".
fn place_and_time(place: Place, time: Time) -> String {
    let (place, time) = (place.phrases()[0], time.phrases()[0]);
    let joint = if time.starts_with("at ") { " " } else { ", " };
    format!("{place}{joint}{time}")
}

/// The clauses with line weight, style (sometimes in front) and flags.
fn finish(mut clauses: Vec<String>, line: Line, aspect: &str, dice: &mut Dice) -> String {
    let style = style(dice).to_owned();
    clauses.push(phrase(line.phrases(), dice).to_owned());
    if dice.chance(0.8) {
        clauses.push(style);
    } else {
        clauses.insert(0, style);
    }
    format!("{}{}", clauses.join(", "), flags(aspect, dice))
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
    } else if version != "--niji 5" && dice.chance(0.2) {
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
    // Midjourney takes its flags in any order, and people write them so.
    if dice.chance(0.3) {
        dice.shuffle(&mut flags);
    }
    flags.iter().flat_map(|flag| [" ", flag]).collect()
}

#[cfg(test)]
mod tests {
    use crate::attributes::{Expression, Line, Place, Time};
    use crate::options::Scale;
    use crate::plan::{Plan, Subject};

    /// Words and flags of the prompts of 600 pictures, with their subjects.
    fn prompts() -> Vec<(String, String, Plan)> {
        (0..600)
            .map(|index| Plan::new(11, index, Scale::Whole))
            .filter_map(|plan| {
                let prompt = plan.prompt.clone()?;
                let (words, flags) = prompt.split_once(" --")?;
                Some((words.to_owned(), format!(" --{flags}"), plan))
            })
            .collect()
    }

    /// True if `words` hold `phrase` as whole words.
    fn names(words: &str, phrase: &str) -> bool {
        let spaced = |text: &str| format!(" {} ", text.replace(',', " ,"));
        spaced(words).contains(&format!(" {} ", phrase.replace(',', " ,")))
    }

    #[test]
    fn every_prompt_names_every_scored_attribute() {
        let prompts = prompts();
        assert!(prompts.len() > 500);
        for (words, _, plan) in prompts {
            let phrases: Vec<&[&str]> = match plan.subject {
                Subject::Character(of, _) => vec![
                    of.hair_colour.phrases(),
                    of.hair_style.phrases(),
                    of.garment.phrases(),
                    of.garment_colour.phrases(),
                    of.expression.phrases(),
                    of.background.phrases(),
                    of.time_of_day.phrases(),
                    of.line_weight.phrases(),
                ],
                Subject::Scene(of) => vec![
                    of.place.phrases(),
                    of.accent_colour.phrases(),
                    of.time_of_day.phrases(),
                    of.line_weight.phrases(),
                ],
                Subject::Photo(_) => panic!("an anchor has a prompt"),
            };
            for phrases in phrases {
                assert!(
                    phrases.iter().any(|phrase| names(&words, phrase)),
                    "{phrases:?} in {words}"
                );
            }
        }
    }

    #[test]
    fn no_prompt_names_a_place_time_line_or_expression_that_is_not_there() {
        for (words, _, plan) in prompts() {
            let (place, time, line, expression) = match plan.subject {
                Subject::Character(of, _) => (
                    of.background,
                    of.time_of_day,
                    of.line_weight,
                    Some(of.expression),
                ),
                Subject::Scene(of) => (of.place, of.time_of_day, of.line_weight, None),
                Subject::Photo(_) => continue,
            };
            let others = [
                Place::ALL
                    .iter()
                    .filter(|&&other| other != place)
                    .map(|other| other.phrases())
                    .collect::<Vec<_>>(),
                Time::ALL
                    .iter()
                    .filter(|&&other| other != time)
                    .map(|other| other.phrases())
                    .collect(),
                Line::ALL
                    .iter()
                    .filter(|&&other| other != line)
                    .map(|other| other.phrases())
                    .collect(),
                Expression::ALL
                    .iter()
                    .filter(|&&other| Some(other) != expression)
                    .map(|other| other.phrases())
                    .collect(),
            ];
            for phrase in others.into_iter().flatten().flatten() {
                assert!(!names(&words, phrase), "{phrase} in {words}");
            }
        }
    }

    #[test]
    fn flags_are_midjourneys_own() {
        for (_, flags, plan) in prompts() {
            let count = |flag: &str| flags.matches(flag).count();
            assert_eq!(count(" --v ") + count(" --niji "), 1, "{flags}");
            let (width, height) = plan.tile_size();
            let aspect = flags.split(" --").find_map(|flag| flag.strip_prefix("ar "));
            let (across, down) = aspect.unwrap_or("1:1").split_once(':').unwrap();
            let named = across.trim().parse::<f64>().unwrap() / down.trim().parse::<f64>().unwrap();
            let drawn = f64::from(width) / f64::from(height);
            assert!(
                (named / drawn - 1.0).abs() < 0.02,
                "{flags} for {width}x{height}"
            );
            for style in ["cute", "expressive", "original", "scenic"] {
                assert!(
                    count(&format!(" --style {style}")) <= count(" --niji 5"),
                    "{flags}"
                );
            }
        }
    }
}
