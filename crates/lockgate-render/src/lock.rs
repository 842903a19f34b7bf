//! `lockgate.lock`: which bytes stand behind a name that somebody else may move, such as a tag.

mod needed;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use needed::{Needed, needed};

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

    /// Pins that come with the program: each was read from the repositories of the actions, or from what the makers of
    /// Docker's official images publish of them, on the day that it says.
    pub fn known() -> Lock {
        Lock::parse(include_str!("lock/known.json")).expect("the table of the program is sound")
    }

    /// `postgres:17` with its digest, where it is known.
    pub fn image(&self, name: &str) -> String {
        match self.images.get(name) {
            Some(pin) if !name.contains('@') => format!("{name}@{}", pin.digest),
            Some(_) | None => name.to_owned(),
        }
    }

    /// With everything that is needed: what is pinned stays, the rest is taken from `others`.
    #[must_use]
    pub fn filled(&self, needed: &Needed, others: &Lock) -> Lock {
        let pin = |mine: &BTreeMap<String, Pin>, theirs: &BTreeMap<String, Pin>, name: &String| {
            let pin = mine.get(name).or_else(|| theirs.get(name))?;
            Some((name.clone(), pin.clone()))
        };
        Lock {
            images: needed.images.iter().filter_map(|it| pin(&self.images, &others.images, it)).collect(),
            actions: needed.actions.keys().filter_map(|it| pin(&self.actions, &others.actions, it)).collect(),
        }
    }

    /// What is needed and has no pin.
    pub fn missing(&self, needed: &Needed) -> Needed {
        let actions = needed.actions.iter().filter(|it| !self.actions.contains_key(it.0));
        Needed {
            images: needed.images.iter().filter(|it| !self.images.contains_key(*it)).cloned().collect(),
            actions: actions.map(|(name, tag)| (name.clone(), tag.clone())).collect(),
        }
    }

    pub fn to_text(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("strings serialise");
        text + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_with_the_program_is_sound() {
        let known = Lock::known();
        let is_hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
        };
        for (name, pin) in &known.images {
            assert!(pin.digest.strip_prefix("sha256:").is_some_and(|it| is_hex(it, 64)), "{name}");
            assert!(name.ends_with(&format!(":{}", pin.tag)), "{name}");
        }
        for (name, pin) in &known.actions {
            assert!(is_hex(&pin.digest, 40), "{name}");
        }
        for action in crate::github::ACTIONS {
            assert_eq!(known.actions.get(action.repository()).map(|it| it.tag.as_str()), Some(action.tag));
        }
        assert_eq!(Lock::parse(&known.to_text()), Ok(known));
    }
}
