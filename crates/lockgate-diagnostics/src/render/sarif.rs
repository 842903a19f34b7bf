//! SARIF 2.1.0, the form for code scanning and for editors.
//!
//! **Invariant:** nothing of the machine is in it: files are named relative to the root of the sources.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lockgate_model::{Code, Diagnostic, Fix, Label, Severity, Span};
use serde_json::{Value, json};

use super::place::{Place, Places};
use super::{Source, clean, fingerprint};
use crate::codes::{Rule, rule};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The root of the sources, by the name that code scanning knows it by.
const ROOT: &str = "%SRCROOT%";

/// What ran.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    pub version: &'a str,
    /// Sets the results of one command apart from those of another: `check`.
    pub command: &'a str,
}

/// The diagnostics as a SARIF log of one run. Names of sources are paths relative to the root of the sources.
pub fn sarif(sources: &[Source], diagnostics: &[Diagnostic], run: Run<'_>) -> String {
    let places = Places::new(sources);
    let rules = rules(diagnostics);
    let log = Log {
        sources,
        hashes: sources.iter().map(|it| fingerprint::of_lines(&it.text)).collect(),
        places,
        codes: rules.keys().copied().collect(),
    };
    let artifacts =
        sources.iter().map(|it| json!({"location": artifact(&it.name), "sourceLanguage": "yaml"}));
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "Lockgate",
                "semanticVersion": run.version,
                "rules": rules.into_values().collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": format!("lockgate/{}/", run.command)},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {ROOT: {"description": {"text": "the root of the repository"}}},
            "artifacts": artifacts.collect::<Vec<_>>(),
            "results": diagnostics.iter().map(|it| log.result(it)).collect::<Vec<_>>(),
        }],
    });
    serde_json::to_string_pretty(&document).expect("a value with string keys serialises")
}

/// What results refer to.
struct Log<'a> {
    sources: &'a [Source],
    places: Places<'a>,
    /// Of each line of each source.
    hashes: Vec<Vec<String>>,
    /// In the order of the rules.
    codes: Vec<Code>,
}

impl Log<'_> {
    fn result(&self, diagnostic: &Diagnostic) -> Value {
        let mut text = clean(&diagnostic.message);
        for help in &diagnostic.help {
            write!(text, "\nhelp: {}", clean(help)).expect("writing to a string cannot fail");
        }
        let mut result = json!({
            "ruleId": diagnostic.code.to_string(),
            "ruleIndex": self.codes.binary_search(&diagnostic.code).expect("every code has its rule"),
            "level": level(diagnostic.severity),
            "message": {"text": text},
            "locations": self.primary(diagnostic),
        });
        let related = diagnostic.labels.iter().skip(1).enumerate();
        let related: Vec<Value> = related.filter_map(|(id, it)| self.related(id, it)).collect();
        if !related.is_empty() {
            result["relatedLocations"] = related.into();
        }
        if let Some(hash) = diagnostic.labels.first().and_then(|it| self.hash(it.span)) {
            result["partialFingerprints"] = json!({"primaryLocationLineHash": hash});
        }
        if let Some(fix) = &diagnostic.fix {
            result["fixes"] = json!([self.fix(fix)]);
        }
        result
    }

    /// The first label; what has none is about the whole of the first file.
    fn primary(&self, diagnostic: &Diagnostic) -> Vec<Value> {
        if let Some(label) = diagnostic.labels.first() {
            return self.location(label).into_iter().collect();
        }
        let file = self.sources.first();
        file.map(|it| json!({"physicalLocation": {"artifactLocation": artifact(&it.name)}}))
            .into_iter()
            .collect()
    }

    fn location(&self, label: &Label) -> Option<Value> {
        let place = self.places.find(label.span)?;
        let physical = json!({"artifactLocation": artifact(place.file), "region": region(&place)});
        Some(if label.text.is_empty() {
            json!({"physicalLocation": physical})
        } else {
            json!({"physicalLocation": physical, "message": {"text": clean(&label.text)}})
        })
    }

    fn related(&self, id: usize, label: &Label) -> Option<Value> {
        let mut location = self.location(label)?;
        location["id"] = id.into();
        Some(location)
    }

    fn hash(&self, span: Span) -> Option<&str> {
        let line = self.places.find(span)?.line;
        self.hashes.get(usize::from(span.source.0))?.get(line - 1).map(String::as_str)
    }

    fn fix(&self, fix: &Fix) -> Value {
        let mut files: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for edit in &fix.edits {
            if let Some(place) = self.places.find(edit.span) {
                let replacement =
                    json!({"deletedRegion": region(&place), "insertedContent": {"text": edit.text}});
                files.entry(place.file).or_default().push(replacement);
            }
        }
        let changes = files.into_iter().map(
            |(file, replacements)| json!({"artifactLocation": artifact(file), "replacements": replacements}),
        );
        let title = clean(&fix.title);
        let title = if fix.safe { title } else { format!("perhaps: {title}") };
        json!({"description": {"text": title}, "artifactChanges": changes.collect::<Vec<_>>()})
    }
}

/// The rules of which there are results. How serious a rule is by default is how serious it is here at most.
fn rules(diagnostics: &[Diagnostic]) -> BTreeMap<Code, Value> {
    let mut worst: BTreeMap<Code, Severity> = BTreeMap::new();
    for it in diagnostics {
        let severity = worst.entry(it.code).or_insert(it.severity);
        *severity = it.severity.min(*severity);
    }
    worst.into_iter().map(|(code, severity)| (code, descriptor(code, severity))).collect()
}

fn descriptor(code: Code, severity: Severity) -> Value {
    let mut descriptor = json!({
        "id": code.to_string(),
        "defaultConfiguration": {"level": level(severity)},
    });
    if let Some(Rule { name, title, page, .. }) = rule(code) {
        let help = json!({"text": format!("lockgate explain {code}"), "markdown": page});
        descriptor["name"] = pascal(name).into();
        descriptor["shortDescription"] = json!({"text": title});
        descriptor["fullDescription"] = json!({"text": introduction(page)});
        descriptor["help"] = help;
    }
    descriptor
}

/// What a page says before its first example.
fn introduction(page: &str) -> String {
    let body = page.split_once('\n').map_or(page, |it| it.1);
    body.split("\n#").next().unwrap_or(body).trim().to_owned()
}

/// `PORT_TWICE` as `PortTwice`.
fn pascal(name: &str) -> String {
    let mut pascal = String::with_capacity(name.len());
    for (first, rest) in name.split('_').filter_map(|it| it.split_at_checked(1)) {
        pascal.push_str(first);
        pascal.push_str(&rest.to_ascii_lowercase());
    }
    pascal
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn region(place: &Place<'_>) -> Value {
    json!({
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
        "charOffset": place.chars.start,
        "charLength": place.chars.len(),
    })
}

fn artifact(name: &str) -> Value {
    json!({"uri": uri(name), "uriBaseId": ROOT})
}

/// A relative reference. Of a path that is not below the root only the name of the file is told.
fn uri(name: &str) -> String {
    let inside = !name.starts_with('/') && name.split('/').all(|it| it != "..");
    let name = if inside { name } else { name.rsplit('/').next().unwrap_or(name) };
    let mut uri = String::with_capacity(name.len());
    for byte in name.strip_prefix("./").unwrap_or(name).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            write!(uri, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    uri
}
