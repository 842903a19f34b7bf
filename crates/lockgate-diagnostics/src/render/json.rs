//! The form for programs of one's own: stable, versioned, complete.

use lockgate_model::{Diagnostic, Severity, Span};
use serde::Serialize;

use super::Source;
use super::place::Places;

#[derive(Serialize)]
struct Json<'a> {
    /// Of this format.
    version: u32,
    diagnostics: Vec<JsonDiagnostic<'a>>,
}

#[derive(Serialize)]
struct JsonDiagnostic<'a> {
    code: String,
    severity: Severity,
    message: &'a str,
    labels: Vec<JsonLabel<'a>>,
    help: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<JsonFix<'a>>,
}

#[derive(Serialize)]
struct JsonFix<'a> {
    title: &'a str,
    safe: bool,
    edits: Vec<JsonLabel<'a>>,
}

/// Lines and columns count from 1, columns in characters; `start` and `end` are bytes from 0.
#[derive(Default, Serialize)]
struct JsonLabel<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    start: usize,
    end: usize,
    text: &'a str,
}

/// The diagnostics as one JSON document, with lines and columns worked out.
pub fn json(sources: &[Source], diagnostics: &[Diagnostic]) -> String {
    let places = Places::new(sources);
    let diagnostics = diagnostics.iter().map(|it| JsonDiagnostic {
        code: it.code.to_string(),
        severity: it.severity,
        message: &it.message,
        labels: it.labels.iter().map(|it| label(&places, it.span, &it.text)).collect(),
        help: &it.help,
        fix: it.fix.as_ref().map(|fix| JsonFix {
            title: &fix.title,
            safe: fix.safe,
            edits: fix.edits.iter().map(|it| label(&places, it.span, &it.text)).collect(),
        }),
    });
    let document = Json { version: 1, diagnostics: diagnostics.collect() };
    serde_json::to_string_pretty(&document).expect("plain structs with string keys serialise")
}

fn label<'a>(places: &Places<'a>, span: Span, text: &'a str) -> JsonLabel<'a> {
    let Some(it) = places.find(span) else { return JsonLabel { text, ..JsonLabel::default() } };
    JsonLabel {
        file: it.file,
        line: it.line,
        column: it.column,
        end_line: it.end_line,
        end_column: it.end_column,
        start: it.bytes.start,
        end: it.bytes.end,
        text,
    }
}
