//! `config.json` of a model's folder.

use std::path::{Path, PathBuf};

use serde_json::Value;
use terminus_nn::Activation;

use crate::Error;

/// A table of a configuration, with its place for messages.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    path: PathBuf,
    prefix: String,
    value: Value,
}

impl Config {
    /// The whole of `config.json`.
    ///
    /// # Errors
    /// There is none, or it is no JSON.
    pub(crate) fn read(folder: &Path) -> Result<Self, Error> {
        Self::read_beside(folder, "config.json")?.ok_or_else(|| Error::NoModel {
            folder: folder.to_owned(),
        })
    }

    /// Another JSON file of the folder; none if it is not there.
    ///
    /// # Errors
    /// It is no JSON.
    pub(crate) fn read_beside(folder: &Path, name: &str) -> Result<Option<Self>, Error> {
        let path = folder.join(name);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs_err::read_to_string(&path)?;
        let value = serde_json::from_str(&text).map_err(|source| Error::Json {
            path: path.clone(),
            source,
        })?;
        Ok(Some(Self {
            path,
            prefix: String::new(),
            value,
        }))
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A value; none if it is absent or null.
    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        self.value.get(key).filter(|value| !value.is_null())
    }

    /// The table under `key`.
    pub(crate) fn table(&self, key: &str) -> Result<Self, Error> {
        let value = self.value(key).filter(|value| value.is_object());
        Ok(Self {
            path: self.path.clone(),
            prefix: format!("{}{key}.", self.prefix),
            value: value.ok_or_else(|| self.fault(key, "a table"))?.clone(),
        })
    }

    /// A whole number from 1 on.
    pub(crate) fn count(&self, key: &str) -> Result<i64, Error> {
        self.value(key)
            .and_then(Value::as_i64)
            .filter(|count| *count > 0)
            .ok_or_else(|| self.fault(key, "a whole number from 1 on"))
    }

    /// A number.
    pub(crate) fn real(&self, key: &str) -> Result<f64, Error> {
        number(self.value(key)).ok_or_else(|| self.fault(key, "a number"))
    }

    /// A text.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.value(key).and_then(Value::as_str)
    }

    /// The id or ids under `key`.
    pub(crate) fn ids(&self, key: &str) -> Vec<i64> {
        match self.value(key) {
            Some(Value::Array(ids)) => ids.iter().filter_map(Value::as_i64).collect(),
            Some(id) => id.as_i64().into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// The activation under `key`.
    pub(crate) fn activation(&self, key: &str) -> Result<Activation, Error> {
        self.text(key)
            .and_then(Activation::from_name)
            .ok_or_else(|| self.fault(key, "`gelu`, `gelu_pytorch_tanh`, `quick_gelu` or `silu`"))
    }

    pub(crate) fn fault(&self, key: &str, expected: &'static str) -> Error {
        Error::ModelConfig {
            path: self.path.clone(),
            key: format!("{}{key}", self.prefix),
            found: self
                .value(key)
                .map_or_else(|| "absent".to_owned(), |value| format!("`{value}`")),
            expected,
        }
    }
}

/// A number, if it is one.
pub(crate) fn number(value: Option<&Value>) -> Option<f64> {
    value.and_then(Value::as_f64)
}
