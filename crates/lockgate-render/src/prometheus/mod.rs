//! Prometheus: what is read, what is recorded, which alerts there are, and the proof that they fire when they should.

mod alerts;
mod burn;
mod dependencies;
mod proof;
mod recording;
mod rule;
mod scrape;
mod series;
mod services;

use std::collections::BTreeMap;

use lockgate_model::{EnvironmentName, Millis, TargetKind};
use lockgate_yaml::WriteStyle;
use serde::Serialize;
use serde_json::Value;

use crate::artifact::Kind;
use crate::facts::{Environment, Facts};
use crate::header::Comment;
use crate::output::{File, Output};
use rule::{Group, Record, Rule, Rules};
use scrape::{Source, StaticConfig};

pub(crate) use dependencies::series as of_dependency;
pub(crate) use rule::template_text;
pub(crate) use series::Series;
pub(crate) use services::{Pick, measured, series as of_services};

/// Rules that look days back are evaluated less often.
const SELDOM: Millis = Millis::mins(1);

#[derive(Serialize)]
struct Config {
    global: Global,
    alerting: Alerting,
    rule_files: [&'static str; 1],
    scrape_configs: Vec<Value>,
}

#[derive(Serialize)]
struct Global {
    scrape_interval: String,
    evaluation_interval: String,
    external_labels: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Alerting {
    alertmanagers: [Alertmanagers; 1],
}

#[derive(Serialize)]
struct Alertmanagers {
    static_configs: [StaticConfig; 1],
}

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    for environment in facts.wanting(Kind::Prometheus) {
        let sources = scrape::sources(environment);
        config(environment, &sources, output);
        rules(environment, &sources, output);
        notes(environment, output);
    }
}

fn config(environment: &Environment<'_>, sources: &[Source], output: &mut Output<'_>) {
    let system = environment.system;
    let mut scrape_configs = vec![];
    for scrape in scrape::configs(environment, sources) {
        let mut value = serde_json::to_value(&scrape).expect("maps have keys of text");
        output.patch(environment, "ScrapeConfig", &scrape.job_name, &mut value);
        scrape_configs.push(value);
    }
    let label = |text: &str| text.replace('$', "$$");
    let config = Config {
        global: Global {
            scrape_interval: system.monitoring.dependencies_every.to_string(),
            evaluation_interval: system.monitoring.services_every.max(Millis::secs(10)).to_string(),
            external_labels: BTreeMap::from([
                ("environment", label(environment.name())),
                ("system", label(system.name.as_str())),
            ]),
        },
        alerting: Alerting {
            alertmanagers: [Alertmanagers {
                static_configs: [StaticConfig { targets: vec!["alertmanager:9093".to_owned()] }],
            }],
        },
        rule_files: ["rules/*.yml"],
        scrape_configs,
    };
    let origin = sources.iter().map(|it| {
        if it.is_service() { format!("services.{}", it.job) } else { format!("dependencies.{}", it.job) }
    });
    let origin = origin.chain(["monitoring".to_owned()]).collect();
    let value = serde_json::to_value(config).expect("maps have keys of text");
    write(environment, "prometheus.yml", &value, origin, output);
}

fn rules(environment: &Environment<'_>, sources: &[Source], output: &mut Output<'_>) {
    let alerts = alerts::rules(environment, sources, output);
    let burns = burn::rules(environment);
    let recorded = group("services", None, recorded(environment, recording::short(environment), output));
    let long = group(
        "services-long",
        Some(SELDOM),
        self::recorded(environment, recording::long(environment), output),
    );
    let origin = |first: &str| vec![first.to_owned(), "slo".to_owned(), "alerts".to_owned()];
    let order = ["services", "services-long", "alerts", "error-budget"].map(str::to_owned).to_vec();
    let mut files = vec![];
    let groups: Vec<Group> = [recorded, long].into_iter().filter(|it| !it.rules.is_empty()).collect();
    if !groups.is_empty() {
        files.push("../recording.yml");
        write_rules(environment, "recording", groups, origin("services"), output);
    }
    files.push("../alerts.yml");
    write_rules(
        environment,
        "alerts",
        vec![group("alerts", None, raised(environment, &alerts, output))],
        origin("monitoring"),
        output,
    );
    tests(environment, "alerts", &alerts, &files, &order, output);
    if !burns.is_empty() {
        *files.last_mut().expect("it was pushed") = "../slo.yml";
        write_rules(
            environment,
            "slo",
            vec![group("error-budget", None, raised(environment, &burns, output))],
            origin("services"),
            output,
        );
        tests(environment, "slo", &burns, &files, &order, output);
    }
}

fn group(name: &str, interval: Option<Millis>, rules: Vec<Value>) -> Group {
    Group { name: name.to_owned(), interval: interval.map(|it| it.to_string()), rules }
}

fn recorded(environment: &Environment<'_>, records: Vec<Record>, output: &mut Output<'_>) -> Vec<Value> {
    let records = records.into_iter().map(|it| {
        let mut value = serde_json::to_value(&it).expect("maps have keys of text");
        output.patch(environment, "RecordingRule", &it.name, &mut value);
        value
    });
    records.collect()
}

fn raised(environment: &Environment<'_>, rules: &[Rule], output: &mut Output<'_>) -> Vec<Value> {
    let rules = rules.iter().map(|it| {
        let mut value = it.value();
        output.patch(environment, "AlertRule", &it.name, &mut value);
        value
    });
    rules.collect()
}

fn write_rules(
    environment: &Environment<'_>,
    name: &str,
    groups: Vec<Group>,
    origin: Vec<String>,
    output: &mut Output<'_>,
) {
    let value = serde_json::to_value(Rules { groups }).expect("maps have keys of text");
    write(environment, &format!("rules/{name}.yml"), &value, origin, output);
}

/// A patched rule is the user's own, and so is its proof.
fn tests(
    environment: &Environment<'_>,
    name: &str,
    rules: &[Rule],
    files: &[&'static str],
    order: &[String],
    output: &mut Output<'_>,
) {
    let patches = &environment.system.patches;
    let is_own = |rule: &Rule| patches.iter().any(|it| it.kind == "AlertRule" && it.name == rule.name);
    let (own, ours): (Vec<&Rule>, Vec<&Rule>) = rules.iter().partition(|it| is_own(it));
    for rule in own {
        output.note(format!(
            "the alert `{}` is patched in `{}`, so no test of it is written",
            rule.name,
            environment.name()
        ));
    }
    let tests = proof::tests(&ours, files.to_vec(), order.to_vec());
    let value = serde_json::to_value(tests).expect("maps have keys of text");
    let origin = vec!["slo".to_owned(), "alerts".to_owned()];
    write(environment, &format!("rules/tests/{name}.yml"), &value, origin, output);
}

fn write(
    environment: &Environment<'_>,
    name: &str,
    value: &Value,
    origin: Vec<String>,
    output: &mut Output<'_>,
) {
    let first = ["global", "name", "interval", "record", "alert", "job_name", "rule_files", "expr", "for"];
    let style = WriteStyle { first: &first, indent_lists: true, ..WriteStyle::default() };
    output.file(File {
        kind: Kind::Prometheus,
        path: format!("{}/{name}", folder(&environment.system.environment)),
        environment: Some(&environment.system.environment),
        comment: Comment::Hash,
        text: lockgate_yaml::write(value, &style),
        origin,
    });
}

fn folder(environment: &EnvironmentName) -> String {
    format!("deploy/prometheus/{environment}")
}

/// What is read and not started with the system has to be started by somebody.
fn notes(environment: &Environment<'_>, output: &mut Output<'_>) {
    let kubernetes = matches!(environment.system.target, TargetKind::Kubernetes(_));
    for (name, dependency) in &environment.system.dependencies {
        let Some(shown) = crate::facts::shown(name, dependency) else { continue };
        if environment.bundled.contains_key(name) {
            continue;
        }
        let place = environment.name();
        let (host, port) = (&shown.host, shown.port);
        let found = if kubernetes {
            format!("pods with the label `app.kubernetes.io/name: {host}` and the port {port}")
        } else {
            format!("`{host}:{port}`")
        };
        output.note(format!("`{name}` is not started with the system in `{place}`: Prometheus reads its metrics from {found}, which somebody has to run"));
    }
}
