//! The lines as text: what stands in columns, and where blank lines are.

use std::collections::BTreeMap;

use super::lines::{Line, Text};

/// Where comments behind something begin; behind a longer line they follow after a few blanks.
const COMMENT_COLUMN: usize = 40;
const COMMENT_BLANKS: usize = 4;

pub(super) fn printed(lines: &[Line]) -> String {
    let columns = Columns::of(lines);
    let mut text = String::new();
    let mut blank = false;
    let mut kept = false;
    for (number, line) in lines.iter().enumerate() {
        match line {
            Line::Blank => blank = !kept,
            Line::Raw(raw) | Line::Kept(raw) => {
                text.push_str(raw);
                text.push('\n');
                kept = matches!(line, Line::Kept(_));
            }
            Line::Text(it) if it.content.is_empty() && it.comment.is_empty() => {}
            Line::Text(it) => {
                // No blank line begins or ends a file, and two are no more than one.
                if blank && !text.is_empty() {
                    text.push('\n');
                }
                (blank, kept) = (false, false);
                print(it, columns.blanks(lines, number, it), &mut text);
            }
        }
    }
    text
}

fn print(line: &Text, more: usize, text: &mut String) {
    let begin = text.len();
    let blanks = |count: usize| std::iter::repeat_n(' ', count);
    let (before, after) = line.content.split_at(line.value.map_or(0, |it| it.0));
    text.extend(blanks(line.indent));
    text.push_str(before);
    text.extend(blanks(more));
    text.push_str(after);
    if !line.comment.is_empty() {
        let width = text[begin..].chars().count();
        text.extend(match width {
            _ if line.content.is_empty() => blanks(0),
            _ if width + 2 <= COMMENT_COLUMN => blanks(COMMENT_COLUMN - width),
            _ => blanks(COMMENT_BLANKS),
        });
        text.push_str(&line.comment);
    }
    text.push('\n');
}

/// Values that somebody put in one column, below one another or throughout a map.
struct Columns {
    /// Of each block and column, how many values stand there that would not with a single blank before them.
    moved: BTreeMap<(usize, usize), usize>,
}

impl Columns {
    fn of(lines: &[Line]) -> Columns {
        let mut moved = BTreeMap::new();
        for text in lines.iter().filter_map(Line::content) {
            if let Some(place) = place(text).filter(|_| 0 < distance(text)) {
                *moved.entry(place).or_default() += 1;
            }
        }
        Columns { moved }
    }

    /// Blanks in front of the value, more than one.
    fn blanks(&self, lines: &[Line], number: usize, text: &Text) -> usize {
        let Some(here) = place(text) else { return 0 };
        let beside = [number.checked_sub(1), number.checked_add(1)];
        let mut beside = beside.into_iter().flatten().filter_map(|it| lines.get(it)?.content());
        let is_aligned =
            beside.any(|it| place(it) == Some(here)) || self.moved.get(&here).is_some_and(|it| 1 < *it);
        if is_aligned { distance(text) } else { 0 }
    }
}

/// The block of a value and its column.
fn place(text: &Text) -> Option<(usize, usize)> {
    Some((text.block?, text.value?.1))
}

/// How much further than one blank behind its key a value stood.
fn distance(text: &Text) -> usize {
    let Some((at, offset)) = text.value else { return 0 };
    offset.saturating_sub(text.content[..at].chars().count())
}
