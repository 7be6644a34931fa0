//! A caption against a tagger's confident tags: colours of hair and eyes, and how many people there are.

/// Words for one colour, as tags and captions have them.
const COLOURS: &[&[&str]] = &[
    &["blonde", "blond", "yellow", "golden"],
    &["silver", "grey", "gray", "white"],
    &["black", "dark"],
    &["brown", "brunette", "chestnut"],
    &["red", "ginger", "auburn", "crimson"],
    &["blue", "azure"],
    &["green", "emerald"],
    &["pink"],
    &["purple", "violet", "lavender"],
    &["orange"],
    &["aqua", "teal", "turquoise", "cyan"],
];

/// What has a colour.
const THINGS: [&str; 2] = ["hair", "eyes"];

/// Words that say that there are several people.
const SEVERAL: &[&str] = &["two", "three", "four", "five", "several", "many", "group"];
const PEOPLE: &[&str] = &[
    "girls",
    "boys",
    "women",
    "men",
    "people",
    "persons",
    "characters",
    "children",
];

/// Whether `text` says what `tags` (separated by commas) rule out.
pub(super) fn contradicts(text: &str, tags: &str) -> bool {
    let text = text.to_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let tags: Vec<String> = tags
        .split(',')
        .map(|tag| tag.trim().to_lowercase().replace('_', " "))
        .collect();
    let another_colour = THINGS.iter().any(|thing| {
        let tagged: Vec<usize> = tags
            .iter()
            .filter_map(|tag| tag.strip_suffix(thing)?.split_whitespace().last())
            .filter_map(colour)
            .collect();
        let multicoloured = tags
            .iter()
            .any(|tag| tag.contains("multicolored") || tag.contains("heterochromia"));
        let said = words
            .windows(2)
            .filter(|pair| pair[1] == *thing)
            .filter_map(|pair| colour(pair[0]));
        !tagged.is_empty() && !multicoloured && said.into_iter().any(|said| !tagged.contains(&said))
    });
    let is_alone = tags.iter().any(|tag| tag == "solo");
    let says_several = words
        .windows(2)
        .any(|pair| SEVERAL.contains(&pair[0]) && PEOPLE.contains(&pair[1]));
    another_colour || (is_alone && says_several)
}

fn colour(word: &str) -> Option<usize> {
    COLOURS.iter().position(|words| words.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_colour_of_hair_or_another_number_of_people_contradicts() {
        let tags = "1girl, solo, grey_hair, blue eyes, flower";
        assert!(!contradicts("A girl with silver hair and blue eyes.", tags));
        assert!(contradicts("A girl with red hair.", tags));
        assert!(contradicts("A girl with long hair and green eyes.", tags));
        assert!(contradicts("Two girls in a field.", tags));
        assert!(!contradicts("Two flowers beside a girl.", tags));
        assert!(!contradicts("A girl with red hair.", "1girl, outdoors"));
        assert!(!contradicts(
            "Two girls, one with pink hair.",
            "2girls, pink hair, black hair"
        ));
    }
}
