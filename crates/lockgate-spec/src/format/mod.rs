//! `lockgate fmt`: the same spec in the usual looks.
//!
//! Lines stay lines, and braces stay braces: what the author put on one line belongs together. What changes are
//! columns, blanks, quotes that nothing needs, and the order of keys where the language has one.
//!
//! **Invariant:** what the text says is the same before and after, every comment is still there, and formatting once
//! more changes nothing.

mod lines;
mod order;
mod page;
mod print;
mod same;
mod scalar;

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, SourceId, Span};

/// Why a text was not formatted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unformatted {
    /// It cannot be read.
    Broken(Vec<Diagnostic>),
    /// The formatted text would say something else.
    Bug,
}

/// The text as `lockgate fmt` would have it.
pub fn format(source: SourceId, text: &str) -> Result<String, Unformatted> {
    let mut report = vec![];
    // The last line of a file ends as the others do, whether somebody wrote its end or not.
    let end = if text.ends_with(['\n', '\r']) { "" } else { "\n" };
    let text = &format!("{text}{end}");
    let Some(before) = lockgate_yaml::read(source, text, &mut report).filter(|_| report.is_empty()) else {
        return Err(Unformatted::Broken(report));
    };
    // Whatever ends lines is one character from here on.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let unusual = |it: lockgate_yaml::Unusual| {
        let at = text[..it.at].matches('\n').count() + 1;
        let message = format!("line {at} has a part of YAML that is not used in a spec, and not formatted");
        let span = Span { source, ..Span::default() };
        Unformatted::Broken(vec![Diagnostic::error(codes::NO_ALIASES, message).label(span, "in this file")])
    };
    let layout = lockgate_yaml::layout(&text).map_err(unusual)?;
    let page = page::Page::new(&text, &layout);
    let formatted = print::printed(&order::ordered(&page, lines::of(&page)));
    let after = lockgate_yaml::read(source, &formatted, &mut report).filter(|_| report.is_empty());
    if after.is_some_and(|it| same::says(&before, &it)) && same::comments(&text, &formatted) {
        Ok(formatted)
    } else {
        Err(Unformatted::Bug)
    }
}
