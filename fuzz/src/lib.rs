//! What must hold for every text that Lockgate reads, whoever wrote it.

mod edit;

use std::collections::BTreeSet;

use lockgate_audit::Listing;
use lockgate_diagnostics::{Source, apply_fixes, codes, render};
use lockgate_model::{Diagnostic, EnvironmentName, SourceId, Span, Version};
use lockgate_spec::{Facts, Spec, Unformatted, includes, to_yaml};

pub use edit::edited;

/// Each round applies at least one fix; a text that still changes after so many goes in circles.
const ROUNDS_MAX: usize = 32;
/// What this character separates are the spec and the files that it includes.
const NEXT_FILE: char = '\u{1}';
/// What a file is taken for depends on its name.
const FOREIGN_NAMES: [&str; 7] = [
    "values.yaml",
    "deploy/compose.yml",
    ".github/workflows/deploy.yml",
    "Dockerfile",
    "runbook.md",
    "main.tf",
    "package.json",
];

/// A spec is answered, shown in every form, and fixed, without panic and with every span in its text.
pub fn holds_for_spec(text: &str) {
    let sources = sources(text);
    drop(includes(&sources[0].text));
    let (spec, mut found) = Spec::load(sources.clone());
    found.extend(spec.check());
    for environment in spec.environments() {
        found.extend(resolved(&spec, &environment));
    }
    explanations(&spec);
    // Most is found several times, and showing it takes longer than finding it.
    let mut seen = BTreeSet::new();
    found.retain(|it| seen.insert(format!("{it:?}")));
    shown(&sources, &found);
    if sources.len() == 1 {
        fixed(text);
    }
}

fn sources(text: &str) -> Vec<Source> {
    let files = text.split(NEXT_FILE).take(4).enumerate();
    let named = |(at, text): (usize, &str)| {
        let name = if at == 0 { "lockgate.yaml".to_owned() } else { format!("services/{at}.yaml") };
        Source { name, text: text.to_owned() }
    };
    files.map(named).collect()
}

fn resolved(spec: &Spec, environment: &EnvironmentName) -> Vec<Diagnostic> {
    let (system, mut found) = spec.resolve(environment, &Facts::default());
    let version = Version::new("1.10").expect("a version");
    let (released, more) = spec.resolve(environment, &Facts { version: Some(version) });
    found.extend(more);
    assert_eq!(system.is_some(), released.is_some(), "a version decides whether a spec is right");
    system.iter().chain(&released).for_each(|it| reads_back(&to_yaml(it)));
    found
}

/// Every explanation resolves the environment anew, so a few must do.
fn explanations(spec: &Spec) {
    let Some(environment) = spec.environments().into_iter().next() else { return };
    let service = spec.resolve(&environment, &Facts::default()).0;
    let service = service.and_then(|it| it.services.into_keys().next());
    let service = service.as_ref().map_or("web", |it| it.as_str());
    for key in ["port", "env", "health.path", "env.REDIS_URL"] {
        explained(spec, &environment, &format!("services.{service}.{key}"));
    }
    for path in ["rollout.steps", ".."] {
        explained(spec, &environment, path);
    }
}

fn explained(spec: &Spec, environment: &EnvironmentName, path: &str) {
    match spec.explain(environment, path) {
        Ok(it) => {
            it.layers.iter().filter_map(|it| it.span).for_each(|it| within(spec.sources(), it));
            drop(it.to_string());
        }
        Err(it) => drop(it.to_string()),
    }
}

/// What is written is YAML, if it is not too large to be read.
fn reads_back(text: &str) {
    let mut report = vec![];
    let node = lockgate_yaml::read(SourceId::default(), text, &mut report);
    let small = report.iter().all(|it| it.code == codes::LIMIT);
    assert!(small && (node.is_some() || !report.is_empty()), "{report:#?} in\n{text}");
}

fn shown(sources: &[Source], found: &[Diagnostic]) {
    for diagnostic in found {
        let labels = diagnostic.labels.iter().map(|it| it.span);
        let edits = diagnostic.fix.iter().flat_map(|it| it.edits.iter().map(|it| it.span));
        labels.chain(edits).for_each(|it| within(sources, it));
        assert!(!diagnostic.message.contains(char::is_control), "{diagnostic:?}");
        assert!(codes::rule(diagnostic.code).is_some(), "{diagnostic:?}");
    }
    for width in [20, 80] {
        let human = render::human(sources, found, render::Style { color: false, width });
        assert!(!human.contains(|it: char| it.is_control() && it != '\n'), "{human:?}");
    }
    let run = render::Run { version: "0.0.0", command: "check" };
    for json in [render::json(sources, found), render::sarif(sources, found, run)] {
        serde_json::from_str::<serde_json::Value>(&json).expect("JSON");
    }
    assert_eq!(render::github(sources, found).lines().count(), found.len());
}

fn within(sources: &[Source], span: Span) {
    let text = &sources[usize::from(span.source.0)].text;
    assert!(text.get(span.start..span.end).is_some(), "{span:?} of {text:?}");
}

/// Fixes come to an end.
fn fixed(text: &str) {
    let mut text = text.to_owned();
    for _ in 0..ROUNDS_MAX {
        let (spec, _) = Spec::parse("lockgate.yaml", &text);
        let next = apply_fixes(&text, &spec.check());
        if next == text {
            return;
        }
        text = next;
    }
    panic!("fixes go in circles: {text}");
}

/// What is formatted says the same as before, and formatting it again changes nothing.
pub fn holds_for_format(text: &str) {
    let formatted = match lockgate_spec::format(SourceId::default(), text) {
        Ok(formatted) => formatted,
        Err(Unformatted::Broken(found)) => {
            assert!(!found.is_empty(), "refused without a word: {text:?}");
            return;
        }
        Err(Unformatted::Bug) => panic!("formatted, it would say something else: {text:?}"),
    };
    let again = lockgate_spec::format(SourceId::default(), &formatted);
    assert_eq!(again.as_deref(), Ok(formatted.as_str()), "{text:?}");
}

/// A file of somebody else is read and compared, without panic and with every span in its text.
pub fn holds_for_foreign(text: &str) {
    let foreign = lockgate_yaml::read_foreign(text);
    let source = Source { name: String::new(), text: text.to_owned() };
    let places = foreign.duplicates.iter().flat_map(|it| [it.first, it.again]);
    let places = places.chain(foreign.error.iter().map(|it| it.span));
    places.chain(foreign.documents.iter().map(|it| it.span)).for_each(|it| within(&[source.clone()], it));

    let files = text.split(NEXT_FILE).zip(FOREIGN_NAMES.iter().cycle());
    let sources: Vec<Source> = files
        .take(4)
        .map(|(text, name)| Source { name: (*name).to_owned(), text: text.to_owned() })
        .collect();
    audited(&sources);
    // Alone, under each name.
    for name in FOREIGN_NAMES {
        audited(&[Source { name: name.to_owned(), text: text.to_owned() }]);
    }
}

fn audited(sources: &[Source]) {
    let listing = Listing::of(sources.iter().map(|it| it.name.clone()), []);
    let found = lockgate_audit::audit(sources, &listing).diagnostics;
    shown(sources, &found);
}
