//! Names of the spec: 1 to 63 of `a-z`, `0-9` and `-`, beginning with a letter.

use std::collections::BTreeSet;

const LEN_MAX: usize = 63;

/// The nearest name that the spec takes.
pub(super) fn fitting(written: &str) -> String {
    let letter = |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { '-' };
    let name: String = written.chars().take(LEN_MAX).map(letter).collect();
    let name = name.trim_matches('-');
    if name.starts_with(|it: char| it.is_ascii_lowercase()) {
        return name.to_owned();
    }
    let name: String = format!("s-{name}").chars().take(LEN_MAX).collect();
    name.trim_end_matches('-').to_owned()
}

/// The nearest name that is not taken yet.
pub(super) fn free(written: &str, taken: &BTreeSet<String>) -> String {
    let name = fitting(written);
    let numbered = |number: usize| {
        let stem: String = name.chars().take(LEN_MAX - 4).collect();
        format!("{}-{number}", stem.trim_end_matches('-'))
    };
    let mut names = std::iter::once(name.clone()).chain((2..).map(numbered));
    names.find(|it| !taken.contains(it)).expect("some number is free, since few names are taken")
}

/// Is this a name that variables can have?
pub(super) fn is_variable(name: &str) -> bool {
    name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
        && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_to_fit() {
        for (written, name) in
            [("web", "web"), ("My_App.v2", "my-app-v2"), ("3proxy", "s-3proxy"), ("_", "s"), ("ä", "s")]
        {
            assert_eq!(fitting(written), name);
        }
        assert_eq!(fitting(&"x".repeat(100)).len(), 63);
        assert_eq!(free("my_db", &["my-db".to_owned(), "my-db-2".to_owned()].into()), "my-db-3");
    }
}
