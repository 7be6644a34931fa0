//! Captions that are made and not yet in the log: a line each, written at once, so that a kill costs none of them.
//!
//! The log's parts hold a thousand captions; a model takes an hour for so many. So each caption goes to
//! `captions/journal-<i>of<N>.jsonl` first. The next run takes up what it finds there; a part that holds the lines
//! makes the file empty.

use std::{
    io::{BufRead as _, Write as _},
    path::{Path, PathBuf},
};

use fs_err as fs;
use serde::{Deserialize, Serialize};
use terminus_manifest::{
    Root,
    caption::CaptionRow,
    ids::Rect,
    view::{Cut, View},
};

use crate::Error;

/// The journal of one process.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Option<fs::File>,
}

/// A caption as a line.
#[derive(Serialize, Deserialize)]
struct Line {
    caption_key: String,
    picture_id: String,
    /// top, left, width, height
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crop: Option<[u32; 4]>,
    /// width, height
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resized: Option<(u32, u32)>,
    captioner: String,
    prompt: String,
    text: String,
    short: Option<String>,
    raw: String,
    attempt: u32,
    clip_tokens: Option<u32>,
    filters: Vec<String>,
    provenance: String,
}

impl Journal {
    /// The journal of share `shard` of `of`.
    pub(crate) fn new(root: &Root, shard: u32, of: u32) -> Self {
        let name = format!("journal-{shard}of{of}.jsonl");
        Self {
            path: root.captions().folder().join(name),
            file: None,
        }
    }

    /// What every process wrote and no part holds yet. A line that a kill cut short is left out.
    ///
    /// # Errors
    /// A journal cannot be read.
    pub(crate) fn read_all(root: &Root) -> Result<Vec<CaptionRow>, Error> {
        let captions = root.captions();
        let folder = captions.folder();
        let mut rows = Vec::new();
        if !folder.is_dir() {
            return Ok(rows);
        }
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path: PathBuf = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("journal-") && name.ends_with(".jsonl") {
                paths.push(path);
            }
        }
        paths.sort();
        for path in paths {
            let file = std::io::BufReader::new(fs::File::open(&path)?);
            for line in file.split(b'\n') {
                rows.extend(row_of(&line?));
            }
        }
        Ok(rows)
    }

    /// Writes a caption down.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub(crate) fn write(&mut self, row: &CaptionRow) -> Result<(), Error> {
        let mut line = serde_json::to_vec(&line_of(row)).map_err(std::io::Error::from)?;
        line.push(b'\n');
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(open(&self.path)?),
        };
        // One call: a kill leaves a whole line, or the start of one.
        file.write_all(&line)?;
        Ok(())
    }

    /// Forgets what a part holds by now.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub(crate) fn clear(&mut self) -> Result<(), Error> {
        self.file = None;
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => Ok(other?),
        }
    }
}

/// Opens a journal for appending, on a line of its own: a kill may have cut the last one.
fn open(path: &Path) -> Result<fs::File, Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?;
    file.write_all(b"\n")?;
    Ok(file)
}

fn line_of(row: &CaptionRow) -> Line {
    let row = row.clone();
    let crop = row.view().crop;
    Line {
        caption_key: row.caption_key.to_string(),
        picture_id: row.picture_id.to_string(),
        crop: crop.map(|Cut { rect, .. }| [rect.top, rect.left, rect.width, rect.height]),
        resized: crop.and_then(|cut| cut.resized),
        captioner: row.captioner,
        prompt: row.prompt,
        text: row.text,
        short: row.short,
        raw: row.raw,
        attempt: row.attempt,
        clip_tokens: row.clip_tokens,
        filters: row.filters,
        provenance: row.provenance,
    }
}

fn row_of(line: &[u8]) -> Option<CaptionRow> {
    let line: Line = serde_json::from_slice(line).ok()?;
    let crop = line.crop.map(|[top, left, width, height]| Cut {
        rect: Rect {
            top,
            left,
            width,
            height,
        },
        resized: line.resized,
    });
    let picture = line.picture_id.parse().ok()?;
    let view = View { picture, crop };
    Some(CaptionRow {
        captioner: line.captioner,
        prompt: line.prompt,
        text: line.text,
        short: line.short,
        raw: line.raw,
        attempt: line.attempt,
        clip_tokens: line.clip_tokens,
        filters: line.filters,
        provenance: line.provenance,
        ..CaptionRow::new(line.caption_key.parse().ok()?, view)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::captioner::by_hand;
    use terminus_manifest::ids::{PictureId, Sha256Digest};

    #[test]
    fn a_line_that_was_cut_costs_itself_alone() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::new(folder.path());
        let picture = |n: u8| PictureId::new(Sha256Digest::of(&[n]), Rect::whole(4, 4));
        let row = |n| by_hand(picture(n), &format!("a caption\nof {n}"));
        let mut journal = Journal::new(&root, 0, 1);
        journal.write(&row(1)).unwrap();
        let mut cut = serde_json::to_vec(&line_of(&row(2))).unwrap();
        cut.truncate(40);
        journal.file.as_mut().unwrap().write_all(&cut).unwrap();
        let mut journal = Journal::new(&root, 0, 1);
        let rect = Rect {
            top: 1,
            left: 2,
            width: 2,
            height: 1,
        };
        let crop = Some(Cut {
            rect,
            resized: Some((5, 6)),
        });
        let view = View {
            picture: picture(3),
            crop,
        };
        let cropped = CaptionRow::new(row(3).caption_key, view);
        journal.write(&cropped).unwrap();
        assert_eq!(Journal::read_all(&root).unwrap(), [row(1), cropped]);
        journal.clear().unwrap();
        assert!(Journal::read_all(&root).unwrap().is_empty());
    }
}
