//! Values seen and values allowed, in words.

use toml::de::DeValue;

use super::schema::Node;

/// What a place of the schema takes: `a number from 0 to 1`, or `` `square` or `aspect` ``.
pub(super) fn allowed(node: Node) -> String {
    if let Some(branches) = node.branches() {
        return one_of(branches.flat_map(|branch| {
            let words: Vec<_> = branch.words().map(quoted).collect();
            if words.is_empty() {
                vec![allowed(branch)]
            } else {
                words
            }
        }));
    }
    let words: Vec<_> = node.words().map(quoted).collect();
    if !words.is_empty() {
        return one_of(words);
    }
    match node.kind() {
        Some("integer") => format!("a whole number{}", range(node)),
        Some("number") => format!("a number{}", range(node)),
        Some("boolean") => "true or false".to_owned(),
        Some("string") => node.text("format").map_or("text", format_name).to_owned(),
        Some("array") => {
            let items = node.items().map_or_else(|| "anything".to_owned(), allowed);
            match (node.count("minItems"), node.count("maxItems")) {
                (Some(least), Some(most)) if least == most => {
                    format!("a list of {least} items, each {items}")
                }
                _ => format!("a list, each item {items}"),
            }
        }
        Some("object") => match node.required().next() {
            Some(key) if node.keys().count() == 1 => format!("{{ {key} = … }}"),
            _ => "a table".to_owned(),
        },
        _ => "something else".to_owned(),
    }
}

/// A text format of the schema, as a reader knows it.
fn format_name(format: &str) -> &str {
    match format {
        "aspect" => "an aspect such as \"16:9\"",
        "file-name" => "a name of letters, digits, `-`, `_`, `.` and `+`",
        "collection-name" => "a name without `:`, `/` and blanks at its ends",
        _ => "text",
    }
}

fn range(node: Node) -> String {
    let step = node
        .number("multipleOf")
        .map(|step| format!(", a multiple of {step}"));
    let above = node
        .number("exclusiveMinimum")
        .map(|bound| format!(" above {bound}"));
    let from = node.number("minimum").map(|bound| format!(" from {bound}"));
    let below = node
        .number("exclusiveMaximum")
        .map(|bound| format!("below {bound}"));
    let most = node.number("maximum").map(|bound| bound.to_string());
    let range = match (above, from, below, most) {
        (Some(above), _, Some(below), _) => format!("{above}, {below}"),
        (Some(above), _, None, Some(most)) => format!("{above}, at most {most}"),
        (Some(above), _, None, None) => above,
        (None, Some(from), Some(below), _) => format!("{from}, {below}"),
        (None, Some(from), None, Some(most)) => format!("{from} to {most}"),
        (None, Some(from), None, None) => format!("{from} up"),
        (None, None, Some(below), _) => format!(" {below}"),
        (None, None, None, Some(most)) => format!(" up to {most}"),
        (None, None, None, None) => String::new(),
    };
    range + &step.unwrap_or_default()
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn one_of<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> String {
    let items: Vec<S> = items.into_iter().collect();
    let (last, rest) = match items.split_last() {
        Some((last, rest)) if !rest.is_empty() => (last, rest),
        Some((last, _)) => return last.as_ref().to_owned(),
        None => return String::new(),
    };
    let rest: Vec<_> = rest.iter().map(AsRef::as_ref).collect();
    format!("{} or {}", rest.join(", "), last.as_ref())
}

pub(super) fn quoted(word: &str) -> String {
    format!("`{word}`")
}

/// A value as a reader of the recipe sees it, shortened.
pub(super) fn seen(value: &DeValue) -> String {
    match value {
        DeValue::String(text) if text.chars().count() > 40 => {
            let start: String = text.chars().take(39).collect();
            toml::Value::String(start + "…").to_string()
        }
        DeValue::String(text) => toml::Value::String(text.to_string()).to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
