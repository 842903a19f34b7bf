//! The form for people: the user's own lines, with what is wrong written beneath.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use lockgate_model::{Diagnostic, Fix, Severity, SourceId};

use super::place::range;
use super::{Source, clean};

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
