//! The order of keys: that of the language, where moving an entry moves nothing else.

use super::lines::Line;
use super::page::Page;
use crate::schema::Keys;

/// The lines with the entries of maps in order. A map with a comment of which nobody can tell what it belongs to
/// keeps the order that it has.
pub(super) fn ordered(page: &Page<'_>, mut lines: Vec<Line>) -> Vec<Line> {
    // Inner maps first: what is moved later is moved whole.
    for block in (0..page.blocks.len()).rev() {
        let Some(keys) = page.keys_of(block).filter(|_| page.blocks[block].is_map) else { continue };
        if let Some((from, entries)) = entries(page, &lines, block) {
            sort(&mut lines, from, entries, keys);
        }
    }
    lines
}

/// An entry of a map: its lines and those above that belong to it.
struct Entry {
    key: String,
    lines: Vec<Line>,
}

/// The entries of a block and the line where the first of them begins. `None` when they cannot be told apart.
fn entries(page: &Page<'_>, lines: &[Line], block: usize) -> Option<(usize, Vec<Entry>)> {
    let indent = begins(lines, block).next().and_then(|it| lines[it].content())?.indent;
    let is_inside = |line: &Line| {
        let mut inner = line.content().and_then(|it| it.block);
        while let Some(it) = inner.filter(|it| *it != block) {
            inner = page.around[it];
        }
        inner.is_some()
    };
    let first = begins(lines, block).next()?;
    if lines[..first].iter().any(is_inside) {
        // The first key stands behind a dash.
        return None;
    }
    let last = lines.iter().rposition(is_inside)?;
    let is_more =
        |it: &Line| matches!(it, Line::Raw(_) | Line::Kept(_)) || Some(indent) < it.comment_indent();
    let below = lines[last + 1..].iter().take_while(|it| **it == Line::Blank || is_more(it));
    let more = below.enumerate().filter(|it| is_more(it.1)).last();
    let end = last + 1 + more.map_or(0, |it| it.0 + 1);
    if trailing(&lines[end..], indent) {
        return None;
    }
    let starts: Vec<usize> = begins(lines, block).map(|it| with_comments(lines, it, indent)).collect();
    let mut entries = vec![];
    for (idx, key) in begins(lines, block).enumerate() {
        let to = starts.get(idx + 1).copied().unwrap_or(end);
        let above = starts[idx]..key;
        let below = &lines[key..to];
        if below.iter().any(|it| it.comment_indent().is_some_and(|it| it <= indent)) {
            return None;
        }
        let key = lines[key].content()?.key.clone()?;
        debug_assert!(above.end <= to, "an entry ends where it begins or later");
        entries.push(Entry { key, lines: lines[starts[idx]..to].to_vec() });
    }
    Some((starts[0], entries))
}

/// Lines on which entries of a block begin.
fn begins(lines: &[Line], block: usize) -> impl Iterator<Item = usize> {
    let begins = move |it: &Line| it.content().is_some_and(|it| it.block == Some(block) && it.key.is_some());
    lines.iter().enumerate().filter(move |it| begins(it.1)).map(|it| it.0)
}

/// A comment below the last entry that stands where entries do.
fn trailing(below: &[Line], indent: usize) -> bool {
    let comments = below.iter().take_while(|it| it.content().is_none());
    let mut comments = comments.filter_map(Line::comment_indent);
    0 < indent && comments.any(|it| it == indent)
}

/// Where an entry begins when the comments right above it, and blank lines above those, are counted in.
fn with_comments(lines: &[Line], entry: usize, indent: usize) -> usize {
    let is_comment = |it: &&Line| it.comment_indent() == Some(indent);
    let comments = lines[..entry].iter().rev().take_while(is_comment).count();
    let blank = lines[..entry - comments].iter().rev().take_while(|it| **it == Line::Blank).count();
    // What stands at the head of a file is about the file.
    if entry == comments + blank { entry } else { entry - comments - blank }
}

fn sort(lines: &mut Vec<Line>, from: usize, mut entries: Vec<Entry>, keys: &Keys) {
    let rank = |it: &Entry| keys.fields.iter().position(|field| field.key == it.key).unwrap_or(usize::MAX);
    if entries.is_sorted_by_key(rank) {
        return;
    }
    let count: usize = entries.iter().map(|it| it.lines.len()).sum();
    // What was first and is not any more takes the blank lines of what is first now, which would begin the map.
    let blank = |it: &Entry| it.lines.iter().take_while(|it| **it == Line::Blank).count();
    let above_first = blank(&entries[0]);
    entries[0].lines.drain(..above_first);
    let old_first = entries[0].key.clone();
    entries.sort_by_key(rank);
    let above = blank(&entries[0]);
    let moved: Vec<Line> = entries[0].lines.drain(..above).collect();
    if let Some(old) = entries.iter_mut().find(|it| it.key == old_first) {
        old.lines.splice(..0, moved);
    }
    let mut sorted: Vec<Line> = vec![Line::Blank; above_first];
    sorted.extend(entries.into_iter().flat_map(|it| it.lines));
    lines.splice(from..from + count, sorted);
}
