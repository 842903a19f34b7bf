//! Mistakes with brackets and quotes.

use lockgate_diagnostics::shown;

use super::lines::{Line, Open};
use super::{Change, Mistake, quoted};

/// How many brackets after the wrong one are looked at to find its end.
const BRACKETS_MAX: usize = 20;

/// A bracket that nothing closes, or an entry that nothing ends.
pub(super) fn not_closed(text: &str, at: usize) -> Option<Mistake> {
    // The parser names the bracket itself where the text ends within it.
    let is_bracket = text[at..].starts_with(['[', '{']);
    let open = Open::at(text, if is_bracket { text.len() } else { at }).brackets;
    let &(opener, bracket) = open.last()?;
    let line = Line::at(text, opener);
    if !is_bracket && at <= line.end() {
        return in_entry(text, at, opener);
    }
    let after = Line::from(text, line.start).skip(1);
    let mut last = line;
    for next in after.filter(|it| it.has_content()) {
        if next.indent() <= line.indent() {
            break;
        }
        last = next;
    }
    let closers: String = open
        .iter()
        .rev()
        .filter(|it| line.start <= it.0)
        .map(|it| if it.1 == '[' { ']' } else { '}' })
        .collect();
    let place = opener..opener + 1;
    let mut mistake = Mistake::new(format!("`{bracket}` is not closed"), place, "opened here");
    for (other, _) in open.iter().rev().skip(1).filter(|it| line.start <= it.0) {
        mistake = mistake.other(*other..*other + 1, "and so is this one");
    }
    if !is_bracket && last.end() < at {
        let place = Line::at(text, at).content();
        mistake = mistake.other(place, "this cannot be inside of it");
    }
    let end = last.content_end();
    let title = format!("add `{closers}` at the end of the line");
    Some(mistake.repair(title, vec![Change::new(end..end, closers)]))
}

/// A colon too many in an entry of `{...}` or `[...]`.
fn in_entry(text: &str, at: usize, opener: usize) -> Option<Mistake> {
    let start = text[..at].rfind([',', '{', '[']).map_or(opener, |it| it + 1);
    let entry = &text[start..at];
    let value = start + entry.find(": ")? + 2;
    let before = text[value..at].trim();
    if let Some((first, second)) = before.rsplit_once(' ') {
        let place = at - second.len()..at;
        let comma = value + text[value..at].find(first)? + first.trim_end().len();
        let message = format!("a `,` is missing before `{}`", shown(second));
        let mistake = Mistake::new(message, place, "another entry begins here");
        return Some(mistake.repair("add the `,`", vec![Change::new(comma..comma, ",")]));
    }
    let line = Line::at(text, at);
    let end = text[at..line.end()].find([',', '}', ']']).map_or(line.end(), |it| at + it);
    let quoted = quoted(text[value..end].trim());
    let mistake = Mistake::new("a value that holds `: ` is not quoted", value..end, "quote all of it");
    Some(mistake.repair(format!("write `{}`", shown(&quoted)), vec![Change::new(value..end, quoted)]))
}

/// `[` closed by `}`.
pub(super) fn mismatched(text: &str, at: usize, open: char, close: char) -> Option<Mistake> {
    let is_inside = |end: usize| Open::at(text, end).brackets.last().is_some_and(|it| it.0 == at);
    let mut ends = text[at..].match_indices(close).take(BRACKETS_MAX).map(|it| at + it.0);
    let end = ends.find(|it| is_inside(*it))?;
    let closer = if open == '[' { "]" } else { "}" };
    let mistake = Mistake::new(format!("`{open}` is closed by `{close}`"), end..end + 1, "closed here");
    let mistake = mistake.other(at..at + 1, "opened here");
    Some(mistake.repair(format!("add `{closer}` before `{close}`"), vec![Change::new(end..end, closer)]))
}

/// A closing bracket with nothing to close.
pub(super) fn not_opened(text: &str, at: usize) -> Option<Mistake> {
    let bracket = text[at..].chars().next()?;
    let mistake = Mistake::new(format!("`{bracket}` closes nothing"), at..at + 1, "nothing is open here");
    Some(mistake.repair(format!("remove the `{bracket}`"), vec![Change::new(at..at + 1, "")]))
}

/// A quote that nothing closes on its line.
pub(super) fn open_quote(text: &str, at: usize) -> Option<Mistake> {
    let open = Open::at(text, at);
    let is_quote = |it: &char| matches!(it, '"' | '\'');
    let first = text[at..].chars().next().filter(is_quote).map(|it| (at, it));
    let (opener, quote) = open.quote.or(first)?;
    let line = Line::at(text, opener);
    let mut end = opener + text[opener..line.end()].trim_end().len();
    if !Open::at(text, opener).brackets.is_empty() {
        end = text[opener..end].find([',', ']', '}']).map_or(end, |it| opener + it);
    }
    let place = opener..opener + 1;
    let mistake = Mistake::new(format!("the quote `{quote}` is not closed"), place, "opened here");
    Some(mistake.repair("close it on its line", vec![Change::new(end..end, quote.to_string())]))
}

/// Text behind a closing quote.
pub(super) fn after_quote(text: &str, at: usize) -> Mistake {
    let end = Line::at(text, at).content_end().max(at);
    Mistake::new("text follows a closing quote", at..end, "this is outside of the quotes")
        .help("put all of the value between the quotes, or none of it")
}

/// `\d` between double quotes.
pub(super) fn unknown_escape(text: &str, at: usize) -> Option<Mistake> {
    let mut chars = text[at..].char_indices();
    while let Some((from, it)) = chars.next() {
        if it != '\\' {
            continue;
        }
        let (_, escaped) = chars.next()?;
        if !"0abtnvfre \"/\\N_LPxuU\t\n\r".contains(escaped) {
            let place = at + from..at + from + 1 + escaped.len_utf8();
            let mistake =
                Mistake::new(format!("`\\{escaped}` means nothing"), place, "not an escape of YAML");
            let mistake =
                mistake.help("between double quotes a backslash is written `\\\\`, between single ones `\\`");
            return Some(
                mistake.repair("double the backslash", vec![Change::new(at + from..at + from, "\\")]),
            );
        }
    }
    None
}
