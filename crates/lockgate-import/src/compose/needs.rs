//! What a service depends on: what it says so itself, and what its variables lead to.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_yaml::Kind;

use super::jobs::Job;
use super::part::{Part, Role};
use super::patches;
use super::reading::{Reading, to_service};
use super::{health, items, text};
use crate::value::{Map, Value};

/// What the variables of a service lead to.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// Dependencies whose address is in a variable, by its name.
    connected: BTreeMap<String, String>,
    /// Dependencies that references lead to.
    referred: BTreeSet<String>,
}

impl Needs {
    /// Lets the spec set the variable; `false` when it sets another one already.
    pub(super) fn connect(&mut self, reading: &Reading<'_>, dependency: &str, variable: &str) -> bool {
        let is_free = !self.connected.contains_key(dependency);
        let known = reading.parts.iter().any(|it| it.name == dependency && it.bundled().is_some());
        if is_free && known {
            self.connected.insert(dependency.to_owned(), variable.to_owned());
        }
        is_free && known
    }

    pub(super) fn refer(&mut self, dependency: &str) {
        self.referred.insert(dependency.to_owned());
    }

    pub(super) fn has(&self, dependency: &str) -> bool {
        self.connected.contains_key(dependency) || self.referred.contains(dependency)
    }
}

/// Needs without which there is no circle.
pub(super) fn circular(parts: &[Part]) -> BTreeSet<(String, String)> {
    let mut circular = BTreeSet::new();
    let mut states = BTreeMap::new();
    for part in parts {
        visit(parts, part, &mut states, &mut circular);
    }
    circular
}

/// Goes along needs; those that lead back to where it comes from close a circle. A file has some hundred services
/// at most, and so many calls at most are under way at once.
fn visit<'a>(
    parts: &'a [Part],
    part: &'a Part,
    states: &mut BTreeMap<&'a str, Visit>,
    circular: &mut BTreeSet<(String, String)>,
) {
    if states.contains_key(part.written.as_str()) {
        return;
    }
    states.insert(&part.written, Visit::UnderWay);
    for (to, ..) in part.needs() {
        if states.get(to) == Some(&Visit::UnderWay) {
            circular.insert((part.written.clone(), to.to_owned()));
        } else if let Some(next) = parts.iter().find(|it| it.written == to) {
            visit(parts, next, states, circular);
        }
    }
    states.insert(&part.written, Visit::Done);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    UnderWay,
    Done,
}

/// The entries of `depends_on` in the spec.
pub(super) fn write(reading: &mut Reading<'_>, part: &Part, needs: &Needs, spec: &mut Map) {
    let mut entries = Map::default();
    let mut taken: BTreeSet<String> = needs.connected.values().cloned().collect();
    for (dependency, variable) in &needs.connected {
        let usual = reading.parts.iter().find(|it| it.name == *dependency).and_then(Part::bundled);
        let is_usual = usual.is_some_and(|it| it.variable() == *variable);
        let rule = if is_usual { Map::default() } else { Map::one("as", Value::Text(variable.clone())) };
        entries.set(dependency, Value::Map(rule));
    }
    if let Some(entry) = part.entry("depends_on") {
        if matches!(entry.value.kind, Kind::Scalar(_)) {
            reading.dropped(part.path("depends_on"), entry.key_span, "it is neither a map nor a list");
        }
        for (idx, item) in items(&entry.value).iter().enumerate().filter(|it| text(it.1).is_none()) {
            reading.dropped(part.path(&format!("depends_on[{idx}]")), item.span, "it names no service");
        }
        for (written, span, said) in part.needs() {
            let path = part.path(&format!("depends_on.{written}"));
            let Some(other) = reading.part(written).cloned() else {
                reading.dropped(path, span, "there is no service of this name");
                continue;
            };
            let said = said.map_or(&[][..], |it| it.entries());
            let condition = said.iter().find(|it| it.key == "condition").and_then(|it| text(&it.value));
            need(reading, part, needs, (&other, &path, span, condition), &mut entries, &mut taken);
            for more in said.iter().filter(|it| it.key != "condition") {
                let path = format!("{path}.{}", more.key);
                if let Some(value) = reading.written(&path, more) {
                    lay(reading, part, &other, &more.key, value);
                    let to = to_service(&part.name, &format!("depends_on.{}.{}", other.name, more.key));
                    reading.patched(path, more.key_span, to, "the spec starts everything that is needed");
                }
            }
        }
    }
    let named: Vec<String> =
        entries.keys().chain(needs.referred.iter().map(String::as_str)).map(str::to_owned).collect();
    reading.reached.extend(named.into_iter().map(|it| (part.name.clone(), it)));
    if entries.is_empty() {
        return;
    }
    spec.set("depends_on", entries.names().map_or(Value::Map(entries.clone()), Value::texts));
}

fn lay(reading: &mut Reading<'_>, part: &Part, other: &Part, key: &str, value: Value) {
    let set = Map::one(&other.name, Value::Map(Map::one(key, value)));
    reading.patches.add(patches::SERVICE, &part.name, Map::one("depends_on", Value::Map(set)));
}

fn need(
    reading: &mut Reading<'_>,
    part: &Part,
    needs: &Needs,
    (other, path, span, condition): (&Part, &str, lockgate_model::Span, Option<&str>),
    entries: &mut Map,
    taken: &mut BTreeSet<String>,
) {
    let to = format!("services.{}.depends_on", part.name);
    match &other.role {
        Role::Job(job) => {
            let to = match job {
                Job::Migrations { .. } => "migrations",
                Job::Seeds { .. } => "seeds",
            };
            reading.mapped_but(path, span, to, "a release runs it before the new version starts".to_owned());
        }
        Role::Dependency(bundled) => {
            if needs.connected.contains_key(&other.name) {
                return reading.mapped(path, span, to);
            }
            if needs.referred.contains(&other.name) {
                let to = format!("services.{}.env", part.name);
                return reading.mapped_but(path, span, to, "a reference to it is a need".to_owned());
            }
            let mut rule = Map::default();
            let mut variable = bundled.variable();
            if taken.contains(&variable) {
                variable = format!("{}_URL", other.name.to_ascii_uppercase().replace('-', "_"));
                rule.set("as", Value::Text(variable.clone()));
            }
            entries.set(&other.name, Value::Map(rule));
            taken.insert(variable.clone());
            reading.mapped_but(path, span, to, format!("its address is in `{variable}` as well"));
        }
        Role::Service if reading.circular.contains(&(part.written.clone(), other.written.clone())) => {
            reading.dropped(
                path,
                span,
                "services need each other in a circle, which Compose refuses as well",
            );
        }
        Role::Service => {
            entries.set(&other.name, Value::Map(Map::default()));
            if condition == Some("service_completed_successfully") {
                lay(
                    reading,
                    part,
                    other,
                    "condition",
                    Value::Text("service_completed_successfully".to_owned()),
                );
                let to = to_service(&part.name, &format!("depends_on.{}.condition", other.name));
                return reading.patched(path, span, to, "the spec has no services that end");
            }
            if condition == Some("service_healthy") && health::is_path(reading, other) {
                // The image is not known, so what is rendered does not ask it; the patch of its check does.
                lay(reading, part, other, "condition", Value::Text("service_healthy".to_owned()));
            }
            reading.mapped(path, span, to);
        }
    }
}
