//! `lockgate.lock`: which bytes stand behind a name that somebody else may move, such as a tag.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Base images by `name:tag`, and actions by `owner/name`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    #[serde(default)]
    pub images: BTreeMap<String, Pin>,
    #[serde(default)]
    pub actions: BTreeMap<String, Pin>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// What people call it: `22-bookworm-slim`, `v4.2.2`.
    pub tag: String,
    /// `sha256:...` of an image's index, or the commit of an action.
    pub digest: String,
    /// The day on which the tag was seen to mean this: `2026-11-21`.
    pub date: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lock file cannot be read: {0}")]
pub struct Unreadable(pub String);

impl Lock {
    pub fn parse(text: &str) -> Result<Lock, Unreadable> {
        serde_json::from_str(text).map_err(|error| Unreadable(error.to_string()))
    }

    /// `postgres:17` with its digest, where it is known.
    pub fn image(&self, name: &str) -> String {
        match self.images.get(name) {
            Some(pin) if !name.contains('@') => format!("{name}@{}", pin.digest),
            Some(_) | None => name.to_owned(),
        }
    }

    pub fn to_text(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("strings serialise");
        text + "\n"
    }
}
