//! What is known while a file is read, and the report that grows with it.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::Span;
use lockgate_yaml::{Entry, Node};

use super::file::File;
use super::part::{self, Part};
use super::patches::{self, Patches};
use super::{needs, network, places, top};
use crate::Input;
use crate::report::{Fate, Field, Report, Wanted};
use crate::template::{self, Filled};
use crate::value::{Map, Value};

pub(super) struct Reading<'a> {
    variables: &'a BTreeMap<String, String>,
    /// What the system is called when the file does not say.
    pub(super) fallback: &'a str,
    /// Bytes at which lines begin.
    lines: Vec<usize>,
    pub(super) parts: Vec<Part>,
    pub(super) patches: Patches,
    /// Entries below top-level keys such as `volumes` that a patch or a service needs.
    pub(super) needed: BTreeSet<(&'static str, String)>,
    /// Names that stores have for secrets, with what the file says of their values.
    secrets: BTreeMap<String, String>,
    /// Volumes of which more is said than their names.
    pub(super) special_volumes: BTreeSet<String>,
    /// All services see each other.
    pub(super) plain_network: bool,
    /// Top-level secrets whose files only hold the password of a dependency.
    pub(super) files: BTreeSet<String>,
    /// Needs that close a circle, from and to, as the file calls both.
    pub(super) circular: BTreeSet<(String, String)>,
    /// Which services need which dependencies, as the spec calls both.
    pub(super) reached: BTreeSet<(String, String)>,
    /// Named volumes that the spec declares by itself.
    pub(super) volumes: BTreeMap<String, String>,
    pub(super) report: Report,
}

impl<'a> Reading<'a> {
    pub(super) fn new(input: &Input<'a>, file: &File) -> Reading<'a> {
        let starts = std::iter::once(0).chain(input.text.match_indices('\n').map(|it| it.0 + 1));
        let mut reading = Reading {
            variables: input.variables,
            fallback: input.system,
            lines: starts.collect(),
            parts: vec![],
            patches: Patches::default(),
            needed: BTreeSet::new(),
            secrets: BTreeMap::new(),
            special_volumes: top::special_volumes(&file.root).collect(),
            plain_network: false,
            files: BTreeSet::new(),
            circular: BTreeSet::new(),
            reached: BTreeSet::new(),
            volumes: BTreeMap::new(),
            report: Report::default(),
        };
        reading.parts = part::all(&reading, file);
        reading.circular = needs::circular(&reading.parts);
        reading.plain_network = network::is_plain(&file.root, &reading.parts);
        reading
    }

    pub(super) fn line(&self, span: Span) -> usize {
        self.lines.partition_point(|it| *it <= span.start).max(1)
    }

    pub(super) fn fill(&self, text: &str) -> Option<Filled> {
        template::fill(text, self.variables)
    }

    /// The text of a single value when no variable in it is missing.
    pub(super) fn plain(&self, node: &Node) -> Option<String> {
        self.fill(super::text(node)?)?.whole().map(str::to_owned)
    }

    fn field(&mut self, path: String, span: Span, fate: Fate, to: Option<String>, why: Option<String>) {
        let line = self.line(span);
        self.report.fields.push(Field { path, line, fate, to, why });
    }

    pub(super) fn mapped(&mut self, path: impl Into<String>, span: Span, to: impl Into<String>) {
        self.field(path.into(), span, Fate::Mapped, Some(to.into()), None);
    }

    pub(super) fn mapped_but(
        &mut self,
        path: impl Into<String>,
        span: Span,
        to: impl Into<String>,
        but: impl Into<Option<String>>,
    ) {
        self.field(path.into(), span, Fate::Mapped, Some(to.into()), but.into());
    }

    pub(super) fn dropped(&mut self, path: impl Into<String>, span: Span, why: impl Into<String>) {
        self.field(path.into(), span, Fate::Dropped, None, Some(why.into()));
    }

    /// Says that a patch carries a field, which the caller has added.
    pub(super) fn patched(
        &mut self,
        path: impl Into<String>,
        span: Span,
        to: String,
        why: impl Into<String>,
    ) {
        self.field(path.into(), span, Fate::Patch, Some(to), Some(why.into()));
    }

    /// A key of a service as it is written, laid over the rendered service.
    pub(super) fn keep(&mut self, part: &Part, entry: &Entry, why: &str) {
        let path = part.path(&entry.key);
        if let Some(value) = self.written(&path, entry) {
            self.patches.add(patches::SERVICE, &part.name, Map::one(&entry.key, value));
            self.patched(path, entry.key_span, to_service(&part.name, &entry.key), why);
        }
    }

    /// What is written under a key, for a patch. Secrets in it are reported and left out, and its paths lead on.
    pub(super) fn written(&mut self, path: &str, entry: &Entry) -> Option<Value> {
        let mut left_out = vec![];
        let value = patches::without_secrets(path, &entry.value, &mut left_out);
        let value = value.map(|it| places::moved(self, &entry.key, it));
        for (path, node) in left_out {
            self.dropped(path, node.span, "it looks like a secret, which no spec may hold: write `${NAME}` there, and the value into `.env`");
        }
        value
    }

    /// A value that somebody must give.
    pub(super) fn want(&mut self, name: &str, path: &str, span: Span, is_secret: bool) {
        if self.report.values.iter().any(|it| it.name == name) {
            return;
        }
        let line = self.line(span);
        let wanted =
            Wanted { name: name.to_owned(), file: super::STORE, path: path.to_owned(), line, is_secret };
        self.report.values.push(wanted);
    }

    /// The name under which the store has a secret. Stores are flat: another value needs another name.
    pub(super) fn secret_name(&mut self, name: &str, service: &str, value: &str) -> String {
        let mut bundled = self.parts.iter().filter_map(Part::bundled);
        let bundled = bundled.find(|it| it.secret == name && it.signs_in());
        let password = bundled.map(|it| it.password.clone().unwrap_or_default());
        let known = self.secrets.get(name).or(password.as_ref());
        if known.is_none_or(|it| it == value) {
            self.secrets.insert(name.to_owned(), value.to_owned());
            return name.to_owned();
        }
        let own = format!("{}_{name}", service.to_ascii_uppercase().replace('-', "_"));
        self.secrets.insert(own.clone(), value.to_owned());
        own
    }

    /// The part that a name in the file leads to.
    pub(super) fn part(&self, written: &str) -> Option<&Part> {
        self.parts.iter().find(|it| it.written == written)
    }

    pub(super) fn finished(mut self) -> Report {
        self.report.fields.sort_by_key(|it| it.line);
        self.report.values.sort_by_key(|it| it.line);
        self.report
    }
}

/// For a report: what of a rendered service is patched.
pub(super) fn to_service(name: &str, key: &str) -> String {
    format!("{} {name}: {key}", patches::SERVICE)
}
