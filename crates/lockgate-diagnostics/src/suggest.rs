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
    let word = Folded::new(word);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let folded = Folded::new(candidate);
        // Only what is nearer than the best, or as near and before it, is of interest.
        let Some(most) = folded.chars.len().checked_sub(1) else { continue };
        let within = best.map_or(allowed, |it| it.0).min(most);
        let Some(distance) = word.distance(&folded, within) else { continue };
        if best.is_none_or(|it| (distance, candidate) < it) {
            best = Some((distance, candidate));
        }
    }
    best.map(|it| it.1)
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

/// A word to compare: case and the choice of `-` or `_` are not what sets words apart.
struct Folded {
    chars: Vec<char>,
    /// A bit for each character that occurs; several may share one.
    set: u64,
}

impl Folded {
    fn new(word: &str) -> Folded {
        let folded = word.chars().map(|it| if it == '-' { '_' } else { it.to_ascii_lowercase() });
        let chars: Vec<char> = folded.collect();
        let set = chars.iter().fold(0, |set, it| set | 1 << (u32::from(*it) % u64::BITS));
        Folded { chars, set }
    }

    /// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. `None` when there are
    /// more than `max`, which for most pairs is seen at once.
    fn distance(&self, other: &Folded, max: usize) -> Option<usize> {
        let (a, b) = (&self.chars, &other.chars);
        let lacks = |one: &Folded, other: &Folded| (one.set & !other.set).count_ones() as usize;
        if max < a.len().abs_diff(b.len()) || max < lacks(self, other) || max < lacks(other, self) {
            return None;
        }
        let mut before: Vec<usize> = vec![];
        let mut last: Vec<usize> = (0..=b.len()).collect();
        for (i, &x) in a.iter().enumerate() {
            let mut row = Vec::with_capacity(b.len() + 1);
            row.push(i + 1);
            for (j, &y) in b.iter().enumerate() {
                let substituted = last[j] + usize::from(x != y);
                let mut best = substituted.min(last[j + 1] + 1).min(row[j] + 1);
                if 0 < i && 0 < j && x == b[j - 1] && a[i - 1] == y {
                    best = best.min(before[j - 1] + 1);
                }
                row.push(best);
            }
            // No later row is below the smaller of two that follow each other.
            if row.iter().chain(&last).all(|it| max < *it) {
                return None;
            }
            before = std::mem::replace(&mut last, row);
        }
        Some(last[b.len()]).filter(|it| *it <= max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_words_that_are_as_near_the_first_is_meant() {
        assert_eq!(nearest("cat", ["cut", "bat", "car"]), Some("bat"));
        assert_eq!(nearest("cat", ["cats", "cat_", "cut"]), Some("cat_"));
        assert_eq!(nearest("x", ["y", "xy"]), Some("xy"));
        assert_eq!(nearest("ab", ["ba"]), Some("ba"));
    }

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
