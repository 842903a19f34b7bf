//! A spec: one file, from text to the system that each environment sees.

use std::collections::BTreeSet;

use lockgate_model::{Commit, Diagnostic, EnvironmentName, Severity, Span, System, SystemName, Version};

use crate::explain::{self, Explanation, NoExplanation};
use crate::layers::{Value, inner};
use crate::lints::Beside;
use crate::schema::{Leaf, Shape};
use crate::{conventions, include, language, levels, limits, lints, lower, overlay, platform, scalar};
use lockgate_diagnostics::shown;
use lockgate_diagnostics::{Source, codes, suggest};
use lockgate_yaml::{Entry, Kind, Node};

/// A spec that was read, with all that was wrong in it.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The spec itself, then the files that it includes.
    sources: Vec<Source>,
    beside: Beside,
    /// Shorthands written out, included files joined; `None` when the text is no YAML.
    root: Option<Node>,
    system: Option<SystemName>,
    of_the_file: Vec<Diagnostic>,
}

/// What is known about a release when its environment is resolved.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// `None` while no release is under way: `${release.version}` then stays as it is written.
    pub version: Option<Version>,
    /// The same of `${git.sha}` and what else is asked of git.
    pub commit: Option<Commit>,
}

impl Spec {
    /// Reads a spec of one file. The diagnostics are those of the file as a whole; [`Spec::check`] and
    /// [`Spec::resolve`] repeat them.
    pub fn parse(name: &str, text: &str) -> (Spec, Vec<Diagnostic>) {
        Spec::load(vec![Source { name: name.to_owned(), text: text.to_owned() }])
    }

    /// Reads a spec and the files that it includes, which are those that [`includes`](crate::includes) names.
    pub fn load(sources: Vec<Source>) -> (Spec, Vec<Diagnostic>) {
        let mut report = vec![];
        let mut root = include::joined(&sources, &mut report);
        let mut system = None;
        if let Some(normal) = &root {
            required(normal, &mut report);
            include::check(normal, &sources, &mut report);
            platform::refs_across(normal, &mut report);
            system = normal.get("system").and_then(|it| match &it.kind {
                Kind::Scalar(scalar) => SystemName::new(scalar.text.as_str()).ok(),
                Kind::Seq(_) | Kind::Map(_) => None,
            });
            if !limits::within(normal, &mut report) {
                root = None;
            }
        }
        let report = sorted(report);
        let beside = Beside::default();
        let spec = Spec { sources, beside, root, system, of_the_file: report.clone() };
        (spec, report)
    }

    /// The paths that the spec names, relative to its folder.
    pub fn paths(&self) -> BTreeSet<String> {
        let mut paths = BTreeSet::new();
        if let Some(root) = &self.root {
            collect_paths(root, &language::ROOT, &mut paths);
        }
        paths
    }

    /// The same spec, with what is known of the files beside it.
    #[must_use]
    pub fn beside(mut self, beside: Beside) -> Spec {
        self.beside = beside;
        self
    }

    /// What the spec's own file is called, for messages.
    pub fn name(&self) -> &str {
        self.sources.first().map_or("", |it| &it.name)
    }

    pub fn text(&self) -> &str {
        self.sources.first().map_or("", |it| &it.text)
    }

    /// The texts that diagnostics point into.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Name of the system, if the file gives a valid one.
    pub fn system(&self) -> Option<&SystemName> {
        self.system.as_ref()
    }

    /// The environments with valid names, in the order of the file.
    pub fn environments(&self) -> Vec<EnvironmentName> {
        self.environment_entries()
            .iter()
            .filter_map(|it| EnvironmentName::new(it.key.as_str()).ok())
            .collect()
    }

    /// The system as one environment sees it. `None` when anything is an error, in the file or in this
    /// environment; warnings do not stand in the way.
    pub fn resolve(&self, environment: &EnvironmentName, facts: &Facts) -> (Option<System>, Vec<Diagnostic>) {
        let mut report = self.of_the_file.clone();
        let entry = self.entry(environment);
        if entry.is_none() {
            report.extend(self.unknown_environment(environment));
        }
        let seen = entry.and_then(|it| self.lower(it, environment, facts, &mut report));
        let report = sorted(report);
        let failed = report.iter().any(|it| it.severity == Severity::Error);
        (seen.map(|it| it.system).filter(|_| !failed), report)
    }

    /// Everything that is wrong, in the file and in any environment, each thing once.
    pub fn check(&self) -> Vec<Diagnostic> {
        let mut report = self.findings();
        if let Some(root) = self.root.as_ref().filter(|it| lints::has_decisions(it)) {
            let undecided = Spec { root: Some(lints::undecided(root)), ..self.clone() };
            lints::check_decisions(root, &undecided.findings(), &mut report);
        }
        sorted(report)
    }

    fn findings(&self) -> Vec<Diagnostic> {
        let mut report = self.of_the_file.clone();
        let mut all = vec![];
        for entry in self.environment_entries() {
            if let Ok(environment) = EnvironmentName::new(entry.key.as_str()) {
                all.extend(self.lower(entry, &environment, &Facts::default(), &mut report));
            }
        }
        if let Some(root) = &self.root {
            lints::across(root, &all, &mut report);
        }
        report
    }

    /// Where the value at a path such as `services.web.replicas` comes from.
    pub fn explain(&self, environment: &EnvironmentName, path: &str) -> Result<Explanation, NoExplanation> {
        let unknown = || NoExplanation::Environment { environment: environment.clone() };
        let entry = self.entry(environment).ok_or_else(unknown)?;
        let tree = self.tree(entry, &mut vec![]).ok_or(NoExplanation::Broken)?;
        explain::explain(&self.sources, &tree, environment, path).or_else(|nothing| {
            let connection = self.connection(entry, environment, path);
            connection.map(|it| explain::conventional(path, &it)).ok_or(nothing)
        })
    }

    /// The value of a variable that nobody writes, because `depends_on` sets it.
    fn connection(&self, entry: &Entry, environment: &EnvironmentName, path: &str) -> Option<String> {
        let keys: Vec<&str> = path.split('.').collect();
        let ["services", service, "env", variable] = keys[..] else { return None };
        let system = self.lower(entry, environment, &Facts::default(), &mut vec![])?.system;
        system.services.get(service)?.env.get(variable).cloned()
    }

    fn environment_entries(&self) -> &[Entry] {
        let environments = self.root.as_ref().and_then(|it| it.get("environments"));
        environments.map_or(&[], Node::entries)
    }

    fn entry(&self, environment: &EnvironmentName) -> Option<&Entry> {
        self.environment_entries().iter().find(|it| it.key == environment.as_str())
    }

    /// Nothing when the file was not readable enough to know.
    fn unknown_environment(&self, environment: &EnvironmentName) -> Option<Diagnostic> {
        let entries = self.environment_entries();
        let root = self.root.as_ref()?;
        let known = || entries.iter().map(|it| it.key.as_str());
        let message = format!("there is no environment `{environment}`");
        let mut diagnostic = Diagnostic::error(codes::UNKNOWN_ENVIRONMENT, message);
        if let Some(environments) = root.entry("environments") {
            diagnostic = diagnostic.label(environments.key_span, "the environments are here");
        }
        Some(match suggest::nearest(environment.as_str(), known()) {
            Some(nearest) => diagnostic.help(format!("did you mean `{nearest}`?")),
            None if entries.is_empty() => {
                diagnostic.help("add one: `environments: {local: {target: local}}`")
            }
            None => diagnostic.help(format!("there is {}", suggest::all(known()))),
        })
    }

    fn tree(&self, environment: &Entry, report: &mut Vec<Diagnostic>) -> Option<Value> {
        let root = self.root.as_ref()?;
        let mut tree = overlay::tree(root, environment, report);
        conventions::apply(&mut tree, report);
        Some(tree)
    }

    fn lower<'a>(
        &'a self,
        entry: &'a Entry,
        environment: &EnvironmentName,
        facts: &Facts,
        report: &mut Vec<Diagnostic>,
    ) -> Option<Seen<'a>> {
        let mut found = vec![];
        let tree = self.tree(entry, &mut found)?;
        // Without a valid name there is an error already; the rest is checked under a stand-in.
        let name = self.system.clone().or_else(|| SystemName::new("system").ok())?;
        let system = lower::lower(&tree, &name, environment, entry.key_span, facts, &mut found);
        let seen = Seen { entry, tree, system };
        lints::environment(&seen, &self.beside, &mut found);
        levels::apply(seen.tree.get("checks"), &mut found);
        report.append(&mut found);
        Some(seen)
    }
}

/// One environment, resolved.
pub(crate) struct Seen<'a> {
    /// As it is written.
    pub(crate) entry: &'a Entry,
    pub(crate) tree: Value,
    pub(crate) system: System,
}

fn collect_paths(node: &Node, shape: &'static Shape, paths: &mut BTreeSet<String>) {
    match (shape, &node.kind) {
        (Shape::Scalar(Leaf::InnerPath), Kind::Scalar(scalar)) if scalar::inner_path(scalar).is_ok() => {
            paths.insert(scalar.text.clone());
        }
        (Shape::List(item) | Shape::Many(item), Kind::Seq(items)) => {
            for it in items {
                collect_paths(it, item, paths);
            }
        }
        (Shape::Keys(_) | Shape::Named(_), Kind::Map(entries)) => {
            for entry in entries {
                collect_paths(&entry.value, inner(shape, &entry.key), paths);
            }
        }
        _ => {}
    }
}

/// What every spec says, whatever the environment.
fn required(root: &Node, report: &mut Vec<Diagnostic>) {
    let start = Span { end: root.span.start, ..root.span };
    for (key, help) in [
        ("lockgate", "begin the file with `lockgate: v1`"),
        ("system", "name the system: `system: shop`"),
        ("environments", "say where it runs: `environments: {local: {target: local}}`"),
    ] {
        let written = root.entry(key);
        if written.is_none_or(|it| it.value.is_null()) {
            let span = written.map_or(start, |it| it.key_span);
            report.push(lower::missing(key, "the spec", span).help(help));
        }
    }
    if root.get("services").is_none_or(|it| it.entries().is_empty()) {
        let span = root.entry("services").map_or(start, |it| it.key_span);
        report.push(
            Diagnostic::error(codes::NO_SERVICES, "the system has no services")
                .label(span, "nothing to release")
                .help("declare one: `services: {web: {port: 8080, command: [./web]}}`"),
        );
    }
    if let Some(environments) = root.entry("environments")
        && environments.value.entries().is_empty()
        && !environments.value.is_null()
    {
        let message = format!("`environments` is {}", shown(environments.value.kind_name()));
        report.push(
            Diagnostic::error(codes::MISSING_KEY, message)
                .label(environments.place(), "an environment is missing")
                .help("say where it runs: `environments: {local: {target: local}}`"),
        );
    }
}

/// By place in the file, each thing once, errors before warnings at the same place.
fn sorted(mut report: Vec<Diagnostic>) -> Vec<Diagnostic> {
    report.iter_mut().for_each(one_line);
    let place = |it: &Diagnostic| it.labels.first().map(|it| it.span);
    report.sort_by(|a, b| {
        (place(a), a.severity, a.code, &a.message).cmp(&(place(b), b.severity, b.code, &b.message))
    });
    consequences(&mut report);
    let mut seen = BTreeSet::new();
    report.retain(|it| seen.insert((place(it), it.code, it.message.clone())));
    report
}

/// A misspelt alternative leaves none behind; saying both is saying it twice.
fn consequences(report: &mut Vec<Diagnostic>) {
    let unknown: Vec<Span> = report
        .iter()
        .filter(|it| it.code == codes::UNKNOWN_KEY)
        .filter_map(|it| it.labels.first())
        .map(|it| it.span)
        .collect();
    let follows = |it: &Diagnostic| {
        let Some(label) = it.labels.first() else { return false };
        let within = |key: &Span| {
            key.source == label.span.source && label.span.start <= key.start && key.end <= label.span.end
        };
        it.code == codes::EITHER_OR && it.labels.len() == 1 && unknown.iter().any(within)
    };
    report.retain(|it| !follows(it));
}

/// Texts quote the user, who may have written anything; they reach terminals and logs.
fn one_line(diagnostic: &mut Diagnostic) {
    let labels = diagnostic.labels.iter_mut().map(|it| &mut it.text);
    let titles = diagnostic.fix.iter_mut().map(|it| &mut it.title);
    for text in labels.chain(titles).chain(&mut diagnostic.help).chain([&mut diagnostic.message]) {
        if text.contains(char::is_control) {
            *text = text.replace(char::is_control, " ");
        }
    }
}
