//! What fuzzing has found: each text here once made a panic, a place outside of the text, or fixes without an end.

use lockgate_diagnostics::{Source, apply_fixes, render};
use lockgate_model::SourceId;
use lockgate_spec::Spec;

/// Rounds after which fixes have come to an end.
const ROUNDS_MAX: usize = 32;

fn holds(text: &str) {
    let sources = [Source { name: "lockgate.yaml".to_owned(), text: text.to_owned() }];
    let diagnostics = Spec::parse("lockgate.yaml", text).0.check();
    for width in [20, 80] {
        let human = render::human(&sources, &diagnostics, render::Style { color: false, width });
        assert!(!human.contains(|it: char| it.is_control() && it != '\n'), "{human:?}");
    }
    for it in &diagnostics {
        let edits = it.fix.iter().flat_map(|it| it.edits.iter().map(|it| it.span));
        for span in it.labels.iter().map(|it| it.span).chain(edits) {
            assert!(text.get(span.start..span.end).is_some(), "{it:?} in {text:?}");
        }
    }
    let mut fixed = text.to_owned();
    for _ in 0..ROUNDS_MAX {
        let next = apply_fixes(&fixed, &Spec::parse("lockgate.yaml", &fixed).0.check());
        if next == fixed {
            return;
        }
        fixed = next;
    }
    panic!("fixes go in circles: {fixed:?}");
}

#[test]
fn a_control_character_of_the_second_set_does_not_reach_the_terminal() {
    holds("lockgate: v1\nservices: {web: {s\u{80}: 1}}\n");
    holds("lockgate: v1 # \u{9b}31m\n");
}

#[test]
fn an_alias_as_a_key_lacks_no_space() {
    holds("rollout:\n  strategy: canary\n  *a:    [{weight: 5%}]\n  bake: 2h\n");
    holds("a: b\n*c:\n");
}

#[test]
fn a_line_without_a_key_is_told_and_not_formatted() {
    let text = "system: shop\n: -1\n";
    let (_, diagnostics) = Spec::parse("lockgate.yaml", text);
    assert!(diagnostics.iter().any(|it| it.message == "a key is empty"), "{diagnostics:#?}");
    let refused = lockgate_spec::format(SourceId::default(), text).unwrap_err();
    assert!(matches!(refused, lockgate_spec::Unformatted::Broken(_)), "{refused:?}");
}
