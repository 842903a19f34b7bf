//! What became of each field of a file.

use serde::Serialize;

/// Every field in the order of the file, and the values that somebody must give.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub fields: Vec<Field>,
    /// Values that no spec holds.
    pub values: Vec<Wanted>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Where it stands: `services.web.ports[0]`.
    pub path: String,
    /// Counted from 1.
    pub line: usize,
    pub fate: Fate,
    /// What says the same now: a key of the spec, or an object and its key that are patched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Why, or what is different now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// The spec says it.
    Mapped,
    /// A patch of what is rendered says it, for Compose only.
    Patch,
    /// Nothing says it any more.
    Dropped,
}

/// A value that belongs into the environment's store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wanted {
    pub name: String,
    /// File beside the spec that is never committed.
    pub file: &'static str,
    /// Where the value stood, or was asked for.
    pub path: String,
    pub line: usize,
    pub is_secret: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub mapped: usize,
    pub patch: usize,
    pub dropped: usize,
}

impl Report {
    pub fn counts(&self) -> Counts {
        let count = |fate| self.fields.iter().filter(|it| it.fate == fate).count();
        Counts { mapped: count(Fate::Mapped), patch: count(Fate::Patch), dropped: count(Fate::Dropped) }
    }
}
