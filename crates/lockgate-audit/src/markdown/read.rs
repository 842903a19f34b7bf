//! Events of the Markdown parser, gathered into a document.

use std::ops::Range;

use lockgate_model::SourceId;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::{Cell, Document, Fence, List, Prose, Role, Table, named};
use crate::place::{Excerpt, Word};

pub(crate) fn read(source: SourceId, text: &str) -> Document {
    let document = Document { source, prose: vec![], lists: vec![], tables: vec![], fences: vec![] };
    let mut reader = Reader {
        text,
        document,
        inline: Inline::empty(source),
        open: vec![],
        item: None,
        heading: None,
        block: None,
        row: vec![],
        last: Last::Nothing,
    };
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        reader.event(event, range);
    }
    reader.flush();
    reader.document
}

/// What was read right before, for what introduces a list or a block.
#[derive(Clone, Copy)]
enum Last {
    Nothing,
    Prose(usize),
}

struct Inline {
    excerpt: Excerpt,
    codes: Vec<Word>,
    links: Vec<Word>,
}

impl Inline {
    fn empty(source: SourceId) -> Inline {
        Inline { excerpt: Excerpt::empty(source), codes: vec![], links: vec![] }
    }
}

struct Reader<'a> {
    text: &'a str,
    document: Document,
    inline: Inline,
    /// Lists that are open, from the outermost.
    open: Vec<usize>,
    /// An item whose text has not come yet.
    item: Option<Role>,
    heading: Option<u8>,
    block: Option<(String, Excerpt)>,
    row: Vec<Cell>,
    last: Last,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.block {
                Some((_, excerpt)) => excerpt.push(&text, range.start),
                None => self.inline.excerpt.push(&text, range.start),
            },
            Event::Code(text) => {
                let written = &self.text[range.clone()];
                let start = range.start + written.find(&*text).unwrap_or(0);
                let at = self.inline.excerpt.text.len();
                self.inline.excerpt.push(&text, start);
                let word = self.inline.excerpt.word(at..at + text.len());
                self.inline.codes.push(word);
            }
            Event::SoftBreak | Event::HardBreak => self.inline.excerpt.push(" ", range.start),
            Event::TaskListMarker(ticked) => {
                if let Some(Role::Item { list, .. }) = self.item {
                    self.item = Some(Role::Item { list, ticked: Some(ticked) });
                }
            }
            Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::Html(_)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::Rule => (),
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush();
                self.heading = Some(level as u8);
            }
            Tag::Paragraph => self.flush(),
            Tag::List(first) => {
                self.flush();
                let lead = self.lead();
                self.open.push(self.document.lists.len());
                self.document.lists.push(List { ordered: first.is_some(), lead, items: vec![] });
            }
            Tag::Item => {
                self.flush();
                let list = self.open.last().copied();
                self.item = list.map(|list| Role::Item { list, ticked: None });
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.block = Some((language, Excerpt::empty(self.document.source)));
            }
            Tag::Table(_) => {
                self.flush();
                let section = self.section();
                self.document.tables.push(Table { header: vec![], rows: vec![], section });
            }
            Tag::Link { dest_url, .. } => {
                let start = range.start;
                let place = self.inline_span(range);
                if start <= place.start {
                    self.inline.links.push(Word::new(dest_url.to_string(), place));
                }
            }
            _ => (),
        }
    }

    fn inline_span(&self, range: Range<usize>) -> lockgate_model::Span {
        lockgate_model::Span { source: self.document.source, start: range.start, end: range.end }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) | TagEnd::Paragraph => self.flush(),
            TagEnd::Item => {
                self.flush();
                self.item = None;
            }
            TagEnd::List(_) => drop(self.open.pop()),
            TagEnd::CodeBlock => {
                let section = self.section();
                if let Some((language, excerpt)) = self.block.take() {
                    let name = named(&excerpt);
                    self.document.fences.push(Fence { language, excerpt, name, section });
                }
                self.last = Last::Nothing;
            }
            TagEnd::TableCell => {
                let inline = self.take();
                self.row.push(Cell { excerpt: inline.excerpt, codes: inline.codes });
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                let row = std::mem::take(&mut self.row);
                if let Some(table) = self.document.tables.last_mut() {
                    if tag == TagEnd::TableHead { table.header = row } else { table.rows.push(row) }
                }
            }
            TagEnd::Table => self.last = Last::Nothing,
            _ => (),
        }
    }

    fn take(&mut self) -> Inline {
        std::mem::replace(&mut self.inline, Inline::empty(self.document.source))
    }

    fn flush(&mut self) {
        let inline = self.take();
        if inline.excerpt.text.trim().is_empty() {
            return;
        }
        let idx = self.document.prose.len();
        let role = match (self.heading.take(), self.item.take()) {
            (Some(level), _) => Role::Heading(level),
            (None, Some(item)) => item,
            (None, None) => Role::Paragraph,
        };
        let section = match role {
            Role::Heading(level) => self.parent(level),
            Role::Paragraph | Role::Item { .. } => self.section(),
        };
        if let Role::Item { list, .. } = role {
            self.document.lists[list].items.push(idx);
        }
        let Inline { excerpt, codes, links } = inline;
        self.document.prose.push(Prose { excerpt, role, codes, links, section });
        self.last = Last::Prose(idx);
    }

    /// The prose right above, unless it is an item of a list that has ended.
    fn lead(&self) -> Option<usize> {
        let Last::Prose(idx) = self.last else { return None };
        match self.document.prose[idx].role {
            Role::Item { list, .. } => self.open.contains(&list).then_some(idx),
            Role::Heading(_) | Role::Paragraph => Some(idx),
        }
    }

    fn section(&self) -> Option<usize> {
        self.document.prose.iter().rposition(Prose::is_heading)
    }

    /// The nearest heading above of a higher rank.
    fn parent(&self, level: u8) -> Option<usize> {
        let outranks = |it: &Prose| matches!(it.role, Role::Heading(above) if above < level);
        self.document.prose.iter().rposition(outranks)
    }
}
