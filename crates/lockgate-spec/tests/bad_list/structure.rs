//! Keys and shapes: what is twice, unknown, of another kind, shared or from the future.

use std::fmt::Write as _;

use lockgate_diagnostics::Source;
use lockgate_spec::Spec;

use super::{HEAD, TAIL, accepted, check, line, root, service, tells};

#[test]
fn keys_are_given_once() {
    tells(&root("owner: a\nowner: b"), "LG004", "first given here");
    tells(&service("env: {A: x, A: y}"), "LG004", "the key `A` is given twice");
    tells(
        &format!("{HEAD}services: {{a: {{command: [x]}}, a: {{command: [y]}}}}\n{TAIL}"),
        "LG004",
        "the key `a`",
    );
    tells(&service("env: {\"A\": x, 'A': y}"), "LG004", "the key `A` is given twice");
}

#[test]
fn misspelt_keys_are_guessed_and_strange_ones_listed() {
    for (keys, meant) in [
        ("replica: 2", "`replicas`"),
        ("Replicas: 2", "`replicas`"),
        ("depends-on: [x]", "`depends_on`"),
        ("heatlh: /up", "`health`"),
        ("enviroment: {}", "the keys of a service are"),
        ("\"\": x", "the keys of a service are"),
    ] {
        tells(&service(keys), "LG010", meant);
    }
    tells(&root("service: {}"), "LG010", "`service` is not a key of a spec");
}

#[test]
fn own_keys_are_nobodys_business() {
    accepted(&service("x-note: [anything, {at: all}]"));
    accepted(&root("x-owners: {a: b}"));
}

#[test]
fn kinds_are_told_apart() {
    for (keys, words) in [
        ("env: [A=b]", "`env` is a list"),
        ("port: {a: b}", "`a` is not a key of a port"),
        ("port: [8080]", "`port` is a list"),
        ("replicas: {min: 1}", "`replicas` is a map"),
        ("replicas: [2]", "`replicas` is a list"),
        ("stop: 5s", "`stop` is a single value"),
        ("depends_on: db", "`depends_on` is a single value"),
        ("command: [[./web]]", "an argument of `command` is a list"),
        ("command: [./web, ~]", "an argument of `command` is empty"),
    ] {
        let all: Vec<String> = check(&service(keys)).iter().map(line).collect();
        assert!(all.iter().any(|it| it.contains(words)), "{keys}: {all:#?}");
    }
    tells(&format!("{HEAD}services: [web]\n{TAIL}"), "LG012", "`services` is a list");
    tells(&format!("{HEAD}services: {{web: [./web]}}\n{TAIL}"), "LG012", "`web` is a list");
    tells(
        &format!("{HEAD}services: {{web: {{command: [x]}}}}\nenvironments: local\n"),
        "LG012",
        "`environments` is",
    );
}

#[test]
fn nothing_is_shared_by_anchors() {
    for text in [
        format!("{HEAD}services: {{a: &a {{command: [x]}}, b: *a}}\n{TAIL}"),
        format!("{HEAD}services:\n  a: &a\n    command: [x]\n  b:\n    <<: *a\n{TAIL}"),
        format!("{HEAD}services: {{a: {{command: !!seq [x]}}}}\n{TAIL}"),
        format!("{HEAD}services: {{a: {{command: [x], env: {{A: !vault secret}}}}}}\n{TAIL}"),
    ] {
        tells(&text, "LG006", "is not allowed in a spec");
    }
    tells(&format!("{HEAD}services: {{a: {{<<: {{command: [x]}}}}}}\n{TAIL}"), "LG006", "a merge key");
}

#[test]
fn aliases_that_name_each_other_cost_nothing() {
    let mut laughs = "a: &a0 [x, x]\n".to_owned();
    for depth in 1..100 {
        let last = depth - 1;
        writeln!(laughs, "b{depth}: &a{depth} [*a{last}, *a{last}, *a{last}, *a{last}]").unwrap();
    }
    tells(&laughs, "LG006", "an anchor is not allowed");
}

#[test]
fn the_language_has_a_version() {
    let of = |version: &str| root("").replace("lockgate: v1", &format!("lockgate: {version}"));
    for newer in ["v2", "v10", "v99999999999999999999999"] {
        tells(&of(newer), "LG015", "a newer Lockgate is needed for this file");
    }
    for odd in ["1", "\"1\"", "latest", "V1", "v0", "v1.0", "v-1"] {
        tells(&of(odd), "LG015", "this version of Lockgate reads `v1`");
    }
    for missing in ["", "~"] {
        tells(&of(missing), "LG014", "begin the file with `lockgate: v1`");
    }
    tells(&of("[v1]"), "LG012", "`lockgate` is a list");
    tells(&root("").replace("lockgate: v1\n", ""), "LG014", "begin the file with `lockgate: v1`");
}

fn load(files: &[(&str, &str)]) -> Vec<String> {
    let source = |it: &(&str, &str)| Source { name: it.0.to_owned(), text: it.1.to_owned() };
    Spec::load(files.iter().map(source).collect()).0.check().iter().map(line).collect()
}

#[test]
fn files_are_included_one_deep_and_never_override() {
    let spec = root("include: more/*.yaml");
    let said = |more: &str| load(&[("lockgate.yaml", &spec), ("more/a.yaml", more)]).join("\n");
    assert_eq!(said("services: {api: {command: [x]}}\n"), "");
    assert!(said("include: more/b.yaml\n").contains("LG018 an included file includes others"));
    assert!(said("include: lockgate.yaml\n").contains("LG018 an included file includes others"));
    assert!(
        said("services: {web: {replicas: 2}}\n").is_empty(),
        "a key of a service may stand in another file"
    );
    assert!(said("services: {web: {port: 1}}\n").contains("LG004"));
    assert!(said("system: other\n").contains("LG004 `system` is said in two files"));
    assert!(said("- a\n").contains("LG012 `the file` is a list"));
    assert!(said("\t\n: [\n").contains("LG001"));
    assert!(said("").contains("LG002 the file says nothing"));
}

#[test]
fn what_is_included_is_there_and_below_the_spec() {
    tells(&root("include: none/*.yaml"), "LG018", "there is no such file beside the spec");
    tells(&root("include: lockgate.yaml"), "LG018", "only the spec itself has such a name");
    tells(&root("include: \"*.yaml\""), "LG018", "only the spec itself has such a name");
    for (pattern, code) in [
        ("../other.yaml", "LG206"),
        ("/etc/a.yaml", "LG206"),
        ("\"**/a.yaml\"", "LG013"),
        ("\"*/a.yaml\"", "LG013"),
        ("\"a*b*.yaml\"", "LG013"),
        ("services", "LG013"),
        ("notes.txt", "LG013"),
        ("\"\"", "LG206"),
        ("https://example.org/a.yaml", "LG018"),
    ] {
        tells(&root(&format!("include: {pattern}")), code, "");
    }
}
