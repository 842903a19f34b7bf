//! Pieces of text that remember where in their file they stand.

use std::ops::Range;

use lockgate_model::{SourceId, Span};

/// A text cut out of a source, without what indented or fenced it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    pub(crate) source: SourceId,
    pub(crate) text: String,
    /// Where each piece begins, in the text and in the source; ascending, the first at 0.
    pieces: Vec<(usize, usize)>,
}

/// A text with its place in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Excerpt {
    pub(crate) fn whole(source: SourceId, text: &str) -> Excerpt {
        const BOM: char = '\u{feff}';
        let stripped = text.strip_prefix(BOM).unwrap_or(text);
        Excerpt { source, text: stripped.to_owned(), pieces: vec![(0, text.len() - stripped.len())] }
    }

    pub(crate) fn empty(source: SourceId) -> Excerpt {
        Excerpt { source, text: String::new(), pieces: vec![] }
    }

    pub(crate) fn push(&mut self, text: &str, from: usize) {
        self.pieces.push((self.text.len(), from));
        self.text.push_str(text);
    }

    /// The part of this excerpt in `range`, as an excerpt of its own.
    #[must_use]
    pub(crate) fn part(&self, range: Range<usize>) -> Excerpt {
        let text = self.text.get(range.clone()).unwrap_or("").to_owned();
        let mut pieces = vec![(0, self.at(range.start))];
        let inside = self.pieces.iter().filter(|it| range.start < it.0 && it.0 < range.end);
        pieces.extend(inside.map(|it| (it.0 - range.start, it.1)));
        Excerpt { source: self.source, text, pieces }
    }

    /// A place in the text, as the place in the source.
    fn at(&self, at: usize) -> usize {
        let piece = self.pieces.partition_point(|it| it.0 <= at).checked_sub(1);
        piece.map_or(0, |idx| self.pieces[idx].1 + (at - self.pieces[idx].0))
    }

    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        let start = self.at(range.start);
        // The last character decides where the end is: the next piece may begin lines later.
        let end = if range.end <= range.start { start } else { self.at(range.end - 1) + 1 };
        Span { source: self.source, start, end: end.max(start) }
    }

    pub(crate) fn word(&self, range: Range<usize>) -> Word {
        let text = self.text.get(range.clone()).unwrap_or("").to_owned();
        Word { text, span: self.span(range) }
    }

    /// Each line with its range in the text, without the end of the line.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (Range<usize>, &str)> {
        let mut at = 0;
        self.text.split_inclusive('\n').map(move |line| {
            let start = at;
            at += line.len();
            let line = line.trim_end_matches(['\n', '\r']);
            (start..start + line.len(), line)
        })
    }
}

impl Word {
    pub(crate) fn new(text: impl Into<String>, span: Span) -> Word {
        Word { text: text.into(), span }
    }
}

/// The range of `part`, which is a slice of `whole`.
pub(crate) fn range_in(whole: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize).min(whole.len());
    start..(start + part.len()).min(whole.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_an_indented_excerpt_are_places_in_the_source() {
        let source = "- a\n  b: 1\n  c: 2\n";
        let mut excerpt = Excerpt::empty(SourceId(3));
        excerpt.push("b: 1\n", 6);
        excerpt.push("c: 2\n", 13);
        let at = excerpt.text.find('2').unwrap();
        let span = excerpt.span(at..at + 1);
        assert_eq!(&source[span.start..span.end], "2");
        let both = excerpt.span(0..9);
        assert_eq!(&source[both.start..both.end], "b: 1\n  c: 2");
        assert_eq!(excerpt.part(5..9).word(3..4).span, span);
    }
}
