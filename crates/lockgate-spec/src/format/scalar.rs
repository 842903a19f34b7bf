//! Quotes: none where nothing needs them, and double ones elsewhere.

use lockgate_yaml::TokenKind;

/// A scalar of one line as it is written best.
pub(super) fn written(kind: TokenKind, raw: &str) -> String {
    let quote = match kind {
        TokenKind::SingleQuoted => '\'',
        TokenKind::DoubleQuoted => '"',
        _ => return raw.to_owned(),
    };
    let inner = raw.strip_prefix(quote).and_then(|it| it.strip_suffix(quote));
    let Some(inner) = inner.filter(|it| !it.contains(['"', '\'', '\\'])) else { return raw.to_owned() };
    if is_plain(inner) { inner.to_owned() } else { format!("\"{inner}\"") }
}

/// Does every reader of YAML take it for this very text, wherever it stands?
fn is_plain(text: &str) -> bool {
    const OTHER: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let safe = |it: char| it.is_ascii_alphanumeric() || "_-./+@ ".contains(it);
    let start = text.trim_start_matches('-');
    let dashes = text.len() - start.len();
    let first = start.starts_with(|it: char| it.is_ascii_alphabetic());
    let path = dashes == 0 && ["/", "./", "../", "_"].iter().any(|it| text.starts_with(it));
    let is_word = !OTHER.contains(&text.to_ascii_lowercase().as_str());
    (path || (first && dashes <= 2)) && is_word && text.chars().all(safe) && text.trim() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stay_where_another_reader_would_see_something_else() {
        for needed in [
            "",
            " a",
            "a ",
            "true",
            "Yes",
            "NO",
            "on",
            "y",
            "null",
            "~",
            "1",
            "1.10",
            "-1",
            "0x1f",
            "2026-01-01",
            "22:22",
            ".5",
            ".inf",
            "a: b",
            "a #b",
            "- a",
            "---",
            "[a]",
            "{a}",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            "> 1%",
            "| a",
            "a,b",
            "é",
            "a:",
            "?",
            "=",
            "<<",
        ] {
            let quoted = format!("\"{needed}\"");
            assert_eq!(written(TokenKind::DoubleQuoted, &quoted), quoted);
            assert_eq!(written(TokenKind::SingleQuoted, &format!("'{needed}'")), quoted);
        }
        for kept in ["\"a\\n\"", "'a\"b'", "'it''s'", "\"it's\""] {
            let kind = if kept.starts_with('"') { TokenKind::DoubleQuoted } else { TokenKind::SingleQuoted };
            assert_eq!(written(kind, kept), kept);
        }
        for free in
            ["a", "a b", "./web", "../x", "/up", "--port", "-v", "v1.10", "ops@example.org", "_x", "c++"]
        {
            assert_eq!(written(TokenKind::DoubleQuoted, &format!("\"{free}\"")), free);
        }
    }
}
