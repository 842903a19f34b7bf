//! What is wrong with the files themselves.

use lockgate_diagnostics::{codes, shown};
use lockgate_model::{Diagnostic, SourceId, Span};

use super::Context;

pub(crate) fn unreadable(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for unread in &context.facts.unread {
        let Some(span) = unread.span else { continue };
        let message = format!("`{}` is not valid YAML", unread.name);
        report.push(
            Diagnostic::warning(codes::UNREADABLE, message)
                .label(span, unread.reason.clone())
                .help("mend it; what stands behind this place was not audited"),
        );
    }
}

pub(crate) fn keys_given_twice(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for (key, first) in &context.facts.duplicates {
        let message = format!("the key `{}` is given twice", shown(&key.text));
        report.push(
            Diagnostic::error(codes::KEY_TWICE, message)
                .label(key.span, "given again here")
                .label(*first, "first given here")
                .help("keep one of them; most readers take the last one, and some refuse the file"),
        );
    }
}

/// UTF-8 that was read as Windows-1252 or Windows-1254 and saved again.
const BROKEN: &[&str] = &[
    "â€™", "â€œ", "â€“", "â€”", "â†’", "âœ…", "âœ”", "âŒ", "â”€", "â”œ", "â””", "ðŸ", "ğŸ", "Ã©", "Ã¼", "Ã¶",
    "Ã¤", "Ã¨", "ÃŸ",
];

pub(crate) fn wrong_characters(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for (id, source) in (0_u16..).map(SourceId).zip(context.sources) {
        let mut places: Vec<(usize, &str)> =
            BROKEN.iter().flat_map(|it| source.text.match_indices(it)).collect();
        places.sort_unstable();
        // One may be meant; several are not.
        let [(at, first), _, ..] = places[..] else { continue };
        let span = Span { source: id, start: at, end: at + first.len() };
        let message = format!("{} was read with the wrong character set and saved again", source.name);
        report.push(
            Diagnostic::warning(codes::WRONG_CHARACTERS, message)
                .label(span, format!("the first of {} such places", places.len()))
                .help("restore the file from before, or replace these characters, and save it as UTF-8"),
        );
    }
}
