//! Canary steps, strategies, objectives and alerts.

use super::{accepted, environments, root, tells};

fn steps(steps: &str) -> String {
    root(&format!("rollout: {{strategy: canary, rollback_on: [crash_loop], steps: {steps}}}"))
}

#[test]
fn steps_ascend_to_all_of_the_traffic() {
    accepted(&steps("[{weight: 100%}]"));
    accepted(&steps("[{weight: 0.5%, pause: 5m}, {weight: 100%}]"));
    for (written, code, words) in [
        ("[]", "LG401", "a canary has no steps"),
        ("[{weight: 50%}, {weight: 10%}, {weight: 100%}]", "LG401", "do not ascend: 10% comes after 50%"),
        ("[{weight: 50%}, {weight: 50%}, {weight: 100%}]", "LG401", "do not ascend"),
        ("[{weight: 10%}]", "LG401", "never reaches 100%"),
        ("[{weight: 0%}, {weight: 100%}]", "LG401", "gives the new version no traffic"),
        ("[{weight: 101%}]", "LG013", "it is more than 100%"),
        ("[{weight: -5%}, {weight: 100%}]", "LG013", "write a plain number"),
        ("[{weight: 5}, {weight: 100%}]", "LG013", "as in `5%`"),
        ("[{weight: 10.12345%}, {weight: 100%}]", "LG013", "at most three decimals"),
        ("[{pause: 5m}]", "LG014", "a canary step has no `weight`"),
        ("[10%, 100%]", "LG012", "is a single value"),
        ("10%", "LG012", "is a single value"),
        ("[{weight: 100%, pause: -5m}]", "LG013", "write a number and a unit"),
    ] {
        tells(&steps(written), code, words);
    }
}

#[test]
fn a_strategy_is_known_and_fits_its_target() {
    for (written, meant) in [("Canary", "canary"), ("bluegreen", "blue-green"), ("rollin", "rolling")] {
        tells(&root(&format!("rollout: {{strategy: {written}}}")), "LG017", meant);
    }
    tells(
        &environments(
            "a: {target: {apprunner: {region: eu-central-1}}, rollout: {strategy: canary, rollback_on: [crash_loop]}}",
        ),
        "LG411",
        "`apprunner` moves all traffic by itself",
    );
    tells(
        &root("rollout: {strategy: recreate, steps: [{weight: 100%}]}"),
        "LG416",
        "the strategy is `recreate`",
    );
    tells(
        &root("rollout: {max_surge: 0, max_unavailable: 0}"),
        "LG417",
        "neither add an instance nor take one away",
    );
}

#[test]
fn judging_needs_something_to_judge() {
    let of = |keys: &str| root(&format!("rollout: {{analysis: {{{keys}}}}}"));
    for (keys, words) in [
        ("min_requests: 0", "allowed are 1 to 1000000000"),
        ("min_requests: 1e3", "is not a whole number"),
        ("alpha: 0", "is out of range"),
        ("alpha: 1", "is out of range"),
        ("alpha: NaN", "is not a number"),
        ("alpha: .nan", "is not a number"),
        ("alpha: -0.01", "is not a number"),
        ("alpha: 5%", "is not a number"),
        ("tick: 0s", "is too short"),
        ("tolerance: 0.9", "is out of range"),
        ("tolerance: 1e9", "is not a number"),
        ("max_time: 0s", "is too short"),
        ("margin: {ratio: .inf}", "is not a number"),
        ("margin: {abs: 101%}", "it is more than 100%"),
    ] {
        tells(&of(keys), "LG013", words);
    }
    tells(&root("rollout: {rollback_on: [error_rate]}"), "LG403", "which has no SLO");
    tells(&root("rollout: {strategy: canary}"), "LG402", "nothing judges this canary");
}

#[test]
fn objectives_can_be_met_and_missed() {
    let of =
        |metric: &str, objective: &str| root(&format!("slo: {{{metric}: {{objective: \"{objective}\"}}}}"));
    accepted(&of("availability", "> 99.9%"));
    for (metric, objective, code, words) in [
        ("availability", "> 100%", "LG504", "can never be met"),
        ("availability", ">= 100%", "LG504", "can never be met"),
        ("availability", "> 0%", "LG504", "can never be missed"),
        ("availability", "< 99.9%", "LG501", "points the wrong way"),
        ("error_rate", "< 0%", "LG504", "can never be met"),
        ("error_rate", "< 100%", "LG504", "can never be missed"),
        ("error_rate", "< 5", "LG502", "did you mean `5%`?"),
        ("error_rate", "< NaN%", "LG501", "write a plain number"),
        ("error_rate", "< -1%", "LG501", "write a plain number"),
        ("error_rate", "< 101%", "LG501", "it is more than 100%"),
        ("error_rate", "0.5%", "LG501", "on which side of the limit"),
        ("error_rate", "< 0.5% for 5m", "LG501", ""),
        ("latency_p95", "< 500", "LG502", "ms or s?"),
        ("latency_p95", "< 0ms", "LG504", "can never be met"),
        ("latency_p95", "< 99999999999999h", "LG501", "it is too long"),
        ("latency_p95", "< -5ms", "LG501", ""),
        ("cpu", "< 0%", "LG504", "can never be met"),
        ("cpu", "<= 100%", "LG504", "can never be missed"),
        ("memory", "> 100%", "LG504", "can never be met"),
        ("request_rate", "< 0", "LG504", "can never be met"),
        ("request_rate", ">= 0", "LG504", "can never be missed"),
        ("request_rate", "< NaN", "LG501", "is no amount"),
        ("request_rate", "< 1.2.3", "LG501", "is no amount"),
        ("request_rate", "!= 3", "LG501", "compares with nothing"),
        ("migration_duration", "< 0s", "LG504", "can never be met"),
        ("disk", "< 80", "LG502", ""),
    ] {
        tells(&of(metric, objective), code, words);
    }
    tells(&of("latency_p96", "< 1s"), "LG017", "latency_p95");
    tells(&root("slo: {error_rate: {severity: critical}}"), "LG014", "has no `objective`");
}

#[test]
fn alerts_can_fire_and_stop() {
    let of = |metric: &str, alert: &str| root(&format!("slo: {{{metric}: {{alert: \"{alert}\"}}}}"));
    accepted(&of("cpu", "> 80% for 5m"));
    for (metric, alert, code, words) in [
        ("error_rate", "> 1%", "LG501", "does not say how long it must last"),
        ("error_rate", "> 1% for 5", "LG501", "a unit is missing"),
        ("error_rate", "> 1% for 0s", "LG501", "lasts no time"),
        ("error_rate", "> 100% for 5m", "LG504", "can never fire"),
        ("cpu", "> 100% for 5m", "LG504", "can never fire"),
        ("cpu", ">= 0% for 5m", "LG504", "fires all the time"),
        ("cpu", "> 80% for 0s", "LG501", "is no time"),
        ("cpu", "> 80%", "LG501", "does not say how long it must last"),
        ("request_rate", "< 0 for 5m", "LG504", "can never fire"),
        ("request_rate", "> 1e3 for 5m", "LG501", "is no amount"),
    ] {
        tells(&of(metric, alert), code, words);
    }
    let both = "slo: {error_rate: {objective: \"< 5%\", alert: \"> 1% for 5m\"}}";
    tells(&root(both), "LG503", "fires while the objective is still met");
}
