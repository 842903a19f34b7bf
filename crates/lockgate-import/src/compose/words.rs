//! Commands that are written as one string, in words as Compose splits them.

/// The words of a command line; `None` when a quote is not closed. No shell comes between: `$` and `*` are themselves.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '\'' => break,
                        it => word.push(it),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '"' => break,
                        '\\' => match letters.next()? {
                            it @ ('"' | '\\' | '$' | '`') => word.push(it),
                            it => word.extend(['\\', it]),
                        },
                        it => word.push(it),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(letters.next()),
            it => word.get_or_insert_default().push(it),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn quotes_and_backslashes_keep_words_together() {
        let words = |line| split(line).map(|it| it.join("|"));
        assert_eq!(
            words("  sh -c 'a \"b\"; c' \"d \\\" \\n\" e\\ f ''").unwrap(),
            "sh|-c|a \"b\"; c|d \" \\n|e f|"
        );
        assert_eq!(words("a 'b"), None);
        assert_eq!(words("a \"b\\"), None);
        assert_eq!(words(""), Some(String::new()));
    }
}
