//! Runtimes and actions that their makers have ended. The dates are those of the makers' own calendars, and all
//! of them had passed when they were written down: no clock is needed to know it.

use std::collections::BTreeMap;

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, SourceId, Span};

use super::Context;
use crate::extract::workflow::Workflow;
use crate::fact::{Attribute, Value};
use crate::kind::Kind;

/// Name, major or minor version, and the day of the last security fix.
const ENDED: &[(&str, &str, &str)] = &[
    ("Node.js", "12", "2022-04-30"),
    ("Node.js", "14", "2023-04-30"),
    ("Node.js", "16", "2023-09-11"),
    ("Node.js", "18", "2025-04-30"),
    ("Node.js", "20", "2026-04-30"),
    ("Python", "2.7", "2020-01-01"),
    ("Python", "3.6", "2021-12-23"),
    ("Python", "3.7", "2023-06-27"),
    ("Python", "3.8", "2024-10-07"),
    ("Python", "3.9", "2025-10-31"),
    ("PostgreSQL", "11", "2023-11-09"),
    ("PostgreSQL", "12", "2024-11-21"),
    ("PostgreSQL", "13", "2025-11-13"),
    ("MongoDB", "4.4", "2024-02-29"),
    ("MongoDB", "5.0", "2024-10-31"),
    ("MongoDB", "6.0", "2025-07-31"),
];

const IMAGES: [(&str, &str); 4] =
    [("node", "Node.js"), ("python", "Python"), ("postgres", "PostgreSQL"), ("mongo", "MongoDB")];

/// Actions whose versions GitHub has ended, what becomes of them, and what takes their place.
const GONE: &[(&str, &[&str], &str, &str)] = &[
    ("actions/upload-artifact", &["v1", "v2", "v3"], FAILS, "v4"),
    ("actions/download-artifact", &["v1", "v2", "v3"], FAILS, "v4"),
    ("actions/cache", &["v1", "v2"], FAILS, "v4"),
    ("github/codeql-action/upload-sarif", &["v1", "v2"], UNSUPPORTED, "v3"),
    ("github/codeql-action/init", &["v1", "v2"], UNSUPPORTED, "v3"),
    ("github/codeql-action/analyze", &["v1", "v2"], UNSUPPORTED, "v3"),
];

const FAILS: &str = "fails the job";
const UNSUPPORTED: &str = "gets no updates, and may fail at any time";

pub(crate) fn end_of_life(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    let mut used: BTreeMap<(SourceId, &str, &str, &str), Vec<Span>> = BTreeMap::new();
    for (name, version, span) in runtimes(context) {
        let ended = ENDED.iter().find(|it| it.0 == name && is_version(&version, it.1));
        if let Some((name, version, day)) = ended {
            used.entry((span.source, name, version, day)).or_default().push(span);
        }
    }
    for ((_, name, version, day), places) in used {
        const PLACES_MAX: usize = 4;
        let message = format!("{name} {version} has had no security fixes since {day}");
        let mut diagnostic = Diagnostic::warning(codes::END_OF_LIFE, message);
        for place in places.iter().take(PLACES_MAX) {
            diagnostic = diagnostic.label(*place, "used here");
        }
        let more = places.len().saturating_sub(PLACES_MAX);
        let help = format!("move to a version of {name} that is maintained");
        diagnostic = diagnostic.help(help);
        if 0 < more {
            diagnostic = diagnostic.help(format!("{more} more places use it"));
        }
        report.push(diagnostic);
    }
}

fn is_version(written: &str, ended: &str) -> bool {
    let rest = written.strip_prefix(ended);
    rest.is_some_and(|it| it.is_empty() || it.starts_with(['.', '-']))
}

/// Every runtime that is named with a version.
fn runtimes(context: &Context<'_>) -> Vec<(&'static str, String, Span)> {
    let mut found = vec![];
    for fact in context.facts.of(Attribute::Image) {
        let name = IMAGES.iter().find(|it| it.0 == fact.subject.trim_start_matches("library/"));
        if let (Some((_, name)), Value::Text(tag)) = (name, &fact.value) {
            found.push((*name, tag.clone(), fact.span));
        }
    }
    for (_, step) in context.facts.workflows.iter().flat_map(Workflow::steps) {
        let input = |action: &str, name: &str| {
            let is = step.action() == Some(action);
            step.input(name).filter(|_| is).cloned()
        };
        let node = input("actions/setup-node", "node-version").map(|it| ("Node.js", it));
        let python = input("actions/setup-python", "python-version").map(|it| ("Python", it));
        found.extend(node.into_iter().chain(python).map(|(name, it)| (name, it.text, it.span)));
    }
    for (_, tree) in context.facts.trees(Kind::AppRunner) {
        let runtime = tree.get("runtime").and_then(crate::tree::Tree::word);
        found.extend(runtime.and_then(|it| {
            let version = it.text.strip_prefix("nodejs")?.to_owned();
            Some(("Node.js", version, it.span))
        }));
    }
    found
}

pub(crate) fn action_gone(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for (_, step) in context.facts.workflows.iter().flat_map(Workflow::steps) {
        let Some(uses) = &step.uses else { continue };
        let Some((action, version)) = uses.text.split_once('@') else { continue };
        let gone = GONE.iter().find(|it| it.0 == action && it.1.contains(&version));
        let Some((_, _, becomes, instead)) = gone else { continue };
        report.push(
            Diagnostic::error(codes::ACTION_GONE, format!("GitHub has ended `{}`", uses.text))
                .label(uses.span, *becomes)
                .help(format!("use `{action}@{instead}` or later")),
        );
    }
}
