//! Text line by line, as somebody reads it who looks for what is wrong.

use std::ops::Range;

/// A line of a text, without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) start: usize,
    pub(super) text: &'a str,
}

impl<'a> Line<'a> {
    /// The line that a place is in.
    pub(super) fn at(text: &'a str, at: usize) -> Line<'a> {
        let at = text.floor_char_boundary(at.min(text.len()));
        let start = text[..at].rfind('\n').map_or(0, |it| it + 1);
        let end = text[start..].find('\n').map_or(text.len(), |it| start + it);
        Line { start, text: text[start..end].trim_end_matches('\r') }
    }

    /// The lines of a text from the one on that begins at a place.
    pub(super) fn from(text: &'a str, start: usize) -> impl Iterator<Item = Line<'a>> {
        let mut next = Some(start);
        std::iter::from_fn(move || {
            let start = next?;
            let line = Line::at(text, start);
            let end = text[start..].find('\n').map(|it| start + it + 1);
            next = end.filter(|it| *it < text.len());
            Some(line)
        })
    }

    /// The lines above, the nearest first, without blank ones and comments.
    pub(super) fn above(self, text: &'a str) -> impl Iterator<Item = Line<'a>> {
        let mut start = self.start;
        std::iter::from_fn(move || {
            while start != 0 {
                let line = Line::at(text, start - 1);
                start = line.start;
                if line.has_content() {
                    return Some(line);
                }
            }
            None
        })
    }

    pub(super) fn end(self) -> usize {
        self.start + self.text.len()
    }

    /// Blanks at the beginning.
    pub(super) fn indent(self) -> usize {
        self.text.len() - self.text.trim_start_matches([' ', '\t']).len()
    }

    pub(super) fn indentation(self) -> Range<usize> {
        self.start..self.start + self.indent()
    }

    pub(super) fn has_content(self) -> bool {
        let content = self.text.trim_start();
        !content.is_empty() && !content.starts_with('#')
    }

    /// Where the content ends: before a comment and the blanks in front of it.
    pub(super) fn content_end(self) -> usize {
        let mut quote = None;
        let mut before = ' ';
        for (at, it) in self.text.char_indices() {
            match quote {
                Some(open) => quote = Some(open).filter(|open| *open != it),
                None if it == '#' && before.is_whitespace() => {
                    return self.start + self.text[..at].trim_end().len();
                }
                None if matches!(it, '"' | '\'') && " [{,".contains(before) => quote = Some(it),
                None => (),
            }
            before = it;
        }
        self.start + self.text.trim_end().len()
    }

    /// What stands in the line, without indentation and comment.
    pub(super) fn content(self) -> Range<usize> {
        let start = self.start + self.indent();
        start..self.content_end().max(start)
    }

    /// The key of the line, marks of list items before it left out.
    pub(super) fn key(self) -> Option<Range<usize>> {
        let start = self.entry_start();
        let rest = &self.text[start - self.start..self.content_end().max(start) - self.start];
        let end = rest.find(": ").or_else(|| rest.strip_suffix(':').map(str::len))?;
        (end != 0 && !rest[..end].contains(['"', '\'', '{', '['])).then(|| start..start + end)
    }

    /// What follows the key.
    pub(super) fn value(self) -> Option<Range<usize>> {
        let after = self.key()?.end + 1;
        let end = self.content_end();
        let rest = &self.text[after.min(end) - self.start..end - self.start];
        (!rest.trim().is_empty()).then(|| end - rest.trim_start().len()..end)
    }

    /// Where the content begins behind marks of list items.
    pub(super) fn entry_start(self) -> usize {
        let content = self.text[self.indent()..].trim_end();
        let rest = content.trim_start_matches("- ").trim_start();
        self.end() - (self.text.len() - self.text.trim_end().len()) - rest.len()
    }
}

/// What is open at a place: brackets, the outermost first, and a quote.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) brackets: Vec<(usize, char)>,
    pub(super) quote: Option<(usize, char)>,
}

impl Open {
    /// An account of the text up to a place. Rules of YAML that nobody breaks by accident are left out.
    pub(super) fn at(text: &str, end: usize) -> Open {
        let mut open = Open::default();
        let mut chars = text[..end.min(text.len())].char_indices().peekable();
        let mut before = '\n';
        // May a value begin here?
        let mut fresh = true;
        while let Some((at, it)) = chars.next() {
            if let Some((_, quote)) = open.quote {
                match it {
                    '\\' if quote == '"' => drop(chars.next()),
                    '\'' if quote == it && chars.next_if(|it| it.1 == '\'').is_some() => (),
                    _ if it == quote => open.quote = None,
                    _ => (),
                }
                before = it;
                continue;
            }
            match it {
                '#' if before.is_whitespace() => while chars.next_if(|it| it.1 != '\n').is_some() {},
                '\n' => fresh = true,
                '"' | '\'' if fresh => open.quote = Some((at, it)),
                '[' | '{' if fresh => open.brackets.push((at, it)),
                ']' | '}' => {
                    open.brackets.pop();
                    fresh = false;
                }
                ',' if !open.brackets.is_empty() => fresh = true,
                ' ' | '\t' => fresh |= before == ':',
                '-' | '?' if fresh && chars.peek().is_some_and(|it| it.1 == ' ') => (),
                '|' | '>' if fresh && open.brackets.is_empty() => {
                    skip_block(text, at, &mut chars);
                    before = '\n';
                    continue;
                }
                _ => fresh = false,
            }
            before = it;
        }
        open
    }
}

/// Passes over the lines of a block scalar whose header is at a place.
fn skip_block(text: &str, at: usize, chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>) {
    let header = Line::at(text, at);
    let mut body = Line::from(text, header.start).skip(1);
    let after = body.find(|it| !it.text.trim().is_empty() && it.indent() <= header.indent());
    let end = after.map_or(text.len(), |it| it.start);
    while chars.next_if(|it| it.0 < end).is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(line: &str, range: Option<Range<usize>>) -> Option<&str> {
        range.map(|it| &line[it])
    }

    #[test]
    fn a_line_has_a_key_a_value_and_a_comment() {
        for (text, key, value) in [
            ("a: b", Some("a"), Some("b")),
            ("  - a: b # c", Some("a"), Some("b")),
            ("a:", Some("a"), None),
            ("a:   # c", Some("a"), None),
            ("a: b: c", Some("a"), Some("b: c")),
            ("a: \"b # c\"", Some("a"), Some("\"b # c\"")),
            ("a:b", None, None),
            ("- a", None, None),
            ("", None, None),
            ("-", None, None),
        ] {
            let line = Line { start: 0, text };
            assert_eq!((part(text, line.key()), part(text, line.value())), (key, value), "{text}");
        }
    }

    #[test]
    fn what_is_open_is_known() {
        for (text, brackets, quote) in [
            ("a: [b, {c", "[{", None),
            ("a: [b, {c}]", "", None),
            ("a: b [c", "", None),
            ("a: \"b [ \\\" ", "", Some('"')),
            ("a: 'it''s' # [", "", None),
            ("a: it's [", "", None),
            ("a: |\n  [ \"\nb: {", "{", None),
        ] {
            let open = Open::at(text, text.len());
            assert_eq!(open.brackets.iter().map(|it| it.1).collect::<String>(), brackets, "{text}");
            assert_eq!(open.quote.map(|it| it.1), quote, "{text}");
        }
    }
}
