//! What is no Compose file, and what cannot be imported, is told with its place.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lockgate_diagnostics::Source;
use lockgate_diagnostics::render::{self, Style};
use lockgate_import::{Input, compose};

fn refused(text: &str) -> String {
    let input = Input { name: "compose.yaml", text, variables: &BTreeMap::new(), system: "shop" };
    let Err(diagnostics) = compose(&input) else { panic!("it is imported: {text}") };
    let source = Source { name: "compose.yaml".to_owned(), text: text.to_owned() };
    render::human(&[source], &diagnostics, Style { color: false, width: 100 })
}

#[test]
fn what_cannot_be_imported_is_told_with_its_place() {
    let mut all = String::new();
    for text in [
        "",
        "# only words\n",
        "services: [\n",
        "services: {web: {image: a}}\n---\nservices: {web: {image: b}}\n",
        "- a\n- b\n",
        "just text",
        "web:\n  image: a\n",
        "apiVersion: v1\nkind: Service\n",
        "services: web\n",
        "services: {}\n",
        "services:\n  web: nginx\n  api: [a]\n  ok: {image: a}\n",
        "services:\n  a: {extends: b}\n  b: {extends: {service: c}}\n  c: {extends: a}\n",
        "services:\n  web: {extends: aip}\n  api: {image: a}\n",
        "services:\n  web: {extends: [api]}\n",
        "services:\n  web: {image: *none}\n",
    ] {
        writeln!(all, "{}", refused(text)).expect("a string takes it");
    }
    insta::assert_snapshot!(all);
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect::<Vec<_>>().concat()
}

#[test]
fn what_is_too_much_is_told_so() {
    let many = lines(300, |it| format!("  s{it}: {{image: a}}\n"));
    assert!(refused(&format!("services:\n{many}")).contains("300 services"));
    let list = lines(600, |it| format!("      - V{it}=x\n"));
    assert!(refused(&format!("services:\n  a:\n    environment:\n{list}")).contains("600 entries"));
    assert!(refused(&"x".repeat(2 << 20)).contains("at most"));
    let chain = lines(40, |it| format!("  s{it}: {{extends: s{}}}\n", it + 1));
    assert!(refused(&format!("services:\n{chain}  s40: {{image: a}}\n")).contains("more than 16"));
    assert!(refused(&format!("services: {}", "[".repeat(5_000))).contains("cannot be read"));
}
