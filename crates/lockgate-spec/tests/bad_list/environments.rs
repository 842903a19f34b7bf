//! Environments: where they run, what is pushed to them, and what they take away.

use super::{HEAD, accepted, check, environments, line, root, silent, tells};

#[test]
fn an_environment_has_one_target() {
    tells(&environments("local: ~"), "LG014", "environment `local` has no `target`");
    tells(&environments("local: {}"), "LG014", "say where it runs: `target: local`");
    tells(&environments("local: {target: {}}"), "LG302", "exactly one of them is wanted");
    tells(&environments("local: {target: {local: {}, docker: {}}}"), "LG302", "both `local` and `docker`");
    tells(&environments("local: {target: lokal}"), "LG017", "did you mean `local`?");
    tells(&environments("local: {target: [local]}"), "LG012", "`target` is a list");
    tells(
        &environments("local: {target: local}, local: {target: local}"),
        "LG004",
        "the key `local` is given twice",
    );
    tells(&environments(""), "LG014", "say where it runs");
}

#[test]
fn an_environment_may_be_released_by_hand_only() {
    let system = accepted(&environments("prod: {target: local}"));
    assert_eq!((system.policy.branch, system.policy.tag), (None, None));
}

#[test]
fn branches_and_tags_are_names_that_git_allows() {
    for key in ["branch", "tag"] {
        for name in ["main", "feature/x", "\"v*\"", "\"v[0-9]*\"", "1.10", "\"#1\"", "\"no\""] {
            silent(&environments(&format!("prod: {{target: local, {key}: {name}}}")), "LG035");
        }
        for (name, words) in [
            ("\"\"", "no push would ever match"),
            ("\"my branch\"", "git allows no spaces"),
            ("\"a..b\"", "git does not allow this name"),
            ("\"-x\"", "git does not allow this name"),
            ("\"a.lock\"", "git does not allow this name"),
            ("\"a~1\"", "git allows no spaces"),
            ("\"v[0-9\"", "a `[` without its `]`"),
            ("\"a\\nb\"", "git allows no spaces"),
            ("refs/heads/main", "write `main`"),
        ] {
            tells(&environments(&format!("prod: {{target: local, {key}: {name}}}")), "LG035", words);
        }
        let long = "x".repeat(256);
        tells(&environments(&format!("prod: {{target: local, {key}: {long}}}")), "LG035", "255 are the most");
    }
    tells(
        &environments("prod: {target: local, protection: {branches: [\"a b\"]}}"),
        "LG035",
        "git allows no spaces",
    );
}

#[test]
fn one_push_reaches_one_environment() {
    for (a, b) in
        [("main", "main"), ("\"*\"", "main"), ("\"release/*\"", "\"*/1.0\""), ("\"v*\"", "\"v1.*\"")]
    {
        let text =
            environments(&format!("a: {{target: local, branch: {a}}}, b: {{target: local, branch: {b}}}"));
        tells(&text, "LG034", "is released to `a` and to `b`");
        accepted(&text);
    }
    for (a, b) in
        [("branch: main", "branch: develop"), ("branch: main", "tag: main"), ("tag: \"v*\"", "tag: \"w*\"")]
    {
        silent(&environments(&format!("a: {{target: local, {a}}}, b: {{target: local, {b}}}")), "LG034");
    }
    // Patterns that make a naive comparison run for hours are compared at once.
    let stars = "a*".repeat(100);
    let text = environments(&format!(
        "a: {{target: local, tag: \"{stars}b\"}}, b: {{target: local, tag: \"{stars}c\"}}"
    ));
    assert!(check(&text).iter().all(|it| it.code.0 != 34));
}

#[test]
fn images_are_promoted_from_an_environment_that_builds() {
    accepted(&environments("a: {target: local}, b: {target: local, promote: a}"));
    tells(
        &environments("staging: {target: local}, b: {target: local, promote: stagin}"),
        "LG021",
        "did you mean `staging`?",
    );
    tells(&environments("a: {target: local, promote: a}"), "LG040", "`a` promotes its own images");
    let circle =
        "a: {target: local, promote: b}, b: {target: local, promote: c}, c: {target: local, promote: a}";
    let all: Vec<String> = check(&environments(circle)).iter().map(line).collect();
    assert_eq!(all.iter().filter(|it| it.starts_with("LG040")).count(), 1, "{all:#?}");
    // Two that lead into a circle are no part of it.
    tells(
        &environments(&format!("{circle}, d: {{target: local, promote: a}}")),
        "LG040",
        "in a circle: a, b, c",
    );
}

#[test]
fn notifications_name_environments_that_are_there() {
    let of =
        |name: &str| root(&format!("notifications: {{slack: {{channel: \"#a\", environments: [{name}]}}}}"));
    accepted(&of("local"));
    tells(&of("locl"), "LG021", "did you mean `local`?");
}

#[test]
fn an_environment_changes_what_is_there() {
    tells(
        &environments("a: {target: local, services: {wbe: {replicas: 2}}}"),
        "LG020",
        "did you mean `web`?",
    );
    tells(
        &environments("a: {target: local, dependencies: {db: {version: \"1\"}}}"),
        "LG020",
        "overrides nothing",
    );
    tells(
        &environments("a: {target: local, services: {web: {replicas: ~}}}"),
        "LG020",
        "there is none to remove",
    );
    tells(&environments("a: {target: local, system: x}"), "LG010", "`system` is not a key of an environment");
}

#[test]
fn what_is_removed_is_not_needed() {
    let text = format!(
        "{HEAD}services: {{a: {{command: [x], depends_on: [b]}}, b: {{command: [x]}}}}\n\
         environments: {{local: {{target: local, services: {{b: ~}}}}}}\n"
    );
    tells(&text, "LG111", "`b` is needed, and environment `local` removes it");
}

#[test]
fn dependencies_of_services_go_in_no_circle() {
    let of = |services: &str| {
        format!("{HEAD}services: {{{services}}}\nenvironments: {{local: {{target: local}}}}\n")
    };
    tells(&of("a: {command: [x], depends_on: [a]}"), "LG105", "`a` depends on itself");
    tells(
        &of("a: {command: [x], depends_on: [b]}, b: {command: [x], depends_on: [a]}"),
        "LG105",
        "a -> b -> a",
    );
    let urls = "a: {command: [x], port: 1, env: {B: \"${b.url}\"}}, b: {command: [x], port: 2, env: {A: \"${a.url}\"}}";
    tells(&of(urls), "LG105", "a reference such as `${name.url}` counts as well");
    tells(&of("a: {command: [x], extends: b}, b: {command: [x], extends: a}"), "LG110", "a -> b -> a");
    tells(&of("a: {command: [x], depends_on: [c]}"), "LG104", "`c` is neither a service nor a dependency");
}

#[test]
fn protection_is_counted_in_people() {
    let of = |keys: &str| environments(&format!("a: {{target: local, protection: {{{keys}}}}}"));
    accepted(&of("reviewers: 2, from: [team/sre]"));
    for count in ["-1", "21", "1.5", "\"2\"", "all"] {
        tells(&of(&format!("reviewers: {count}")), "LG013", "");
    }
    tells(&of("wait_timer: 5"), "LG013", "`5s`, `5m` or `5ms`?");
}
