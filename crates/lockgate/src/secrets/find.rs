//! Where values come from: the environment's file, the environment of this command, and what was made before.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use lockgate_import::Dotenv;
use lockgate_model::{Secret, Store, System};

use super::needs::Key;
use crate::context;

/// What can be asked for a value.
pub(super) struct Sources {
    /// Its name as the spec has it.
    file: Option<String>,
    is_there: bool,
    values: BTreeMap<String, String>,
    environment: fn(&str) -> Option<String>,
}

impl Sources {
    pub(super) fn of(system: &System, folder: &Path) -> anyhow::Result<Sources> {
        let environment = |name: &str| std::env::var(name).ok();
        let Some(Store::File(file)) = &system.stores.secrets else {
            return Ok(Sources { file: None, is_there: false, values: BTreeMap::new(), environment });
        };
        let path = folder.join(file);
        let is_there = path.exists();
        let values = if is_there { read(&path)? } else { BTreeMap::new() };
        Ok(Sources { file: Some(file.clone()), is_there, values, environment })
    }

    /// `None` where nobody has a value; an error says what is wrong with the one there is.
    pub(super) fn find(&self, key: &Key) -> Result<Option<Secret<String>>, String> {
        let of_file = self.values.get(&key.name).cloned();
        let found = of_file.or_else(|| (self.environment)(&key.name)).filter(|it| !it.is_empty());
        let Some(found) = found else { return Ok(None) };
        match &key.part {
            None => Ok(Some(Secret::new(found))),
            Some(part) => part_of(&found, &key.name, part).map(|it| Some(Secret::new(it))),
        }
    }

    /// Where somebody may put a value.
    pub(super) fn places(&self, system: &System) -> String {
        let environment = &system.environment;
        match (&self.file, self.is_there) {
            (Some(file), true) => {
                format!("write them to {file} beside the spec, or into the environment of this command")
            }
            (Some(file), false) => format!(
                "write them to {file} beside the spec, which is not there yet, or into the environment of this command; \
                 `lockgate render --only dotenv` writes a template"
            ),
            (None, _) => format!(
                "write them into the environment of this command, or into a file that \
                 `environments: {{{environment}: {{stores: {{secrets: {{file: .env.{environment}}}}}}}}}` names"
            ),
        }
    }
}

fn read(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = context::read(path).context("the secrets of the environment cannot be read")?.text;
    let read = Dotenv::read(&text);
    if let Some(line) = read.unread.first() {
        bail!(
            "line {line} of {} is neither `NAME=value` nor a comment; a value of several lines stands in quotes",
            path.display()
        );
    }
    Ok(read.values)
}

fn part_of(value: &str, name: &str, part: &str) -> Result<String, String> {
    let json: serde_json::Value = serde_json::from_str(value)
        .map_err(|_| format!("`{part}` is a key of it, and the value of `{name}` is not JSON"))?;
    match json.get(part) {
        Some(serde_json::Value::String(text)) => Ok(text.clone()),
        Some(other) => Ok(other.to_string()),
        None => Err(format!("the JSON of `{name}` has no key `{part}`")),
    }
}
