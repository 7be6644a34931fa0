//! Texts and numbers.

use toml::de::{DeInteger, DeValue};

use super::{At, Node, allowed, choice::word_fault, seen};
use crate::recipe::fault::Draft;

/// What is wrong with a text or a number, or with anything that stands where one is expected.
pub(super) fn fault_of(node: Node, value: &DeValue, at: &At) -> Option<Draft> {
    match (node.kind(), value) {
        (Some("string"), DeValue::String(text)) => text_fault(node, text, at),
        (Some("integer" | "number"), DeValue::Integer(number)) => {
            let number = whole(number).map(|number| number as f64);
            range_fault(node, number.unwrap_or(f64::INFINITY), value, at)
        }
        (Some("number"), DeValue::Float(number)) => {
            let number = number.as_str().parse().unwrap_or(f64::INFINITY);
            range_fault(node, number, value, at)
        }
        _ => Some(type_fault(node, value, at)),
    }
}

fn text_fault(node: Node, text: &str, at: &At) -> Option<Draft> {
    let words: Vec<&str> = node.words().collect();
    if !words.is_empty() {
        return word_fault(text, &words, at);
    }
    if text.is_empty() && node.count("minLength").is_some_and(|least| least > 0) {
        return Some(at.fault("is empty"));
    }
    let is_good = match node.text("format") {
        Some("aspect") => text.parse::<terminus_bucket::config::Aspect>().is_ok(),
        Some("file-name") => is_file_name(text),
        Some("collection-name") => is_collection_name(text),
        _ => true,
    };
    let text = seen(&DeValue::String(text.into()));
    (!is_good).then(|| at.fault(format!("found {text}, expected {}", allowed(node))))
}

/// A name that is a folder on every system and needs no quotes in a shell.
fn is_file_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    !text.is_empty()
        && !text.starts_with(['.', '-'])
        && text.len() <= 100
        && text.chars().all(is_plain)
}

/// A name that can stand before the `:` of a source id.
fn is_collection_name(text: &str) -> bool {
    let is_bad = |c: char| c.is_control() || matches!(c, ':' | '/' | '\\');
    !text.is_empty() && text.trim() == text && text.len() <= 100 && !text.contains(is_bad)
}

fn range_fault(node: Node, number: f64, value: &DeValue, at: &At) -> Option<Draft> {
    let bound = |name, breaks: fn(f64, f64) -> bool| {
        node.number(name).filter(|bound| breaks(number, *bound))
    };
    let least = bound("minimum", |n, bound| n < bound)
        .or_else(|| bound("exclusiveMinimum", |n, bound| n <= bound));
    let most = bound("maximum", |n, bound| n > bound)
        .or_else(|| bound("exclusiveMaximum", |n, bound| n >= bound));
    let step = bound("multipleOf", |n, step| n % step != 0.0);
    let what = match (least, most, step) {
        _ if !number.is_finite() => "is not finite".to_owned(),
        _ if number > largest(node) => "is too large".to_owned(),
        (Some(bound), ..) if number < bound => format!("is under {bound}"),
        (Some(bound), ..) => format!("is not above {bound}"),
        (_, Some(bound), _) if number > bound => format!("is over {bound}"),
        (_, Some(bound), _) => format!("is not below {bound}"),
        (.., Some(step)) => format!("is no multiple of {step}"),
        (None, None, None) => return None,
    };
    Some(at.fault(format!(
        "{} {what}: {} is expected",
        seen(value),
        allowed(node)
    )))
}

/// The most that the Rust type behind a place holds.
fn largest(node: Node) -> f64 {
    match node.text("format") {
        Some("uint32") => f64::from(u32::MAX),
        Some("uint64") => i64::MAX as f64,
        _ => f64::INFINITY,
    }
}

fn whole(number: &DeInteger) -> Option<i128> {
    i128::from_str_radix(number.as_str(), number.radix()).ok()
}

fn type_fault(node: Node, value: &DeValue, at: &At) -> Draft {
    let fault = at.fault(format!("found {}, expected {}", seen(value), allowed(node)));
    let is_number = |text: &str| text.trim().parse::<f64>().is_ok();
    let hint = match (node.kind(), value) {
        (Some("integer" | "number"), DeValue::String(text)) if is_number(text) => {
            Some(format!("leave out the quotes: {}", text.trim()))
        }
        (Some("boolean"), DeValue::String(text)) if matches!(&**text, "true" | "false") => {
            Some(format!("leave out the quotes: {text}"))
        }
        (Some("string"), DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_)) => {
            Some(format!("put it in quotes: \"{}\"", seen(value)))
        }
        (Some("array"), DeValue::Table(_)) => Some(format!("write `[[{}]]`", at.path)),
        (Some("object"), DeValue::Array(_)) if at.path.steps().len() == 1 => {
            Some(format!("write `[{}]`", at.path))
        }
        (Some("array"), _) => Some(format!("put it in brackets: [{}]", seen(value))),
        _ => None,
    };
    fault.maybe_hint(hint)
}
