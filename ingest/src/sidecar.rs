//! What people wrote beside an image: a prompt, or a JSON object of facts.

use serde_json::Value;

use crate::{
    config::Columns,
    source::{Sidecar, Stated, of_object},
};

/// What the sidecars state, in their order: the first that has a fact gives it. Data: nothing in it is executed.
///
/// # Errors
/// In words: which sidecar cannot be read, and why.
pub(crate) fn read(
    sidecars: &[Sidecar],
    columns: &Columns,
    max_bytes: u64,
) -> Result<Stated, String> {
    let mut stated = Stated::default();
    for sidecar in sidecars {
        let name = sidecar.name();
        let size = sidecar.place.size(Some(sidecar.stat)).unwrap_or(0);
        if size > max_bytes {
            return Err(format!(
                "{name} has {size} bytes, at most {max_bytes} are read"
            ));
        }
        let bytes = sidecar.place.read().map_err(|error| error.to_string())?;
        let text =
            std::str::from_utf8(&bytes).map_err(|error| format!("{name} is not UTF-8: {error}"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
        if sidecar.extension == "json" {
            let document: Value =
                serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))?;
            if let Some(object) = document.as_object() {
                stated = stated.or(of_object(object, columns));
            }
        } else if stated.prompt.is_none() && !text.is_empty() {
            stated.prompt = Some(text.to_owned());
        }
    }
    Ok(stated)
}

impl Stated {
    /// These facts, and those of `other` where these have none.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            prompt: self.prompt.or(other.prompt),
            caption: self.caption.or(other.caption),
            license: self.license.or(other.license),
            author: self.author.or(other.author),
            consent: self.consent.or(other.consent),
            generator: self.generator.or(other.generator),
            version: self.version.or(other.version),
            kind: self.kind.or(other.kind),
            parent: self.parent.or(other.parent),
            parent_tile: self.parent_tile.or(other.parent_tile),
            reactions: self.reactions.or(other.reactions),
            posted_at: self.posted_at.or(other.posted_at),
            // The hash of a list is that of the bytes behind its address; a sidecar's may be of anything.
            sha256: self.sha256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::folder::list;
    use fs_err as fs;

    fn facts(files: &[(&str, &[u8])]) -> Result<Stated, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.png"), b"x").unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let sidecars = &list("c", folder.path()).unwrap()[0].sidecars;
        read(sidecars, &Columns::default(), 100)
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
