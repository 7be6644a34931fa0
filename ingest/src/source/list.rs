//! Lists of addresses: txt, csv, tsv, jsonl, json and parquet, plain or gzipped, read as a stream.
//!
//! A row's identity is its `id` column, if the recipe names one, else its address without signatures: a list in
//! another order, or with rows more, fetches only what is new.

use std::{
    fmt,
    io::{BufRead, Read as _},
    path::PathBuf,
};

use csv::StringRecord;
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::Value;
use terminus_manifest::words::Reason;

use super::{
    Found, Sink, Stated, Walk,
    json::{self, Fields, text_of},
    pattern::{self, SourceFile, ends},
    table::damage,
    take_broken, text,
};
use crate::{CollectionPlan, Error, cells::Table, url::is_address};

/// The longest line of a list that is read: what is longer is no list.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// The lists that a glob names.
pub(crate) struct Lists(pub PathBuf);

impl Walk for Lists {
    fn walk(&self, collection: &CollectionPlan, sink: &mut dyn Sink) -> Result<(), Error> {
        for file in pattern::files(&collection.name, &self.0)? {
            let mut list = List {
                collection,
                file: &file,
                sink,
            };
            if let Err(detail) = list.read()? {
                take_broken(collection, &file, detail, sink)?;
            }
        }
        Ok(())
    }
}

struct List<'a> {
    collection: &'a CollectionPlan,
    file: &'a SourceFile,
    sink: &'a mut dyn Sink,
}

/// Damage in words, where the list itself cannot be read on.
type Damage = Result<(), String>;

impl List<'_> {
    fn read(&mut self) -> Result<Damage, Error> {
        let path = &self.file.path;
        let is = |end: &str| ends(path, end) || ends(path, &format!("{end}.gz"));
        if is(".parquet") {
            self.parquet()
        } else if is(".csv") {
            self.separated(b',')
        } else if is(".tsv") {
            self.separated(b'\t')
        } else if is(".jsonl") || is(".ndjson") || is(".json") {
            self.lines(Self::json_line)
        } else if is(".txt") || is(".list") {
            self.lines(Self::text_line)
        } else {
            Err(Error::ListFormat {
                collection: self.collection.name.clone(),
                path: path.clone(),
            })
        }
    }

    /// Takes a row: an address and what stands beside it.
    fn row(
        &mut self,
        number: u64,
        address: Option<String>,
        id: Option<&str>,
        stated: Stated,
    ) -> Result<(), Error> {
        let name = &self.collection.name;
        let found = match address {
            Some(address) if is_address(&address) => {
                Found::address(name, id, &address).stating(stated)
            }
            other => {
                let detail = match other {
                    Some(text) => format!("`{}` is no http or https address", shortened(&text)),
                    None => "the row has no address".to_owned(),
                };
                return self.bad_row(number, detail);
            }
        };
        self.sink.take(found)
    }

    fn bad_row(&mut self, number: u64, detail: String) -> Result<(), Error> {
        let name = format!("{}#{number}", self.file.name);
        let origin = format!("{}#{number}", self.file.path.display());
        let found =
            Found::without_bytes(&self.collection.name, &name, origin, Reason::BadRow, detail);
        self.sink.take(found)
    }

    /// Lines of text; blank ones are passed over.
    fn lines(
        &mut self,
        take: fn(&mut Self, u64, &str) -> Result<(), Error>,
    ) -> Result<Damage, Error> {
        let mut reader = match text::open(&self.file.path)? {
            Ok(reader) => reader,
            Err(detail) => return Ok(Err(detail)),
        };
        if ends(&self.file.path, ".json") || ends(&self.file.path, ".json.gz") {
            let start = reader.fill_buf().map_err(|error| error.to_string());
            match start.map(|start| start.trim_ascii_start().starts_with(b"[")) {
                Ok(true) => return self.json_array(reader),
                Ok(false) => {}
                Err(detail) => return Ok(Err(detail)),
            }
        }
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = match (&mut reader)
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut line)
            {
                Ok(read) => read,
                Err(error) => return Ok(Err(format!("line {number}: {error}"))),
            };
            if read == 0 {
                break;
            }
            if read as u64 == MAX_LINE_BYTES {
                return Ok(Err(format!(
                    "line {number} is longer than {MAX_LINE_BYTES} bytes"
                )));
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim();
            if !text.is_empty() {
                take(self, number, text)?;
            }
        }
        Ok(Ok(()))
    }

    /// An address; what stands behind a tab is its prompt. A line that begins with `#` is a remark.
    fn text_line(&mut self, number: u64, line: &str) -> Result<(), Error> {
        if line.starts_with('#') {
            return Ok(());
        }
        let (address, prompt) = line.split_once('\t').unwrap_or((line, ""));
        let prompt = Some(prompt.trim().to_owned()).filter(|prompt| !prompt.is_empty());
        let stated = Stated {
            prompt,
            ..Stated::default()
        };
        self.row(number, Some(address.trim().to_owned()), None, stated)
    }

    fn json_line(&mut self, number: u64, line: &str) -> Result<(), Error> {
        match serde_json::from_str(line) {
            Ok(value) => self.json_value(number, value),
            Err(error) => self.bad_row(number, format!("the line is no JSON: {error}")),
        }
    }

    /// A document that is one list, read as a stream.
    fn json_array(&mut self, reader: Box<dyn BufRead>) -> Result<Damage, Error> {
        let mut failure = None;
        let mut number = 0;
        let mut document = serde_json::Deserializer::from_reader(reader);
        let elements = Elements(|value| {
            number += 1;
            self.json_value(number, value)
                .map_err(|error| failure = Some(error))
                .is_ok()
        });
        let read = elements.deserialize(&mut document);
        let read = read.and_then(|()| document.end());
        match failure {
            Some(error) => Err(error),
            None => Ok(read.map_err(|error| error.to_string())),
        }
    }

    fn json_value(&mut self, number: u64, value: Value) -> Result<(), Error> {
        let object = match value {
            Value::Object(object) => object,
            Value::String(address) => {
                return self.row(number, Some(address), None, Stated::default());
            }
            _ => return self.bad_row(number, "it is no JSON object".to_owned()),
        };
        let get = |name: &str| object.get(name).and_then(text_of);
        let row = self.fields(&Fields::new(&get));
        self.row(number, row.0, row.1.as_deref(), row.2)
    }

    /// Address, id and what is stated.
    fn fields(&self, fields: &Fields<'_>) -> (Option<String>, Option<String>, Stated) {
        let columns = &self.collection.columns;
        let id = columns.id.as_ref();
        (
            fields.first(columns.url.as_ref(), json::URL),
            fields
                .first(id, &["source_id"])
                .filter(|_| id.is_some() || columns.url.is_none()),
            json::stated(fields, columns),
        )
    }

    /// Values between separators, the first line their names.
    fn separated(&mut self, delimiter: u8) -> Result<Damage, Error> {
        let text = match text::open(&self.file.path)? {
            Ok(text) => text,
            Err(detail) => return Ok(Err(detail)),
        };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .from_reader(text);
        let headers = match reader.headers() {
            Ok(headers) => headers.clone(),
            Err(error) => return Ok(Err(error.to_string())),
        };
        let names: Vec<String> = headers
            .iter()
            .map(|name| name.trim().to_lowercase())
            .collect();
        if names.is_empty() {
            // A list that grows begins empty.
            return Ok(Ok(()));
        }
        self.expect_url(&names)?;
        let usual = json::URL.iter().copied();
        let named = self.collection.columns.url.as_deref();
        let url_at = named.into_iter().chain(usual).find_map(|name| {
            names
                .iter()
                .position(|known| known.eq_ignore_ascii_case(name))
        });
        for record in reader.into_records() {
            let record = match record {
                Ok(record) => record,
                Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                    let number = error.position().map_or(0, csv::Position::line);
                    self.bad_row(number, "the line is not UTF-8".to_owned())?;
                    continue;
                }
                Err(error) => return Ok(Err(error.to_string())),
            };
            let number = record.position().map_or(0, csv::Position::line);
            for (line, record) in unquoted(record, url_at, char::from(delimiter)) {
                self.record(number + line, &names, &record)?;
            }
        }
        Ok(Ok(()))
    }

    fn record(
        &mut self,
        number: u64,
        names: &[String],
        record: &StringRecord,
    ) -> Result<(), Error> {
        let (wanted, seen) = (names.len(), record.len());
        if record.iter().skip(wanted).any(|value| !value.is_empty()) {
            let detail = format!(
                "the line has {seen} values, the first one names {wanted}\nhint: put a value that holds a separator between quotes"
            );
            return self.bad_row(number, detail);
        }
        let get = |name: &str| {
            let at = names
                .iter()
                .position(|known| known.eq_ignore_ascii_case(name))?;
            let text = record.get(at)?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let row = self.fields(&Fields::new(&get));
        self.row(number, row.0, row.1.as_deref(), row.2)
    }

    fn parquet(&mut self) -> Result<Damage, Error> {
        let table = match Table::open(&self.file.path) {
            Ok(table) => table,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let names: Vec<String> = table
            .names()
            .iter()
            .map(|name| name.to_lowercase())
            .collect();
        self.expect_url(&names)?;
        let mut faults = Vec::new();
        for cells in table.read(1024, |name| {
            !json::IMAGE.contains(&name.to_lowercase().as_str())
        }) {
            let cells = match cells {
                Ok(cells) => cells,
                Err(error) => {
                    faults.push(error.to_string());
                    continue;
                }
            };
            for (row, number) in (0..cells.rows()).zip(cells.first_row() as u64 + 1..) {
                let get = |name: &str| cells.text(name, row);
                let (address, id, stated) = self.fields(&Fields::new(&get));
                self.row(number, address, id.as_deref(), stated)?;
            }
        }
        Ok(damage(&faults))
    }

    /// A list without a column of addresses is a mistake in the recipe.
    fn expect_url(&self, names: &[String]) -> Result<(), Error> {
        let has = |name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        let is_there = match &self.collection.columns.url {
            Some(name) => has(name),
            None => json::URL.iter().any(|name| has(name)),
        };
        if is_there {
            return Ok(());
        }
        Err(Error::NoColumn {
            collection: self.collection.name.clone(),
            path: self.file.path.clone(),
            key: "url",
            found: names.join(", "),
        })
    }
}

/// The rows of a record, each with its line behind the first.
///
/// A quote at the start of a value that none ends takes the lines behind it for its own. They are told by the address that
/// stands where addresses do, and are rows again, without quotes.
fn unquoted(
    record: StringRecord,
    url_at: Option<usize>,
    delimiter: char,
) -> Vec<(u64, StringRecord)> {
    let is_row = |line: &str| {
        let value = url_at.and_then(|at| line.split(delimiter).nth(at));
        value.is_some_and(|value| is_address(value.trim()))
    };
    let holds_rows = |value: &str| value.contains('\n') && value.lines().skip(1).any(is_row);
    if !record.iter().any(holds_rows) {
        return vec![(0, record)];
    }
    let text = record.iter().collect::<Vec<_>>();
    let text = text.join(delimiter.encode_utf8(&mut [0; 4]));
    let mut rows: Vec<(u64, String)> = Vec::new();
    for (number, line) in (0..).zip(text.lines()) {
        match rows.last_mut() {
            // A line that is no row belongs to the value before it.
            Some((_, last)) if !is_row(line) => {
                last.push('\n');
                last.push_str(line);
            }
            _ => rows.push((number, line.to_owned())),
        }
    }
    let rows = rows.into_iter();
    rows.map(|(number, row)| (number, row.split(delimiter).collect()))
        .collect()
}

/// A JSON list whose elements are handed over one by one, until the function says no.
struct Elements<F>(F);

impl<'de, F: FnMut(Value) -> bool> DeserializeSeed<'de> for Elements<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Value) -> bool> Visitor<'de> for Elements<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element::<Value>()? {
            if !(self.0)(value) {
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// Text for a message, cut short.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
