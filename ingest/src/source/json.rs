//! What a JSON object says of a picture, under the names that people use.

use jiff::Timestamp as Moment;
use serde_json::{Map, Value};
use terminus_manifest::time::Timestamp;

use super::{Stated, message};
use crate::config::Columns;

/// A value as text; none for null and for blank text.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    (!text.is_empty()).then_some(text)
}

/// The fields of a row or object, by lower-case name.
pub(crate) struct Fields<'a>(&'a dyn Fn(&str) -> Option<String>);

impl<'a> Fields<'a> {
    pub(crate) fn new(get: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(get)
    }

    /// The named column, else the first of the usual ones that has a value.
    pub(crate) fn first(&self, named: Option<&String>, usual: &[&str]) -> Option<String> {
        match named {
            Some(name) => (self.0)(name),
            None => usual.iter().find_map(|name| (self.0)(name)),
        }
    }
}

/// Usual names of columns, in the order of preference.
pub(crate) const URL: &[&str] = &["url", "image_url", "link", "src", "uri"];
pub(crate) const IMAGE: &[&str] = &["image", "img", "picture", "jpg", "png", "webp", "bytes"];
pub(crate) const ID: &[&str] = &["source_id", "id", "key", "image_id", "__key__"];

/// What a row states of its picture.
pub(crate) fn stated(fields: &Fields<'_>, columns: &Columns) -> Stated {
    let prompt = columns.prompt.as_ref().map_or_else(
        || {
            fields.first(None, &["prompt"]).or_else(|| {
                let text = fields.first(None, &["original_text"])?;
                let arguments = fields.first(None, &["arguments"]);
                Some(arguments.map_or_else(|| text.clone(), |more| format!("{text} {more}")))
            })
        },
        |name| fields.first(Some(name), &[]),
    );
    let prompt = prompt.or_else(|| {
        let usual: &[&str] = if columns.prompt.is_none() {
            &["content", "text"]
        } else {
            &[]
        };
        fields.first(None, usual)
    });
    let caption = fields.first(columns.caption.as_ref(), &["gpt_caption", "caption"]);
    let (prompt, caption) = match (prompt, caption) {
        (None, caption) => (caption, None),
        both => both,
    };
    let (prompt, posted_as) = out_of_message(prompt);
    let reactions = fields.first(columns.reactions.as_ref(), &["reactions", "likes"]);
    let generator = fields
        .first(None, &["generator"])
        .map(|name| name.to_lowercase());
    Stated {
        prompt,
        caption,
        license: fields.first(columns.license.as_ref(), &["license", "licence"]),
        author: fields.first(columns.author.as_ref(), &["author", "creator", "artist"]),
        consent: fields.first(columns.consent.as_ref(), &["consent"]),
        version: fields.first(None, &["generator_version"]),
        generator,
        kind: posted_as.map(str::to_owned).or_else(|| {
            let word = fields.first(None, &["message_type", "kind"])?;
            kind_of(&word)
        }),
        parent: None,
        parent_tile: None,
        reactions: reactions.and_then(|text| reactions_of(&text)),
        posted_at: fields
            .first(
                columns.date.as_ref(),
                &["timestamp", "date", "posted_at", "created_at"],
            )
            .and_then(|text| moment(&text)),
        sha256: fields
            .first(columns.sha256.as_ref(), &["sha256"])
            .map(|text| text.to_lowercase()),
    }
}

/// The prompt out of a message of a bot, and the kind of its picture: tables of Midjourney hold messages as they were posted. Other
/// texts stay as they are.
fn out_of_message(prompt: Option<String>) -> (Option<String>, Option<&'static str>) {
    let read = |text: &String| {
        let starts = ["**", "Making variations for", "Upscaling"];
        let message = starts.iter().any(|start| text.starts_with(start));
        let message = message.then(|| message::read(text))?;
        Some((message.prompt?, message.kind.word()?))
    };
    match prompt.as_ref().and_then(read) {
        Some((within, kind)) => (Some(within), Some(kind)),
        None => (prompt, None),
    }
}

/// What a JSON document beside or around a picture states of it.
pub(crate) fn of_object(object: &Map<String, Value>, columns: &Columns) -> Stated {
    let get = |name: &str| object.get(name).and_then(text_of);
    stated(&Fields::new(&get), columns)
}

/// The kinds of outputs that other tables name.
fn kind_of(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    let kind = if word.contains("upscale") || word.contains("upsample") {
        "upscale"
    } else if word.contains("grid") || word.contains("initial") || word.contains("variation") {
        "grid"
    } else if word.contains("single") || word.contains("image #") {
        "single"
    } else {
        return None;
    };
    Some(kind.to_owned())
}

/// A count, or the sum of the counts in a JSON list or map of reactions.
fn reactions_of(text: &str) -> Option<u32> {
    fn sum(value: &Value) -> u64 {
        match value {
            Value::Number(number) => number.as_u64().unwrap_or(0),
            Value::Array(items) => items.iter().map(sum).sum(),
            Value::Object(map) => map
                .get("count")
                .map_or_else(|| map.values().map(sum).sum(), sum),
            _ => 0,
        }
    }
    let value: Value = serde_json::from_str(text).ok()?;
    u32::try_from(sum(&value)).ok()
}

/// RFC 3339, a date, or seconds or milliseconds since 1970.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Moment>() {
        return Some(Timestamp(moment.as_microsecond()));
    }
    if let Ok(number) = text.parse::<i64>() {
        let seconds = if number > 100_000_000_000 {
            number / 1000
        } else {
            number
        };
        return Some(Timestamp(seconds.checked_mul(1_000_000)?));
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok();
    let civil = civil.or_else(|| Some(text.parse::<jiff::civil::Date>().ok()?.into()))?;
    let moment = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp(moment.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Stated {
        let document: Value = serde_json::from_str(text).unwrap();
        of_object(document.as_object().unwrap(), &Columns::default())
    }

    #[test]
    fn a_prompt_is_text_and_arguments_and_a_caption_stands_beside_it() {
        let stated = of(
            r#"{"original_text": "x", "arguments": "--niji 5", "gpt_caption": "An x.", "reactions": {"a": 2, "b": 3}}"#,
        );
        assert_eq!(stated.prompt.as_deref(), Some("x --niji 5"));
        assert_eq!(stated.caption.as_deref(), Some("An x."));
        assert_eq!(stated.reactions, Some(5));
    }

    #[test]
    fn a_message_gives_its_prompt_and_kind() {
        let stated = of(r#"{"content": "**a cat --v 5** - Image #2 <@1>", "message_type": "x"}"#);
        assert_eq!(stated.prompt.as_deref(), Some("a cat --v 5"));
        assert_eq!(stated.kind.as_deref(), Some("single"));
        let waiting = of(r#"{"content": "**a cat --v 5** - <@1> (31%) (fast)"}"#);
        assert_eq!(waiting.kind.as_deref(), Some("progress"));
        let words = of(r#"{"content": "a **bold** - <@1> cat", "message_type": "Variations"}"#);
        assert_eq!(words.prompt.as_deref(), Some("a **bold** - <@1> cat"));
        assert_eq!(words.kind.as_deref(), Some("grid"));
    }

    #[test]
    fn a_lone_caption_is_the_prompt() {
        let stated = of(r#"{"caption": "a cat", "prompt": " "}"#);
        assert_eq!(
            (stated.prompt.as_deref(), stated.caption),
            (Some("a cat"), None)
        );
    }

    #[test]
    fn dates_are_read_as_people_write_them() {
        for text in [
            "2024-07-15T14:03:11Z",
            "2024-07-15T16:03:11+02:00",
            "2024-07-15 14:03:11",
            "1721052191",
            "1721052191000",
        ] {
            assert_eq!(
                moment(text),
                Some(Timestamp(1_721_052_191_000_000)),
                "{text}"
            );
        }
        assert_eq!(moment("2024-07-15"), Some(Timestamp(1_721_001_600_000_000)));
        assert_eq!(moment("yesterday"), None);
    }
}
