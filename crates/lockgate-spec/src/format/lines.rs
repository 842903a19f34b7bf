//! The text line by line: what is on each line, how far it is indented, and how it is written.

use std::collections::BTreeSet;

use lockgate_yaml::TokenKind;

use super::page::Page;
use super::scalar;

/// Columns of one level.
const STEP: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Blank,
    /// As it is: the inside of a scalar.
    Raw(String),
    /// The same, of a scalar that blank lines below would be a part of.
    Kept(String),
    Text(Text),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) indent: usize,
    /// Without its comment; empty when there is nothing else.
    pub(super) content: String,
    pub(super) comment: String,
    /// The innermost block that the line begins in.
    pub(super) block: Option<usize>,
    /// The key of that block with which the line begins.
    pub(super) key: Option<String>,
    /// Where in the content its value begins, and how far behind the beginning of the key it stood.
    pub(super) value: Option<(usize, usize)>,
}

impl Line {
    /// Something other than blanks and comments.
    pub(super) fn content(&self) -> Option<&Text> {
        match self {
            Line::Text(text) if !text.content.is_empty() => Some(text),
            Line::Text(_) | Line::Blank | Line::Raw(_) | Line::Kept(_) => None,
        }
    }

    /// The indentation of a line that is a comment and nothing else.
    pub(super) fn comment_indent(&self) -> Option<usize> {
        match self {
            Line::Text(text) if text.content.is_empty() => Some(text.indent),
            Line::Text(_) | Line::Blank | Line::Raw(_) | Line::Kept(_) => None,
        }
    }
}

pub(super) fn of(page: &Page<'_>) -> Vec<Line> {
    let mut walk = Walk { page, lines: vec![], current: None, brackets: vec![] };
    for token in 0..page.tokens.len() {
        walk.token(token);
    }
    walk.end_line();
    walk.lines
}

struct Walk<'p, 'a> {
    page: &'p Page<'a>,
    /// One for each line of the text so far.
    lines: Vec<Line>,
    current: Option<Text>,
    /// For each bracket that is open, the line on which it was opened.
    brackets: Vec<usize>,
}

impl Walk<'_, '_> {
    fn token(&mut self, idx: usize) {
        let token = &self.page.tokens[idx];
        let line = self.page.line_of(token.range.start);
        if self.lines.len() < line && token.kind != TokenKind::BlockBody {
            self.end_line();
            self.lines.resize(line.max(self.lines.len()), Line::Blank);
        }
        let raw = &self.page.text[token.range.clone()];
        match token.kind {
            TokenKind::BlockBody => return self.block_body(idx),
            TokenKind::Plain | TokenKind::SingleQuoted | TokenKind::DoubleQuoted if raw.contains('\n') => {
                return self.over_lines(idx, raw);
            }
            TokenKind::Comma if self.is_superfluous(idx, line) => return,
            TokenKind::Marker if raw == "..." => return,
            _ => {}
        }
        self.append(idx, &scalar::written(token.kind, raw));
        match token.kind {
            TokenKind::Open => self.brackets.push(line),
            TokenKind::Close => drop(self.brackets.pop()),
            _ => {}
        }
    }

    fn end_line(&mut self) {
        if let Some(text) = self.current.take() {
            self.lines.push(Line::Text(text));
        }
    }

    /// Writes a token on the current line, or begins one with it.
    fn append(&mut self, token: usize, written: &str) {
        let is_comment = self.page.tokens[token].kind == TokenKind::Comment;
        let blanks = self.blanks(token);
        let new = if self.current.is_none() { self.begun(token) } else { Text::default() };
        let text = self.current.get_or_insert(new);
        if is_comment {
            written.trim_end().clone_into(&mut text.comment);
            return;
        }
        if !text.content.is_empty() {
            text.content.extend(std::iter::repeat_n(' ', blanks));
        }
        if text.key.is_some() && text.value.is_none() && text.content.ends_with(": ") {
            let offset = token.checked_sub(2).and_then(|it| self.page.value_offset(it));
            text.value = offset.map(|it| (text.content.len(), it));
        }
        text.content.push_str(written);
    }

    /// A line that begins with a token.
    fn begun(&self, token: usize) -> Text {
        let is_comment = self.page.tokens[token].kind == TokenKind::Comment;
        let is_key = self.brackets.is_empty() && self.page.is_key(token);
        Text {
            indent: if is_comment { self.comment_indent(token) } else { self.indent(token) },
            block: self.page.block_of[token],
            key: is_key.then(|| self.page.key_text(token)),
            ..Text::default()
        }
    }

    /// Blanks in front of a token that is not the first on its line.
    fn blanks(&self, token: usize) -> usize {
        use TokenKind::{Close, Colon, Comma, Open};
        let before = token.checked_sub(1).map(|it| self.page.tokens[it].kind);
        match (before, self.page.tokens[token].kind) {
            (Some(Colon), Close) => 1,
            (_, Colon | Comma | Close) | (Some(Open), _) => 0,
            _ => 1,
        }
    }

    /// The last `,` of a collection that is closed on the line on which it was opened.
    fn is_superfluous(&self, comma: usize, line: usize) -> bool {
        let close = self.page.tokens.get(comma + 1).filter(|it| it.kind == TokenKind::Close);
        self.brackets.last() == Some(&line)
            && close.is_some_and(|it| self.page.line_of(it.range.start) == line)
    }

    /// A plain or quoted scalar of several lines. The blanks in front of each of them mean nothing.
    fn over_lines(&mut self, token: usize, raw: &str) {
        let keeps_end = self.page.tokens[token].kind == TokenKind::DoubleQuoted;
        let part = |it: &str| {
            let it = it.trim_end_matches('\r');
            if keeps_end { it.to_owned() } else { it.trim_end().to_owned() }
        };
        let mut parts: Vec<&str> = raw.split('\n').collect();
        let last = parts.pop().unwrap_or("");
        self.append(token, &part(parts[0]));
        let indent = self.value_indent(token);
        self.end_line();
        for it in &parts[1..] {
            let it = part(it.trim_start());
            self.lines.push(Line::Raw(if it.is_empty() {
                it
            } else {
                format!("{}{it}", " ".repeat(indent))
            }));
        }
        let content = last.trim_start().to_owned();
        self.current = Some(Text { indent, content, block: self.page.block_of[token], ..Text::default() });
    }

    fn block_body(&mut self, token: usize) {
        self.end_line();
        let page = self.page;
        let header =
            (0..token).rev().find(|it| page.tokens[*it].kind == TokenKind::BlockHeader).unwrap_or(token);
        let raw = &page.text[page.tokens[header].range.clone()];
        let end = page.tokens[token].range.end;
        // Lines after the last one with something on it are part of the text with `+` only.
        let blank: &[char] = if raw.contains('+') { &[' ', '\t'] } else { &[' ', '\t', '\n', '\r'] };
        let end = page.text[..end].trim_end_matches(blank).len();
        let last = page.line_of(end.saturating_sub(1));
        let lines: Vec<&str> = (self.lines.len()..=last).map(|it| page.line(it)).collect();
        let indent_of = |it: &str| it.len() - it.trim_start_matches(' ').len();
        let block = page.block_of[header].map(|it| &page.blocks[it]);
        let (from, to) = if raw.contains(|it: char| it.is_ascii_digit()) {
            // The indentation is written down, relative to the block.
            let column = block.map_or(0, |it| page.column(it.range.start));
            (column, block.map_or(0, |it| it.depth * STEP))
        } else {
            let first = lines.iter().find(|it| !it.trim().is_empty());
            (first.map_or(0, |it| indent_of(it)), self.value_indent(header))
        };
        for line in lines {
            let indent = indent_of(line);
            let is_blank = line.len() == indent && indent <= from;
            let moved = || format!("{}{}", " ".repeat((indent + to).saturating_sub(from)), &line[indent..]);
            let line = if is_blank { String::new() } else { moved() };
            self.lines.push(if raw.contains('+') { Line::Kept(line) } else { Line::Raw(line) });
        }
    }

    /// The indentation of a line that begins with a token.
    fn indent(&self, token: usize) -> usize {
        let page = self.page;
        let depth = page.block_of[token].map_or(0, |it| page.blocks[it].depth);
        if self.brackets.is_empty() {
            let kind = page.tokens[token].kind;
            let begins = kind == TokenKind::Dash || kind == TokenKind::Marker || page.is_key(token);
            return if begins { depth * STEP } else { self.value_indent(token) };
        }
        let closers = page.tokens[token..].iter().take_while(|it| it.kind == TokenKind::Close).count();
        let open = self.brackets.len().saturating_sub(closers);
        let lines: BTreeSet<usize> = self.brackets[..open].iter().copied().collect();
        (depth + lines.len()) * STEP
    }

    /// The indentation of what belongs to an entry of the block of a token.
    fn value_indent(&self, token: usize) -> usize {
        self.page.block_of[token].map_or(0, |it| (self.page.blocks[it].depth + 1) * STEP)
    }

    /// A comment stands as what follows it, or, further in than that, as what it follows.
    fn comment_indent(&self, token: usize) -> usize {
        let page = self.page;
        if !self.brackets.is_empty() {
            return self.indent(token);
        }
        let next = page.content_behind[token];
        let below = next.map_or(0, |it| self.indent(it));
        let column = page.column(page.tokens[token].range.start);
        let next_column = next.map_or(0, |it| page.column(page.tokens[it].range.start));
        let mut block = page.content_before[token].and_then(|it| page.block_of[it]);
        if column <= next_column {
            return below;
        }
        while let Some(it) = block {
            if page.column(page.blocks[it].range.start) <= column {
                return (page.blocks[it].depth * STEP).max(below);
            }
            block = page.around[it];
        }
        below
    }
}
