//! Reading a diffusers `config.json`: every fault of the file at once, named by its key.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Error;

/// What is wrong with one key of a network's `config.json`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigFault {
    /// It has to be there and is not, or is null.
    #[error("`{key}` is missing")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// Its value is of another type than the key's, or asks for a part that these networks have not.
    #[error("`{key}` is {found}, which should be {expected}")]
    Unsupported {
        /// The key.
        key: &'static str,
        /// Its value as JSON.
        found: String,
        /// What could stand there.
        expected: String,
    },
}

/// A `config.json` whose keys are taken one by one, while faults are gathered.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    path: PathBuf,
    values: Map<String, Value>,
    faults: Vec<ConfigFault>,
}

impl ConfigFile {
    /// Reads the file, or `config.json` in it if `path` is a folder.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let path = if path.is_dir() {
            path.join("config.json")
        } else {
            path.to_owned()
        };
        let text = fs_err::read_to_string(&path)?;
        let values = serde_json::from_str(&text).map_err(|source| Error::Json {
            path: path.clone(),
            source,
        })?;
        Ok(Self {
            path,
            values,
            faults: Vec::new(),
        })
    }

    /// Keys that were read or worked out otherwise; `origin` is named in errors.
    pub fn of(origin: &Path, values: Value) -> Self {
        Self {
            path: origin.to_owned(),
            values: match values {
                Value::Object(values) => values,
                _ => Map::new(),
            },
            faults: Vec::new(),
        }
    }

    /// The key's value; without one, a fault and a stand-in.
    pub fn required<T: DeserializeOwned + Default>(&mut self, key: &'static str) -> T {
        self.optional(key).unwrap_or_else(|| {
            // A value of a wrong type has its fault already.
            if self.value(key).is_none() {
                self.faults.push(ConfigFault::Missing { key });
            }
            T::default()
        })
    }

    /// The key's value, or diffusers' default if it is absent or null.
    pub fn or<T: DeserializeOwned>(&mut self, key: &'static str, default: T) -> T {
        self.optional(key).unwrap_or(default)
    }

    /// One value for each of `count` blocks: a list, or one for all.
    pub fn per_block<T>(&mut self, key: &'static str, default: T, count: usize) -> Vec<T>
    where
        T: DeserializeOwned + Clone,
    {
        if !matches!(self.value(key), Some(Value::Array(_))) {
            return vec![self.or(key, default); count];
        }
        let values: Vec<T> = self.optional(key).unwrap_or_else(|| vec![default; count]);
        self.check(key, values.len() == count, || {
            format!("one value or a list of {count}")
        });
        values
    }

    /// The place in `words` of each word in a list of `count`; without the key, the stand-in 0.
    pub fn choices(&mut self, key: &'static str, words: &[&str], count: usize) -> Vec<usize> {
        let found: Vec<String> = self.required(key);
        let known = found.iter().all(|word| words.contains(&word.as_str()));
        self.check(key, known && found.len() == count, || {
            format!("a list of {count} of {}", words.join(", "))
        });
        let place = |word: &String| words.iter().position(|known| known == word).unwrap_or(0);
        let mut places: Vec<usize> = found.iter().map(place).collect();
        places.resize(count, 0);
        places
    }

    /// Refuses any other value than `value` for a part that is built in; absent and null mean diffusers' default.
    pub fn fixed(&mut self, key: &'static str, value: &Value, default: &Value) {
        let found = self.value(key).unwrap_or(default);
        let equal = match (found.as_f64(), value.as_f64()) {
            (Some(found), Some(value)) => (found - value).abs() < f64::EPSILON,
            _ => found == value,
        };
        self.check(key, equal, || value.to_string());
    }

    /// A fault of this key unless `holds`.
    pub fn check(&mut self, key: &'static str, holds: bool, expected: impl FnOnce() -> String) {
        if !holds {
            let found = self
                .values
                .get(key)
                .map_or("absent".to_owned(), Value::to_string);
            self.faults.push(ConfigFault::Unsupported {
                key,
                found,
                expected: expected(),
            });
        }
    }

    /// `config`, unless there were faults.
    pub fn finish<T>(mut self, config: T) -> Result<T, Error> {
        if self.faults.is_empty() {
            return Ok(config);
        }
        self.faults.dedup();
        Err(Error::ModelConfig {
            path: self.path,
            faults: self.faults,
        })
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key).filter(|value| !value.is_null())
    }

    fn optional<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        let value = self.value(key)?.clone();
        match serde_json::from_value(value) {
            Ok(value) => Some(value),
            Err(source) => {
                self.check(key, false, || source.to_string());
                None
            }
        }
    }
}
