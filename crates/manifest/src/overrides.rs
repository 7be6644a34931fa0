//! `overrides.csv`: people's decisions, which beat every rule but physics.

use std::{collections::HashMap, io, path::Path};

use fs_err as fs;

use crate::{Error, ids::ItemId};

/// What a person decided about an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Override {
    /// `keep`: passes whatever thresholds and duplicate rules say.
    pub keep: bool,
    /// `drop`: is rejected.
    pub drop: bool,
    /// `caption`: its caption.
    pub caption: Option<String>,
    /// `crop`: top and left of its crop, in pixels.
    pub crop: Option<(u32, u32)>,
    /// The note beside the decision.
    pub note: Option<String>,
}

/// All decisions of a root, by item or source id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    by_id: HashMap<String, Override>,
}

impl Overrides {
    /// Reads the file; a missing one holds no decisions.
    ///
    /// The columns are `id, action, value, note`; `id` is an item id or a source id, `action` one of `keep`, `drop`,
    /// `caption` (value: the text) and `crop` (value: `top,left` in pixels).
    ///
    /// # Errors
    /// The first line that cannot be obeyed.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error.into()),
        };
        let mut by_id: HashMap<String, Override> = HashMap::new();
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let fault = |line: u64, fault: String| Error::Override {
            path: path.to_owned(),
            line,
            fault,
        };
        let headers = reader
            .headers()
            .map_err(|error| fault(1, error.to_string()))?
            .clone();
        let column = |name: &str| headers.iter().position(|header| header == name);
        let (Some(id), Some(action)) = (column("id"), column("action")) else {
            let found = headers.iter().collect::<Vec<_>>().join(", ");
            return Err(fault(
                1,
                format!(
                    "the columns are `{found}`\nhint: the first line must be `id,action,value,note`"
                ),
            ));
        };
        let (value, note) = (column("value"), column("note"));
        for record in reader.records() {
            let record = record.map_err(|error| {
                fault(
                    error.position().map_or(0, csv::Position::line),
                    error.to_string(),
                )
            })?;
            let line = record.position().map_or(0, csv::Position::line);
            let field = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default();
            let decision = by_id.entry(field(Some(id)).to_owned()).or_default();
            let value = field(value);
            match field(Some(action)) {
                "keep" => (decision.keep, decision.drop) = (true, false),
                "drop" => (decision.keep, decision.drop) = (false, true),
                "caption" if value.is_empty() => {
                    return Err(fault(
                        line,
                        "`caption` needs its text in the column `value`".into(),
                    ));
                }
                "caption" => decision.caption = Some(value.to_owned()),
                "crop" => {
                    decision.crop = Some(corner(value).ok_or_else(|| {
                        fault(line, format!("`crop` needs `top,left` in pixels, found `{value}`\nhint: quote it: \"96,0\""))
                    })?);
                }
                other => {
                    return Err(fault(
                        line,
                        format!("`{other}` is not an action\nhint: keep, drop, caption or crop"),
                    ));
                }
            }
            let note = field(note);
            if !note.is_empty() {
                decision.note = Some(note.to_owned());
            }
        }
        Ok(Self { by_id })
    }

    /// The decision about an item, by its id or where it was found.
    pub fn of(&self, item_id: ItemId, source_id: &str) -> Option<&Override> {
        if self.by_id.is_empty() {
            return None;
        }
        self.by_id
            .get(source_id)
            .or_else(|| self.by_id.get(&item_id.to_string()))
    }

    /// How many items are decided on.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

fn corner(value: &str) -> Option<(u32, u32)> {
    let (top, left) = value.split_once(',')?;
    Some((top.trim().parse().ok()?, left.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Overrides, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("overrides.csv");
        fs::write(&path, text).unwrap();
        Overrides::read(&path)
    }

    #[test]
    fn decisions_are_found_by_item_and_by_source() {
        let item = ItemId::new("a:x.png", 0);
        let text = format!(
            "id,action,value,note\n{item},caption,\"a cat, asleep\",mine\n{item},crop,\"8,16\",\na:y.png,drop,,\n"
        );
        let overrides = read(&text).unwrap();
        let decision = overrides.of(item, "a:x.png").unwrap();
        assert_eq!(decision.caption.as_deref(), Some("a cat, asleep"));
        assert_eq!(decision.crop, Some((8, 16)));
        assert!(
            overrides
                .of(ItemId::new("a:y.png", 0), "a:y.png")
                .unwrap()
                .drop
        );
        assert!(overrides.of(item, "a:z.png").is_some());
    }

    #[test]
    fn a_line_that_cannot_be_obeyed_is_named() {
        let error = read("id,action,value\nx,drop,\ny,erase,\n")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("overrides.csv:3: `erase` is not an action"),
            "{error}"
        );
        assert!(
            read("name,what\n")
                .unwrap_err()
                .to_string()
                .contains("overrides.csv:1")
        );
        assert!(read("id,action,value\nx,crop,8\n").is_err());
    }
}
