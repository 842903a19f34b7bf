//! What `promtool test rules` is asked to believe: each alert fires beyond its threshold and after its time, and
//! neither short of the one nor before the other.

use std::collections::BTreeMap;

use lockgate_model::Millis;
use serde::Serialize;

use super::rule::{Proof, Rule};
use super::series::{EVERY, Feed, STEP, evaluated};

#[derive(Serialize)]
pub(super) struct Tests<'r> {
    rule_files: Vec<&'static str>,
    evaluation_interval: String,
    group_eval_order: Vec<String>,
    #[serde(rename = "tests")]
    all: Vec<Test<'r>>,
}

#[derive(Serialize)]
struct Test<'r> {
    name: String,
    interval: String,
    input_series: Vec<Input>,
    #[serde(rename = "alert_rule_test")]
    expected: Vec<Expected<'r>>,
}

#[derive(Serialize)]
struct Input {
    series: String,
    values: String,
}

#[derive(Serialize)]
struct Expected<'r> {
    eval_time: String,
    alertname: &'r str,
    exp_alerts: Vec<Fired>,
}

#[derive(Serialize)]
struct Fired {
    exp_labels: BTreeMap<&'static str, String>,
    exp_annotations: BTreeMap<&'static str, String>,
}

pub(super) fn tests<'r>(
    rules: &[&'r Rule],
    rule_files: Vec<&'static str>,
    group_eval_order: Vec<String>,
) -> Tests<'r> {
    let tests = rules.iter().filter_map(|it| Some((*it, it.proof.as_ref()?)));
    Tests {
        rule_files,
        evaluation_interval: EVERY.to_string(),
        group_eval_order,
        all: tests.flat_map(|(rule, proof)| of_rule(rule, proof)).collect(),
    }
}

fn of_rule<'r>(rule: &'r Rule, proof: &Proof) -> Vec<Test<'r>> {
    let lasting = rule.lasting.unwrap_or_default();
    let after = evaluated(Millis(proof.begins.0 + lasting.0));
    let mut expected = vec![];
    if lasting > Millis::ZERO {
        let before = Millis(after.0 - EVERY.0);
        expected.push(Expected { eval_time: before.to_string(), alertname: &rule.name, exp_alerts: vec![] });
    }
    expected.push(Expected {
        eval_time: after.to_string(),
        alertname: &rule.name,
        exp_alerts: vec![fired(rule, proof)],
    });
    let mut tests = vec![test(format!("{} fires", rule.name), &proof.fires, after, expected)];
    if let Some(quiet) = &proof.quiet {
        // Some rates begin low, which is forgotten after another time.
        let later = Millis(after.0 + proof.begins.0);
        let eval_time = later.to_string();
        let expected = vec![Expected { eval_time, alertname: &rule.name, exp_alerts: vec![] }];
        tests.push(test(format!("{} does not fire", rule.name), quiet, later, expected));
    }
    tests
}

fn fired(rule: &Rule, proof: &Proof) -> Fired {
    let mut exp_labels = proof.labels.clone();
    exp_labels.insert("severity", rule.severity.as_str().to_owned());
    Fired { exp_labels, exp_annotations: rule.annotations() }
}

fn test<'r>(name: String, feeds: &[(Feed, f64)], until: Millis, expected: Vec<Expected<'r>>) -> Test<'r> {
    let steps = until.0 / STEP.0 + 1;
    let inputs = feeds.iter().flat_map(|(feed, value)| feed.inputs(*value, steps));
    Test {
        name,
        interval: STEP.to_string(),
        input_series: inputs.map(|it| Input { series: it.series, values: it.values }).collect(),
        expected,
    }
}
