//! `.env` files: values that Compose puts in for variables, and that a release reads its secrets from.

use std::collections::BTreeMap;

/// The variables of a text. `$NAME` in a value stands for itself.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Dotenv {
    pub values: BTreeMap<String, String>,
    /// Numbers of the lines that are neither a variable nor a comment, or whose quotes do not end.
    pub unread: Vec<usize>,
}

impl Dotenv {
    pub fn read(text: &str) -> Dotenv {
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let mut dotenv = Dotenv::default();
        let mut rest = text.as_str();
        let mut number = 1;
        while !rest.is_empty() {
            let line = rest.split('\n').next().unwrap_or(rest);
            let taken = match variable(line, rest) {
                Variable::None => line.len(),
                Variable::Unread => {
                    dotenv.unread.push(number);
                    line.len()
                }
                Variable::Is { name, value, taken } => {
                    dotenv.values.insert(name, value);
                    taken
                }
            };
            number += 1 + rest[..taken].matches('\n').count();
            rest = rest.get(taken + 1..).unwrap_or_default();
        }
        dotenv
    }
}

enum Variable {
    /// An empty line, or a comment.
    None,
    Unread,
    Is {
        name: String,
        value: String,
        /// Length up to the end of its last line.
        taken: usize,
    },
}

/// What begins on `line`, the first one of `rest`.
fn variable(line: &str, rest: &str) -> Variable {
    let trimmed = line.trim();
    if trimmed.is_empty() || trimmed.starts_with('#') {
        return Variable::None;
    }
    let Some((before, after)) = line.split_once('=') else { return Variable::Unread };
    let name = before.trim();
    let name = name.strip_prefix("export ").unwrap_or(name).trim();
    if name.is_empty() || !name.bytes().all(|it| it.is_ascii_alphanumeric() || b"_.-".contains(&it)) {
        return Variable::Unread;
    }
    let after = after.trim_start();
    let Some(quote) = after.chars().next().filter(|it| ['"', '\''].contains(it)) else {
        return Variable::Is { name: name.to_owned(), value: bare(after), taken: line.len() };
    };
    let begin = line.len() - after.len() + 1;
    let Some((value, length)) = quoted(&rest[begin..], quote) else { return Variable::Unread };
    let end = begin + length;
    let taken = rest[end..].find('\n').map_or(rest.len(), |it| end + it);
    Variable::Is { name: name.to_owned(), value, taken }
}

/// Without quotes a comment ends it.
fn bare(text: &str) -> String {
    if text.starts_with('#') {
        return String::new();
    }
    let end = text.find(" #").unwrap_or(text.len());
    text[..end].trim_end().to_owned()
}

/// The value up to the quote that ends it, and the length with that quote. A backslash escapes in double quotes.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, it)) = chars.next() {
        if it == quote {
            return Some((value, at + 1));
        }
        if it != '\\' || quote == '\'' {
            value.push(it);
            continue;
        }
        match chars.next()?.1 {
            'n' => value.push('\n'),
            'r' => value.push('\r'),
            't' => value.push('\t'),
            escaped @ ('"' | '\\' | '$' | '`') => value.push(escaped),
            other => value.extend(['\\', other]),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lose_their_quotes_and_comments() {
        let text = "# all\nA=1\nexport B = \"x # y\" # z\nC='$D'\nD=a#b # c\n\nE=\nF=# none\nno line\n=x\n";
        let read = Dotenv::read(text);
        let wanted = [("A", "1"), ("B", "x # y"), ("C", "$D"), ("D", "a#b"), ("E", ""), ("F", "")];
        assert_eq!(read.values, wanted.map(|it| (it.0.to_owned(), it.1.to_owned())).into());
        assert_eq!(read.unread, [9, 10]);
    }

    #[test]
    fn quoted_values_go_over_lines_and_escape() {
        let text = "A='one\r\n\\n two'\nB=\"x\\ny \\\"z\\\" \\d\" # said\nC=\"\nlast\"\nD='\nE=1\n";
        let read = Dotenv::read(text);
        let wanted = [("A", "one\n\\n two"), ("B", "x\ny \"z\" \\d"), ("C", "\nlast"), ("E", "1")];
        assert_eq!(read.values, wanted.map(|it| (it.0.to_owned(), it.1.to_owned())).into());
        assert_eq!(read.unread, [6], "its quote does not end");
    }
}
