//! Weights, strategies, pauses, freezes and numbers of instances.

use super::{LOCAL, NONE, WEB, found, has};

fn of(lines: &[&str]) -> Vec<String> {
    found(410, 430, lines)
}

/// A system on Kubernetes with this rollout and these services.
fn on_kubernetes(rollout: &str, services: &str, target: &str) -> Vec<String> {
    let environments = format!("environments: {{e: {{target: {{kubernetes: {{context: e{target}}}}}}}}}");
    of(&[&format!("rollout: {rollout}"), &format!("services: {{{services}}}"), &environments])
}

const CANARY: &str = "{strategy: canary, rollback_on: [crash_loop], steps: [{weight: 10%, pause: 5m}, {weight: 50%, pause: 5m}, {weight: 100%}]}";

#[test]
fn replicas_without_a_router_give_the_shares_that_they_can() {
    let of = |services: &str, traffic: &str| on_kubernetes(CANARY, services, traffic);
    let replicas = ", traffic: replicas";
    let missed = "LG410 with 3 replicas, a new version of `web` gets 25% of the traffic instead of 10%";
    assert_eq!(of("web: {port: 80, replicas: 3}", replicas), [missed]);
    assert_eq!(of("web: {port: 80, replicas: 3}, worker: {replicas: 3}", replicas), [missed]);
    let both = "LG410 with 1 replica, a new version of `a` and `b` gets 50% of the traffic instead of 10%";
    assert_eq!(of("a: {port: 80}, b: {port: 81}", replicas), [both]);
    assert_eq!(of("web: {port: 80, replicas: 9}", replicas), NONE);
    assert_eq!(of("web: {port: 80, autoscaling: {min: 9, max: 12}}", replicas), NONE);
    for traffic in [", traffic: auto", ", traffic: gateway-api", ", traffic: ingress-nginx", ""] {
        assert_eq!(of("web: {port: 80, replicas: 3}", traffic), NONE, "{traffic}");
    }
    let rolling = on_kubernetes("{strategy: rolling}", "web: {port: 80, replicas: 3}", replicas);
    assert_eq!(rolling, NONE);
}

#[test]
fn ecs_shifts_traffic_with_a_load_balancer() {
    let on_ecs = |rollout: &str, more: &str| {
        let target =
            format!("environments: {{e: {{target: {{ecs: {{region: eu-1, cluster: shop{more}}}}}}}}}");
        of(&[
            &format!("rollout: {rollout}"),
            "smoke: [{get: /up}]",
            "services: {web: {port: 80, replicas: 2}}",
            &target,
        ])
    };
    assert!(has(&on_ecs(CANARY, ""), "LG410 with 2 replicas, a new version of `web` gets 33.33%"));
    assert!(has(&on_ecs("{strategy: blue-green, bake: 5m}", ""), "LG411"));
    for rollout in [CANARY, "{strategy: blue-green, bake: 5m}"] {
        assert_eq!(on_ecs(rollout, ", load_balancer: shop"), NONE, "{rollout}");
    }
}

#[test]
fn strategies_fit_what_runs() {
    let rollout = format!("rollout: {CANARY}");
    let workers = of(&[&rollout, "services: {a: {command: [./a]}, b: {command: [./b]}}", LOCAL]);
    assert_eq!(workers, ["LG411 no service takes requests, so `canary` has nothing to shift"]);
    let mixed = of(&[&rollout, "services: {a: {command: [./a], port: 80}, b: {command: [./b]}}", LOCAL]);
    assert_eq!(mixed, NONE);
    let apprunner = "environments: {e: {target: {apprunner: {region: eu-1}}}}";
    assert!(has(&of(&[&rollout, WEB, apprunner]), "LG411 `apprunner` moves all traffic by itself"));
    let express = "environments: {e: {target: {ecs-express: {region: eu-1}}}}";
    assert_eq!(of(&[&rollout, WEB, express]), NONE);
}

#[test]
fn a_switch_is_asked_before_and_watched_after() {
    let of = |rollout: &str, smoke: &str| of(&[&format!("rollout: {rollout}"), smoke, WEB, LOCAL]);
    let smoke = "smoke: [{get: /up}]";
    assert!(has(&of("{strategy: blue-green}", ""), "LG412"));
    assert_eq!(of("{strategy: blue-green}", smoke), NONE);
    assert!(has(&of("{strategy: blue-green, rollback_on: [crash_loop]}", smoke), "LG415"));
    assert!(has(&of("{strategy: blue-green, rollback_on: [crash_loop], bake: 0s}", smoke), "LG415"));
    assert_eq!(of("{strategy: blue-green, rollback_on: [crash_loop], bake: 1m}", smoke), NONE);
    // A rolling release is looked at in each of its rounds.
    assert_eq!(of("{strategy: rolling, rollback_on: [crash_loop]}", smoke), NONE);
}

#[test]
fn keys_of_another_strategy_are_reported_where_they_are_meant() {
    let surge = |strategy: &str| on_kubernetes(&format!("{{{strategy}max_surge: 1}}"), "web: {port: 80}", "");
    assert_eq!(surge(""), NONE);
    assert_eq!(surge("strategy: rolling, "), NONE);
    assert_eq!(
        surge("strategy: recreate, "),
        ["LG416 `max_surge` has no effect: the strategy is `recreate`"]
    );
    let steps = "steps: [{weight: 10%, pause: 5m}, {weight: 100%}]";
    let root = format!("rollout: {{strategy: canary, rollback_on: [crash_loop], {steps}}}");
    let inherited = "environments: {e: {target: local, rollout: {strategy: rolling}}}";
    assert_eq!(of(&[&root, WEB, inherited]), NONE);
    let own = format!("environments: {{e: {{target: local, rollout: {{strategy: rolling, {steps}}}}}}}");
    assert_eq!(of(&[&root, WEB, &own]), ["LG416 `steps` has no effect: the strategy is `rolling`"]);
}

#[test]
fn a_rolling_release_has_a_first_step() {
    let of = |surge: &str, unavailable: &str| {
        let rollout = format!("{{max_surge: {surge}, max_unavailable: {unavailable}}}");
        has(&on_kubernetes(&rollout, "web: {port: 80}", ""), "LG417")
    };
    assert!(of("0", "0") && of("0%", "0"));
    assert!(!of("1", "0") && !of("0", "25%") && !of("10%", "0"));
    assert_eq!(on_kubernetes("{max_unavailable: 0}", "web: {port: 80}", ""), NONE);
}

#[test]
fn people_and_policies_agree() {
    let of = |gate: &str, policy: &str| {
        let steps = format!("steps: [{{weight: 50%, pause: 5m{gate}}}, {{weight: 100%}}]");
        let rollout = format!(
            "rollout: {{strategy: canary, rollback_on: [crash_loop], {steps}, analysis: {{on_undecided: {policy}}}}}"
        );
        of(&[&rollout, WEB, LOCAL])
    };
    assert!(has(&of(", gate: approval", "promote"), "LG418 a person has to agree at 50%"));
    assert_eq!(of(", gate: approval", "hold"), NONE);
    assert_eq!(of(", gate: approval", "rollback"), NONE);
    assert_eq!(of("", "promote"), NONE);
}

#[test]
fn pauses_are_long_enough_to_see_something() {
    let of = |pause: &str, analysis: &str| {
        let steps = format!(
            "steps: [{{weight: 10%, pause: {pause}}}, {{weight: 50%, pause: {pause}}}, {{weight: 100%}}]"
        );
        let rollout = format!(
            "rollout: {{strategy: canary, rollback_on: [crash_loop], {steps}, analysis: {{{analysis}}}}}"
        );
        of(&[&rollout, WEB, LOCAL])
    };
    assert_eq!(of("60s", ""), ["LG413 the step at 10% lasts 1m, and new instances are not compared for 1m"]);
    assert_eq!(of("61s", ""), NONE);
    assert_eq!(of("30s", "warmup: 5s"), NONE);
    assert_eq!(of("0s", ""), NONE);
    assert_eq!(
        of("5m", "min_time: 5m"),
        ["LG427 no step ends early: each needs 5m, and the longest pause is 5m"]
    );
    assert_eq!(of("5m", "min_time: 4m"), NONE);
    assert_eq!(of("5m", "min_time: 5m, promote_early: false"), NONE);
    assert_eq!(of("90s", ""), NONE);
}

#[test]
fn alerts_that_take_a_release_back_fit_into_it() {
    let slo = "slo: {error_rate: {objective: \"< 1%\", alert: \"> 5% for 10m\"}}";
    let root = |more: &str| {
        format!("rollout: {{strategy: canary, steps: [{{weight: 10%, pause: 5m}}, {{weight: 100%}}]{more}}}")
    };
    let of = |more: &str, environments: &str| of(&[slo, &root(more), WEB, environments]);
    let outlasts = "LG414 the alert of `error_rate` must last 10m, and a new version is watched for 5m";
    assert_eq!(of(", rollback_on: [error_rate]", LOCAL), [outlasts]);
    assert_eq!(of(", rollback_on: [error_rate], bake: 5m", LOCAL), NONE);
    assert_eq!(of(", rollback_on: [crash_loop]", LOCAL), NONE);
    assert_eq!(of("", LOCAL), NONE);
    // An environment that goes faster on purpose keeps the alerts of the others.
    let faster = "environments: {e: {target: local, rollout: {bake: 10s}}}";
    assert_eq!(of(", rollback_on: [error_rate], bake: 5m", faster), NONE);
}

#[test]
fn freezes_begin_and_end_in_one_way() {
    let of = |freeze: &str| of(&[&format!("rollout: {{freeze: [{freeze}]}}"), WEB, LOCAL]);
    assert_eq!(of("{from: fri 16:00, to: 2026-12-20}"), ["LG419 a freeze begins every week and ends once"]);
    assert_eq!(of("{from: 2026-12-20, to: fri 16:00}"), ["LG419 a freeze begins once and ends every week"]);
    assert_eq!(of("{from: 2026-12-20, to: 2026-12-19}"), ["LG419 a freeze ends before it begins"]);
    assert_eq!(of("{from: 2026-12-20 10:00, to: 2026-12-20 10:00}"), ["LG419 a freeze ends when it begins"]);
    assert_eq!(of("{from: fri 16:00, to: fri 16:00}"), ["LG419 a freeze ends when it begins"]);
    assert_eq!(of("{from: 2026-12-20, to: 2026-12-20}"), NONE);
    assert_eq!(of("{from: 2026-12-20 10:00, to: 2026-12-20 10:01}"), NONE);
    assert_eq!(of("{from: fri 16:00, to: mon 08:00}"), NONE);
}

#[test]
fn freezes_leave_some_time() {
    let of = |freeze: &str| of(&[&format!("rollout: {{freeze: [{freeze}]}}"), WEB, LOCAL]);
    let always = ["LG420 the freezes leave no time of the week"];
    assert_eq!(of("{from: mon 00:00, to: sat 00:00}, {from: fri 12:00, to: mon 00:00}"), always);
    assert_eq!(of("{from: mon 00:00, to: sat 00:00}, {from: sat 00:01, to: mon 00:00}"), NONE);
    // What is the same time in another zone is not computed here.
    assert_eq!(
        of("{from: mon 00:00, to: sat 00:00}, {from: sat 00:00, to: mon 00:00, timezone: Europe/Berlin}"),
        NONE
    );
}

#[test]
fn disruption_budgets_let_some_go_and_keep_some() {
    let of = |replicas: u16, budget: &str| {
        on_kubernetes(
            "{}",
            &format!("web: {{port: 80, replicas: {replicas}, disruption_budget: {{{budget}}}}}"),
            "",
        )
    };
    let blocks = ["LG421 the disruption budget of `web` never lets an instance go"];
    let allows = ["LG422 the disruption budget of `web` lets all instances go at once"];
    for (replicas, budget) in [
        (1, "min_available: 1"),
        (3, "min_available: 3"),
        (3, "min_available: 80%"),
        (3, "max_unavailable: 0"),
    ] {
        assert_eq!(of(replicas, budget), blocks, "{budget} of {replicas}");
    }
    for (replicas, budget) in
        [(2, "max_unavailable: 2"), (3, "max_unavailable: 100%"), (2, "min_available: 0")]
    {
        assert_eq!(of(replicas, budget), allows, "{budget} of {replicas}");
    }
    for (replicas, budget) in [
        (1, "max_unavailable: 1"),
        (3, "min_available: 2"),
        (3, "min_available: 50%"),
        (3, "max_unavailable: 25%"),
    ] {
        assert_eq!(of(replicas, budget), NONE, "{budget} of {replicas}");
    }
    let local = of_local("disruption_budget: {min_available: 1}");
    assert_eq!(local, NONE);
}

fn of_local(keys: &str) -> Vec<String> {
    of(&[&format!("services: {{web: {{port: 80, command: [./web], {keys}}}}}"), LOCAL])
}

#[test]
fn autoscaling_has_bounds_that_hold_something() {
    let of = |keys: &str| on_kubernetes("{}", &format!("web: {{port: 80, {keys}}}"), "");
    assert_eq!(of("autoscaling: {min: 4, max: 2}"), ["LG423 `web` is scaled from 4 up to 2 instances"]);
    assert_eq!(of("replicas: 4, autoscaling: {max: 2}"), ["LG423 `web` is scaled from 4 up to 2 instances"]);
    assert_eq!(of("autoscaling: {min: 2, max: 2}"), NONE);
    assert_eq!(of("replicas: 9, autoscaling: {min: 2, max: 4}").len(), 1);
    assert_eq!(of("replicas: 2, autoscaling: {min: 2, max: 4}"), NONE);
    let defaults = "defaults: {replicas: 1}";
    let environments = "environments: {e: {target: {kubernetes: {}}}}";
    let service = "services: {web: {port: 80, autoscaling: {min: 2, max: 4}}}";
    assert_eq!(super::found(410, 430, &[defaults, service, environments]), NONE);
}

#[test]
fn aims_and_limits_have_their_requests() {
    let of = |keys: &str| on_kubernetes("{}", &format!("web: {{port: 80, {keys}}}"), "");
    let cpu = "autoscaling: {min: 1, max: 4, cpu: 70%}";
    assert!(has(&of(cpu), "LG425 `web` is scaled by a share of `requests.cpu`"));
    assert!(has(&of(&format!("{cpu}, resources: {{requests: {{memory: 64Mi}}}}")), "LG425"));
    assert_eq!(of(&format!("{cpu}, resources: {{requests: {{cpu: 100m}}}}")), NONE);
    // Kubernetes takes a limit as the request where none is said.
    assert_eq!(of(&format!("{cpu}, resources: {{limits: {{cpu: 1}}}}")), NONE);
    let resources = |request: &str, limit: &str| {
        of_local(&format!("resources: {{requests: {{cpu: {request}}}, limits: {{cpu: {limit}}}}}"))
    };
    assert_eq!(resources("600m", "0.5"), ["LG426 `web` asks for 600m of cpu and may take 0.5"]);
    assert_eq!(resources("500m", "0.5"), NONE);
}
