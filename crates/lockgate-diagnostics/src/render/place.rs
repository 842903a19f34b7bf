//! From bytes of a source to the lines and columns that editors count.

use std::ops::Range;

use lockgate_model::Span;

use super::Source;

pub(super) const BOM: char = '\u{feff}';

/// Where a span is. Lines and columns count from 1, columns in characters.
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) bytes: Range<usize>,
    /// From 0. A byte order mark is no character, here and in columns.
    pub(super) chars: Range<usize>,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

/// The lines of all sources.
pub(super) struct Places<'a> {
    files: Vec<File<'a>>,
}

struct File<'a> {
    source: &'a Source,
    lines: Vec<Line>,
}

/// Where a line begins.
#[derive(Clone, Copy)]
struct Line {
    byte: usize,
    char: usize,
}

impl<'a> Places<'a> {
    pub(super) fn new(sources: &'a [Source]) -> Places<'a> {
        Places { files: sources.iter().map(File::new).collect() }
    }

    /// `None` when the diagnostic names a source that is not there.
    pub(super) fn find(&self, span: Span) -> Option<Place<'a>> {
        let file = self.files.get(usize::from(span.source.0))?;
        let bytes = range(&file.source.text, span);
        let (line, column, start) = file.position(bytes.start);
        let (end_line, end_column, end) = file.position(bytes.end);
        Some(Place { file: &file.source.name, bytes, chars: start..end, line, column, end_line, end_column })
    }
}

impl<'a> File<'a> {
    fn new(source: &'a Source) -> File<'a> {
        let byte = if source.text.starts_with(BOM) { BOM.len_utf8() } else { 0 };
        let mut lines = vec![Line { byte, char: 0 }];
        for (char, (at, it)) in source.text[byte..].char_indices().enumerate() {
            if it == '\n' {
                lines.push(Line { byte: byte + at + 1, char: char + 1 });
            }
        }
        File { source, lines }
    }

    /// Line, column, and characters before.
    fn position(&self, at: usize) -> (usize, usize, usize) {
        let number = self.lines.partition_point(|it| it.byte <= at).max(1);
        let line = self.lines[number - 1];
        let before = self.source.text.get(line.byte..at).map_or(0, |it| it.chars().count());
        (number, before + 1, line.char + before)
    }
}

/// A span within the text, whatever the diagnostic says: a bad span must not hide the message.
pub(super) fn range(text: &str, span: Span) -> Range<usize> {
    let fit = |it: usize| text.floor_char_boundary(it.min(text.len()));
    let start = fit(span.start);
    start..fit(span.end).max(start)
}

#[cfg(test)]
mod tests {
    use lockgate_model::SourceId;

    use super::*;

    #[test]
    fn lines_and_columns_are_those_that_an_editor_shows() {
        let text = "\u{feff}añb\r\n日本: x\n".to_owned();
        let sources = [Source { name: "a".to_owned(), text: text.clone() }];
        let places = Places::new(&sources);
        let of = |word: &str| {
            let start = text.find(word).unwrap();
            let span = Span { source: SourceId(0), start, end: start + word.len() };
            let it = places.find(span).unwrap();
            (it.line, it.column, it.end_line, it.end_column, it.chars)
        };
        assert_eq!(of("a"), (1, 1, 1, 2, 0..1));
        assert_eq!(of("b"), (1, 3, 1, 4, 2..3));
        assert_eq!(of("本"), (2, 2, 2, 3, 6..7));
        assert_eq!(of("b\r\n日"), (1, 3, 2, 2, 2..6));
    }

    #[test]
    fn spans_that_are_not_in_the_text_are_moved_into_it() {
        let sources = [Source { name: "a".to_owned(), text: "é".to_owned() }];
        let places = Places::new(&sources);
        for (start, end, chars) in [(1, 1, 0..0), (1, 9, 0..1), (9, 3, 1..1)] {
            assert_eq!(places.find(Span { source: SourceId(0), start, end }).unwrap().chars, chars);
        }
        assert!(places.find(Span { source: SourceId(1), start: 0, end: 0 }).is_none());
    }
}
