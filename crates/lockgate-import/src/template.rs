//! Texts with `${VARIABLE}` in them, as Compose reads them: with defaults, with demands, and with values from `.env`.

use std::collections::BTreeMap;

use crate::secret;

/// Around the name of a variable that has no value here; no text of a person holds these.
const OPEN: char = '\u{fdd0}';
const CLOSE: char = '\u{fdd1}';
/// Defaults within defaults; nobody writes more than two.
const DEPTH_MAX: usize = 16;

/// A text after its variables were put in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filled {
    /// Variables that have no value here stand in it as marks, which compare equal when their variables are.
    pub(crate) text: String,
    /// Variables whose values or defaults became part of the text.
    pub(crate) used: Vec<String>,
    /// Variables without a value, each with what the file says of it.
    pub(crate) missing: Vec<(String, Option<String>)>,
}

impl Filled {
    /// The text, when nothing in it is missing.
    pub(crate) fn whole(&self) -> Option<&str> {
        self.missing.is_empty().then_some(self.text.as_str())
    }

    /// For a report: where the values came from.
    pub(crate) fn note(&self) -> Option<String> {
        if self.used.is_empty() {
            return None;
        }
        let names = lockgate_diagnostics::suggest::all(self.used.iter().map(String::as_str));
        let were = if self.used.len() == 1 { "was" } else { "were" };
        Some(format!("{names} {were} put in"))
    }
}

/// The variable that a text with marks is, when it is nothing else.
pub(crate) fn only(text: &str) -> Option<&str> {
    let inner = text.strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    (!inner.contains([OPEN, CLOSE])).then_some(inner)
}

pub(crate) fn has_marks(text: &str) -> bool {
    text.contains([OPEN, CLOSE])
}

/// The text as Compose would have it where the variables have no value.
pub(crate) fn without_marks(text: &str) -> String {
    let mut plain = String::new();
    let mut inside = false;
    for letter in text.chars() {
        match letter {
            OPEN => inside = true,
            CLOSE => inside = false,
            it if !inside => plain.push(it),
            _ => {}
        }
    }
    plain
}

/// The text with its variables put in; `None` when Compose cannot read it. Values of secrets are never put in.
pub(crate) fn fill(text: &str, variables: &BTreeMap<String, String>) -> Option<Filled> {
    let mut filled = Filled::default();
    // What is written cannot pass for a mark.
    let text = text.replace([OPEN, CLOSE], "\u{fffd}");
    fill_into(&text, variables, DEPTH_MAX, &mut filled)?;
    Some(filled)
}

fn fill_into(
    text: &str,
    variables: &BTreeMap<String, String>,
    depth: usize,
    filled: &mut Filled,
) -> Option<()> {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        filled.text.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(tail) = after.strip_prefix('$') {
            filled.text.push('$');
            rest = tail;
        } else if let Some(inner) = after.strip_prefix('{') {
            let end = closing(inner)?;
            braces(&inner[..end], variables, depth, filled)?;
            rest = &inner[end + 1..];
        } else {
            let end = name_end(after);
            if end == 0 {
                filled.text.push('$');
                rest = after;
                continue;
            }
            put(&after[..end], None, variables, filled);
            rest = &after[end..];
        }
    }
    filled.text.push_str(rest);
    Some(())
}

/// Where the `}` is that belongs to an open brace.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => open += 1,
            '}' if open == 0 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

fn name_end(text: &str) -> usize {
    if text.starts_with(|it: char| it.is_ascii_digit()) {
        return 0;
    }
    text.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(text.len())
}

fn braces(
    inner: &str,
    variables: &BTreeMap<String, String>,
    depth: usize,
    filled: &mut Filled,
) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    let end = name_end(inner);
    let (name, how) = inner.split_at(end);
    if name.is_empty() {
        return None;
    }
    let set = variables.get(name);
    let full = set.filter(|it| !it.is_empty());
    if how.is_empty() {
        put(name, None, variables, filled);
    } else if let Some(default) = how.strip_prefix(":-").or(how.strip_prefix('-')) {
        let value = if how.starts_with(':') { full } else { set };
        match value {
            _ if secret::is_name(name) => put(name, None, &BTreeMap::new(), filled),
            Some(_) => put(name, None, variables, filled),
            None => {
                filled.used.push(name.to_owned());
                fill_into(default, variables, depth, filled)?;
            }
        }
    } else if let Some(said) = how.strip_prefix(":?").or(how.strip_prefix('?')) {
        put(name, Some(said).filter(|it| !it.is_empty()), variables, filled);
    } else {
        let instead = how.strip_prefix(":+").or(how.strip_prefix('+'))?;
        let value = if how.starts_with(':') { full } else { set };
        filled.used.push(name.to_owned());
        if value.is_some() {
            fill_into(instead, variables, depth, filled)?;
        }
    }
    Some(())
}

fn put(name: &str, said: Option<&str>, variables: &BTreeMap<String, String>, filled: &mut Filled) {
    if let Some(value) = variables.get(name).filter(|_| !secret::is_name(name)) {
        filled.used.push(name.to_owned());
        filled.text.push_str(value);
    } else {
        filled.missing.push((name.to_owned(), said.map(str::to_owned)));
        filled.text.push(OPEN);
        filled.text.push_str(name);
        filled.text.push(CLOSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Filled {
        let variables = [("SET", "a"), ("EMPTY", ""), ("DB_PASSWORD", "hush")];
        let variables = variables.map(|it| (it.0.to_owned(), it.1.to_owned()));
        fill(text, &variables.into()).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn variables_have_values_defaults_and_alternatives() {
        for (text, wanted) in [
            ("${SET}-$SET.b", "a-a.b"),
            ("${SET:-b}${SET-b}", "aa"),
            ("${EMPTY:-b}|${EMPTY-b}", "b|"),
            ("${NONE:-x${SET}${NO:-{}}}", "xa{}"),
            ("${SET:+yes}${NONE:+no}", "yes"),
            ("$$SET $5 $", "$SET $5 $"),
        ] {
            assert_eq!(filled(text).whole(), Some(wanted), "{text}");
        }
        for broken in ["${", "${SET", "${}", "${SET!}", "${ SET}"] {
            assert_eq!(fill(broken, &BTreeMap::new()), None, "{broken}");
        }
    }

    #[test]
    fn what_has_no_value_and_what_is_secret_stays_a_variable() {
        assert_eq!(filled("${NONE:?say it}").missing, [("NONE".to_owned(), Some("say it".to_owned()))]);
        assert_eq!(only(&filled("$NONE").text), Some("NONE"));
        assert_eq!(only(&filled("x$NONE").text), None);
        for secret in ["${DB_PASSWORD}", "$DB_PASSWORD", "${DB_PASSWORD:-hush}", "${DB_PASSWORD-hush}"] {
            let filled = filled(secret);
            assert_eq!(only(&filled.text), Some("DB_PASSWORD"), "{secret}");
            assert!(!filled.text.contains("hush"));
            assert_eq!(without_marks(&filled.text), "");
        }
    }
}
