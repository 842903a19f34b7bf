//! What can be said of a file that is not YAML: what is there is judged, what is missing is not.

use lockgate_model::Diagnostic;
use lockgate_yaml::Node;

use crate::{language, validate};

/// What is wrong in the part of a file that could be read. Lines with a mistake in their syntax are left alone:
/// what they say is a guess.
pub(crate) fn judge(text: &str, part: &Node, mistakes: &[Diagnostic]) -> Vec<Diagnostic> {
    let line = |it: &Diagnostic| {
        let at = it.labels.first()?.span.start;
        text.get(..at).map(|before| before.matches('\n').count())
    };
    let guessed: Vec<usize> = mistakes.iter().filter_map(line).collect();
    let mut found = vec![];
    validate::validate(part, &language::ROOT, &mut found);
    found.retain(|it| line(it).is_none_or(|it| !guessed.contains(&it)));
    found
}
