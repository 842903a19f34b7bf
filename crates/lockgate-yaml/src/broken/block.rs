//! Mistakes with lines: indentation, colons, and characters that a value cannot begin with.

use lockgate_diagnostics::shown;

use super::lines::{Line, Open};
use super::{Change, Mistake, quoted};

/// How far below the place that the parser names the tab may be that it means.
const TAB_LINES: usize = 20;
/// Lines that one repair moves at most; a fix of more lines than this is no longer looked at.
const MOVED_MAX: usize = 500;
/// Columns of one more level, where nothing says otherwise.
const STEP: usize = 2;

/// A tab that indents the line, or one soon below.
pub(super) fn tab(text: &str, at: usize) -> Option<Mistake> {
    let lines = Line::from(text, Line::at(text, at).start).take(TAB_LINES);
    let mut lines = lines.filter(|it| it.has_content());
    lines.find(|it| is_tabbed(*it)).map(|it| tab_of(text, it))
}

/// A tab that indents this very line.
pub(super) fn tab_here(text: &str, at: usize) -> Option<Mistake> {
    Some(Line::at(text, at)).filter(|it| is_tabbed(*it)).map(|it| tab_of(text, it))
}

fn is_tabbed(line: Line<'_>) -> bool {
    line.text[..line.indent()].contains('\t')
}

fn tab_of(text: &str, line: Line<'_>) -> Mistake {
    let above = line.above(text).next();
    let wanted = above.map_or(0, |it| {
        let opens = it.text.trim_end().ends_with(':');
        if opens { it.entry_start() - it.start + STEP } else { it.indent() }
    });
    let width = |it: Line<'_>| {
        let tabs = it.text[..it.indent()].matches('\t').count();
        it.indent() + tabs * (STEP - 1)
    };
    let run = Line::from(text, line.start).take_while(|it| is_tabbed(*it)).take(MOVED_MAX);
    let changes = run.map(|it| {
        let spaces = (wanted + width(it)).saturating_sub(width(line));
        Change::new(it.indentation(), " ".repeat(spaces))
    });
    let mistake = Mistake::new("a tab indents this line", line.indentation(), "a tab is here");
    let mistake = mistake.help("indent with spaces; YAML allows no tabs there");
    mistake.repair("indent with spaces", changes.collect())
}

/// A value that begins with what YAML keeps for itself.
pub(super) fn reserved(text: &str, at: usize) -> Option<Mistake> {
    let first = text[at..].chars().next()?;
    let line = Line::at(text, at);
    let mut end = line.content_end().max(at + first.len_utf8());
    if !Open::at(text, at).brackets.is_empty() {
        end = text[at..end].find([',', ']', '}']).map_or(end, |it| at + it);
    }
    let value = text[at..end].trim_end();
    let name = if first == '`' { "a backtick".to_owned() } else { format!("`{first}`") };
    let mistake = Mistake::new(
        format!("a value cannot begin with {name}"),
        at..at + value.len(),
        "a value like this must be quoted",
    );
    let quoted = quoted(value);
    let title = format!("write `{}`", shown(&quoted));
    Some(mistake.repair(title, vec![Change::new(at..at + value.len(), quoted)]).safe())
}

/// A colon where no value can follow.
pub(super) fn value_not_allowed(text: &str, at: usize) -> Option<Mistake> {
    let line = Line::at(text, at);
    let key = line.key()?;
    if key.end < at {
        return colon_in_value(text, line);
    }
    let above = line.above(text).next()?;
    match (above.key(), above.value()) {
        (Some(over), Some(_)) if above.indent() < line.indent() => {
            let message = format!(
                "`{}` is indented deeper than `{}` above it, which has a value",
                shown(&text[key.clone()]),
                shown(&text[over.clone()])
            );
            let mistake =
                Mistake::new(message, key, columns(line.indent())).other(over, columns(above.indent()));
            let mistake = mistake.help("keys of one map begin in the same column");
            Some(mistake.repair(format!("indent by {}", above.indent()), moved(text, line, above.indent())))
        }
        (Some(_), _) => None,
        (None, _) => no_colon(text, above),
    }
}

fn colon_in_value(text: &str, line: Line<'_>) -> Option<Mistake> {
    let value = line.value()?;
    let quoted = quoted(&text[value.clone()]);
    let mistake = Mistake::new("a value that holds `: ` is not quoted", value.clone(), "quote all of it");
    let title = format!("write `{}`", shown(&quoted));
    Some(mistake.repair(title, vec![Change::new(value, quoted)]))
}

/// A line among keys that has no key itself.
pub(super) fn no_colon(text: &str, line: Line<'_>) -> Option<Mistake> {
    let start = line.entry_start();
    let content = &text[start..line.content_end().max(start)];
    let word = content.split_whitespace().next()?;
    // With a space after it, the colon is not what is wrong.
    let colon = word.find(':');
    if colon.is_some_and(|it| it + 1 == word.len()) {
        return None;
    }
    if let Some(colon) = colon {
        let colon = start + colon;
        let key = &text[start..colon];
        let message = format!("a space is missing after `{}:`", shown(key));
        let place = start..start + word.len();
        let mistake = Mistake::new(message, place, "without a space this is one word, and no key");
        let title = format!("write `{}: {}`", shown(key), shown(&content[colon + 1 - start..]));
        return Some(mistake.repair(title, vec![Change::new(colon + 1..colon + 1, " ")]).safe());
    }
    let end = start + word.len();
    let message = format!("`{}` has no `:` after it", shown(word));
    let mistake = Mistake::new(message, start..end, "a key is wanted here, and `:` ends one");
    Some(mistake.repair(format!("write `{}:`", shown(word)), vec![Change::new(end..end, ":")]))
}

/// A line that begins in a column where none above begins, or with what does not go with its neighbours.
pub(super) fn indentation(text: &str, at: usize) -> Option<Mistake> {
    let line = Line::at(text, at);
    let mut levels: Vec<(usize, Line<'_>)> = vec![];
    for above in line.above(text) {
        for column in [above.entry_start() - above.start, above.indent()] {
            if levels.last().is_none_or(|it| column < it.0) {
                levels.push((column, above));
            }
        }
    }
    let is = line.indent();
    let name = line.key().unwrap_or_else(|| line.content());
    if levels.iter().any(|it| it.0 == is) {
        return among_others(text, line);
    }
    let nearest = levels.iter().min_by_key(|it| (it.0.abs_diff(is), usize::MAX - it.0))?;
    let (wanted, above) = *nearest;
    let other = above.key().unwrap_or_else(|| above.content());
    let message = format!("`{}` begins in a column of its own", shown(&text[name.clone()]));
    let mistake = Mistake::new(message, name, columns(is)).other(other, columns(wanted));
    let mistake = mistake.help("what belongs together begins in the same column");
    Some(mistake.repair(format!("indent by {wanted}"), moved(text, line, wanted)))
}

fn among_others(text: &str, line: Line<'_>) -> Option<Mistake> {
    let above = line.above(text).find(|it| it.indent() == line.indent())?;
    let item = |it: Line<'_>| it.text.trim_start().starts_with('-');
    let (message, label, other) = match (item(above), item(line)) {
        (false, true) => ("a list item stands among keys", "an item", "a key"),
        (true, false) => ("a key stands among list items", "a key", "an item"),
        (false, false) | (true, true) => return None,
    };
    Some(Mistake::new(message, line.content(), label).other(above.content(), other))
}

/// A list that begins on the line of its key.
pub(super) fn inline_list(text: &str, at: usize) -> Option<Mistake> {
    let line = Line::at(text, at);
    let item = text[at..line.content_end().max(at)].strip_prefix("- ")?.trim();
    let mistake =
        Mistake::new("a list begins on the line of its key", at..at + 1, "an item cannot stand here");
    let mistake = mistake.help("begin the list on the next line, or write it as `[a, b]`");
    let range = at..line.content_end();
    Some(mistake.repair(format!("write `[{}]`", shown(item)), vec![Change::new(range, format!("[{item}]"))]))
}

/// The line and what belongs to it, moved to another column.
fn moved(text: &str, line: Line<'_>, wanted: usize) -> Vec<Change> {
    let is = line.indent();
    // A line that is where this one should be is a neighbour that need not move.
    let is_neighbour = |it: &Line<'_>| is < wanted && it.indent() == wanted;
    let belongs = |it: &Line<'_>| !it.has_content() || (is <= it.indent() && !is_neighbour(it));
    let run = Line::from(text, line.start).take_while(belongs).take(MOVED_MAX).filter(|it| it.has_content());
    let change =
        |it: Line<'_>| Change::new(it.indentation(), " ".repeat((it.indent() + wanted).saturating_sub(is)));
    run.map(change).collect()
}

fn columns(indent: usize) -> String {
    match indent {
        0 => "not indented".to_owned(),
        1 => "indented by 1 space".to_owned(),
        _ => format!("indented by {indent} spaces"),
    }
}
