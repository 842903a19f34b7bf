//! Whatever stands in a file, importing it ends with a spec that can be read, or with diagnostics.

use std::collections::BTreeMap;

use lockgate_diagnostics::codes;
use lockgate_import::{Input, compose};
use lockgate_model::{Diagnostic, Severity, SourceId};
use lockgate_spec::Spec;
use proptest::prelude::*;

use crate::told;

fn input<'a>(text: &'a str, variables: &'a BTreeMap<String, String>) -> Input<'a> {
    Input { name: "compose.yaml", text, variables, system: "shop" }
}

const KEYS: &[&str] = &[
    "image",
    "build",
    "command",
    "entrypoint",
    "environment",
    "env_file",
    "ports",
    "expose",
    "volumes",
    "depends_on",
    "healthcheck",
    "deploy",
    "restart",
    "networks",
    "network_mode",
    "labels",
    "secrets",
    "configs",
    "profiles",
    "extends",
    "links",
    "scale",
    "cpus",
    "mem_limit",
    "stop_signal",
    "stop_grace_period",
    "develop",
    "x-a",
    "nonsense",
];
const INNER: &[&str] = &[
    "context",
    "dockerfile",
    "target",
    "args",
    "test",
    "interval",
    "retries",
    "start_period",
    "resources",
    "limits",
    "cpus",
    "memory",
    "replicas",
    "condition",
    "source",
    "type",
    "published",
    "file",
    "service",
    "path",
    "PORT",
    "A_B",
    "DB_PASSWORD",
    "a.b",
    "aliases",
    "web",
    "db",
    "ü",
];
const WORDS: &[&str] = &[
    "",
    "~",
    "null",
    "true",
    "1",
    "0",
    "-1",
    "1.5",
    "30s",
    "5m",
    "80:80",
    "8080",
    "127.0.0.1:1:2",
    "53:53/udp",
    "a:b:c",
    "web",
    "db",
    "./x:/y",
    "data:/z",
    "/x",
    "..",
    "../x",
    "~/x",
    "postgres:16",
    "redis",
    "mysql:8",
    "mongo",
    "nginx",
    "${A}",
    "${A:-b}",
    "${A",
    "$$",
    "$A/b",
    "postgres://u:p@db:5432/x",
    "redis://db/0",
    "db:6379",
    "KEY=value",
    "=",
    "KEY",
    "curl -f http://localhost:80/x",
    "CMD",
    "CMD-SHELL",
    "NONE",
    "migrate up",
    "no",
    "on-failure:3",
    "SIGINT",
    "512m",
    "'",
    "\"",
    "a\nb",
    "\u{85}",
    "\u{2028}",
    "#",
    "{{ x }}",
    "a: b",
    "*a",
    "&a",
    "!x",
    "%",
    "@",
    "`",
    "é",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(WORDS).prop_map(str::to_owned),
        1 => "[ -~]{0,12}",
    ]
    .prop_map(|it| serde_json::to_string(&it).expect("a string serialises"))
}

/// Values in braces, as deep as Compose files go.
fn value() -> impl Strategy<Value = String> {
    let plain = prop_oneof![word(), "[a-z0-9.]{1,6}"];
    plain.prop_recursive(3, 24, 5, |inner| {
        let key = prop::sample::select(INNER)
            .prop_map(|it| serde_json::to_string(it).expect("a string serialises"));
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|it| format!("[{}]", it.join(", "))),
            prop::collection::btree_map(key, inner, 0..4).prop_map(|it| {
                let entries: Vec<String> = it.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}", entries.join(", "))
            }),
        ]
    })
}

fn service() -> impl Strategy<Value = String> {
    prop::collection::btree_map(prop::sample::select(KEYS), value(), 0..6).prop_map(|it| {
        let entries: Vec<String> = it.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        format!("{{{}}}", entries.join(", "))
    })
}

fn file() -> impl Strategy<Value = String> {
    let names = prop::sample::select(&["web", "db", "A_b", "9", "migrate", "é", "data", "local"][..]);
    let services = prop::collection::btree_map(names, service(), 1..5);
    let top = prop::sample::select(
        &["volumes", "networks", "secrets", "configs", "name", "include", "x-a", "other"][..],
    );
    (services, prop::collection::btree_map(top, value(), 0..3)).prop_map(|(services, top)| {
        let services: Vec<String> = services.iter().map(|(name, it)| format!("  {name:?}: {it}\n")).collect();
        let top: Vec<String> = top.iter().map(|(key, it)| format!("{key}: {it}\n")).collect();
        format!("services:\n{}{}", services.concat(), top.concat())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_imported_or_refused(text in "\\PC{0,200}") {
        drop(compose(&input(&text, &BTreeMap::new())));
    }

    #[test]
    fn any_file_becomes_a_spec_that_can_be_read(text in file()) {
        let variables = [("A".to_owned(), "v".to_owned())].into();
        let Ok(imported) = compose(&input(&text, &variables)) else { return Ok(()) };
        told::check(&text, &imported);
        let spec = lockgate_spec::format(SourceId::default(), &imported.spec);
        let spec = spec.map_err(|it| TestCaseError::fail(format!("{it:?}\n{}", imported.spec)))?;
        let found = Spec::parse("lockgate.yaml", &spec).0.check();
        // An image that no registry takes is one of the file's, and is told where the spec says it.
        let is_ours = |it: &Diagnostic| it.severity == Severity::Error && it.code != codes::BAD_IMAGE;
        let errors: Vec<_> = found.into_iter().filter(is_ours).collect();
        prop_assert!(errors.is_empty(), "{:#?}\n{}", errors, spec);
    }
}
