//! A recipe as TOML, every default filled in.

use serde_json::{Map, Value};

use super::Recipe;

/// Columns that a line may have before its list or table is broken up.
const WIDTH: usize = 100;

/// The effective recipe as TOML, which reads back as the same recipe.
pub fn show(recipe: &Recipe) -> String {
    let mut text = String::new();
    if let Ok(Value::Object(table)) = serde_json::to_value(recipe) {
        write_table(&table, "", &mut text);
    }
    text
}

/// What fits a line first; then the tables that have a header of their own.
fn write_table(table: &Map<String, Value>, path: &str, text: &mut String) {
    let (lines, headed): (Vec<_>, Vec<_>) = table
        .iter()
        .partition(|(_, value)| !has_header(value, path.is_empty()));
    for (key, value) in lines {
        text.push_str(&line(key, value));
    }
    for (key, value) in headed {
        let path = match path {
            "" => key_text(key),
            path => format!("{path}.{}", key_text(key)),
        };
        match value {
            Value::Array(items) => {
                for item in items.iter().filter_map(Value::as_object) {
                    text.extend(["\n[[", &path, "]]\n"]);
                    write_table(item, &path, text);
                }
            }
            Value::Object(inner) => {
                // A table of nothing but tables with headers needs none.
                if inner.is_empty() || !inner.values().all(|value| has_header(value, false)) {
                    text.extend(["\n[", &path, "]\n"]);
                }
                write_table(inner, &path, text);
            }
            _ => {}
        }
    }
}

/// Tables at the top have a header, and deeper ones where a line would be long or hold tables in tables.
fn has_header(value: &Value, is_top: bool) -> bool {
    match value {
        Value::Object(table) => {
            let is_short = inline(value).is_some_and(|line| line.len() <= WIDTH - 20);
            is_top || !is_short || table.values().any(Value::is_object)
        }
        Value::Array(items) => items.iter().any(Value::is_object),
        _ => false,
    }
}

fn line(key: &str, value: &Value) -> String {
    let key = key_text(key);
    let short = inline(value).unwrap_or_default();
    match value {
        Value::Array(items) if key.len() + short.len() + 3 > WIDTH => {
            let items = items
                .iter()
                .filter_map(inline)
                .map(|item| format!("    {item},\n"));
            format!("{key} = [\n{}]\n", items.collect::<String>())
        }
        _ => format!("{key} = {short}\n"),
    }
}

/// A value on one line; none for what TOML has no word for.
fn inline(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(truth) => truth.to_string(),
        // Debug writes 1e-7 where Display writes 0.0000001.
        Value::Number(number) if number.is_f64() => format!("{:?}", number.as_f64()?),
        Value::Number(number) => number.to_string(),
        Value::String(text) => toml::Value::String(text.clone()).to_string(),
        Value::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(inline).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::Object(table) if table.is_empty() => "{}".to_owned(),
        Value::Object(table) => {
            let entry = |(key, value): (&String, &Value)| {
                Some(format!("{} = {}", key_text(key), inline(value)?))
            };
            let entries: Option<Vec<_>> = table.iter().map(entry).collect();
            format!("{{ {} }}", entries?.join(", "))
        }
    })
}

fn key_text(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !key.is_empty() && key.chars().all(is_bare) {
        key.to_owned()
    } else {
        toml::Value::String(key.to_owned()).to_string()
    }
}
