//! Releases, the slots they create, and the frozen snapshot that each carries.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Digest, Fixtures, Form, JobName, SecretRef, ServiceName, System, Version};

/// Number of a release in its state folder, counted from 1. Printed as `r12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseId(pub u64);

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("r{}", self.0))
    }
}

impl FromStr for ReleaseId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<ReleaseId, &'static str> {
        let number = text.strip_prefix('r').and_then(|it| it.parse().ok());
        number.map(ReleaseId).ok_or("a release is named `r` and a number, as in `r12`")
    }
}

// As a string, so that it can be the key of a JSON object too.
impl Serialize for ReleaseId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ReleaseId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<ReleaseId, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A slot: the instances of one service that one release created. Printed as `web@r12`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotRef {
    pub service: ServiceName,
    pub release: ReleaseId,
}

impl fmt::Display for SlotRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}@{}", self.service, self.release))
    }
}

impl FromStr for SlotRef {
    type Err = String;

    fn from_str(text: &str) -> Result<SlotRef, String> {
        let (service, release) = text.split_once('@').ok_or("a slot is named `service@r12`")?;
        Ok(SlotRef {
            service: service.parse().map_err(|it: crate::InvalidName| it.to_string())?,
            release: release.parse()?,
        })
    }
}

impl Serialize for SlotRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SlotRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<SlotRef, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The commit that a release is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    pub sha: String,
    /// `None` when no branch is checked out.
    pub branch: Option<String>,
    /// The one of its tags that counts in the environment.
    pub tag: Option<String>,
}

impl Commit {
    /// As people write it.
    pub fn short(&self) -> &str {
        self.sha.get(..7).unwrap_or(&self.sha)
    }
}

/// All that a release puts in place, frozen when it is requested: a rollback restores one of these whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub version: Version,
    /// `None` where the spec is in no repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// Why it goes out while its environment is frozen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub despite_freeze: Option<String>,
    pub system: System,
    /// Digest of each service's files as they are kept in the file store.
    pub files: BTreeMap<ServiceName, Digest>,
    /// Digest of the migrations' files.
    pub migrations: Option<Digest>,
    /// What each service is run as; a process unless it is said here.
    #[serde(default)]
    pub forms: BTreeMap<ServiceName, Form>,
    /// The same of the jobs.
    #[serde(default)]
    pub job_forms: BTreeMap<JobName, Form>,
    /// Variables of each service whose values are kept apart. Jobs have those of the service that runs them.
    #[serde(default)]
    pub secrets: BTreeMap<ServiceName, BTreeMap<String, SecretRef>>,
    /// Secrets of the release itself, such as a smoke check's token.
    #[serde(default)]
    pub own_secrets: BTreeMap<String, SecretRef>,
    #[serde(default)]
    pub fixtures: Fixtures,
}

impl Snapshot {
    /// A system without files, secrets or images.
    pub fn new(version: Version, system: System) -> Snapshot {
        Snapshot {
            version,
            commit: None,
            despite_freeze: None,
            system,
            files: BTreeMap::new(),
            migrations: None,
            forms: BTreeMap::new(),
            job_forms: BTreeMap::new(),
            secrets: BTreeMap::new(),
            own_secrets: BTreeMap::new(),
            fixtures: Fixtures::None,
        }
    }

    /// Of all services and of the release itself, by the names of their variables.
    pub fn all_secrets(&self) -> impl Iterator<Item = (&String, &SecretRef)> {
        self.secrets.values().flatten().chain(&self.own_secrets)
    }

    /// Whether both put the same in place, whatever commit and whatever reason they come from.
    pub fn puts_the_same(&self, other: &Snapshot) -> bool {
        let placed = |it: &Snapshot| Snapshot { commit: None, despite_freeze: None, ..it.clone() };
        placed(self) == placed(other)
    }

    /// Images that it needs, by digest.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        self.forms.values().chain(self.job_forms.values()).filter_map(|it| match it {
            Form::Container(container) => Some(container.image.as_str()),
            Form::Process | Form::Objects(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_and_releases_print_and_parse() {
        let slot = SlotRef { service: ServiceName::new("web").unwrap(), release: ReleaseId(12) };
        assert_eq!(slot.to_string(), "web@r12");
        assert_eq!("web@r12".parse::<SlotRef>().unwrap(), slot);
        for bad in ["web", "web@12", "@r1", "web@r", "web@r-1"] {
            assert!(bad.parse::<SlotRef>().is_err(), "{bad}");
        }
    }
}
