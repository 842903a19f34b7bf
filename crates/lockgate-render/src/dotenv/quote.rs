//! Values as every reader of `.env` files takes them: the shell, Compose, and the libraries of languages.

pub(super) fn value(text: &str) -> String {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&it);
    if text.bytes().all(plain) {
        return text.to_owned();
    }
    if !text.contains(['\'', '\n', '\r', '\\']) {
        return format!("'{text}'");
    }
    let mut quoted = String::from("\"");
    for it in text.chars() {
        match it {
            '"' | '\\' | '$' | '`' => quoted.extend(['\\', it]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            it => quoted.push(it),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As Compose and the libraries read a value: nothing is special in single quotes, a backslash escapes in double.
    fn read(text: &str) -> String {
        if let Some(inner) = text.strip_prefix('\'').and_then(|it| it.strip_suffix('\'')) {
            return inner.to_owned();
        }
        let Some(inner) = text.strip_prefix('"').and_then(|it| it.strip_suffix('"')) else {
            return text.to_owned();
        };
        let mut out = String::new();
        let mut chars = inner.chars();
        while let Some(it) = chars.next() {
            match (it, it == '\\') {
                (_, true) => match chars.next().unwrap() {
                    'n' => out.push('\n'),
                    'r' => out.push('\r'),
                    escaped => out.push(escaped),
                },
                (it, false) => out.push(it),
            }
        }
        out
    }

    proptest! {
        #[test]
        fn any_value_reads_back(text in any::<String>()) {
            prop_assert_eq!(read(&value(&text)), text);
        }
    }

    #[test]
    fn values_are_quoted_when_they_must() {
        let shown = ["info", "", "a b", "#x", "it's", "a\nb", "$HOME", "say \"x\"", "{\"a\":1}"].map(value);
        insta::assert_snapshot!(shown.join("\n"), @r#"
        info

        'a b'
        '#x'
        "it's"
        "a\nb"
        '$HOME'
        'say "x"'
        '{"a":1}'
        "#);
    }
}
