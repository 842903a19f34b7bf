//! How a text is laid out: every token with its place, comments included, and the collections that indentation makes.
//! For whoever changes the looks of a text and not what it says.

use std::ops::Range;

use granit_parser::{Event, Options, Parser, ScalarStyle, StructureStyle};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// `|` or `>`, with what is written to it.
    BlockHeader,
    /// From the first line of a block scalar to the end of its last.
    BlockBody,
    Comment,
    Dash,
    Colon,
    Comma,
    /// `[` or `{`.
    Open,
    Close,
    /// `---` or `...`.
    Marker,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    pub range: Range<usize>,
}

/// A map or list that is not in brackets. All its entries begin in the same column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub is_map: bool,
    /// From its first entry to what follows it.
    pub range: Range<usize>,
    /// Number of blocks around it.
    pub depth: usize,
}

/// Tokens and blocks in the order of the text.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    pub tokens: Vec<Token>,
    pub blocks: Vec<Block>,
}

/// What a layout does not tell of: directives, tags, anchors, keys after `?`. The place is that of the first one, or
/// of the value that it stands with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusual {
    pub at: usize,
}

/// The layout of a text that [`read`](crate::read) can read.
pub fn layout(text: &str) -> Result<Layout, Unusual> {
    let base = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut builder = Builder { text, base, ..Builder::default() };
    let mut options = Options::default();
    options.set_emit_comments(true);
    for next in Parser::new_from_str_with_options(&text[base..], options) {
        let (event, span) = next.map_err(|_| Unusual { at: base })?;
        let range = span.byte_range().unwrap_or(0..0);
        builder.event(&event, range.start + base..range.end + base)?;
    }
    builder.finish()
}

#[derive(Default)]
struct Builder<'a> {
    text: &'a str,
    base: usize,
    tokens: Vec<Token>,
    blocks: Vec<Block>,
    /// Indices of blocks whose end has not come; `None` for collections in brackets.
    open: Vec<Option<usize>>,
    depth: usize,
}

impl Builder<'_> {
    fn event(&mut self, event: &Event<'_>, range: Range<usize>) -> Result<(), Unusual> {
        let unusual = Err(Unusual { at: range.start });
        match event {
            Event::Scalar(_, style, anchor, tag) => {
                if *anchor != 0 || tag.is_some() {
                    return unusual;
                }
                let kind = match style {
                    ScalarStyle::Plain => TokenKind::Plain,
                    ScalarStyle::SingleQuoted => TokenKind::SingleQuoted,
                    ScalarStyle::DoubleQuoted => TokenKind::DoubleQuoted,
                    ScalarStyle::Literal | ScalarStyle::Folded => TokenKind::BlockBody,
                };
                // A value that is not written has a place and no text.
                if !range.is_empty() {
                    self.tokens.push(Token { kind, range });
                }
            }
            Event::SequenceStart(style, anchor, tag) | Event::MappingStart(style, anchor, tag) => {
                if *anchor != 0 || tag.is_some() {
                    return unusual;
                }
                let is_map = matches!(event, Event::MappingStart(..));
                self.start(*style == StructureStyle::Block, is_map, range.start);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Some(idx)) = self.open.pop() {
                    self.blocks[idx].range.end = range.start;
                    self.depth -= 1;
                }
            }
            Event::Comment(..) => self.tokens.push(Token { kind: TokenKind::Comment, range }),
            Event::DocumentStart(explicit, version) => {
                if version.is_some() {
                    return unusual;
                }
                // The place of an implicit start is that of what comes first.
                if *explicit {
                    self.tokens.push(Token { kind: TokenKind::Marker, range });
                }
            }
            Event::DocumentEnd if !range.is_empty() => {
                self.tokens.push(Token { kind: TokenKind::Marker, range });
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => return unusual,
            // Marks without content. The parser's enum is open, and what may be added are marks as well.
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, is_block: bool, is_map: bool, at: usize) {
        if !is_block {
            self.open.push(None);
            return;
        }
        self.open.push(Some(self.blocks.len()));
        self.blocks.push(Block { is_map, range: at..at, depth: self.depth });
        self.depth += 1;
    }

    /// Adds the tokens of which the parser does not tell: indicators and headers.
    fn finish(mut self) -> Result<Layout, Unusual> {
        self.tokens.sort_by_key(|it| it.range.start);
        let mut all = Vec::with_capacity(self.tokens.len() * 2);
        let mut at = self.base;
        let mut in_brackets = 0_usize;
        for token in std::mem::take(&mut self.tokens) {
            self.between(at..token.range.start, &mut in_brackets, &mut all)?;
            at = token.range.end;
            all.push(token);
        }
        self.between(at..self.text.len(), &mut in_brackets, &mut all)?;
        // The parser begins a list behind its first dash where that is not indented.
        for block in self.blocks.iter_mut().filter(|it| !it.is_map) {
            let before = all.partition_point(|it| it.range.start <= block.range.start);
            let dash = all[..before].iter().rev().find(|it| it.kind == TokenKind::Dash);
            block.range.start = dash.map_or(block.range.start, |it| it.range.start);
        }
        Ok(Layout { tokens: all, blocks: self.blocks })
    }

    fn between(&self, gap: Range<usize>, brackets: &mut usize, all: &mut Vec<Token>) -> Result<(), Unusual> {
        let mut at = gap.start;
        while at < gap.end {
            let it = self.text[at..].chars().next().unwrap_or(' ');
            let mut end = at + it.len_utf8();
            let kind = match it {
                ' ' | '\t' | '\r' | '\n' => None,
                '-' => Some(TokenKind::Dash),
                ':' => Some(TokenKind::Colon),
                ',' => Some(TokenKind::Comma),
                '[' | '{' => {
                    *brackets += 1;
                    Some(TokenKind::Open)
                }
                ']' | '}' => {
                    *brackets = brackets.saturating_sub(1);
                    Some(TokenKind::Close)
                }
                '|' | '>' if *brackets == 0 => {
                    let rest = &self.text[at..gap.end];
                    end = at + rest.find([' ', '\t', '\r', '\n']).unwrap_or(rest.len());
                    Some(TokenKind::BlockHeader)
                }
                _ => return Err(Unusual { at }),
            };
            if let Some(kind) = kind {
                all.push(Token { kind, range: at..end });
            }
            at = end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<(TokenKind, &str)> {
        let tokens = layout(text).unwrap().tokens;
        tokens.into_iter().map(|it| (it.kind, &text[it.range])).collect()
    }

    #[test]
    fn every_character_but_blanks_is_in_a_token() {
        use TokenKind::{
            BlockBody, BlockHeader, Close, Colon, Comma, Comment, Dash, DoubleQuoted, Marker, Open, Plain,
        };
        assert_eq!(
            tokens("---\n# x\na: [b, \"c\"] # y\nd:\n- |-  # z\n  e\n\n  f\n"),
            [
                (Marker, "---"),
                (Comment, "# x"),
                (Plain, "a"),
                (Colon, ":"),
                (Open, "["),
                (Plain, "b"),
                (Comma, ","),
                (DoubleQuoted, "\"c\""),
                (Close, "]"),
                (Comment, "# y"),
                (Plain, "d"),
                (Colon, ":"),
                (Dash, "-"),
                (BlockHeader, "|-"),
                (Comment, "# z"),
                (BlockBody, "e\n\n  f\n"),
            ]
        );
    }

    #[test]
    fn blocks_know_where_they_begin_and_how_deep_they_are() {
        let text = "a:\n- b\n- c: d\n  e: f\ng: {h: i}\n";
        let blocks = layout(text).unwrap().blocks;
        let told: Vec<_> = blocks.iter().map(|it| (it.is_map, &text[it.range.clone()], it.depth)).collect();
        assert_eq!(told, [(true, text, 0), (false, "- b\n- c: d\n  e: f\n", 1), (true, "c: d\n  e: f\n", 2)]);
    }

    #[test]
    fn what_a_spec_never_has_is_not_laid_out() {
        for text in ["a: &b c\n", "a: !t c\n", "a: !t [c]\n", "? a\n: b\n", "%YAML 1.2\n---\na: b\n"] {
            assert!(layout(text).is_err(), "{text}");
        }
    }
}
