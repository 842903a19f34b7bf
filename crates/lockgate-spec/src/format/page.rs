//! The text with its tokens by line, and for each token the block that it stands in.

use lockgate_yaml::{Block, Layout, Token, TokenKind};

use crate::language;
use crate::schema::{Keys, Shape};

pub(super) struct Page<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Token],
    pub(super) blocks: &'a [Block],
    /// Bytes at which lines begin.
    pub(super) starts: Vec<usize>,
    /// The innermost block that each token is in.
    pub(super) block_of: Vec<Option<usize>>,
    /// Of each block the one around it, and what the language says of it.
    pub(super) around: Vec<Option<usize>>,
    shapes: Vec<Option<&'static Shape>>,
    /// For each token the nearest ones before and behind it that are no comments.
    pub(super) content_before: Vec<Option<usize>>,
    pub(super) content_behind: Vec<Option<usize>>,
}

impl<'a> Page<'a> {
    pub(super) fn new(text: &'a str, layout: &'a Layout) -> Page<'a> {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|it| it.0 + 1));
        let mut page = Page {
            text,
            tokens: &layout.tokens,
            blocks: &layout.blocks,
            starts: starts.filter(|it| *it < text.len()).collect(),
            block_of: vec![],
            around: vec![],
            shapes: vec![],
            content_before: nearest(&layout.tokens, 0..layout.tokens.len()),
            content_behind: nearest(&layout.tokens, (0..layout.tokens.len()).rev()),
        };
        page.walk();
        page
    }

    fn walk(&mut self) {
        let mut open: Vec<usize> = vec![];
        let mut next = 0;
        // What the language says of the value that comes next, for each open block.
        let mut values: Vec<Option<&'static Shape>> = vec![];
        let mut brackets = 0_usize;
        for (idx, token) in self.tokens.iter().enumerate() {
            let at = token.range.start;
            while open.last().is_some_and(|it| self.blocks[*it].range.end <= at) {
                open.pop();
                values.pop();
            }
            while self.blocks.get(next).is_some_and(|it| it.range.start <= at) {
                self.around.push(open.last().copied());
                let shape =
                    if open.is_empty() { Some(&language::ROOT) } else { values.last().copied().flatten() };
                self.shapes.push(shape);
                open.push(next);
                values.push(if self.blocks[next].is_map { None } else { item(shape) });
                next += 1;
            }
            self.block_of.push(open.last().copied());
            match token.kind {
                TokenKind::Open => brackets += 1,
                TokenKind::Close => brackets = brackets.saturating_sub(1),
                _ if brackets == 0 && self.is_key(idx) => {
                    if let (Some(block), Some(value)) = (open.last(), values.last_mut()) {
                        *value = self.shapes[*block].and_then(|it| child(it, &self.key_text(idx)));
                    }
                }
                _ => {}
            }
        }
    }

    /// How far behind the beginning of its key a value begins that stands on the same line.
    pub(super) fn value_offset(&self, key: usize) -> Option<usize> {
        let (from, value) = (&self.tokens[key].range, self.tokens.get(key + 2)?);
        let between = self.text.get(from.start..value.range.start)?;
        let is_value = value.kind != TokenKind::Comment && !between.contains('\n');
        is_value.then(|| between.chars().count())
    }

    /// A key of a block, or of a map in braces.
    pub(super) fn is_key(&self, token: usize) -> bool {
        let is_scalar = matches!(
            self.tokens[token].kind,
            TokenKind::Plain | TokenKind::SingleQuoted | TokenKind::DoubleQuoted
        );
        is_scalar && self.tokens.get(token + 1).is_some_and(|it| it.kind == TokenKind::Colon)
    }

    pub(super) fn key_text(&self, token: usize) -> String {
        self.text[self.tokens[token].range.clone()].trim_matches(['"', '\'']).to_owned()
    }

    pub(super) fn line_of(&self, at: usize) -> usize {
        self.starts.partition_point(|it| *it <= at).saturating_sub(1)
    }

    /// The text of a line without its end.
    pub(super) fn line(&self, number: usize) -> &'a str {
        let end = self.starts.get(number + 1).copied().unwrap_or(self.text.len());
        self.text[self.starts[number]..end].trim_end_matches(['\n', '\r'])
    }

    /// Characters before a place on its line.
    pub(super) fn column(&self, at: usize) -> usize {
        let start = self.starts.get(self.line_of(at)).copied().unwrap_or(0);
        self.text[start.min(at)..at].chars().filter(|it| *it != '\u{feff}').count()
    }

    /// The keys of a block in the order in which they are written, where the language has one.
    pub(super) fn keys_of(&self, block: usize) -> Option<&'static Keys> {
        /// Small maps read best in the order that their author chose.
        const ORDERED: [&str; 3] = ["a spec", "a service", "an environment"];
        match self.shapes.get(block).copied().flatten()? {
            Shape::Keys(keys) if ORDERED.contains(&keys.what) => Some(keys),
            _ => None,
        }
    }
}

/// For each token the last one with content that comes before it on the way through all of them.
fn nearest(tokens: &[Token], way: impl Iterator<Item = usize>) -> Vec<Option<usize>> {
    let mut nearest = vec![None; tokens.len()];
    let mut last = None;
    for idx in way {
        nearest[idx] = last;
        if !matches!(tokens[idx].kind, TokenKind::Comment | TokenKind::Marker) {
            last = Some(idx);
        }
    }
    nearest
}

fn child(shape: &'static Shape, key: &str) -> Option<&'static Shape> {
    match shape {
        Shape::Keys(keys) => keys.field(key).map(|it| &it.shape),
        Shape::Named(named) => Some(&named.value),
        Shape::Many(inner) => child(inner, key),
        Shape::Scalar(_) | Shape::Argv | Shape::Argvs | Shape::List(_) | Shape::Any => None,
    }
}

fn item(shape: Option<&'static Shape>) -> Option<&'static Shape> {
    match shape? {
        Shape::List(inner) | Shape::Many(inner) => Some(inner),
        Shape::Scalar(_) | Shape::Argv | Shape::Argvs | Shape::Keys(_) | Shape::Named(_) | Shape::Any => None,
    }
}
