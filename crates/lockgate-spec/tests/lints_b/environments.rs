//! Promotions, protections, credentials, places, overrides and branches.

use super::{NONE, found, has};

const WEB: &str = "services: {web: {port: 80, command: [./web]}}";

fn of(lines: &[&str]) -> Vec<String> {
    found(610, 640, lines)
}

/// One environment on a cluster of its own, with these keys.
fn one(keys: &str) -> Vec<String> {
    of(&[WEB, &format!("environments: {{e: {{target: {{kubernetes: {{context: e}}}}, {keys}}}}}")])
}

/// `staging` and `prod`, each with its target and keys.
fn two(root: &str, staging: &str, prod: &str) -> Vec<String> {
    of(&[root, &format!("environments: {{staging: {{{staging}}}, prod: {{{prod}}}}}")])
}

fn cluster(name: &str) -> String {
    format!("target: {{kubernetes: {{context: {name}}}}}")
}

#[test]
fn images_are_promoted_between_those_that_have_some() {
    let of = |staging: &str, prod: &str| {
        two(WEB, &format!("target: {staging}"), &format!("target: {prod}, tag: v*, promote: staging"))
    };
    let (a, b) = (
        "{kubernetes: {context: a, registry: a.example}}",
        "{kubernetes: {context: b, registry: b.example}}",
    );
    let elsewhere = "LG613 the images of `staging` are in another registry than those of `prod`";
    assert_eq!(of(a, b), [elsewhere]);
    assert_eq!(of(a, "{kubernetes: {context: b, registry: a.example}}"), NONE);
    assert_eq!(of(a, "{kubernetes: {context: b}}"), NONE);
    assert!(has(&of("local", b), "LG613 images are promoted, and `staging` runs programs"));
    assert!(has(&of(a, "local"), "LG613 images are promoted, and `prod` runs programs"));
    assert_eq!(of("local", "{local: {bind: 127.0.0.2}}"), NONE);
}

#[test]
fn releases_have_names_of_their_own() {
    assert_eq!(one("branch: main, version: latest"), ["LG614 every release here is called `latest`"]);
    for good in [
        "branch: main, version: \"main-${git.sha7}\"",
        "branch: main, version: \"${release.version}\"",
        "branch: main",
        "version: local",
        "tag: v*",
        "tag: stable",
        "tag: \"v[0-9]\"",
        "tag: v1, version: \"${git.sha7}\"",
        "branch: main, tag: v1",
    ] {
        assert_eq!(one(good), NONE, "{good}");
    }
    assert_eq!(one("tag: web/v*"), ["LG615 no tag of `web/v*` is the name of a version"]);
    assert_eq!(one("tag: web@*"), ["LG615 no tag of `web@*` is the name of a version"]);
    assert_eq!(one("tag: web/v*, version: \"${git.tag}\""), NONE);
    assert_eq!(one("tag: web-v*.?_x"), NONE);
}

#[test]
fn what_is_released_may_be_released() {
    let of = |trigger: &str, protection: &str| {
        has(&one(&format!("{trigger}, protection: {{{protection}}}")), "LG616")
    };
    for (trigger, protection) in [
        ("branch: main", "branches: [release]"),
        ("branch: main", "tags: [v*]"),
        ("tag: v*", "branches: [main]"),
        ("tag: v*", "tags: [release-*]"),
        ("branch: main, tag: v*", "branches: [main]"),
    ] {
        assert!(of(trigger, protection), "{trigger} {protection}");
    }
    for (trigger, protection) in [
        ("branch: main", "branches: [release, m*]"),
        ("branch: main", "wait_timer: 5m"),
        ("branch: main, tag: v*", "branches: [main], tags: [v*]"),
        ("tag: v*", "tags: [v1.*]"),
        ("tag: v*", "tags: [\"v[0-9]*\"]"),
        ("host: a.example", "branches: [main]"),
    ] {
        assert!(!of(trigger, protection), "{trigger} {protection}");
    }
}

#[test]
fn approvals_can_be_given_and_are_enforced() {
    let of = |protection: &str| one(&format!("protection: {{{protection}}}"));
    assert!(has(
        &of("reviewers: 2, from: [team/a], enforced_by: github"),
        "LG618 GitHub lets a release go on"
    ));
    let seven = "from: [a, b, c, d, e, f, g]";
    assert!(has(&of(&format!("reviewers: 1, {seven}, enforced_by: github")), "LG618 GitHub takes at most 6"));
    assert_eq!(of(&format!("reviewers: 2, {seven}")), NONE);
    assert_eq!(of("reviewers: 1, from: [team/a], enforced_by: github"), NONE);
    assert_eq!(of("reviewers: 2, from: [team/a], enforced_by: lockgate"), NONE);
    assert_eq!(of("reviewers: 3, from: [a, b]"), ["LG619 3 approvals are wanted, and only 2 may approve"]);
    assert_eq!(of("reviewers: 2, from: [a, b]"), NONE);
    assert_eq!(of("reviewers: 3, from: [a, team/b]"), NONE);
    assert_eq!(of("prevent_self_review: true").len(), 1);
    assert_eq!(of("reviewers: 0, from: [team/a]").len(), 1);
    assert_eq!(of("prevent_self_review: false, wait_timer: 5m"), NONE);
    assert_eq!(of("reviewers: 1"), ["LG621 it is not said who may approve, so anybody may"]);
    assert_eq!(of("reviewers: 1, from: [team/a], prevent_self_review: true"), NONE);
}

#[test]
fn a_gate_is_not_passed_by_another_way() {
    let of = |staging: &str, prod: &str| {
        two(WEB, &format!("{}, {staging}", cluster("a")), &format!("{}, {prod}", cluster("b")))
    };
    let held = "branch: main, protection: {reviewers: 1, from: [team/qa]}";
    assert!(has(&of(held, "branch: main, promote: staging"), "LG622"));
    assert!(has(&of(held, "branch: m*, promote: staging"), "LG622"));
    assert_eq!(of(held, "branch: main, promote: staging, protection: {reviewers: 1, from: [team/qa]}"), NONE);
    assert_eq!(of(held, "branch: release, promote: staging"), NONE);
    assert_eq!(of(held, "tag: v*, promote: staging"), NONE);
    assert_eq!(of(held, "promote: staging"), NONE);
    assert_eq!(of(held, "branch: main"), NONE);
    // A release that waits for a time waits in both.
    assert_eq!(of("branch: main, protection: {wait_timer: 5m}", "branch: main, promote: staging"), NONE);
    assert!(has(&of("tag: v*", "branch: main, promote: staging"), "LG617"));
    assert_eq!(of("tag: v*, branch: main", "branch: main, promote: staging"), NONE);
    assert_eq!(of("host: a.example", "branch: main, promote: staging"), NONE);
}

#[test]
fn each_environment_has_credentials_of_its_own() {
    let kubeconfig = |staging: &str, prod: &str| {
        let of = |name: &str, more: &str| {
            format!("target: {{kubernetes: {{context: {name}, kubeconfig: {more}}}}}")
        };
        (of("a", staging), of("b", prod))
    };
    let (a, b) = kubeconfig("KUBECONFIG", "KUBECONFIG");
    assert!(has(&two(WEB, &a, &b), "LG623 `staging` and `prod` have one kubeconfig, `KUBECONFIG`"));
    let (a, other) = kubeconfig("KUBECONFIG", "OTHER");
    assert_eq!(two(WEB, &a, &other), NONE);
    // One name in two stores is two secrets.
    let root = format!("stores: {{secrets: {{github: \"${{environment.name}}\"}}}}\n{WEB}");
    assert_eq!(two(&root, &a, &b), NONE);
    let aws = |region: &str, role: &str| {
        format!(
            "target: {{ecs: {{region: {region}, cluster: shop, service: \"{region}-{role}\", role: {role}}}}}"
        )
    };
    assert!(has(
        &two(WEB, &aws("a-1", "deploy"), &aws("b-1", "deploy")),
        "LG623 `staging` and `prod` have one role"
    ));
    let store = format!("stores: {{secrets: {{aws-secrets-manager: shop/app}}}}\n{WEB}");
    let roles = ["arn:aws:iam::1:role/a", "arn:aws:iam::1:role/b", "arn:aws:iam::2:role/a"];
    assert!(has(
        &two(&store, &aws("a-1", roles[0]), &aws("a-1", roles[1])),
        "LG623 `staging` and `prod` have one store of secrets"
    ));
    assert_eq!(two(&store, &aws("a-1", roles[0]), &aws("b-1", roles[1])), NONE);
    assert_eq!(two(&store, &aws("a-1", roles[0]), &aws("a-1", roles[2])), NONE);
    let named =
        format!("stores: {{secrets: {{aws-secrets-manager: \"shop/${{environment.name}}\"}}}}\n{WEB}");
    assert_eq!(two(&named, &aws("a-1", roles[0]), &aws("a-1", roles[1])), NONE);
    let file = format!("stores: {{secrets: {{file: .env}}}}\n{WEB}");
    assert_eq!(two(&file, "target: docker", &cluster("b")), NONE);
    let vault = format!("stores: {{secrets: {{external-secrets: vault}}}}\n{WEB}");
    assert_eq!(two(&vault, &cluster("a"), &cluster("b")), NONE);
}

#[test]
fn each_environment_has_a_place_of_its_own() {
    let kubernetes = |a: &str, b: &str| {
        has(
            &two(
                WEB,
                &format!("target: {{kubernetes: {{{a}}}}}"),
                &format!("target: {{kubernetes: {{{b}}}}}"),
            ),
            "LG630",
        )
    };
    assert!(kubernetes("context: a", "context: a"));
    assert!(kubernetes("context: a, namespace: shop", "context: a"));
    assert!(!kubernetes("context: a", "context: b"));
    assert!(!kubernetes("context: a, namespace: one", "context: a, namespace: two"));
    // Contexts have the same name in two kubeconfigs, and the current one may be any.
    assert!(!kubernetes("context: a, kubeconfig: ONE", "context: a, kubeconfig: TWO"));
    assert!(!kubernetes("namespace: shop", "namespace: shop"));
    let ecs = |more: &str, other: &str| {
        let of = |more: &str| format!("target: {{ecs: {{region: a-1, cluster: shop{more}}}}}");
        has(&two(WEB, &of(more), &of(other)), "LG630")
    };
    assert!(ecs("", "") && ecs(", role: r", ""));
    assert!(!ecs(", service: a", ", service: b") && !ecs(", role: r", ", role: s"));
    assert!(!has(&two(WEB, "target: local", "target: local"), "LG630"));
}

#[test]
fn production_is_said_where_it_is() {
    let of = |env: &str, staging: &str, prod: &str| {
        let root = format!("services: {{web: {{port: 80, command: [./web], env: {{{env}}}}}}}");
        two(&root, &format!("{}{staging}", cluster("a")), &format!("{}{prod}", cluster("b")))
    };
    let stage = "LG624 `ENVIRONMENT` says `production` in other environments too";
    assert_eq!(of("ENVIRONMENT: production", "", ""), [stage]);
    assert!(has(&of("DJANGO_SETTINGS_MODULE: shop.settings.production", "", ""), "LG624"));
    for env in [
        "NODE_ENV: production, FLASK_ENV: production, RAILS_ENV: production",
        "ENVIRONMENT: \"${environment.name}\"",
        "ENVIRONMENT: staging",
        "MODE: production",
    ] {
        assert_eq!(of(env, "", ""), NONE, "{env}");
    }
    let own = ", services: {web: {env: {ENVIRONMENT: staging}}}";
    assert_eq!(of("ENVIRONMENT: production", own, ""), NONE);
    let inherited = "services: {web: {port: 80, command: [./web], env: {ENVIRONMENT: production}}}";
    assert_eq!(two_named(inherited, "dev", "main"), NONE);

    let hosts = (", host: staging.shop.example", ", host: shop.example");
    let of = |value: &str| has(&of(&format!("URL: \"{value}\""), hosts.0, hosts.1), "LG625");
    for value in [
        "shop.example",
        "https://shop.example",
        "https://shop.example:443/a",
        "https://a.example,https://shop.example",
    ] {
        assert!(of(value), "{value}");
    }
    for value in [
        "https://staging.shop.example",
        "mail@shop.example",
        "https://${environment.host}",
        "https://shop.example.org",
    ] {
        assert!(!of(value), "{value}");
    }
}

fn two_named(root: &str, first: &str, second: &str) -> Vec<String> {
    of(&[root, &format!("environments: {{{first}: {{{}}}, {second}: {{{}}}}}", cluster("a"), cluster("b"))])
}

#[test]
fn overrides_change_something() {
    let of = |defaults: &str, service: &str, environment: &str| {
        let root = format!(
            "defaults: {{{defaults}}}\nservices: {{web: {{port: 80, command: [./web]{service}}}, api: {{port: 81, command: [./api]}}}}"
        );
        of(&[&root, &format!("environments: {{e: {{target: {{kubernetes: {{context: e}}}}{environment}}}}}")])
    };
    let already = ["LG626 `replicas` is `3` already"];
    assert_eq!(of("replicas: 3", "", ", defaults: {replicas: 3}"), already);
    assert_eq!(of("", ", replicas: 3", ", services: {web: {replicas: 3}}"), already);
    assert_eq!(of("replicas: 3", "", ", services: {web: {replicas: 3}}"), already);
    assert_eq!(of("replicas: 3", "", ", defaults: {replicas: 5}, services: {web: {replicas: 3}}"), NONE);
    assert_eq!(of("replicas: 3", "", ", services: {web: {replicas: 4}}"), NONE);
    assert_eq!(of("replicas: 3", ", replicas: 3", ""), NONE);
    assert_eq!(of("", "", ", services: {web: {replicas: 1}}"), NONE);
    let variable = of("env: {A: a}", "", ", services: {web: {env: {A: a}}}");
    assert_eq!(variable, ["LG626 `A` is `a` already"]);
    let port = of("", "", ", services: {web: {port: 80}}");
    assert_eq!(port, ["LG626 `http` is `80` already"]);
    let list = ", services: {web: {command: [./web]}}";
    assert_eq!(of("", "", list), ["LG626 `command` is `[./web]` already"]);
}

#[test]
fn defaults_of_an_environment_reach_a_service() {
    let of = |web: &str, api: &str, defaults: &str| {
        let root = format!(
            "services: {{web: {{port: 80, command: [./web]{web}}}, api: {{port: 81, command: [./api]{api}}}}}"
        );
        of(&[
            &root,
            &format!(
                "environments: {{e: {{target: {{kubernetes: {{context: e}}}}, defaults: {{{defaults}}}}}}}"
            ),
        ])
    };
    let shadowed = ["LG627 no service takes `replicas` from here"];
    assert_eq!(of(", replicas: 2", ", replicas: 3", "replicas: 1"), shadowed);
    assert_eq!(of(", replicas: 2", "", "replicas: 1"), NONE);
    let variable = of(", env: {A: a}", ", env: {A: b}", "env: {A: c, B: c}");
    assert_eq!(variable, ["LG627 no service takes `A` from here"]);
    assert_eq!(of(", env: {A: a}", ", env: {A: b}", "env: {A: null}"), NONE);
}

#[test]
fn branches_are_checked_and_released() {
    let of = |ci: &str, branches: &[&str]| {
        let environments: Vec<String> = branches
            .iter()
            .map(|it| {
                format!(
                    "{}: {{{}, branch: {it}}}",
                    it.replace(['*', '/'], "x"),
                    cluster(&it.replace(['*', '/'], "x"))
                )
            })
            .collect();
        of(&[&format!("ci: {{{ci}}}"), WEB, &format!("environments: {{{}}}", environments.join(", "))])
    };
    let steps = "unit: [cargo, test]";
    let unchecked = ["LG629 `develop` is released, and `ci` does not check it"];
    assert_eq!(of(steps, &["main", "develop"]), unchecked);
    assert_eq!(of(&format!("branches: [main, develop], {steps}"), &["main", "develop"]), NONE);
    assert_eq!(of(&format!("branches: [\"release/*\"], {steps}"), &["release/1"]), NONE);
    assert_eq!(of("branches: [main]", &["develop"]), NONE);
    let three = format!("branches: [main, develop, next], {steps}");
    assert_eq!(of(&three, &["main", "develop"]), ["LG628 `next` is checked and released nowhere"]);
    assert_eq!(of(&three, &["main", "develop", "next"]), NONE);
    // Of two branches, one that is only checked is usual; so are several.
    assert_eq!(of(&format!("branches: [main, develop], {steps}"), &["main"]), NONE);
    assert_eq!(of(&three, &["main"]), NONE);
}

#[test]
fn what_is_found_beside_others_is_seen_as_the_environment_has_decided() {
    let off = "checks: {LG630: {level: off, reason: one cluster}}";
    let shared = "target: {kubernetes: {context: a}}";
    assert_eq!(two(&format!("{off}\n{WEB}"), shared, shared), NONE);
    assert_eq!(two(WEB, shared, &format!("{shared}, {off}")), NONE);
}

#[test]
fn decisions_are_about_what_is_found() {
    let canary = "rollout: {strategy: canary}";
    let of = |rollout: &str, checks: &str| {
        of(&[rollout, &format!("checks: {{{checks}}}"), WEB, "environments: {e: {target: local}}"])
    };
    let off = "LG402: {level: off, reason: judged by hand}";
    assert_eq!(of("", off), ["LG631 LG402 is decided about, and is not found any more"]);
    assert_eq!(of(canary, off), NONE);
    assert_eq!(of(canary, &off.replace("off", "error")), NONE);
    assert_eq!(of("", "LG712: {level: off, reason: of other files}"), NONE);
    assert_eq!(of("", &format!("{off}, LG631: {{level: off, reason: kept for later}}")), NONE);
    let never = "rollout: {max_surge: 0, max_unavailable: 0}";
    let stays = "LG632 LG417 is an error here, and errors stay what they are";
    assert_eq!(of(never, "LG417: {level: warning, reason: none}"), [stays]);
    assert_eq!(of(never, "LG417: {level: error, reason: none}"), NONE);
    let own = |root: &str| {
        found(
            610,
            640,
            &[root, WEB, "environments: {e: {target: local, checks: {LG402: {level: off, reason: r}}}}"],
        )
    };
    assert_eq!(own(canary), NONE);
    assert_eq!(own("").len(), 1);
}
