//! Diagnostics for people and for programs.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use lockgate_model::{Diagnostic, Fix, Severity, SourceId, Span};
use serde::Serialize;

/// A text that spans point into. Its place in the list is its [`SourceId`].
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    pub text: String,
}

#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// With ANSI escape sequences.
    pub color: bool,
    /// Columns of the terminal.
    pub width: usize,
}

/// The diagnostics as a compiler would show them, on the user's own lines.
pub fn human(sources: &[Source], diagnostics: &[Diagnostic], style: Style) -> String {
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(style.width);
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&renderer.render(&groups(sources, diagnostic)));
        text.push_str("\n\n");
    }
    text
}

fn groups<'a>(sources: &'a [Source], diagnostic: &'a Diagnostic) -> Vec<Group<'a>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::NOTE,
    };
    let title = level.primary_title(clean(&diagnostic.message)).id(diagnostic.code.to_string());
    let mut group = Group::with_title(title);
    for (id, source) in indexed(sources) {
        let labels = diagnostic.labels.iter().enumerate().filter(|it| it.1.span.source == id);
        let annotations: Vec<_> = labels
            .map(|(idx, label)| {
                let kind = if idx == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                kind.span(range(&source.text, label.span)).label(clean(&label.text))
            })
            .collect();
        if !annotations.is_empty() {
            group = group.element(
                Snippet::source(source.text.as_str()).path(source.name.as_str()).annotations(annotations),
            );
        }
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(clean(help)));
    }
    let mut groups = vec![group];
    groups.extend(diagnostic.fix.as_ref().map(|fix| fix_group(sources, fix)));
    groups
}

fn fix_group<'a>(sources: &'a [Source], fix: &'a Fix) -> Group<'a> {
    let name = if fix.safe { "fix" } else { "possible fix" };
    let mut group = Group::with_title(Level::HELP.with_name(name).secondary_title(clean(&fix.title)));
    for (id, source) in indexed(sources) {
        let edits = fix.edits.iter().filter(|it| it.span.source == id);
        let patches: Vec<_> =
            edits.map(|it| Patch::new(range(&source.text, it.span), it.text.as_str())).collect();
        if !patches.is_empty() {
            group = group
                .element(Snippet::source(source.text.as_str()).path(source.name.as_str()).patches(patches));
        }
    }
    group
}

fn indexed(sources: &[Source]) -> impl Iterator<Item = (SourceId, &Source)> {
    (0_u16..).map(SourceId).zip(sources)
}

/// A span within the text, whatever the diagnostic says: a bad span must not hide the message.
fn range(text: &str, span: Span) -> std::ops::Range<usize> {
    let fit = |it: usize| text.floor_char_boundary(it.min(text.len()));
    let start = fit(span.start);
    start..fit(span.end).max(start)
}

/// No text of the user's reaches the terminal as a control sequence.
fn clean(text: &str) -> String {
    text.chars().map(|it| if it.is_control() && it != '\n' { ' ' } else { it }).collect()
}

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
#[derive(Serialize)]
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
    let diagnostics = diagnostics.iter().map(|it| JsonDiagnostic {
        code: it.code.to_string(),
        severity: it.severity,
        message: &it.message,
        labels: it.labels.iter().map(|it| json_label(sources, it.span, &it.text)).collect(),
        help: &it.help,
        fix: it.fix.as_ref().map(|fix| JsonFix {
            title: &fix.title,
            safe: fix.safe,
            edits: fix.edits.iter().map(|it| json_label(sources, it.span, &it.text)).collect(),
        }),
    });
    let document = Json { version: 1, diagnostics: diagnostics.collect() };
    serde_json::to_string_pretty(&document).expect("plain structs with string keys serialise")
}

fn json_label<'a>(sources: &'a [Source], span: Span, text: &'a str) -> JsonLabel<'a> {
    let source = sources.get(usize::from(span.source.0));
    let (file, whole) = source.map_or(("", ""), |it| (it.name.as_str(), it.text.as_str()));
    let range = range(whole, span);
    let (line, column) = line_column(whole, range.start);
    let (end_line, end_column) = line_column(whole, range.end);
    JsonLabel { file, line, column, end_line, end_column, start: range.start, end: range.end, text }
}

/// Both counted from 1, the column in characters.
fn line_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |it| it + 1);
    (line, before[start..].chars().count() + 1)
}
