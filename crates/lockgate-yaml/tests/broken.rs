//! Text that is not YAML: what is wrong is said in plain words, at the right place, and reading goes on behind it.

use lockgate_diagnostics::render::{self, Style};
use lockgate_diagnostics::{Source, apply_fixes, codes};
use lockgate_model::{Diagnostic, SourceId};
use lockgate_yaml::{Node, Read, read_part};
use proptest::prelude::*;

fn reading(text: &str) -> (Read, Vec<Diagnostic>) {
    let mut report = vec![];
    let read = read_part(SourceId::default(), text, &mut report);
    (read, report)
}

fn shown(text: &str) -> String {
    let sources = [Source { name: "lockgate.yaml".to_owned(), text: text.to_owned() }];
    render::human(&sources, &reading(text).1, Style { color: false, width: 100 })
}

const BROKEN: [(&str, &str); 32] = [
    ("tab", "services:\n  web:\n\tport: 80\n\tenv:\n\t\tA: b\n"),
    ("tab behind spaces", "services:\n  web:\n  \tport: 80\n"),
    ("at sign", "system: @shop # ours\nowner: [a, `b]\n"),
    ("percent", "weight: %5\n"),
    ("colon in a value", "system: the shop: ours # here\n"),
    ("colon in a flow value", "env: {A: b: c, D: e}\n"),
    ("deeper", "services:\n  port: 80\n    command: [a]\n    env: {}\n  files: b\n"),
    ("less deep", "services:\n  web:\n    port: 80\n   command:\n     - a\n    env: {}\n"),
    ("less deep than an item", "a:\n  - b: c\n   d: e\n"),
    ("no space", "services:\n  web:\n    port:8080\n    command: [a]\n"),
    ("no space, last", "a: b\nport:8080\n"),
    ("no colon", "services:\n  web:\n    command [a]\n    port: 80\n"),
    ("no colon above", "services\n  web: {}\n"),
    ("no colon, first", "lockgate v1\nsystem: shop\n"),
    ("bracket", "a: [b, c\nd: e\n"),
    ("brace", "services: {web: {port: 80}\nenvironments: {}\n"),
    ("two braces", "services: {web: {port: 80\nenvironments: {}\n"),
    ("bracket over lines", "a: [\n  b,\n  c\nd: e\n"),
    ("bracket at the end", "a:\n  b: {c: [d, e\n"),
    ("mismatch", "a: {b: [c, d}\n"),
    ("closes nothing", "a: b\n}\n"),
    ("no comma", "a: {b: 1 c: 2}\n"),
    ("double quote", "system: \"shop\nservices: {}\n"),
    ("single quote", "a: ['b, c]\nd: e\n"),
    ("quote at the end", "a: \"b\n"),
    ("behind a quote", "a: \"b\" c\nd: e\n"),
    ("escape", "a: \"\\d+\"\n"),
    ("inline list", "a: - b # one\nc: d\n"),
    ("item among keys", "a: b\n- c\n"),
    ("key among items", "a:\n  - b\n  c: d\n"),
    ("block scalar", "a: |\n  b\n c\nd: e\n"),
    ("alone", "}"),
];

#[test]
fn mistakes_are_told_in_plain_words_at_their_place() {
    let mut all = String::new();
    for (name, text) in BROKEN {
        let (read, report) = reading(text);
        assert!(!matches!(read, Read::Whole(_)), "{name} is no mistake");
        assert!(!report.is_empty(), "{name}");
        all.extend(["## ", name, "\n\n", &shown(text)]);
    }
    insta::assert_snapshot!(all);
}

#[test]
fn what_is_offered_mends_the_mistake() {
    for (name, text) in BROKEN {
        let mut report = reading(text).1;
        let offered = report.iter_mut().filter_map(|it| it.fix.as_mut());
        let mut any = false;
        for fix in offered {
            fix.safe = true;
            any = true;
        }
        if any {
            let mended = apply_fixes(text, &report);
            let left = reading(&mended).1.iter().filter(|it| it.code == codes::BAD_YAML).count();
            let not_offered = report.iter().filter(|it| it.fix.is_none()).count();
            assert!(left <= not_offered, "{name}: {mended}\n{}", shown(&mended));
        }
    }
}

#[test]
fn every_mistake_is_found_and_the_rest_is_read() {
    let text = "lockgate: v1\nsystem: @shop\nservices:\n\tweb:\n\t\tport:8080\n  api: {port: 80, env: {A: b\n  \
                job:\n    command [a]\n    files: b: c\nenvironments:\n  local: {target: local}\n";
    insta::assert_snapshot!(shown(text));
    let (Read::Part(root), _) = reading(text) else { panic!("nothing was read") };
    let keys: Vec<&str> = root.entries().iter().map(|it| it.key.as_str()).collect();
    assert_eq!(keys, ["lockgate", "system", "services", "environments"]);
    let services: Vec<&str> =
        root.get("services").unwrap().entries().iter().map(|it| it.key.as_str()).collect();
    assert_eq!(services, ["web", "api", "job"]);
    let target = root.get("environments").unwrap().get("local").unwrap().get("target").unwrap();
    assert_eq!(&text[target.span.start..target.span.end], "local");
}

/// Every place is within the text and on its characters' borders.
fn check_places(text: &str, node: &Node) {
    assert!(text.get(node.span.start..node.span.end).is_some(), "{:?} in {text:?}", node.span);
    for entry in node.entries() {
        assert!(text.get(entry.key_span.start..entry.key_span.end).is_some());
        check_places(text, &entry.value);
    }
    if let lockgate_yaml::Kind::Seq(items) = &node.kind {
        for item in items {
            check_places(text, item);
        }
    }
}

fn broken_text() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("a: "),
        Just("b:"),
        Just("c"),
        Just("- "),
        Just("\n"),
        Just("\n  "),
        Just("\n    "),
        Just("\n\t"),
        Just(" "),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(","),
        Just("\""),
        Just("'"),
        Just("@x"),
        Just(": "),
        Just("|\n"),
        Just("# c"),
        Just("é"),
        Just("\\q"),
        Just("日本"),
        Just("\r\n"),
        Just("? "),
        Just("&a "),
        Just("*a"),
        Just("!t "),
        Just("---\n"),
        Just("%"),
        Just("\u{feff}"),
    ];
    proptest::collection::vec(token, 0..30).prop_map(|it| it.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn whatever_the_text_reading_ends_with_places_within_it(text in broken_text()) {
        let (read, report) = reading(&text);
        if let Read::Whole(root) | Read::Part(root) = &read {
            check_places(&text, root);
        }
        let broken = report.iter().any(|it| it.code == codes::BAD_YAML);
        prop_assert!(!broken || !matches!(read, Read::Whole(_)), "broken text was read as a whole");
        for it in &report {
            let edits = it.fix.iter().flat_map(|it| &it.edits).map(|it| it.span);
            for span in it.labels.iter().map(|it| it.span).chain(edits) {
                prop_assert!(text.get(span.start..span.end).is_some(), "{it:?}");
            }
        }
        apply_fixes(&text, &report);
        shown(&text);
    }
}
