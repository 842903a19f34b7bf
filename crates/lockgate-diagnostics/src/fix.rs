//! Applying fixes to the text.

use lockgate_model::{Diagnostic, Edit, SourceId};

/// The text with every safe fix applied. A fix that overlaps one applied before it is left for the next run.
pub fn apply_fixes(text: &str, diagnostics: &[Diagnostic]) -> String {
    let mut edits: Vec<&Edit> = vec![];
    for fix in diagnostics.iter().filter_map(|it| it.fix.as_ref()).filter(|it| it.safe) {
        let applies = |it: &Edit| {
            it.span.source == SourceId::default() && text.get(it.span.start..it.span.end).is_some()
        };
        let overlaps = |it: &Edit| {
            edits.iter().any(|other| it.span.start < other.span.end && other.span.start < it.span.end)
        };
        if fix.edits.iter().all(|it| applies(it) && !overlaps(it) && !edits.contains(&it)) {
            edits.extend(&fix.edits);
        }
    }
    edits.sort_by_key(|it| (it.span.start, it.span.end));
    let mut fixed = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        fixed.push_str(&text[at..edit.span.start]);
        fixed.push_str(&edit.text);
        at = edit.span.end;
    }
    fixed.push_str(&text[at..]);
    fixed
}
