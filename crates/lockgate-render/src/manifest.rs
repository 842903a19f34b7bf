//! Which files of the tree are ours, and what each came from.

use std::collections::BTreeMap;

use lockgate_model::{Digest, EnvironmentName};
use serde::{Deserialize, Serialize};

use crate::artifact::{Artifact, Kind};

/// Where it lies, relative to the spec's folder.
pub const PATH: &str = "deploy/rendered.json";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// By path.
    pub artifacts: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    pub digest: Digest,
    pub origin: Vec<String>,
}

impl Manifest {
    pub fn of<'a>(artifacts: impl IntoIterator<Item = &'a Artifact>) -> Manifest {
        let entries = artifacts.into_iter().map(|it| {
            let entry = Entry {
                kind: it.kind,
                environment: it.environment.clone(),
                digest: Digest::of(it.text.as_bytes()),
                origin: it.origin.clone(),
            };
            (it.path.clone(), entry)
        });
        Manifest { artifacts: entries.collect() }
    }

    pub fn parse(text: &str) -> Result<Manifest, serde_json::Error> {
        serde_json::from_str(text)
    }

    pub fn to_text(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("strings and digests serialise");
        text + "\n"
    }
}
