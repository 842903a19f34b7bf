//! What people write by mistake, or to see what happens: each is accepted as it stands, or told with its code, its
//! place and what to do.

mod amounts;
mod environments;
mod images;
mod jobs;
mod limits;
mod names;
mod paths;
mod rollouts;
mod scalars;
mod structure;
mod texts;
mod variables;

use lockgate_model::{Diagnostic, EnvironmentName, Severity, System};
use lockgate_spec::{Facts, Spec};

const HEAD: &str = "lockgate: v1\nsystem: shop\n";
const TAIL: &str = "environments: {local: {target: local}}\n";

fn check(text: &str) -> Vec<Diagnostic> {
    Spec::parse("lockgate.yaml", text).0.check()
}

/// A spec with these keys in its only service.
fn service(keys: &str) -> String {
    let command = if keys.starts_with("command") { "" } else { "command: [./web], " };
    format!("{HEAD}services: {{web: {{{command}{keys}}}}}\n{TAIL}")
}

/// A spec with these keys at its root.
fn root(keys: &str) -> String {
    format!("{HEAD}services: {{web: {{command: [./web], port: 8080}}}}\n{keys}\n{TAIL}")
}

/// A spec with these environments.
fn environments(entries: &str) -> String {
    format!(
        "{HEAD}services: {{web: {{command: [./web], port: 8080, image: \"shop/web:1\"}}}}\nenvironments: {{{entries}}}\n"
    )
}

/// All that is said of a diagnostic, on one line.
fn line(it: &Diagnostic) -> String {
    let labels: Vec<&str> = it.labels.iter().map(|it| it.text.as_str()).collect();
    format!("{} {} | {} | {}", it.code, it.message, labels.join(", "), it.help.join(", "))
}

/// The text is answered with this code and these words, at a place, and what is said fits on a screen.
#[track_caller]
fn tells(text: &str, code: &str, words: &str) {
    let all = check(text);
    let lines: Vec<String> = all.iter().map(line).collect();
    let found = all.iter().zip(&lines).find(|it| it.0.code.to_string() == code && it.1.contains(words));
    let Some((found, line)) = found else { panic!("no {code} with `{words}` in {lines:#?}") };
    assert!(!found.labels.is_empty(), "no place: {line}");
    assert!(line.len() < 1_000, "long: {line}");
}

/// Nothing of this code is said of the text.
#[track_caller]
fn silent(text: &str, code: &str) {
    let all: Vec<String> = check(text).iter().map(line).filter(|it| it.starts_with(code)).collect();
    assert_eq!(all, [""; 0], "{text}");
}

/// There is nothing against the text, and this is what it means.
#[track_caller]
fn accepted(text: &str) -> System {
    let (spec, _) = Spec::parse("lockgate.yaml", text);
    let errors: Vec<String> =
        spec.check().iter().filter(|it| it.severity == Severity::Error).map(line).collect();
    assert_eq!(errors, [""; 0], "{text}");
    let environment = spec.environments().into_iter().next();
    let environment = environment.unwrap_or_else(|| EnvironmentName::new("local").expect("a name"));
    spec.resolve(&environment, &Facts::default()).0.expect("no errors")
}
