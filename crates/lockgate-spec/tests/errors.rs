//! Every code has a page, and every page's wrong example shows the code while the mended one does not.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

use std::collections::BTreeSet;

use lockgate_diagnostics::{Source, apply_fixes, codes, explain_code, render};
use lockgate_model::{Code, Diagnostic, EnvironmentName, Severity};
use lockgate_spec::{Beside, Facts, Spec};

const UNKNOWN_ENVIRONMENT: Code = Code(21);

/// What begins here is found in other files than specs, and is tested where it is found.
const OTHER_FILES: Code = Code(700);

fn codes_of_specs() -> impl Iterator<Item = (Code, &'static str)> {
    codes().filter(|it| it.0 < OTHER_FILES)
}

/// The YAML blocks of a page: the wrong example first, then mended ones.
fn examples(page: &str) -> Vec<String> {
    let blocks = page.split("```yaml\n").skip(1);
    blocks.map(|it| it.split("```").next().unwrap().to_owned()).collect()
}

fn diagnostics(code: Code, text: &str) -> Vec<Diagnostic> {
    let (spec, _) = Spec::parse("lockgate.yaml", text);
    let there = |path: &String| matches!(path.as_str(), "Dockerfile" | "migrations");
    let missing = spec.paths().into_iter().filter(|it| !there(it)).collect();
    let spec = spec.beside(Beside { missing });
    if code == UNKNOWN_ENVIRONMENT {
        return spec.resolve(&EnvironmentName::new("prodction").unwrap(), &Facts::default()).1;
    }
    spec.check()
}

fn rendered(text: &str, diagnostics: &[Diagnostic]) -> String {
    let source = Source { name: "lockgate.yaml".to_owned(), text: text.to_owned() };
    render::human(&[source], diagnostics, render::Style { color: false, width: 120 })
}

#[test]
fn every_wrong_example_shows_its_code() {
    for (code, _) in codes_of_specs() {
        let page = explain_code(code).unwrap();
        let wrong = examples(page).into_iter().next().unwrap_or_else(|| panic!("{code} has no example"));
        let found = diagnostics(code, &wrong);
        assert!(found.iter().any(|it| it.code == code), "{code}: {found:#?}");
        insta::assert_snapshot!(code.to_string(), rendered(&wrong, &found));
    }
}

#[test]
fn every_mended_example_is_clean() {
    for (code, _) in codes_of_specs().filter(|it| it.0 != UNKNOWN_ENVIRONMENT) {
        let blocks = examples(explain_code(code).unwrap());
        assert!(1 < blocks.len(), "{code} has no mended example");
        for mended in &blocks[1..] {
            let found = diagnostics(code, mended);
            let bad = found.iter().any(|it| it.code == code || it.severity == Severity::Error);
            assert!(!bad, "{code}:\n{}", rendered(mended, &found));
        }
    }
}

#[test]
fn every_safe_fix_of_an_example_mends_it() {
    for (code, _) in codes_of_specs() {
        let wrong = examples(explain_code(code).unwrap()).remove(0);
        let found = diagnostics(code, &wrong);
        let fixable: BTreeSet<Code> =
            found.iter().filter(|it| it.fix.as_ref().is_some_and(|fix| fix.safe)).map(|it| it.code).collect();
        let left = diagnostics(code, &apply_fixes(&wrong, &found));
        assert!(left.iter().all(|it| !fixable.contains(&it.code)), "{code}: {left:#?}");
    }
}

#[test]
fn every_page_has_a_code_and_every_code_its_title_on_the_page() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors");
    let pages: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .filter(|it| it.starts_with("LG"))
        .collect();
    let wanted: BTreeSet<String> = codes().map(|it| format!("{}.md", it.0)).collect();
    assert_eq!(pages, wanted);
    for (code, title) in codes() {
        assert!(explain_code(code).unwrap().starts_with(&format!("# {code}: {title}\n")), "{code}");
    }
}
