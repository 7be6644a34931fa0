//! What people wrote beside an image: a prompt, or a JSON object of facts.

use fs_err as fs;
use serde_json::Value;

use crate::folder::Sidecar;

/// Facts from the sidecars of an item. Data: nothing in it is executed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub prompt: Option<String>,
    pub license: Option<String>,
    pub author: Option<String>,
    pub consent: Option<String>,
}

/// Reads the sidecars in their order; the first that has a prompt gives it.
///
/// # Errors
/// In words: which sidecar cannot be read, and why.
pub(crate) fn read(sidecars: &[Sidecar], max_bytes: u64) -> Result<Facts, String> {
    let mut facts = Facts::default();
    for Sidecar { path, stat } in sidecars {
        if stat.size > max_bytes {
            let (size, path) = (stat.size, path.display());
            return Err(format!(
                "`{path}` has {size} bytes, at most {max_bytes} are read"
            ));
        }
        let bytes = fs::read(path).map_err(|error| error.to_string())?;
        let text = String::from_utf8(bytes)
            .map_err(|error| format!("`{}` is not UTF-8: {error}", path.display()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).trim();
        let is_json = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("json"));
        if is_json {
            let document: Value = serde_json::from_str(text)
                .map_err(|error| format!("`{}`: {error}", path.display()))?;
            facts.take_json(&document);
        } else if facts.prompt.is_none() && !text.is_empty() {
            facts.prompt = Some(text.to_owned());
        }
    }
    Ok(facts)
}

impl Facts {
    /// `prompt`, or `original_text` with `arguments` behind it; `license`, `author`, `consent`.
    fn take_json(&mut self, document: &Value) {
        let field = |name: &str| {
            let value = document.get(name)?;
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let text = text.trim().to_owned();
            (!value.is_null() && !text.is_empty()).then_some(text)
        };
        if self.prompt.is_none() {
            self.prompt = field("prompt").or_else(|| {
                let text = field("original_text")?;
                let arguments = field("arguments");
                Some(arguments.map_or_else(|| text.clone(), |more| format!("{text} {more}")))
            });
        }
        self.license = self.license.take().or_else(|| field("license"));
        self.author = self.author.take().or_else(|| field("author"));
        self.consent = self.consent.take().or_else(|| field("consent"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::list;

    fn facts(files: &[(&str, &[u8])]) -> Result<Facts, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.png"), b"x").unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        read(&list("c", folder.path()).unwrap()[0].sidecars, 100)
    }

    #[test]
    fn a_text_gives_the_prompt_and_json_the_rest() {
        let json = br#"{"original_text": "x", "license": "cc0", "consent": true}"#;
        let facts = facts(&[
            ("a.txt", "\u{feff} a cat --ar 1:1\n".as_bytes()),
            ("a.json", json),
        ]);
        let facts = facts.unwrap();
        assert_eq!(facts.prompt.as_deref(), Some("a cat --ar 1:1"));
        assert_eq!(facts.license.as_deref(), Some("cc0"));
        assert_eq!(facts.consent.as_deref(), Some("true"));
    }

    #[test]
    fn a_json_prompt_is_text_and_arguments() {
        let facts = facts(&[(
            "a.json",
            br#"{"original_text": "x", "arguments": "--niji 5"}"#,
        )]);
        assert_eq!(facts.unwrap().prompt.as_deref(), Some("x --niji 5"));
    }

    #[test]
    fn a_bad_sidecar_says_which_and_why() {
        assert!(
            facts(&[("a.txt", b"\xff\xfe")])
                .unwrap_err()
                .contains("a.txt` is not UTF-8")
        );
        assert!(
            facts(&[("a.json", b"{")])
                .unwrap_err()
                .contains("a.json`: EOF")
        );
        assert!(
            facts(&[("a.txt", &[b'x'; 101])])
                .unwrap_err()
                .contains("101 bytes, at most 100")
        );
    }
}
