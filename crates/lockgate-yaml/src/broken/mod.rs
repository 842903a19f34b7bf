//! Text that is no YAML: what is wrong at the place where reading ended, in the words of somebody who looks at the
//! lines, and what may have been meant.

mod block;
mod flow;
mod lines;
mod patch;

use std::ops::Range;

use granit_parser::ErrorKind;
use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Edit, Fix, SourceId, Span};

pub(crate) use patch::{Change, Patched};

use lines::Line;

/// What somebody did, and what is to be looked at.
#[derive(Debug)]
pub(crate) struct Mistake {
    message: String,
    label: (Range<usize>, String),
    others: Vec<(Range<usize>, String)>,
    help: Option<&'static str>,
    repair: Option<Repair>,
}

#[derive(Debug)]
struct Repair {
    title: String,
    changes: Vec<Change>,
    /// Nothing else can be meant.
    safe: bool,
}

/// What is wrong with a text whose reading ended at a place.
pub(crate) fn explain(text: &str, at: usize, kind: &ErrorKind, reason: &str) -> Mistake {
    let at = text.floor_char_boundary(at.min(text.len()));
    block::tab_here(text, at)
        .or_else(|| by_kind(text, at, kind))
        .unwrap_or_else(|| unexplained(text, at, reason))
}

fn by_kind(text: &str, at: usize, kind: &ErrorKind) -> Option<Mistake> {
    match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => block::tab(text, at),
        ErrorKind::UnexpectedCharacter { .. } => block::reserved(text, at),
        ErrorKind::MappingValueNotAllowed => block::value_not_allowed(text, at),
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::ExpectedBlockSequenceEntry => {
            block::indentation(text, at)
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            block::no_colon(text, Line::at(text, at))
        }
        ErrorKind::BlockSequenceEntryNotAllowed => block::inline_list(text, at),
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::BlockEntryInFlowCollection
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofImplicitFlowMapping => flow::not_closed(text, at),
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => flow::mismatched(text, at, *open, *close),
        ErrorKind::MisplacedFlowCollectionEnd => flow::not_opened(text, at),
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar => flow::open_quote(text, at),
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            Some(flow::after_quote(text, at))
        }
        ErrorKind::UnknownQuotedScalarEscape => flow::unknown_escape(text, at),
        // The parser knows many more; its own words are good enough for what hardly anybody does.
        _ => None,
    }
}

fn unexplained(text: &str, at: usize, reason: &str) -> Mistake {
    let next = text[at..].chars().next().filter(|it| !matches!(it, '\n' | '\r'));
    let end = at + next.map_or(0, char::len_utf8);
    Mistake::new("this is not valid YAML", at..end, reason)
}

impl Mistake {
    fn new(message: impl Into<String>, place: Range<usize>, label: impl Into<String>) -> Mistake {
        Mistake {
            message: message.into(),
            label: (place, label.into()),
            others: vec![],
            help: None,
            repair: None,
        }
    }

    fn other(mut self, place: Range<usize>, label: impl Into<String>) -> Mistake {
        self.others.push((place, label.into()));
        self
    }

    fn help(mut self, help: &'static str) -> Mistake {
        self.help = Some(help);
        self
    }

    fn repair(mut self, title: impl Into<String>, changes: Vec<Change>) -> Mistake {
        self.repair = Some(Repair { title: title.into(), changes, safe: false });
        self
    }

    fn safe(mut self) -> Mistake {
        if let Some(repair) = &mut self.repair {
            repair.safe = true;
        }
        self
    }

    /// The lines that the mistake is on: their first and last bytes.
    pub(crate) fn lines(&self, text: &str) -> Range<usize> {
        let line = Line::at(text, self.label.0.start);
        line.start..line.end()
    }

    /// Changes after which the rest can perhaps be read: the repair, or the line left out.
    pub(crate) fn mended(&self, text: &str, at: usize) -> Vec<Change> {
        let repair = self.repair.as_ref().filter(|it| !it.changes.is_empty());
        repair.map_or_else(|| without(text, at), |it| it.changes.clone())
    }

    pub(crate) fn diagnostic(&self, source: SourceId, original: impl Fn(usize) -> usize) -> Diagnostic {
        let span = |it: &Range<usize>| {
            let start = original(it.start);
            Span { source, start, end: original(it.end).max(start) }
        };
        let mut diagnostic = Diagnostic::error(codes::BAD_YAML, &self.message);
        for (place, text) in std::iter::once(&self.label).chain(&self.others) {
            diagnostic = diagnostic.label(span(place), text);
        }
        if let Some(help) = self.help {
            diagnostic = diagnostic.help(help);
        }
        if let Some(repair) = &self.repair {
            let edits = repair.changes.iter().map(|it| Edit { span: span(&it.range), text: it.text.clone() });
            let title = repair.title.clone();
            diagnostic = diagnostic.fix(Fix { title, edits: edits.collect(), safe: repair.safe });
        }
        diagnostic
    }
}

/// The line of a place blanked, with what belongs to it.
pub(crate) fn without(text: &str, at: usize) -> Vec<Change> {
    let line = Line::at(text, at);
    let belongs = |it: &Line<'_>| !it.has_content() || line.indent() < it.indent();
    let below = Line::from(text, line.start).skip(1).take_while(belongs);
    let lines = std::iter::once(line).chain(below);
    lines.map(|it| Change::new(it.start..it.end(), " ".repeat(it.text.len()))).collect()
}

/// A value between quotes of the kind that it does not hold itself.
fn quoted(value: &str) -> String {
    if value.contains(['"', '\\']) {
        format!("'{}'", value.replace('\'', "''"))
    } else {
        format!("\"{value}\"")
    }
}
