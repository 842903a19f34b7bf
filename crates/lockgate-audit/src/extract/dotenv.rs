//! Files of environment variables.

use crate::fact::{Attribute, Fact, Value};
use crate::place::{Excerpt, Word};

pub(crate) fn variables(excerpt: &Excerpt) -> Vec<(Word, Word)> {
    let mut found = vec![];
    for (range, line) in excerpt.lines() {
        let trimmed = line.trim_start();
        let assignment = trimmed.strip_prefix("export ").unwrap_or(trimmed);
        let Some((name, value)) = assignment.split_once('=') else { continue };
        let is_name = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
        if name.is_empty() || !name.bytes().all(is_name) {
            continue;
        }
        let start = range.start + (line.len() - assignment.len());
        let key = excerpt.word(start..start + name.len());
        let place = start + name.len() + 1;
        let mut word = excerpt.word(place..place + value.trim_end().len());
        value.trim().trim_matches(['"', '\'']).clone_into(&mut word.text);
        found.push((key, word));
    }
    found
}

pub(crate) fn facts(excerpt: &Excerpt) -> impl Iterator<Item = Fact> {
    variables(excerpt).into_iter().map(|(name, value)| Fact {
        subject: name.text,
        attribute: Attribute::Variable,
        value: Value::Text(value.text),
        span: name.span,
        scope: vec![],
    })
}
