//! The form for people: the user's own lines, with what is wrong written beneath.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use lockgate_model::{Diagnostic, Fix, Severity, SourceId, Span};

use super::fit::{self, wrapped};
use super::place::{BOM, range};
use super::{Source, clean};

/// Nothing can be read in less.
const WIDTH_MIN: usize = 30;

#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// With ANSI escape sequences.
    pub color: bool,
    /// Columns of the terminal.
    pub width: usize,
}

/// The diagnostics as a compiler would show them, on the user's own lines.
pub fn human(sources: &[Source], diagnostics: &[Diagnostic], style: Style) -> String {
    let pages: Vec<Page<'_>> = (0_u16..).zip(sources).map(|(id, it)| Page::new(SourceId(id), it)).collect();
    let lines = sources.iter().map(|it| it.text.lines().count()).max().unwrap_or(0);
    let width = style.width.max(WIDTH_MIN);
    let view = View { pages, width, gutter: lines.to_string().len() };
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(width);
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&without_c1(&renderer.render(&view.groups(diagnostic))));
        text.push_str("\n\n");
    }
    text
}

/// The renderer shows the control characters of ASCII as pictures and leaves the later ones, of which one begins
/// a control sequence as ESC does.
fn without_c1(text: &str) -> String {
    text.replace(|it| ('\u{80}'..='\u{9f}').contains(&it), "\u{fffd}")
}

/// A source as it is shown.
struct Page<'a> {
    id: SourceId,
    name: &'a str,
    /// Without its byte order mark, which is no character of the first line.
    text: &'a str,
    skipped: usize,
}

impl<'a> Page<'a> {
    fn new(id: SourceId, source: &'a Source) -> Page<'a> {
        let text = source.text.strip_prefix(BOM).unwrap_or(&source.text);
        Page { id, name: &source.name, text, skipped: source.text.len() - text.len() }
    }

    /// Whoever named the file may have put a control sequence in.
    fn path(&self) -> String {
        clean(self.name).replace('\n', " ")
    }

    fn range(&self, span: Span) -> Range<usize> {
        let moved = |it: usize| it.saturating_sub(self.skipped);
        range(self.text, Span { start: moved(span.start), end: moved(span.end), ..span })
    }
}

struct View<'a> {
    pages: Vec<Page<'a>>,
    width: usize,
    /// Digits of the largest line number.
    gutter: usize,
}

impl<'a> View<'a> {
    fn groups(&'a self, diagnostic: &'a Diagnostic) -> Vec<Group<'a>> {
        let (level, name) = match diagnostic.severity {
            Severity::Error => (Level::ERROR, "error"),
            Severity::Warning => (Level::WARNING, "warning"),
            Severity::Info => (Level::NOTE, "note"),
        };
        let code = diagnostic.code.to_string();
        let indent = name.len() + code.len() + "[]: ".len();
        let title = level.primary_title(self.fitted(&diagnostic.message, indent)).id(code);
        let mut group = Group::with_title(title);
        for page in &self.pages {
            group = group.elements(self.snippet(page, diagnostic));
        }
        let indent = self.gutter + " = help: ".len();
        for help in &diagnostic.help {
            group = group.element(Level::HELP.message(self.fitted(help, indent)));
        }
        let mut groups = vec![group];
        groups.extend(diagnostic.fix.as_ref().map(|fix| self.fix(fix)));
        groups
    }

    /// What the labels in one source say.
    fn snippet(
        &self,
        page: &Page<'a>,
        diagnostic: &Diagnostic,
    ) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
        let labels = diagnostic.labels.iter().enumerate().filter(|it| it.1.span.source == page.id);
        let annotations: Vec<_> = labels
            .map(|(idx, label)| {
                let kind = if idx == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                let marked = fit::marked(page.text, page.range(label.span), self.room());
                kind.span(marked).label(clean(&label.text).replace('\n', " "))
            })
            .collect();
        let snippet = Snippet::source(page.text).path(page.path());
        (!annotations.is_empty()).then(|| snippet.annotations(annotations))
    }

    fn fix(&self, fix: &'a Fix) -> Group<'a> {
        let name = if fix.safe { "fix" } else { "possible fix" };
        let title = self.fitted(&fix.title, name.len() + ": ".len());
        let mut group = Group::with_title(Level::HELP.with_name(name).secondary_title(title));
        for page in &self.pages {
            let edits = fix.edits.iter().filter(|it| it.span.source == page.id);
            let mut edits: Vec<_> = edits.map(|it| (page.range(it.span), it.text.as_str())).collect();
            edits.sort_by_key(|it| (it.0.start, it.0.end));
            let overlap = edits.windows(2).any(|it| it[1].0.start < it[0].0.end);
            if edits.is_empty() || overlap {
                continue;
            }
            let excerpt = fit::excerpt(page.text, &edits, self.room());
            let patches = edits
                .into_iter()
                .map(|(range, text)| Patch::new(excerpt.moved(range.start)..excerpt.moved(range.end), text));
            let patches: Vec<_> = patches.collect();
            let snippet = Snippet::source(excerpt.text).line_start(excerpt.line).path(page.path());
            group = group.element(snippet.patches(patches));
        }
        group
    }

    /// Columns for the user's own lines.
    fn room(&self) -> usize {
        self.width.saturating_sub(self.gutter + " | ".len())
    }

    fn fitted(&self, text: &str, indent: usize) -> String {
        wrapped(&clean(text), self.width.saturating_sub(indent))
    }
}
