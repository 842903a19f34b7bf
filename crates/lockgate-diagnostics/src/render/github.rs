//! Workflow commands of GitHub Actions: each diagnostic becomes an annotation of the line that it is about.

use std::fmt::Write as _;

use lockgate_model::{Diagnostic, Severity};

use super::place::Places;
use super::{Source, clean};
use crate::codes::rule;

/// One workflow command a line. Names of sources are paths relative to the root of the repository.
pub fn github(sources: &[Source], diagnostics: &[Diagnostic]) -> String {
    let places = Places::new(sources);
    diagnostics.iter().map(|it| command(sources, &places, it)).collect()
}

fn command(sources: &[Source], places: &Places<'_>, diagnostic: &Diagnostic) -> String {
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let mut properties = vec![];
    if let Some(place) = diagnostic.labels.first().and_then(|it| places.find(it.span)) {
        properties.push(("file", place.file.to_owned()));
        properties.push(("line", place.line.to_string()));
        properties.push(("endLine", place.end_line.to_string()));
        // The runner drops the columns of a range over several lines.
        if place.line == place.end_line {
            properties.push(("col", place.column.to_string()));
            properties.push(("endColumn", place.end_column.to_string()));
        }
    } else if let Some(source) = sources.first() {
        properties.push(("file", source.name.clone()));
    }
    let title = rule(diagnostic.code).map_or("", |it| it.title);
    properties.push(("title", format!("{} {title}", diagnostic.code)));
    let properties: Vec<String> =
        properties.iter().map(|(key, value)| format!("{key}={}", property(value))).collect();
    format!("::{command} {}::{}\n", properties.join(","), data(&message(places, diagnostic)))
}

/// An annotation shows no lines of the file: what the labels say is told in words.
fn message(places: &Places<'_>, diagnostic: &Diagnostic) -> String {
    let mut text = clean(&diagnostic.message);
    let mut add = |line: String| {
        text.push('\n');
        text.push_str(&line);
    };
    for label in diagnostic.labels.iter().filter(|it| !it.text.is_empty()) {
        if let Some(place) = places.find(label.span) {
            let mut line = format!("{}:{}:{}: ", place.file, place.line, place.column);
            line.push_str(&clean(&label.text));
            add(line);
        }
    }
    for help in &diagnostic.help {
        add(format!("help: {}", clean(help)));
    }
    if let Some(fix) = &diagnostic.fix {
        let name = if fix.safe { "fix" } else { "possible fix" };
        add(format!("{name}: {}", clean(&fix.title)));
    }
    add(format!("more: lockgate explain {}", diagnostic.code));
    text
}

fn data(text: &str) -> String {
    escaped(text, "%\r\n")
}

fn property(text: &str) -> String {
    escaped(text, "%\r\n:,")
}

fn escaped(text: &str, special: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for it in text.chars() {
        if special.contains(it) {
            write!(escaped, "%{:02X}", u32::from(it)).expect("writing to a string cannot fail");
        } else {
            escaped.push(it);
        }
    }
    escaped
}
