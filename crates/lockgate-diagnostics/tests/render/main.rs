//! The forms of diagnostics: what people see, and what programs read.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

mod any;
mod github;
mod human;
mod sarif;

use lockgate_diagnostics::{Source, codes};
use lockgate_model::{Diagnostic, Edit, Fix, SourceId, Span};

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

/// The place of `word` in a source.
fn span(sources: &[Source], id: u16, word: &str) -> Span {
    let text = &sources[usize::from(id)].text;
    let start = text.find(word).unwrap_or_else(|| panic!("no `{word}` in {text}"));
    Span { source: SourceId(id), start, end: start + word.len() }
}

/// Two files: a spec and one that it includes.
fn shop() -> [Source; 2] {
    let spec = "lockgate: v1\nsystem: shop\nservices:\n  web: {port: 8080, helth: /up}\n";
    let included = "services:\n  # über alles: 日本\n  日本: {port: 8080}\n  日本: {port: 8081}\n";
    [source("lockgate.yaml", spec), source("services/more, and: 100%.yaml", included)]
}

/// One of each severity: with labels in two files, with a fix, with nothing but a message.
fn findings(sources: &[Source]) -> Vec<Diagnostic> {
    let port = Span { end: span(sources, 0, "8080").end, ..span(sources, 0, "port") };
    let key = span(sources, 0, "helth");
    let fix = Fix {
        title: "write `health`".to_owned(),
        edits: vec![Edit { span: key, text: "health".to_owned() }],
        safe: false,
    };
    let mut info = Diagnostic::warning(codes::EMPTY, "the system says little about itself");
    info.severity = lockgate_model::Severity::Info;
    vec![
        Diagnostic::error(codes::PORT_TWICE, "two ports have the number 8080: 100% of them")
            .label(port, "given here first")
            .label(span(sources, 1, "8080"), "and, again: here")
            .help("give one of them another number"),
        Diagnostic::warning(codes::UNKNOWN_KEY, "`helth` is not a key of a service")
            .label(key, "did you mean `health`?")
            .help("the keys of a service are `port`, `health` and `command`")
            .fix(fix),
        info,
    ]
}
