//! Did you mean.

use std::fmt::Write as _;

/// The candidate nearest to `word`, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A word longer than any key is no typo of one, and the distance costs the product of the lengths.
    const WORD_MAX: usize = 64;
    if WORD_MAX < word.len() {
        return None;
    }
    let allowed = 1 + word.chars().count() / 4;
    let scored = candidates.into_iter().map(|it| (distance(&fold(word), &fold(it)), it));
    scored.filter(|it| it.0 <= allowed && it.0 < fold(it.1).len()).min().map(|it| it.1)
}

/// `a, b or c`, each in backticks.
pub fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    joined(words, " or ")
}

/// `a, b and c`, each in backticks.
pub fn all<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    joined(words, " and ")
}

fn joined<'a>(words: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    let mut text = String::new();
    for (idx, word) in words.iter().enumerate() {
        let join = match idx {
            0 => "",
            _ if idx + 1 == words.len() => last,
            _ => ", ",
        };
        write!(text, "{join}`{word}`").expect("writing to a string cannot fail");
    }
    text
}

/// Case and the choice of `-` or `_` are not what sets words apart.
fn fold(word: &str) -> Vec<char> {
    word.chars().map(|it| if it == '-' { '_' } else { it.to_ascii_lowercase() }).collect()
}

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &y) in b.iter().enumerate() {
            let substituted = last[j] + usize::from(x != y);
            let mut best = substituted.min(last[j + 1] + 1).min(row[j] + 1);
            if 0 < i && 0 < j && x == b[j - 1] && a[i - 1] == y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_find_their_word_and_other_words_do_not() {
        let keys = ["replicas", "health", "depends_on", "port"];
        for (word, meant) in [
            ("replica", Some("replicas")),
            ("heatlh", Some("health")),
            ("depends-on", Some("depends_on")),
            ("Port", Some("port")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, keys), meant, "{word}");
        }
    }
}
