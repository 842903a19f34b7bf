//! Fitting words, marks and excerpts to the width of a terminal.

use std::borrow::Cow;
use std::ops::Range;

use unicode_width::UnicodeWidthStr as _;

/// Stands for what was cut away.
const CUT: &str = "...";

/// The text in lines of at most `width` columns, as far as its words allow.
pub(super) fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = vec![];
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && width < line.width() + 1 + word.width() {
                lines.push(std::mem::take(&mut line));
            } else if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.join("\n")
}

/// The part of a range that can be marked: of something wide in a line that does not fit, its beginning.
pub(super) fn marked(text: &str, range: Range<usize>, room: usize) -> Range<usize> {
    let line = line_around(text, range.start);
    let wide = line.end < range.end || text[range.clone()].width() <= room / 2;
    if wide || text[line].width() <= room {
        return range;
    }
    let end = start_of_width(&text[range.clone()], room / 2);
    range.start..range.start + end
}

/// The lines that edits are in; of a line that does not fit, the part around them.
pub(super) struct Excerpt<'a> {
    pub(super) text: Cow<'a, str>,
    /// Number of its first line.
    pub(super) line: usize,
    /// Where it begins in the text, and what stands before that.
    start: usize,
    before: usize,
}

impl Excerpt<'_> {
    /// A place of the text in the excerpt.
    pub(super) fn moved(&self, at: usize) -> usize {
        at - self.start + self.before
    }
}

pub(super) fn excerpt<'a>(text: &'a str, edits: &[(Range<usize>, &str)], room: usize) -> Excerpt<'a> {
    let whole = Excerpt { text: Cow::Borrowed(text), line: 1, start: 0, before: 0 };
    let Some(first) = edits.iter().map(|it| it.0.start).min() else { return whole };
    let last = edits.iter().map(|it| it.0.end).max().unwrap_or(first);
    let line = line_around(text, first);
    let added: usize = edits.iter().map(|it| it.1.width()).sum();
    if line.end < last || text[line.clone()].width() + added <= room {
        return whole;
    }
    let around = room.saturating_sub(text[first..last].width() + added + 2 * CUT.len()) / 2;
    let start = first - end_of_width(&text[line.start..first], around);
    let end = last + start_of_width(&text[last..line.end], around);
    let left = if start == line.start { "" } else { CUT };
    let right = if end == line.end { "" } else { CUT };
    Excerpt {
        text: Cow::Owned(format!("{left}{}{right}", &text[start..end])),
        line: text[..start].matches('\n').count() + 1,
        start,
        before: left.len(),
    }
}

/// The line that a place is in, without its end.
fn line_around(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |it| it + 1);
    let end = text[at..].find('\n').map_or(text.len(), |it| at + it);
    start..start + text[start..end].trim_end_matches('\r').len().max(at - start)
}

/// Bytes at the beginning of the text that fill at most `width` columns.
fn start_of_width(text: &str, width: usize) -> usize {
    let ends = text.char_indices().map(|(at, it)| at + it.len_utf8());
    ends.take_while(|it| text[..*it].width() <= width).last().unwrap_or(0)
}

/// Bytes at the end of the text that fill at most `width` columns.
fn end_of_width(text: &str, width: usize) -> usize {
    let starts = text.char_indices().rev().map(|it| it.0);
    starts.take_while(|it| text[*it..].width() <= width).last().map_or(0, |it| text.len() - it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_move_to_the_next_line_and_are_never_cut() {
        assert_eq!(wrapped("one two three", 7), "one two\nthree");
        assert_eq!(wrapped("one two three", 3), "one\ntwo\nthree");
        assert_eq!(wrapped("日本 語", 6), "日本\n語");
        assert_eq!(wrapped("a  b\n\nc", 80), "a  b\n\nc");
        assert_eq!(wrapped("", 0), "");
    }

    #[test]
    fn an_excerpt_holds_the_edit_in_the_middle_of_a_long_line() {
        let text = format!("first\n{}x{}\nlast", "a".repeat(100), "b".repeat(100));
        let at = text.find('x').unwrap();
        let excerpt = excerpt(&text, &[(at..at + 1, "yy")], 40);
        assert_eq!(excerpt.line, 2);
        assert!(excerpt.text.starts_with("...aaa") && excerpt.text.ends_with("bbb..."), "{}", excerpt.text);
        assert_eq!(&excerpt.text[excerpt.moved(at)..excerpt.moved(at + 1)], "x");
        assert!(excerpt.text.len() < 40, "{}", excerpt.text);
    }
}
