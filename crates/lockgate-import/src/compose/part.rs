//! What each service of the file is in the spec: a service, a dependency, or a job of the release.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::Span;
use lockgate_yaml::{Entry, Node};

use super::dependency::Bundled;
use super::file::{File, Written};
use super::jobs::{self, Job};
use super::reading::Reading;
use super::{items, kinds, names, ports, text};
use crate::template::Filled;

#[derive(Clone, Debug)]
pub(super) struct Part {
    /// As the file calls it.
    pub(super) written: String,
    /// As the spec does.
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) keys: Vec<Entry>,
    pub(super) elsewhere: Option<String>,
    pub(super) image: Option<Filled>,
    pub(super) role: Role,
    /// Ports that the spec gives it, with their names; the main one comes first.
    pub(super) ports: Vec<(String, u16)>,
}

#[derive(Clone, Debug)]
pub(super) enum Role {
    Service,
    Dependency(Box<Bundled>),
    Job(Job),
}

impl Part {
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|it| &it.value)
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.keys.iter().find(|it| it.key == key).filter(|it| !super::is_empty(&it.value))
    }

    pub(super) fn path(&self, key: &str) -> String {
        format!("services.{}.{key}", self.written)
    }

    pub(super) fn is_service(&self) -> bool {
        matches!(self.role, Role::Service)
    }

    pub(super) fn bundled(&self) -> Option<&Bundled> {
        match &self.role {
            Role::Dependency(bundled) => Some(bundled),
            Role::Service | Role::Job(_) => None,
        }
    }

    /// Is this a name by which others reach it?
    pub(super) fn is_called(&self, host: &str) -> bool {
        let container = self.get("container_name").and_then(text);
        host == self.written || container == Some(host) || self.aliases().any(|it| it == host)
    }

    fn aliases(&self) -> impl Iterator<Item = &str> {
        let networks = self.get("networks").map_or(&[][..], Node::entries);
        let aliases = networks.iter().filter_map(|it| it.value.get("aliases"));
        aliases.flat_map(items).filter_map(text)
    }

    /// The services that it needs, as the file calls them, each with its place and what is said of it.
    pub(super) fn needs(&self) -> Vec<(&str, Span, Option<&Node>)> {
        let Some(needs) = self.get("depends_on") else { return vec![] };
        let listed = items(needs).iter().filter_map(|it| Some((text(it)?, it.span, None)));
        let mapped = needs.entries().iter().map(|it| (it.key.as_str(), it.key_span, Some(&it.value)));
        listed.chain(mapped).collect()
    }
}

pub(super) fn all(reading: &Reading<'_>, file: &File) -> Vec<Part> {
    let mut taken = BTreeSet::new();
    // A name that fits keeps it, whoever comes first.
    let fits = |it: &&Written| names::fitting(&it.name) == it.name;
    taken.extend(file.services.iter().filter(fits).map(|it| it.name.clone()));
    let mut parts: Vec<Part> = vec![];
    for written in &file.services {
        let name = if fits(&written) { written.name.clone() } else { names::free(&written.name, &taken) };
        taken.insert(name.clone());
        parts.push(part(reading, written, name));
    }
    if parts.iter().all(|it| !it.is_service()) {
        // Something has to be released.
        for part in &mut parts {
            part.role = Role::Service;
        }
    }
    for (idx, job) in jobs::found(reading, &parts) {
        parts[idx].role = Role::Job(job);
    }
    number(reading, &mut parts);
    parts
}

fn part(reading: &Reading<'_>, written: &Written, name: String) -> Part {
    let mut part = Part {
        written: written.name.clone(),
        name,
        span: written.span,
        keys: written.keys.clone(),
        elsewhere: written.elsewhere.clone(),
        image: None,
        role: Role::Service,
        ports: vec![],
    };
    part.image = part.get("image").and_then(text).and_then(|it| reading.fill(it));
    let known = part.image.as_ref().and_then(Filled::whole).and_then(kinds::of_image);
    if let Some((kind, _)) = known.filter(|_| part.get("build").is_none() && part.elsewhere.is_none())
        && let Some(bundled) = Bundled::read(reading, &part, kind)
    {
        part.role = Role::Dependency(Box::new(bundled));
    }
    part
}

/// Gives out ports: every number is there once in a system, for whoever comes first.
fn number(reading: &Reading<'_>, parts: &mut [Part]) {
    let mut taken: BTreeMap<u16, usize> = BTreeMap::new();
    for (idx, part) in parts.iter_mut().enumerate().filter(|it| it.1.is_service()) {
        let opened = part.get("ports").map_or(&[][..], items).iter();
        let opened = opened.filter_map(|it| Some(ports::read(reading, it).ok()?.number));
        let exposed = part.get("expose").map_or(&[][..], items).iter();
        let exposed = exposed.filter_map(|it| ports::exposed(reading, it).ok());
        let numbers: Vec<u16> = opened.chain(exposed).collect();
        for number in numbers {
            if *taken.entry(number).or_insert(idx) == idx && part.ports.iter().all(|it| it.1 != number) {
                let name = if part.ports.is_empty() { "http".to_owned() } else { format!("port-{number}") };
                part.ports.push((name, number));
            }
        }
    }
}
