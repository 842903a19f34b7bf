//! A text in which mistakes are mended so that the rest can be read, and the way back to the places of the original.

use std::ops::Range;

use lockgate_model::{Diagnostic, Span};

use crate::node::{Kind, Node};

/// A change of the text as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) range: Range<usize>,
    pub(crate) text: String,
}

impl Change {
    pub(crate) fn new(range: Range<usize>, text: impl Into<String>) -> Change {
        Change { range, text: text.into() }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Patched {
    pub(crate) text: String,
    /// For each byte of the text where it was in the original, and where the original ends.
    origins: Vec<usize>,
}

impl Patched {
    pub(crate) fn new(text: &str) -> Patched {
        Patched { text: text.to_owned(), origins: (0..=text.len()).collect() }
    }

    /// The changes do not overlap.
    pub(crate) fn apply(&mut self, changes: &[Change]) {
        let mut changes: Vec<&Change> = changes.iter().collect();
        changes.sort_by_key(|it| it.range.start);
        let mut text = String::with_capacity(self.text.len());
        let mut origins = Vec::with_capacity(self.origins.len());
        let mut at = 0;
        for Change { range, text: new } in changes {
            text.push_str(&self.text[at..range.start]);
            origins.extend_from_slice(&self.origins[at..range.start]);
            text.push_str(new);
            origins.extend(std::iter::repeat_n(self.origins[range.start], new.len()));
            at = range.end;
        }
        text.push_str(&self.text[at..]);
        origins.extend_from_slice(&self.origins[at..]);
        (self.text, self.origins) = (text, origins);
    }

    /// The place of the original that a place of the text comes from.
    pub(crate) fn origin(&self, at: usize) -> usize {
        self.origins[at.min(self.text.len())]
    }

    /// Moves the spans of a tree that was read from the text to the original.
    pub(crate) fn relocate(&self, node: &mut Node) {
        node.span = self.original(node.span);
        match &mut node.kind {
            Kind::Scalar(_) => (),
            Kind::Seq(items) => items.iter_mut().for_each(|it| self.relocate(it)),
            Kind::Map(entries) => {
                for entry in entries {
                    entry.key_span = self.original(entry.key_span);
                    self.relocate(&mut entry.value);
                }
            }
        }
    }

    pub(crate) fn relocated(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        for label in &mut diagnostic.labels {
            label.span = self.original(label.span);
        }
        // Its edits are of a text that nobody has.
        diagnostic.fix = None;
        diagnostic
    }

    fn original(&self, span: Span) -> Span {
        let start = self.origin(span.start);
        Span { start, end: self.origin(span.end).max(start), ..span }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_again() {
        let mut patched = Patched::new("a: @b\nc: d\n");
        patched.apply(&[Change::new(3..3, "\""), Change::new(5..5, "\"")]);
        assert_eq!(patched.text, "a: \"@b\"\nc: d\n");
        patched.apply(&[Change::new(0..1, "key")]);
        assert_eq!(patched.text, "key: \"@b\"\nc: d\n");
        let of = |word: &str| patched.origin(patched.text.find(word).unwrap());
        assert_eq!((of("key"), of("\"@"), of("b\""), of("c:"), of("d")), (0, 3, 4, 6, 9));
        assert_eq!(patched.origin(patched.text.len()), 11);
        assert_eq!(patched.origin(usize::MAX), 11);
    }
}
