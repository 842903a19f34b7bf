//! A block of styled lines at the bottom of the terminal that is redrawn in place.

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::Style;

/// One line: pieces of text, each in its style.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line(Vec<(Style, String)>);

impl Line {
    pub fn new() -> Line {
        Line::default()
    }

    #[must_use]
    pub fn plain(self, text: impl Into<String>) -> Line {
        self.styled(Style::new(), text)
    }

    #[must_use]
    pub fn styled(mut self, style: Style, text: impl Into<String>) -> Line {
        self.0.push((style, text.into()));
        self
    }

    /// Text padded to `width` characters, or cut with an ellipsis.
    #[must_use]
    pub fn cell(self, style: Style, text: &str, width: usize) -> Line {
        self.styled(style, fit(text, width))
    }

    /// As [`Line::cell`], with the text at the right.
    #[must_use]
    pub fn cell_right(self, style: Style, text: &str, width: usize) -> Line {
        let text = fit(text, width);
        let text = format!("{:>width$}", text.trim_end());
        self.styled(style, text)
    }

    /// The line in ANSI escapes, at most `width` characters wide.
    fn ansi(&self, width: usize) -> String {
        let mut left = width;
        let mut text = String::new();
        for (style, piece) in &self.0 {
            let shown: String = piece.chars().take(left).collect();
            left -= shown.chars().count();
            text.push_str(&crate::out::style::paint(*style, shown));
        }
        text
    }

    /// The words alone.
    pub fn text(&self) -> String {
        let text: String = self.0.iter().map(|it| it.1.as_str()).collect();
        text.trim_end().to_owned()
    }
}

fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return format!("{text:<width$}");
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Where the block is drawn, and how many lines of it are on the screen.
pub struct Block<W: Write> {
    to: W,
    drawn: usize,
}

impl<W: Write> Block<W> {
    pub fn new(to: W) -> Block<W> {
        Block { to, drawn: 0 }
    }

    /// Replaces what was drawn. What does not fit the screen is left out at the top: the end is what changes.
    pub fn draw(&mut self, lines: &[Line], (columns, rows): (u16, u16)) -> io::Result<()> {
        let room = usize::from(rows.saturating_sub(1)).max(1);
        let lines = &lines[lines.len().saturating_sub(room)..];
        let mut frame = String::new();
        if 0 < self.drawn {
            write!(frame, "\x1b[{}A", self.drawn).expect("a string takes every write");
        }
        frame.push('\r');
        for line in lines {
            frame.push_str(&line.ansi(usize::from(columns)));
            frame.push_str("\x1b[K\n");
        }
        // Lines of a taller frame before this one.
        frame.push_str("\x1b[J");
        self.to.write_all(frame.as_bytes())?;
        self.to.flush()?;
        self.drawn = lines.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_replaces_the_one_before() {
        let mut bytes = vec![];
        let mut block = Block::new(&mut bytes);
        let lines = |texts: &[&str]| texts.iter().map(|it| Line::new().plain(*it)).collect::<Vec<_>>();
        block.draw(&lines(&["one", "two"]), (80, 24)).unwrap();
        block.draw(&lines(&["three"]), (80, 24)).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text, "\rone\x1b[K\ntwo\x1b[K\n\x1b[J\x1b[2A\rthree\x1b[K\n\x1b[J");
    }

    #[test]
    fn a_block_taller_than_the_screen_shows_its_end() {
        let mut bytes = vec![];
        let lines: Vec<Line> = (0..10).map(|it| Line::new().plain(it.to_string())).collect();
        Block::new(&mut bytes).draw(&lines, (80, 4)).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), "\r7\x1b[K\n8\x1b[K\n9\x1b[K\n\x1b[J");
    }

    #[test]
    fn cells_are_padded_or_cut() {
        let line = Line::new().cell(Style::new(), "ab", 4).cell(Style::new(), "abcdef", 4).cell_right(
            Style::new(),
            "x",
            3,
        );
        assert_eq!(line.text(), "ab  abc…  x");
        assert_eq!(line.ansi(3), "ab ");
    }
}
