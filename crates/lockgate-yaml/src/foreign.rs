//! Reading YAML that Lockgate did not write: anchors, aliases, merge keys, tags and several documents are
//! understood, and what is wrong is said without a verdict on the rest.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};
use lockgate_model::{SourceId, Span};

use crate::node::{Entry, Kind, Node, Scalar, Style};
use crate::read::{BYTES_MAX, DEPTH_MAX, NODES_MAX, is_forbidden};

/// What could be read. Spans count from the start of the text that was given, in [`SourceId`] 0.
#[derive(Clone, Debug, Default)]
pub struct Foreign {
    pub documents: Vec<Node>,
    /// Keys that stand twice in one map: the second place and the first.
    pub duplicates: Vec<Duplicate>,
    /// Why reading ended early.
    pub error: Option<Unreadable>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    pub key: String,
    pub again: Span,
    pub first: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// One line, lowercase, no period.
    pub reason: String,
    pub span: Span,
}

/// All documents of a text, up to the first thing that is not YAML or is beyond a limit.
pub fn read_foreign(text: &str) -> Foreign {
    let mut foreign = Foreign::default();
    if BYTES_MAX < text.len() {
        let reason = format!("it has {} bytes, and at most {BYTES_MAX} are read", text.len());
        foreign.error = Some(Unreadable { reason, span: Span::default() });
        return foreign;
    }
    if let Some((at, bad)) = text.char_indices().find(|it| is_forbidden(it.1)) {
        let reason = format!("it holds the character U+{:04X}, which YAML does not allow", bad as u32);
        foreign.error = Some(Unreadable { reason, span: span(text, at, at + bad.len_utf8()) });
        return foreign;
    }
    let mut builder = Builder { text, nodes: 0, anchors: BTreeMap::new(), open: vec![], foreign };
    if let Err(error) = builder.read() {
        builder.foreign.error = Some(error);
    }
    builder.foreign
}

struct Builder<'a> {
    text: &'a str,
    nodes: usize,
    anchors: BTreeMap<usize, Node>,
    open: Vec<Open>,
    foreign: Foreign,
}

/// A collection whose end has not come yet.
struct Open {
    start: usize,
    flow: bool,
    anchor: usize,
    items: Items,
}

enum Items {
    Seq(Vec<Node>),
    Map { entries: Vec<Entry>, merged: Vec<Entry>, key: Option<(String, Span)> },
}

impl Builder<'_> {
    fn read(&mut self) -> Result<(), Unreadable> {
        let mut options = granit_parser::Options::default();
        options.set_emit_comments(false);
        options.emit_unresolved_aliases = true;
        for next in Parser::new_from_str_with_options(self.text, options) {
            let (event, place) = next.map_err(|error| {
                let at = error.marker().byte_offset().unwrap_or(self.text.len());
                Unreadable { reason: error.info().clone(), span: span(self.text, at, at + 1) }
            })?;
            let range = place.byte_range().unwrap_or(0..0);
            self.event(event, span(self.text, range.start, range.end))?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Unreadable> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                let end = match style {
                    Style::Plain | Style::Quoted => span.end,
                    Style::Block => {
                        span.start + self.text.get(span.start..span.end).unwrap_or("").trim_end().len()
                    }
                };
                let kind = Kind::Scalar(Scalar { text: text.into_owned(), style });
                self.node(Node { kind, span: Span { end, ..span } }, anchor)
            }
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).cloned();
                let node = target.unwrap_or(Node { kind: Kind::Scalar(Scalar::plain("")), span });
                // An alias costs what it stands for: a few lines of them would name more than memory holds.
                self.count(weight(&node), span)?;
                self.node(node, 0)
            }
            Event::UnresolvedAlias(_) => {
                Err(Unreadable { reason: "an alias names an anchor that is not there".to_owned(), span })
            }
            Event::SequenceStart(style, anchor, _) => self.start(span, style, anchor, Items::Seq(vec![])),
            Event::MappingStart(style, anchor, _) => {
                let items = Items::Map { entries: vec![], merged: vec![], key: None };
                self.start(span, style, anchor, items)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let anchor = open.anchor;
                self.node(close(open, span), anchor)
            }
            // Marks without content. The parser's enum is open, and what may be added are marks as well.
            _ => Ok(()),
        }
    }

    fn start(
        &mut self,
        span: Span,
        style: StructureStyle,
        anchor: usize,
        items: Items,
    ) -> Result<(), Unreadable> {
        if DEPTH_MAX <= self.open.len() {
            let reason = format!("it is nested deeper than {DEPTH_MAX} levels");
            return Err(Unreadable { reason, span });
        }
        self.open.push(Open { start: span.start, flow: style == StructureStyle::Flow, anchor, items });
        Ok(())
    }

    fn count(&mut self, more: usize, span: Span) -> Result<(), Unreadable> {
        self.nodes += more;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        Err(Unreadable { reason: format!("it has more than {NODES_MAX} values"), span })
    }

    fn node(&mut self, node: Node, anchor: usize) -> Result<(), Unreadable> {
        self.count(1, node.span)?;
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(parent) = self.open.last_mut() else {
            self.foreign.documents.push(node);
            return Ok(());
        };
        match &mut parent.items {
            Items::Seq(nodes) => nodes.push(node),
            Items::Map { entries, merged, key } => match key.take() {
                None => *key = Some(key_of(&node)),
                Some((key, _)) if key == "<<" => merge(merged, &node),
                Some((key, key_span)) => match entries.iter().find(|it| it.key == key) {
                    Some(first) => {
                        let first = first.key_span;
                        self.foreign.duplicates.push(Duplicate { key, again: key_span, first });
                    }
                    None => entries.push(Entry { key, key_span, value: node }),
                },
            },
        }
        Ok(())
    }
}

fn close(open: Open, end: Span) -> Node {
    let (kind, last) = match open.items {
        Items::Seq(nodes) => {
            let last = nodes.last().map(|it| it.span.end);
            (Kind::Seq(nodes), last)
        }
        Items::Map { mut entries, merged, .. } => {
            let last = entries.last().map(|it| it.place().end);
            for entry in merged {
                if entries.iter().all(|it| it.key != entry.key) {
                    entries.push(entry);
                }
            }
            (Kind::Map(entries), last)
        }
    };
    let end = if open.flow { end.end } else { last.unwrap_or(open.start) };
    Node { kind, span: Span { source: SourceId::default(), start: open.start, end: end.max(open.start) } }
}

/// The maps that a merge key names; the first one that has a key wins.
fn merge(merged: &mut Vec<Entry>, node: &Node) {
    match &node.kind {
        Kind::Map(entries) => merged.extend(entries.iter().cloned()),
        Kind::Seq(nodes) => nodes.iter().for_each(|it| merged.extend(it.entries().iter().cloned())),
        Kind::Scalar(_) => (),
    }
}

/// A key that is a list or a map is legal YAML, and nothing here looks for one.
fn key_of(node: &Node) -> (String, Span) {
    match &node.kind {
        Kind::Scalar(scalar) => (scalar.text.clone(), node.span),
        Kind::Seq(_) | Kind::Map(_) => (String::new(), node.span),
    }
}

fn weight(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar(_) => 1,
        Kind::Seq(nodes) => 1 + nodes.iter().map(weight).sum::<usize>(),
        Kind::Map(entries) => 1 + entries.iter().map(|it| weight(&it.value)).sum::<usize>(),
    }
}

fn span(text: &str, start: usize, end: usize) -> Span {
    let start = text.floor_char_boundary(start.min(text.len()));
    let end = text.ceil_char_boundary(end.min(text.len())).max(start);
    Span { source: SourceId::default(), start, end }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<'a>(node: &'a Node, path: &[&str]) -> Option<&'a str> {
        let node = path.iter().try_fold(node, |it, key| it.get(key))?;
        match &node.kind {
            Kind::Scalar(scalar) => Some(&scalar.text),
            Kind::Seq(_) | Kind::Map(_) => None,
        }
    }

    #[test]
    fn anchors_merge_keys_tags_and_several_documents_are_read() {
        let read = read_foreign(
            "base: &base {image: a, port: 1}\nweb:\n  <<: *base\n  port: 2\nalarm: !Ref Topic\n---\nb: 1\n",
        );
        assert_eq!(read.error, None);
        assert_eq!(read.documents.len(), 2);
        assert_eq!(text(&read.documents[0], &["web", "image"]), Some("a"));
        assert_eq!(text(&read.documents[0], &["web", "port"]), Some("2"));
        assert_eq!(text(&read.documents[0], &["alarm"]), Some("Topic"));
        assert_eq!(text(&read.documents[1], &["b"]), Some("1"));
    }

    #[test]
    fn a_key_given_twice_is_told_with_both_places() {
        let read = read_foreign("a: 1\nb: 2\na: 3\n");
        let [twice] = &read.duplicates[..] else { panic!("{:?}", read.duplicates) };
        assert_eq!((twice.first.start, twice.again.start), (0, 10));
    }

    #[test]
    fn what_was_read_before_a_mistake_is_kept() {
        let read = read_foreign("a: 1\n---\nb: [1\n");
        assert_eq!(read.documents.len(), 1);
        assert!(read.error.is_some());
    }

    #[test]
    fn aliases_that_multiply_end_at_the_limit() {
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for idx in 1..12 {
            let last = idx - 1;
            let line =
                format!("a{idx}: &a{idx} [*a{last}, *a{last}, *a{last}, *a{last}, *a{last}, *a{last}]\n");
            laughs.push_str(&line);
        }
        assert!(read_foreign(&laughs).error.unwrap().reason.contains("values"));
    }
}
