//! Canonical JSON (RFC 8785) and the hashes of settings that rest on it.

use serde_json::{Value, json};

use crate::{Error, ids::Sha256Digest};

/// The canonical JSON text of `value`.
///
/// # Errors
/// A number that JSON cannot hold.
pub fn to_text(value: &Value) -> Result<String, Error> {
    serde_json_canonicalizer::to_string(value).map_err(Error::Canonical)
}

/// SHA-256 of the canonical JSON of a stage's effective settings and of the version of its logic, in hex.
///
/// # Errors
/// As for [`to_text`].
pub fn config_hash(config: &Value, logic_version: u32) -> Result<String, Error> {
    let document = json!({ "config": config, "logic_version": logic_version });
    Ok(Sha256Digest::of(to_text(&document)?.as_bytes()).to_string())
}

/// SHA-256 of the canonical JSON of a document, in hex.
///
/// # Errors
/// As for [`to_text`].
pub fn document_hash(document: &Value) -> Result<String, Error> {
    Ok(Sha256Digest::of(to_text(document)?.as_bytes()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_keys_and_the_form_of_numbers_do_not_count() {
        let a: Value = serde_json::from_str(r#"{"b": 1.0, "a": [1e2]}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"a": [100], "b": 1}"#).unwrap();
        assert_eq!(to_text(&a).unwrap(), r#"{"a":[100],"b":1}"#);
        assert_eq!(config_hash(&a, 1).unwrap(), config_hash(&b, 1).unwrap());
        assert_ne!(config_hash(&a, 1).unwrap(), config_hash(&a, 2).unwrap());
    }
}
