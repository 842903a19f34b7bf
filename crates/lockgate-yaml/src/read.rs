//! Text to tree: YAML's syntax, limits, and what a spec does not use of YAML.

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StructureStyle};
use lockgate_model::{Diagnostic, SourceId, Span};

use crate::broken::{self, Patched};
use crate::node::{Entry, Kind, Node, Scalar, Style};
use lockgate_diagnostics::{codes, shown};

/// A spec of a hundred services is some 50 kB; what is larger is not a spec.
pub(crate) const BYTES_MAX: usize = 1 << 20;
/// The language itself nests eight deep; every walk over the tree may recurse this far.
pub(crate) const DEPTH_MAX: usize = 64;
/// Bounds the work of every later pass.
pub(crate) const NODES_MAX: usize = 50_000;
/// Bounds what grows with the square of a collection, and what `defaults` repeat for every service.
const COLLECTION_MAX: usize = 500;

/// Whoever finds this many mistakes in the syntax looks for more after mending them.
const MISTAKES_MAX: usize = 20;

const BOM: char = '\u{feff}';

/// What could be read of a text.
#[derive(Clone, Debug)]
pub enum Read {
    Whole(Node),
    /// The text is not YAML; with its mistakes mended as they may have been meant, this is what it says.
    /// What is there can be judged, what is missing cannot.
    Part(Node),
    Nothing,
}

/// The tree, or `None` when there is none to go on with.
pub fn read(source: SourceId, text: &str, report: &mut Vec<Diagnostic>) -> Option<Node> {
    match read_part(source, text, report) {
        Read::Whole(root) => Some(root),
        Read::Part(_) | Read::Nothing => None,
    }
}

/// As [`read`], and more: of a text that is not YAML every mistake is reported, as far as the next one can be told
/// from what the last one leads to.
pub fn read_part(source: SourceId, text: &str, report: &mut Vec<Diagnostic>) -> Read {
    if BYTES_MAX < text.len() {
        let message = format!("the file has {} bytes; a spec has at most {BYTES_MAX}", text.len());
        report.push(Diagnostic::error(codes::LIMIT, message));
        return Read::Nothing;
    }
    let base = if text.starts_with(BOM) { BOM.len_utf8() } else { 0 };
    if let Some((at, bad)) = text[base..].char_indices().find(|it| is_forbidden(it.1)) {
        let at = at + base;
        let span = Span { source, start: at, end: at + bad.len_utf8() };
        let message = format!("the file holds the character U+{:04X}, which YAML does not allow", bad as u32);
        report.push(
            Diagnostic::error(codes::BAD_YAML, message)
                .label(span, "here")
                .help("save the file as plain UTF-8 text"),
        );
        return Read::Nothing;
    }
    let mut found = vec![];
    match (Reader { source, text, base, nodes: 0, report: &mut found }).document() {
        Ok(root) => {
            report.append(&mut found);
            root.map_or(Read::Nothing, Read::Whole)
        }
        Err(error) => broken(source, text, base, error, report),
    }
}

/// Reads on behind each mistake.
fn broken(source: SourceId, text: &str, base: usize, first: ScanError, report: &mut Vec<Diagnostic>) -> Read {
    let mut patched = Patched::new(text);
    let mut error = first;
    let mut last: Option<usize> = None;
    for _ in 0..MISTAKES_MAX {
        let at = error.marker().byte_offset().map_or(patched.text.len(), |it| it + base);
        let mistake = broken::explain(&patched.text, at, error.kind(), &error.info());
        let lines = mistake.lines(&patched.text);
        let changes = if last.is_some_and(|it| patched.origin(lines.start) <= it) {
            // What was done about the last mistake has not helped, or has led to this one.
            broken::without(&patched.text, at)
        } else {
            report.push(mistake.diagnostic(source, |it| patched.origin(it)));
            last = Some(patched.origin(lines.end));
            mistake.mended(&patched.text, at)
        };
        patched.apply(&changes);
        let mut found = vec![];
        match (Reader { source, text: &patched.text, base, nodes: 0, report: &mut found }).document() {
            Ok(Some(mut root)) => {
                patched.relocate(&mut root);
                report.extend(found.into_iter().map(|it| patched.relocated(it)));
                return Read::Part(root);
            }
            Ok(None) => return Read::Nothing,
            Err(next) => error = next,
        }
    }
    Read::Nothing
}

/// Control characters that YAML's character set leaves out.
pub(crate) fn is_forbidden(it: char) -> bool {
    (it.is_control() && !matches!(it, '\t' | '\n' | '\r' | '\u{85}')) || it == BOM
}

struct Reader<'a> {
    source: SourceId,
    text: &'a str,
    base: usize,
    nodes: usize,
    report: &'a mut Vec<Diagnostic>,
}

/// A collection whose end has not come yet.
struct Open {
    start: usize,
    flow: bool,
    items: Items,
}

enum Items {
    Seq(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(String, Span)> },
}

/// Reading cannot go on; the reason is in the report.
struct Stop;

impl Reader<'_> {
    fn document(&mut self) -> Result<Option<Node>, ScanError> {
        let mut options = granit_parser::Options::default();
        options.set_emit_comments(false);
        options.emit_unresolved_aliases = true;
        let parser = Parser::new_from_str_with_options(&self.text[self.base..], options);
        let mut open: Vec<Open> = vec![];
        let mut root: Option<Node> = None;
        for next in parser {
            let (event, span) = next?;
            let span = self.span(span);
            if root.is_some() && matches!(event, Event::DocumentStart(..)) {
                self.several_documents(span);
                break;
            }
            if let Err(Stop) = self.event(event, span, &mut open, &mut root) {
                return Ok(None);
            }
        }
        let root = root.filter(|it| !it.is_null());
        if root.is_none() {
            self.empty();
        }
        Ok(root)
    }

    fn event(
        &mut self,
        event: Event<'_>,
        span: Span,
        open: &mut Vec<Open>,
        root: &mut Option<Node>,
    ) -> Result<(), Stop> {
        let node = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse(anchor, tag.is_some(), span);
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                let end = match style {
                    Style::Plain | Style::Quoted => span.end,
                    Style::Block => self.trimmed_end(span),
                };
                let text = text.into_owned();
                Node { kind: Kind::Scalar(Scalar { text, style }), span: Span { end, ..span } }
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.no_aliases("an alias", span);
                Node { kind: Kind::Scalar(Scalar::plain("")), span }
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.refuse(anchor, tag.is_some(), span);
                return self.start(span, style, Items::Seq(vec![]), open);
            }
            Event::MappingStart(style, anchor, tag) => {
                self.refuse(anchor, tag.is_some(), span);
                return self.start(span, style, Items::Map { entries: vec![], key: None }, open);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(it) = open.pop() else { return Ok(()) };
                self.close(it, span)
            }
            // Marks without content. The parser's enum is open, and what may be added are marks as well.
            _ => return Ok(()),
        };
        self.nodes += 1;
        if NODES_MAX < self.nodes {
            let message = format!("the file has more than {NODES_MAX} values");
            self.report.push(Diagnostic::error(codes::LIMIT, message).label(span, "counted up to here"));
            return Err(Stop);
        }
        if let Some(parent) = open.last_mut() {
            return self.place(parent, node);
        }
        *root = Some(node);
        Ok(())
    }

    fn start(
        &mut self,
        span: Span,
        style: StructureStyle,
        items: Items,
        open: &mut Vec<Open>,
    ) -> Result<(), Stop> {
        if DEPTH_MAX <= open.len() {
            let message = format!("the file is nested deeper than {DEPTH_MAX} levels");
            self.report.push(Diagnostic::error(codes::LIMIT, message).label(span, "too deep here"));
            return Err(Stop);
        }
        open.push(Open { start: span.start, flow: style == StructureStyle::Flow, items });
        Ok(())
    }

    fn close(&self, open: Open, end: Span) -> Node {
        let source = self.source;
        let (kind, last) = match open.items {
            Items::Seq(nodes) => {
                let last = nodes.last().map(|it| it.span.end);
                (Kind::Seq(nodes), last)
            }
            Items::Map { entries, .. } => {
                let last = entries.last().map(|it| it.place().end);
                (Kind::Map(entries), last)
            }
        };
        let end = if open.flow { end.end } else { last.unwrap_or(open.start) };
        Node { kind, span: Span { source, start: open.start, end: end.max(open.start) } }
    }

    fn place(&mut self, parent: &mut Open, node: Node) -> Result<(), Stop> {
        let len = match &parent.items {
            Items::Seq(nodes) => nodes.len(),
            Items::Map { entries, .. } => entries.len(),
        };
        if COLLECTION_MAX <= len {
            let message = format!("a map or list has more than {COLLECTION_MAX} entries");
            self.report.push(Diagnostic::error(codes::LIMIT, message).label(node.span, "one too many"));
            return Err(Stop);
        }
        match &mut parent.items {
            Items::Seq(nodes) => nodes.push(node),
            Items::Map { entries, key } => match key.take() {
                None => *key = Some(self.key(node)),
                Some((key, key_span)) => self.entry(entries, Entry { key, key_span, value: node }),
            },
        }
        Ok(())
    }

    fn key(&mut self, node: Node) -> (String, Span) {
        let span = node.span;
        match node.kind {
            Kind::Scalar(_) if span.start == span.end => {
                self.report.push(
                    Diagnostic::error(codes::WRONG_KIND, "a key is empty")
                        .label(span, "there is nothing before the `:`")
                        .help("write the key, or quote the line if it is a text"),
                );
                (String::new(), span)
            }
            Kind::Scalar(scalar) => (scalar.text, span),
            Kind::Seq(_) | Kind::Map(_) => {
                let message = format!("a key is {}", node.kind_name());
                self.report.push(
                    Diagnostic::error(codes::WRONG_KIND, message)
                        .label(span, "a key is a single word")
                        .help("a value that begins with `{` or `[` and is meant as text must be quoted"),
                );
                (String::new(), span)
            }
        }
    }

    fn entry(&mut self, entries: &mut Vec<Entry>, entry: Entry) {
        if entry.key == "<<" {
            self.no_aliases("a merge key", entry.key_span);
            return;
        }
        let Some(first) = entries.iter().find(|it| it.key == entry.key) else {
            entries.push(entry);
            return;
        };
        self.report.push(
            Diagnostic::error(
                codes::DUPLICATE_KEY,
                format!("the key `{}` is given twice", shown(&entry.key)),
            )
            .label(entry.key_span, "given again here")
            .label(first.key_span, "first given here")
            .help("keep one of them, or join their contents under one key"),
        );
    }

    fn refuse(&mut self, anchor: usize, tagged: bool, span: Span) {
        if anchor != 0 {
            self.no_aliases("an anchor", span);
        }
        if tagged {
            self.no_aliases("a tag", span);
        }
    }

    fn no_aliases(&mut self, what: &str, span: Span) {
        self.report.push(
            Diagnostic::error(codes::NO_ALIASES, format!("{what} is not allowed in a spec"))
                .label(span, "used here")
                .help(
                    "what several services share goes into `defaults`; values are used elsewhere by `${name.attr}`",
                ),
        );
    }

    fn several_documents(&mut self, span: Span) {
        self.report.push(
            Diagnostic::error(codes::SEVERAL_DOCUMENTS, "the file holds more than one document")
                .label(span, "the second document begins here")
                .help("one file describes one system; remove this `---` and what follows, or make it a file"),
        );
    }

    fn empty(&mut self) {
        self.report.push(
            Diagnostic::error(codes::EMPTY, "the file says nothing")
                .help("write `lockgate: v1`, `system`, `services` and `environments`"),
        );
    }

    /// Block scalars reach to the next token; the place to show ends with their last line.
    fn trimmed_end(&self, span: Span) -> usize {
        let written = self.text.get(span.start..span.end).unwrap_or("");
        span.start + written.trim_end().len()
    }

    fn span(&self, span: granit_parser::Span) -> Span {
        let range = span.byte_range().unwrap_or(0..0);
        let fit = |it: usize| self.text.floor_char_boundary((it + self.base).min(self.text.len()));
        let start = fit(range.start);
        Span { source: self.source, start, end: fit(range.end).max(start) }
    }
}
