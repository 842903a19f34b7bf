//! `.env` files: values that Compose puts in for variables.

use std::collections::BTreeMap;

/// The variables of the text. Lines that are none are left out, as the text is only asked for what others name.
pub fn dotenv(text: &str) -> BTreeMap<String, String> {
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let is_name =
        !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || b"_.-".contains(&it));
    is_name.then(|| (name.to_owned(), unquoted(value.trim())))
}

fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        let Some(inner) = value.strip_prefix(quote) else { continue };
        if let Some(end) = inner.find(quote) {
            return inner[..end].to_owned();
        }
    }
    if value.starts_with('#') {
        return String::new();
    }
    let end = value.find(" #").unwrap_or(value.len());
    value[..end].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lose_their_quotes_and_comments() {
        let text = "# all\nA=1\nexport B = \"x # y\" # z\nC='$D'\nD=a#b # c\n\nE=\nF=# none\nno line\n=x\n";
        let read = dotenv(text);
        let wanted = [("A", "1"), ("B", "x # y"), ("C", "$D"), ("D", "a#b"), ("E", ""), ("F", "")];
        assert_eq!(read, wanted.map(|it| (it.0.to_owned(), it.1.to_owned())).into());
    }
}
