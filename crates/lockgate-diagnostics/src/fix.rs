//! Applying fixes to the texts that they are about.

use lockgate_model::{Diagnostic, Edit, Fix, SourceId};

use crate::render::Source;

/// What safe fixes make of the sources.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// In the order of the sources.
    pub texts: Vec<String>,
    /// What was done, one title for each fix.
    pub titles: Vec<String>,
}

/// The sources with every safe fix applied. A fix that overlaps one applied before it is left for the next run.
pub fn fixed(sources: &[Source], diagnostics: &[Diagnostic]) -> Fixed {
    let texts: Vec<&str> = sources.iter().map(|it| it.text.as_str()).collect();
    apply(&texts, diagnostics)
}

/// As [`fixed`], of a single text.
pub fn apply_fixes(text: &str, diagnostics: &[Diagnostic]) -> String {
    apply(&[text], diagnostics).texts.swap_remove(0)
}

fn apply(texts: &[&str], diagnostics: &[Diagnostic]) -> Fixed {
    let fits = |it: &Edit| {
        let text = texts.get(usize::from(it.span.source.0));
        text.is_some_and(|text| text.get(it.span.start..it.span.end).is_some())
    };
    let mut edits: Vec<&Edit> = vec![];
    let mut titles: Vec<String> = vec![];
    let safe = diagnostics.iter().filter_map(|it| it.fix.as_ref()).filter(|it| it.safe);
    for fix in safe {
        if fix.edits.iter().all(fits) && !overlaps(fix, &edits) {
            edits.extend(&fix.edits);
            titles.push(fix.title.clone());
        }
    }
    edits.sort_by_key(|it| it.span);
    let texts = (0_u16..).map(SourceId).zip(texts).map(|(id, text)| {
        let of_source = edits.iter().filter(|it| it.span.source == id);
        edited(text, of_source.copied())
    });
    Fixed { texts: texts.collect(), titles }
}

fn overlaps(fix: &Fix, edits: &[&Edit]) -> bool {
    let touches = |a: &Edit, b: &Edit| {
        a.span.source == b.span.source && a.span.start < b.span.end && b.span.start < a.span.end
    };
    fix.edits.iter().any(|it| edits.iter().any(|other| touches(it, other) || it == *other))
}

/// The edits come in the order of their places.
fn edited<'a>(text: &str, edits: impl Iterator<Item = &'a Edit>) -> String {
    let mut edited = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        edited.push_str(&text[at..edit.span.start]);
        edited.push_str(&edit.text);
        at = edit.span.end;
    }
    edited.push_str(&text[at..]);
    edited
}

#[cfg(test)]
mod tests {
    use lockgate_model::Span;

    use super::*;
    use crate::codes;

    fn diagnostic(safe: bool, edits: &[(u16, usize, usize, &str)]) -> Diagnostic {
        let edits = edits.iter().map(|&(source, start, end, text)| Edit {
            span: Span { source: SourceId(source), start, end },
            text: text.to_owned(),
        });
        let fix = Fix { title: "mend it".to_owned(), edits: edits.collect(), safe };
        Diagnostic::error(codes::BAD_VALUE, "bad").fix(fix)
    }

    #[test]
    fn safe_fixes_are_applied_in_every_source_and_none_twice() {
        let source = |text: &str| Source { name: String::new(), text: text.to_owned() };
        let fixed = fixed(
            &[source("one two"), source("three")],
            &[
                diagnostic(true, &[(0, 4, 7, "2"), (1, 0, 5, "3")]),
                diagnostic(true, &[(1, 0, 5, "3")]),
                diagnostic(true, &[(0, 5, 6, "overlaps")]),
                diagnostic(true, &[(0, 0, 3, "1")]),
                diagnostic(false, &[(0, 3, 4, "not safe")]),
                diagnostic(true, &[(2, 0, 0, "no such source")]),
                diagnostic(true, &[(0, 5, 99, "beyond the end")]),
            ],
        );
        assert_eq!(fixed.texts, ["1 2", "3"]);
        assert_eq!(fixed.titles.len(), 2);
    }
}
