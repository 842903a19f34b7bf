//! Where results go: data to standard output, everything else to standard error.

use std::io::Write as _;

use crate::args::{Color, Format, FormatName, Global};

/// Writes results and remarks in the way the user asked for.
#[derive(Clone, Copy, Debug)]
pub struct Out {
    pub format: Format,
    quiet: bool,
}

#[expect(clippy::unused_self, reason = "whoever writes must have been told how the user wants it")]
impl Out {
    pub fn new(global: &Global) -> Out {
        match global.color {
            Color::Auto => (),
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
        let format = match global.format {
            FormatName::Human | FormatName::Sarif | FormatName::Github => Format::Human,
            FormatName::Json => Format::Json,
        };
        Out { format, quiet: global.quiet }
    }

    /// One line, or several, of data. A reader that went away is no error: the process ends quietly.
    pub fn data(self, text: &str) {
        let text = text.strip_suffix('\n').unwrap_or(text);
        if writeln!(anstream::stdout().lock(), "{text}").is_err() {
            end_quietly();
        }
    }

    pub fn json<T: serde::Serialize>(self, value: &T) {
        self.data(&serde_json::to_string_pretty(value).expect("results serialise"));
    }

    /// One compact JSON value per line, for streams of events.
    pub fn json_line<T: serde::Serialize>(self, value: &T) {
        self.data(&serde_json::to_string(value).expect("results serialise"));
    }

    /// Something that is good to know; silenced by `--quiet`.
    pub fn note(self, text: &str) {
        if !self.quiet {
            to_stderr(text);
        }
    }

    /// Something that must be known.
    pub fn warn(self, text: &str) {
        to_stderr(text);
    }
}

pub fn to_stderr(text: &str) {
    let text = text.strip_suffix('\n').unwrap_or(text);
    // Without standard error there is nobody left to tell.
    drop(writeln!(anstream::stderr().lock(), "{text}"));
}

#[expect(clippy::exit, reason = "a closed pipe ends a command as it ends any Unix filter")]
fn end_quietly() -> ! {
    std::process::exit(0)
}

/// Style of words on a terminal; `anstream` takes it away where it does not belong.
pub mod style {
    use anstyle::{AnsiColor, Style};

    pub const GOOD: Style = AnsiColor::Green.on_default();
    pub const BAD: Style = AnsiColor::Red.on_default();
    pub const HINT: Style = AnsiColor::Cyan.on_default();
    pub const WARN: Style = AnsiColor::Yellow.on_default();
    pub const STRONG: Style = Style::new().bold();
    pub const PLAIN: Style = Style::new();
    pub const DIM: Style = Style::new().dimmed();

    pub fn paint(style: Style, text: impl std::fmt::Display) -> String {
        format!("{style}{text}{style:#}")
    }
}
