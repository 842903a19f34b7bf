//! Objectives, alerts, dependencies and receivers.

use super::{LOCAL, NONE, WEB, found, has};

fn of(lines: &[&str]) -> Vec<String> {
    found(503, 530, lines)
}

const CLUSTER: &str = "environments: {prod: {target: {kubernetes: {context: prod}}}}";
const KWEB: &str = "services: {web: {port: 80, depends_on: [postgres, redis]}}";
const DEPENDENCIES: &str = "dependencies: {postgres: {type: postgres}, redis: {type: redis}}";
const PAGER: &str = "notifications: {pagerduty: {key: KEY}}\nsecrets: [KEY]";

fn slo(keys: &str) -> Vec<String> {
    of(&[&format!("slo: {{{keys}}}"), WEB, LOCAL])
}

#[test]
fn a_limit_is_stated_once_unless_the_second_is_a_step_further() {
    let twice = |slo: &str, alert: &str| {
        let slo = format!("slo: {{redis.memory: {{alert: {slo}}}}}");
        let alerts = format!("alerts: {{A: {{metric: redis.memory, alert: {alert}}}}}");
        has(&of(&[&slo, &alerts, DEPENDENCIES, WEB, LOCAL]), "LG510 `redis.memory` has two limits")
    };
    assert!(twice("\"> 70% for 5m\"", "\"> 80% for 5m\""));
    assert!(twice("\"> 70% for 5m\"", "\"> 70% for 10m\""));
    assert!(twice("\"> 70% for 5m\", severity: critical", "\"> 80% for 5m\""));
    assert!(!twice("\"> 70% for 5m\"", "\"> 70.0% for 5m\""));
    assert!(!twice("\"> 70% for 5m\"", "\"> 80% for 5m\", severity: critical"));
    assert!(!twice("\"> 80% for 5m\", severity: critical", "\"> 70% for 5m\""));
    // A share that is too small is something else than one that is too large.
    assert!(!twice("\"> 70% for 5m\"", "\"< 1% for 5m\""));
    let other = of(&[
        "slo: {redis.memory: {alert: \"> 70% for 5m\"}}",
        "alerts: {A: {metric: postgres.memory, alert: \"> 80% for 5m\"}, B: {query: redis_memory, alert: \"> 80 for 5m\"}}",
        DEPENDENCIES,
        WEB,
        LOCAL,
    ]);
    assert_eq!(other, NONE);
    let slower = "environments: {dev: {target: local, slo: {error_rate: {alert: \"> 9% for 5m\"}}}}";
    let alert = "alerts: {A: {metric: error_rate, alert: \"> 5% for 5m\"}}";
    assert_eq!(of(&["slo: {error_rate: {alert: \"> 5% for 5m\"}}", alert, WEB, slower]), NONE);
}

#[test]
fn an_alert_fires_when_its_objective_is_missed_whatever_the_metric() {
    for (objective, alert, wrong) in [
        ("< 60%", "> 50% for 5m", true),
        ("< 60%", "> 60% for 5m", false),
        ("< 60%", ">= 60% for 5m", false),
        ("<= 60%", ">= 60% for 5m", true),
        ("< 60%", "< 50% for 5m", true),
        ("> 60%", "< 70% for 5m", true),
        ("> 60%", "< 50% for 5m", false),
    ] {
        let text = format!("slo: {{cpu: {{objective: \"{objective}\", alert: \"{alert}\"}}}}");
        assert_eq!(has(&of(&[&text, WEB, LOCAL]), "LG503"), wrong, "{objective} {alert}");
    }
    assert!(has(&slo("up: {objective: \"= 1\", alert: \">= 1 for 5m\"}"), "LG503"));
    assert_eq!(slo("up: {objective: \"= 1\", alert: \"< 1 for 5m\"}"), NONE);
    assert_eq!(slo("restarts: {objective: \"= 0\", alert: \"> 3 in 5m\"}"), NONE);
    assert_eq!(slo("deploy_success: {objective: \"> 99%\", alert: \"< 95% over 30d\"}"), NONE);
}

#[test]
fn severity_follows_from_what_takes_a_release_back() {
    let limits = |p95: &str, p99: &str| {
        format!(
            "slo: {{latency_p95: {{alert: \"> 500ms for 5m\", severity: {p95}}}, latency_p99: {{alert: \"> 1s for 5m\", severity: {p99}}}}}"
        )
    };
    let of = |slo: &str, triggers: &str, environments: &str| {
        let rollout = format!("rollout: {{strategy: canary, rollback_on: {triggers}}}");
        of(&[slo, &rollout, PAGER, "services: {web: {port: 80, command: [./web]}}", environments])
    };
    let odd = limits("warning", "critical");
    assert!(has(
        &of(&odd, "[latency_p95]", CLUSTER),
        "LG511 `latency_p95` takes a release back and only warns"
    ));
    assert_eq!(of(&odd, "[latency_p95, latency_p99]", CLUSTER), NONE);
    assert_eq!(of(&odd, "[latency_p99]", CLUSTER), NONE);
    assert_eq!(of(&odd, "[crash_loop]", CLUSTER), NONE);
    assert_eq!(of(&odd, "[latency_p95]", LOCAL), NONE);
    assert_eq!(of(&limits("critical", "critical"), "[latency_p95]", CLUSTER), NONE);
    assert_eq!(of(&limits("critical", "warning"), "[latency_p95]", CLUSTER), NONE);
    let twins = "slo: {availability: {alert: \"< 99% for 5m\", severity: critical}, error_rate: {alert: \"> 1% for 5m\"}}";
    assert_eq!(of(twins, "[error_rate]", CLUSTER), NONE);
}

#[test]
fn quantiles_are_in_order() {
    let objectives = |p95: &str, p99: &str| {
        slo(&format!("latency_p95: {{objective: \"< {p95}\"}}, latency_p99: {{objective: \"< {p99}\"}}"))
    };
    assert!(has(&objectives("800ms", "300ms"), "LG512 the objective of `latency_p95` is met whenever"));
    assert_eq!(objectives("300ms", "300ms"), NONE);
    assert_eq!(objectives("300ms", "800ms"), NONE);
    let alerts = |p95: &str, p99: &str| {
        has(
            &slo(&format!("latency_p95: {{alert: {p95}}}, latency_p99: {{alert: {p99}}}")),
            "LG512 the alert of",
        )
    };
    assert!(alerts("\"> 1s for 5m\"", "\"> 500ms for 5m\""));
    assert!(alerts("\"> 1s for 5m\"", "\"> 500ms for 5m\", severity: critical"));
    assert!(!alerts("\"> 500ms for 5m\"", "\"> 1s for 5m\""));
    // The first warns, the second wakes somebody; or the first has to last longer.
    assert!(!alerts("\"> 1s for 5m\", severity: critical", "\"> 500ms for 5m\""));
    assert!(!alerts("\"> 1s for 1m\"", "\"> 500ms for 10m\""));
    let median = slo("latency_p50: {objective: \"< 300ms\"}, latency_p99: {objective: \"< 200ms\"}");
    assert!(has(&median, "LG512 the objective of `latency_p50`"));
}

#[test]
fn availability_and_error_rate_are_one_count() {
    let both = |availability: &str, error_rate: &str| {
        slo(&format!("availability: {{{availability}}}, error_rate: {{{error_rate}}}"))
    };
    let fires = "LG513 the alert of `availability` fires while the objective of `error_rate` is still met";
    assert_eq!(both("alert: \"< 99% for 5m\"", "objective: \"< 2%\""), [fires]);
    assert_eq!(both("alert: \"< 99% for 5m\"", "objective: \"< 1%\""), NONE);
    assert!(has(
        &both("objective: \"> 99%\"", "alert: \"> 0.5% for 5m\""),
        "LG513 the alert of `error_rate`"
    ));
    assert_eq!(both("objective: \"> 99.9%\"", "alert: \"> 1% for 5m\""), NONE);
    assert_eq!(both("objective: \"> 99.9%\"", "objective: \"< 5%\""), NONE);
}

#[test]
fn dependencies_are_watched_where_others_are() {
    let of = |alerts: &str, dependencies: &str, environments: &str| {
        of(&[&format!("alerts: {{{alerts}}}"), dependencies, KWEB, environments])
    };
    let postgres = "A: {metric: postgres.up, alert: \"< 1 for 1m\"}";
    let silent = "LG515 no alert and no objective speaks of `redis`";
    assert_eq!(of(postgres, DEPENDENCIES, CLUSTER), [silent]);
    assert_eq!(of("", DEPENDENCIES, CLUSTER), NONE);
    assert_eq!(of("A: {metric: up, alert: \"< 1 for 1m\"}", DEPENDENCIES, CLUSTER), NONE);
    let query = format!("{postgres}, B: {{query: redis_up, alert: \"< 1 for 1m\"}}");
    assert_eq!(of(&query, DEPENDENCIES, CLUSTER), NONE);
    let elsewhere = "dependencies: {postgres: {type: postgres}, redis: {type: redis, monitored: false}}";
    assert_eq!(of(postgres, elsewhere, CLUSTER), NONE);
    let unused = "dependencies: {postgres: {type: postgres}, redis: {type: redis}, kafka: {type: kafka}}";
    assert_eq!(of(postgres, unused, CLUSTER), [silent]);
}

#[test]
fn what_is_not_monitored_has_no_alerts() {
    let of = |monitored: &str, alerts: &str, environments: &str| {
        let dependencies =
            format!("dependencies: {{postgres: {{type: postgres}}, redis: {{type: redis{monitored}}}}}");
        has(&of(&[alerts, &dependencies, KWEB, environments]), "LG516 the metrics of `redis` are not read")
    };
    let alert = "alerts: {A: {metric: redis.up, alert: \"< 1 for 1m\"}}";
    let objective = "slo: {redis.memory: {alert: \"> 70% for 5m\"}}";
    assert!(of(", monitored: false", alert, CLUSTER) && of(", monitored: false", objective, CLUSTER));
    assert!(!of(", monitored: true", alert, CLUSTER) && !of("", alert, CLUSTER));
    // An environment may leave out what others watch.
    let dev = "environments: {dev: {target: docker, dependencies: {redis: {monitored: false}}}}";
    assert!(!of("", alert, dev));
}

#[test]
fn critical_alerts_have_a_receiver_where_users_are() {
    let critical = "slo: {error_rate: {alert: \"> 5% for 5m\", severity: critical}}";
    let of = |slo: &str, notifications: &str, environments: &str| {
        let notifications = format!("notifications: {{{notifications}}}");
        has(
            &of(&[slo, &notifications, "secrets: [KEY]", "services: {web: {port: 80}}", environments]),
            "LG517",
        )
    };
    let both = "environments: {staging: {target: {kubernetes: {context: s}}}, prod: {target: {kubernetes: {context: p}}}}";
    let slack = "slack: {channel: \"#a\", webhook: KEY";
    assert!(of(critical, &format!("{slack}, events: [failure]}}"), CLUSTER));
    assert!(of(critical, &format!("{slack}, environments: [staging]}}"), both));
    assert!(!of(critical, &format!("{slack}}}"), CLUSTER));
    assert!(!of(critical, &format!("{slack}, severity: critical}}"), CLUSTER));
    assert!(!of(critical, &format!("{slack}, environments: [prod]}}"), both));
    let second = format!("{slack}, events: [failure]}}, pagerduty: {{key: KEY, environments: [prod]}}");
    assert!(!of(critical, &second, both));
    assert!(!of(critical, "sns: {topic: shop, to: a@b.example}", CLUSTER));
    let warning = "slo: {error_rate: {alert: \"> 5% for 5m\"}}";
    assert!(!of(warning, &format!("{slack}, events: [failure]}}"), CLUSTER));
    let nobody = |environments: &str| {
        has(
            &super::found(
                517,
                518,
                &[critical, "services: {web: {port: 80, command: [./web]}}", environments],
            ),
            "LG517",
        )
    };
    assert!(nobody(CLUSTER));
    assert!(!nobody(LOCAL) && !nobody("environments: {dev: {target: docker}}"));
}

#[test]
fn secrets_of_the_release_are_declared() {
    let of = |keys: &str| {
        found(
            518,
            519,
            &[keys, "services: {web: {port: 8080, command: [./web], secrets: [API_TOKEN]}}", LOCAL],
        )
    };
    let slack = "notifications: {slack: {channel: \"#a\", webhook: SLACK_URL}}";
    assert_eq!(of(slack), ["LG518 there is no secret `SLACK_URL`"]);
    assert_eq!(of(&format!("{slack}\nsecrets: [SLACK_URL]")), NONE);
    assert_eq!(of("notifications: {webhook: {url: https://a.example}}"), NONE);
    assert_eq!(of("notifications: {pagerduty: {key: KEY, environments: [other]}}"), NONE);
    assert_eq!(of("smoke: [{get: /me, bearer: API_TOKEN}]"), NONE);
    assert_eq!(of("smoke: [{get: /me, bearer: API_TOKE}]"), ["LG518 there is no secret `API_TOKE`"]);
}

#[test]
fn receivers_have_an_address_and_get_what_they_take() {
    let of = |notifications: &str| {
        found(519, 530, &[&format!("notifications: {{{notifications}}}\nsecrets: [KEY]"), WEB, LOCAL])
    };
    assert_eq!(of("slack: \"#a\""), ["LG519 `slack` tells nobody: it has no `webhook`"]);
    assert_eq!(of("pagerduty: {severity: critical}"), ["LG519 `pagerduty` tells nobody: it has no `key`"]);
    assert_eq!(
        of("pagerduty: {key: KEY}, email: {to: a@b.example}, webhook: {url: https://a.example}"),
        NONE
    );
    assert_eq!(of("sns: shop-alerts"), ["LG519 `sns` tells nobody: it has no `to`"]);
    assert_eq!(of("sns: {topic: shop-alerts, to: a@b.example}"), NONE);
    let weekly = of("slack: {channel: \"#a\", webhook: KEY, events: weekly-summary}");
    assert_eq!(weekly, ["LG520 `slack` does not get the weekly summary, which is a mail"]);
    assert_eq!(of("email: {to: a@b.example, events: weekly-summary}"), NONE);
}
