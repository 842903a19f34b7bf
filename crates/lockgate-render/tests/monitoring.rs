//! Prometheus, Alertmanager and Grafana: what they say, that their own programs take it, and that alerts fire when
//! they should.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use common::validator::{report, validator};
use common::{EXAMPLES, example, on_disk, rendered, request};
use lockgate_model::SourceId;
use lockgate_render::{Artifact, Kind, Rendered, render};
use proptest::prelude::*;
use serde_json::Value;

const SHOP: &str = r##"
lockgate: v1
system: shop
build: {preset: node, image: "registry.example.org/${service.name}"}
defaults: {metrics: /metrics}
dependencies:
  postgres: {type: postgres, version: "17", database: shop}
  cache: {type: redis, version: "8.2"}
  mail: {type: smtp, monitored: false}
services:
  web:
    port: 8080
    health: /up
    depends_on: [api, cache]
    resources: {limits: {cpu: "1.5", memory: 1Gi}}
  api: {ports: {http: 9000, grpc: {number: 9001, protocol: grpc}}, health: /up, depends_on: [postgres]}
  worker: {command: [node, worker.js], metrics: null}
slo:
  availability: {objective: "> 99.9%", alert: "< 99% for 5m", severity: critical, runbook: "https://example.org/runbook"}
  latency_p95: {objective: "< 300ms", alert: "> 500ms for 5m"}
  restarts: {objective: "= 0", alert: "> 3 in 5m"}
  postgres.connections: {objective: "< 60%", alert: "> 80% for 5m"}
  cache.memory: {alert: "> 70% for 90s"}
alerts:
  ServiceDown: {metric: up, alert: "< 1 for 1m", severity: critical, summary: "an {{ instance }} does not answer"}
  CacheEvicts: {metric: cache.evictions, alert: "> 100 in 10m"}
  Errors: {metric: errors, alert: "> 5 in 5m"}
  Memory: {metric: memory, alert: ">= 90% for 10m"}
  Cpu: {metric: cpu, alert: "> 90% for 20s"}
  Calls: {metric: grpc_error_rate, alert: "> 1% over 1h"}
  Slow: {metric: postgres.slow_queries, alert: "> 10 for 5m"}
  Traffic: {metric: request_rate, alert: "< 10 for 15m"}
  Backlog: {query: 'sum(jobs_waiting{queue="a b"})', alert: "> 1k for 5m", summary: work piles up}
monitoring: {services_every: 15s, dashboard: {refresh: 1m, range: 6h, variables: [datasource, service]}}
notifications:
  slack: {channel: "#shop", webhook: SLACK_WEBHOOK_URL}
  pagerduty: {key: PAGERDUTY_KEY, severity: critical, environments: [live]}
  email: {to: [ops@example.org, dev@example.org], events: [alert]}
  webhook: {url: "https://example.org/hook", secret: HOOK_TOKEN, events: [failure]}
secrets: [SLACK_WEBHOOK_URL, PAGERDUTY_KEY, HOOK_TOKEN]
environments:
  dev: {target: docker}
  live: {target: {kubernetes: {namespace: shop-live}}, host: shop.example.org}
"##;

const KINDS: [Kind; 3] = [Kind::Prometheus, Kind::Alertmanager, Kind::Grafana];

/// Files of the three, by path.
fn files(rendered: Rendered) -> BTreeMap<String, String> {
    let artifacts = rendered.artifacts.into_iter().filter(|it| KINDS.contains(&it.kind));
    artifacts.map(|it| (it.path, it.text)).collect()
}

#[test]
fn a_system_and_how_it_is_watched() {
    let files = files(rendered(SHOP));
    insta::assert_snapshot!("files", files.keys().map(String::as_str).collect::<Vec<_>>().join("\n"));
    for name in ["prometheus.yml", "rules/alerts.yml", "rules/recording.yml", "rules/slo.yml"] {
        insta::assert_snapshot!(name, files[&format!("deploy/prometheus/dev/{name}")]);
    }
    insta::assert_snapshot!("prometheus.yml of Kubernetes", files["deploy/prometheus/live/prometheus.yml"]);
    insta::assert_snapshot!("alertmanager.yml", files["deploy/alertmanager/live/alertmanager.yml"]);
    insta::assert_snapshot!("overview.json", files["deploy/grafana/dev/dashboards/overview.json"]);
}

/// Every tree that is rendered here, in folders of a temporary one.
fn trees() -> tempfile::TempDir {
    let mut all: Vec<Artifact> = vec![];
    let examples = EXAMPLES.into_iter().map(|it| (it, example(it)));
    for (name, rendered) in examples.chain([("shop", rendered(SHOP))]) {
        let artifacts = rendered.artifacts.into_iter().filter(|it| KINDS.contains(&it.kind));
        all.extend(artifacts.map(|it| Artifact { path: format!("{name}/{}", it.path), ..it }));
    }
    on_disk(&all)
}

fn below(folder: &Path, is_wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).expect("a folder of ours").map(|it| it.expect("its entry").path());
    let mut found: Vec<PathBuf> = entries
        .flat_map(|it| if it.is_dir() { below(&it, is_wanted) } else { vec![it] })
        .filter(|it| is_wanted(it))
        .collect();
    found.sort();
    found
}

fn named(name: &str) -> impl Fn(&Path) -> bool + '_ {
    move |it| it.ends_with(name)
}

#[test]
fn prometheus_takes_its_configuration_and_its_rules() {
    let Some(promtool) = validator("promtool") else { return };
    let folder = trees();
    let configs = below(folder.path(), &named("prometheus.yml"));
    let configs: Vec<&PathBuf> =
        configs.iter().filter(|it| !it.ends_with("datasources/prometheus.yml")).collect();
    for path in &configs {
        // The files of a pod's account are there in a pod only.
        let path = path.to_str().unwrap();
        promtool.run(["check", "config", "--syntax-only", path], folder.path()).passed();
    }
    report("promtool check config", configs.len());
    let rules = below(folder.path(), &|it| it.parent().is_some_and(|it| it.ends_with("rules")));
    let rules: Vec<&str> = rules.iter().map(|it| it.to_str().unwrap()).collect();
    let args = ["check", "rules", "--lint-fatal"].into_iter().chain(rules.iter().copied());
    promtool.run(args, folder.path()).passed();
    report("promtool check rules", rules.len());
}

#[test]
fn each_alert_fires_beyond_its_threshold_and_after_its_time_and_not_before() {
    let Some(promtool) = validator("promtool") else { return };
    let folder = trees();
    let tests = below(folder.path(), &|it| it.parent().is_some_and(|it| it.ends_with("rules/tests")));
    // Environments that say the same are proven once.
    let mut known = BTreeSet::new();
    let read = |it: &Path| std::fs::read_to_string(it).unwrap();
    let tests: Vec<PathBuf> = tests
        .into_iter()
        .filter(|it| {
            let rules = below(it.parent().unwrap().parent().unwrap(), &|_| true);
            known.insert((read(it), rules.iter().map(|it| read(it)).collect::<Vec<_>>()))
        })
        .collect();
    let paths = tests.iter().map(|it| it.to_str().unwrap());
    promtool.run(["test", "rules"].into_iter().chain(paths), folder.path()).passed();
    report("promtool test rules", tests.len());
}

#[test]
fn a_rule_that_is_off_by_three_percent_or_a_minute_fails_its_test() {
    let Some(promtool) = validator("promtool") else { return };
    let mut files = files(rendered(SHOP));
    let rules = "deploy/prometheus/dev/rules/alerts.yml";
    let original = files[rules].clone();
    let alerts = || -> Vec<Value> { yaml(&original)["groups"][0]["rules"].as_array().unwrap().clone() };
    let failing = |changed: Vec<Value>, files: &mut BTreeMap<String, String>| -> BTreeSet<String> {
        let text = serde_json::json!({"groups": [{"name": "alerts", "rules": changed}]}).to_string();
        files.insert(rules.to_owned(), text);
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files.iter() {
            let place = folder.path().join(path);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, text).unwrap();
        }
        let path = "deploy/prometheus/dev/rules/tests/alerts.yml";
        let said = promtool.run(["test", "rules", path], folder.path()).to_string();
        let lines = said.lines().filter_map(|it| it.trim().strip_prefix("alertname: "));
        lines.map(|it| it.split(',').next().unwrap().to_owned()).collect()
    };
    let named = |it: &Value| it["alert"].as_str().unwrap().to_owned();
    // An expression that compares with a number has one at its end; a query of the user's own has no test.
    let limited = |it: &Value| {
        let expr = it["expr"].as_str().unwrap();
        let (head, number) = expr.rsplit_once(' ')?;
        let number: f64 = number.parse().ok()?;
        Some((head.to_owned(), number)).filter(|_| named(it) != "Backlog")
    };
    for factor in [0.97, 1.03] {
        let changed = alerts().into_iter().map(|mut it| {
            if let Some((head, number)) = limited(&it) {
                // Whole numbers are counted: one more or less is the least that can be wrong.
                let off: f64 = number * (factor - 1.0);
                let other = number
                    + if number.fract() == 0.0 { off.abs().max(1.0).copysign(factor - 1.0) } else { off };
                it["expr"] = format!("{head} {other}").into();
            }
            it
        });
        let failing = failing(changed.collect(), &mut files);
        let wanted: BTreeSet<String> =
            alerts().iter().filter(|it| limited(it).is_some()).map(named).collect();
        assert_eq!(failing, wanted, "{factor}");
    }
    for longer in [false, true] {
        let lasting = |it: &Value| {
            let minutes: u64 = it["for"].as_str()?.strip_suffix('m')?.parse().ok()?;
            Some(minutes).filter(|_| named(it) != "Backlog")
        };
        let changed = alerts().into_iter().map(|mut it| {
            if let Some(minutes) = lasting(&it) {
                it["for"] =
                    if longer { format!("{}m", minutes + 1) } else { format!("{}m", minutes - 1) }.into();
            }
            it
        });
        let failing = failing(changed.collect(), &mut files);
        let wanted: BTreeSet<String> =
            alerts().iter().filter(|it| lasting(it).is_some()).map(named).collect();
        assert_eq!(failing, wanted, "longer: {longer}");
    }
}

#[test]
fn alertmanager_takes_its_configuration_and_tells_who_should_know() {
    let Some(amtool) = validator("amtool") else { return };
    let folder = trees();
    let configs = below(folder.path(), &named("alertmanager.yml"));
    for path in &configs {
        amtool.run(["check-config", path.to_str().unwrap()], folder.path()).passed();
    }
    report("amtool check-config", configs.len());
    let told = |environment: &str, labels: &[&str]| {
        let config = format!("--config.file=shop/deploy/alertmanager/{environment}/alertmanager.yml");
        let args = ["config", "routes", "test", &config].into_iter().chain(labels.iter().copied());
        amtool.run(args, folder.path()).passed().trim().to_owned()
    };
    assert_eq!(told("live", &["severity=critical", "alertname=A"]), "pagerduty,slack,email");
    assert_eq!(told("live", &["severity=warning", "alertname=A"]), "slack,email");
    assert_eq!(told("dev", &["severity=critical", "alertname=A"]), "slack,email");
    assert_eq!(told("dev", &["severity=none", "alertname=Watchdog"]), "watchdog");
}

#[test]
fn a_changed_threshold_changes_its_rule_its_test_and_its_panels() {
    let before = files(rendered(SHOP));
    let changed = |from: &str, to: &str| -> Vec<String> {
        assert!(SHOP.contains(from), "{from}");
        let after = files(rendered(&SHOP.replace(from, to)));
        assert_eq!(before.len(), after.len());
        let dev = after.into_iter().filter(|it| before[&it.0] != it.1 && it.0.contains("/dev/"));
        dev.map(|it| it.0.trim_start_matches("deploy/").to_owned()).collect()
    };
    assert_eq!(
        changed("> 500ms for 5m", "> 600ms for 5m"),
        [
            "grafana/dev/dashboards/overview.json",
            "grafana/dev/dashboards/release.json",
            "prometheus/dev/rules/alerts.yml",
            "prometheus/dev/rules/tests/alerts.yml"
        ]
    );
    assert_eq!(
        changed("< 300ms", "< 200ms"),
        ["grafana/dev/dashboards/overview.json", "grafana/dev/dashboards/release.json"]
    );
    assert_eq!(
        changed("> 99.9%", "> 99.5%"),
        [
            "grafana/dev/dashboards/overview.json",
            "prometheus/dev/rules/slo.yml",
            "prometheus/dev/rules/tests/slo.yml"
        ]
    );
    assert_eq!(changed("\"#shop\"", "\"#other\""), ["alertmanager/dev/alertmanager.yml"]);
}

#[test]
fn only_the_rule_of_a_changed_threshold_changes() {
    let rules = |spec: &str| -> BTreeMap<String, Value> {
        let text = files(rendered(spec)).remove("deploy/prometheus/dev/rules/alerts.yml").unwrap();
        let rules = yaml(&text)["groups"][0]["rules"].as_array().unwrap().clone();
        rules.into_iter().map(|it| (it["alert"].as_str().unwrap().to_owned(), it)).collect()
    };
    let (before, after) = (rules(SHOP), rules(&SHOP.replace("> 80% for 5m", "> 85% for 6m")));
    let changed: Vec<&String> = after.iter().filter(|it| before[it.0] != *it.1).map(|it| it.0).collect();
    assert_eq!(changed, ["PostgreSQLHighConnections"]);
    assert!(after["PostgreSQLHighConnections"]["expr"].as_str().unwrap().ends_with("> 0.85"));
    assert_eq!(after["PostgreSQLHighConnections"]["for"], "6m");
}

#[test]
fn every_part_can_be_patched_by_its_name() {
    let patches = "patches:\n\
        - {kind: AlertRule, name: HighLatencyP95, set: {for: 7m}}\n\
        - {kind: RecordingRule, name: \"service:http_requests:rate1m\", set: {labels: {team: a}}}\n\
        - {kind: ScrapeConfig, name: web, set: {scheme: https}}\n\
        - {kind: Receiver, name: watchdog, set: {webhook_configs: [{url: \"https://example.org/watch\"}]}}\n\
        - {kind: Dashboard, name: overview, set: {refresh: 5s}}\n";
    let rendered = rendered(&(SHOP.to_owned() + patches));
    assert!(
        rendered.notes.iter().any(|it| it.contains("`HighLatencyP95` is patched")),
        "{:?}",
        rendered.notes
    );
    let files = files(rendered);
    let has = |path: &str, part: &str| assert!(files[path].contains(part), "{path}: {part}");
    has("deploy/prometheus/dev/rules/alerts.yml", "for: \"7m\"");
    has("deploy/prometheus/dev/rules/recording.yml", "team: a");
    has("deploy/prometheus/dev/prometheus.yml", "scheme: https");
    has("deploy/alertmanager/dev/alertmanager.yml", "https://example.org/watch");
    has("deploy/grafana/dev/dashboards/overview.json", "\"refresh\": \"5s\"");
}

#[test]
fn a_metric_that_nothing_shows_is_a_problem_or_is_told() {
    let disk =
        SHOP.replace("cache.evictions, alert: \"> 100 in 10m\"", "cache.disk, alert: \"> 90% for 10m\"");
    let problems = render(&request(&disk)).unwrap_err();
    insta::assert_snapshot!(format!("{}\nhelp: {}", problems[0].message, problems[0].help), @r"
    nothing shows `disk` of redis, which `alerts.CacheEvicts` is about
    help: write an alert with a `query` instead
    ");
    let silent = SHOP.replace("defaults: {metrics: /metrics}\n", "").replace(", metrics: null", "");
    let notes = rendered(&silent).notes;
    let about = notes.iter().filter(|it| it.contains("no service shows metrics in `dev`")).count();
    assert_eq!(about, 9, "{notes:#?}");
}

#[test]
fn dashboards_are_as_grafana_wants_them() {
    let mut uids = BTreeSet::new();
    let folder = trees();
    let dashboards = below(folder.path(), &|it| it.extension().is_some_and(|it| it == "json"));
    for path in &dashboards {
        let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let uid = dashboard["uid"].as_str().unwrap();
        let tree = path.strip_prefix(folder.path()).unwrap().iter().next().unwrap().to_owned();
        assert!(uid.len() <= 40 && uids.insert((tree, uid.to_owned())), "{uid} is unique and short");
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        let variables: BTreeSet<&str> = variables.iter().map(|it| it["name"].as_str().unwrap()).collect();
        let panels = dashboard["panels"].as_array().unwrap();
        let ids: BTreeSet<u64> = panels.iter().map(|it| it["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), panels.len());
        for panel in panels {
            let expr = panel["targets"][0]["expr"].as_str().unwrap();
            // Grafana's own have two underscores; all others are ours.
            let used = expr
                .split('$')
                .skip(1)
                .map(|it| it.split(|it: char| !it.is_ascii_alphanumeric() && it != '_').next().unwrap());
            for name in used.filter(|it| !it.starts_with("__")) {
                assert!(variables.contains(name), "{expr} knows ${name}");
            }
            let steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"].as_array().unwrap();
            let values: Vec<Option<f64>> = steps.iter().map(|it| it["value"].as_f64()).collect();
            assert!(values[0].is_none() && values.is_sorted_by(|a, b| a < b), "{values:?} grow");
            let place = &panel["gridPos"];
            assert!(place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24);
        }
    }
    report("the rules of Grafana's dashboards", dashboards.len());
}

fn yaml(text: &str) -> Value {
    let mut report = vec![];
    let node = lockgate_yaml::read(SourceId::default(), text, &mut report);
    value(&node.unwrap_or_else(|| panic!("{report:?}\n{text}")))
}

fn value(node: &lockgate_yaml::Node) -> Value {
    match &node.kind {
        lockgate_yaml::Kind::Map(entries) => {
            entries.iter().map(|it| (it.key.clone(), value(&it.value))).collect()
        }
        lockgate_yaml::Kind::Seq(items) => items.iter().map(value).collect(),
        lockgate_yaml::Kind::Scalar(scalar) => {
            let plain = scalar.style == lockgate_yaml::Style::Plain;
            let typed = plain.then(|| serde_json::from_str(&scalar.text).ok()).flatten();
            typed.unwrap_or_else(|| scalar.text.clone().into())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_text_reads_back(text in prop_oneof![any::<String>(), "[ -~\n]{0,40}", "(\\$\\$|\\$\\{\\{ x \\}\\}|\\{\\{ y \\}\\}|\\$\\(z\\)|#|: |'|\"|\\\\|\n){1,6}"]) {
        let text = text.replace('\0', "");
        let mut request = request(SHOP);
        for system in &mut request.systems {
            let alert = system.alerts.get_mut("Backlog").unwrap();
            alert.summary = Some(text.clone());
            alert.query = Some(text.clone());
            alert.runbook = Some(text.clone());
            system.notifications.slack.as_mut().unwrap().channel = text.clone();
        }
        let files = files(render(&request).unwrap());
        let rules = yaml(&files["deploy/prometheus/dev/rules/alerts.yml"]);
        let rules = rules["groups"][0]["rules"].as_array().unwrap();
        let rule = rules.iter().find(|it| it["alert"] == "Backlog").unwrap();
        // The one way to write two braces in a template.
        let plain = |it: &Value| it.as_str().unwrap().replace("{{ \"{{\" }}", "{{");
        prop_assert_eq!(plain(&rule["annotations"]["summary"]), text.clone());
        prop_assert_eq!(plain(&rule["annotations"]["runbook_url"]), text.clone());
        prop_assert_eq!(rule["expr"].as_str().unwrap(), format!("({text}) > 1000"));
        let alertmanager = yaml(&files["deploy/alertmanager/dev/alertmanager.yml"]);
        let receivers = alertmanager["receivers"].as_array().unwrap();
        let slack = receivers.iter().find(|it| it["name"] == "slack").unwrap();
        prop_assert_eq!(plain(&slack["slack_configs"][0]["channel"]), text);
    }
}
