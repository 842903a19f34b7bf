//! Versions and platforms that have come to their end.

use super::{LOCAL, NONE, WEB, lines};

#[test]
fn versions_that_get_no_fixes_are_named_with_their_day() {
    let of = |kind: &str, version: &str| {
        lines(&format!("dependencies: {{d: {{type: {kind}, version: \"{version}\"}}}}"), WEB, LOCAL)
    };
    assert_eq!(of("postgres", "13.4"), ["LG340 `postgres` 13.4 has had no fixes since 2025-11-13"]);
    assert_eq!(of("postgresql", "13"), ["LG340 `postgres` 13 has had no fixes since 2025-11-13"]);
    assert_eq!(of("mongodb", "6.0"), ["LG340 `mongodb` 6.0 has had no fixes since 2025-07-31"]);
    for (kind, version) in [
        ("postgres", "17"),
        ("postgres", "130"),
        ("redis", "7"),
        ("redis", "7.2"),
        ("kafka", "3"),
        ("clickhouse", "24"),
        ("elasticsearch", "8.19"),
        ("http", "1"),
    ] {
        assert_eq!(of(kind, version), NONE, "{kind} {version}");
    }
}

#[test]
fn tools_are_looked_up_by_their_names() {
    let of = |tools: &str| lines(&format!("ci: {{tools: {{{tools}}}, unit: [./test]}}"), WEB, LOCAL);
    assert_eq!(of("node: \"18\""), ["LG340 `node` 18 has had no fixes since 2025-04-30"]);
    assert_eq!(of("python: \"3.9.2\""), ["LG340 `python` 3.9.2 has had no fixes since 2025-10-31"]);
    assert_eq!(of("node: \"22\", python: \"3.13\", rust: \"1.70\", postgres: \"9\""), NONE);
}

#[test]
fn app_runner_is_for_those_who_have_it() {
    let of =
        |target: &str| lines("", "web: {port: 8080, image: \"web:1\"}", &format!("e: {{target: {target}}}"));
    let closed = ["LG341 AWS App Runner takes no new customers since 2026-04-30"];
    assert_eq!(of("{apprunner: {region: eu-west-1}}"), closed);
    assert_eq!(of("{ecs-express: {region: eu-west-1}}"), NONE);
}
