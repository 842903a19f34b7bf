//! Compose files: what they say, and that any value survives.

mod common;

use std::collections::BTreeMap;

use common::{rendered, request, text};
use lockgate_model::SourceId;
use lockgate_render::{Kind, render};
use lockgate_yaml::{Kind as NodeKind, Node};
use proptest::prelude::*;

const SHOP: &str = r#"
lockgate: v1
system: shop
build: {preset: node, image: "registry.example.org/${service.name}"}
dependencies:
  postgres: {type: postgres, version: "17", database: shop, extensions: [pgcrypto]}
  redis: {type: redis, version: "8.2", auth: true}
  kafka: {type: kafka, version: "4.1", topics: [orders]}
  mail: {type: smtp, monitored: false}
services:
  web:
    port: 8080
    env: {GREETING: "costs $5", SMTP: "${mail.host}:${mail.port}"}
    secrets: {TOKEN: {about: of the API}, EXTRA: {required: false}}
    health: /up
    depends_on: [api, redis]
    volumes: {uploads: {path: /data, size: 1Gi}}
    resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {cpu: "1.5", memory: 1Gi}}
  api:
    command: [node, api.js]
    port: 9000
    health: /up
    depends_on: [postgres, kafka]
    replicas: 3
  worker: {extends: api, command: [node, worker.js], replicas: 2}
migrations: {command: [node, migrate.js], in: api}
seeds: {command: [node, seed.js], in: api, run: once}
cron:
  report: {schedule: "0 7 * * 1", command: [node, report.js], in: api}
environments:
  dev:
    target: docker
    services: {web: {ports: {http: {publish: 8080}}}}
"#;

fn compose(spec: &str) -> String {
    text(&rendered(spec), "deploy/compose/dev/compose.yaml").to_owned()
}

#[test]
fn an_environment_on_one_machine() {
    insta::assert_snapshot!(compose(SHOP));
    insta::assert_snapshot!("dotenv", text(&rendered(SHOP), "deploy/env/dev.env.example"));
}

#[test]
fn what_is_scaled_takes_no_port_of_the_machine() {
    let spec = SHOP.replace(
        "health: /up\n    depends_on: [api, redis]",
        "replicas: 2\n    health: /up\n    depends_on: [api, redis]",
    );
    // The spec's own check may be the first to say so.
    let (parsed, _) = lockgate_spec::Spec::parse("lockgate.yaml", &spec);
    let environment = parsed.environments().remove(0);
    if parsed.resolve(&environment, &lockgate_spec::Facts::default()).0.is_some() {
        let problems = render(&request(&spec)).unwrap_err();
        assert!(problems[0].message.contains("`web` cannot run 2 times"), "{problems:?}");
    }
    let text = compose(SHOP);
    assert!(!text.contains("container_name"), "a fixed name can be taken once");
}

#[test]
fn a_patch_changes_one_container_and_one_that_matches_nothing_is_a_problem() {
    let patched = SHOP.to_owned()
        + "patches: [{kind: ComposeService, name: web, set: {privileged: true, init: null}}]\n";
    let text = compose(&patched);
    assert_eq!(text.matches("privileged: true").count(), 1);
    let wrong = SHOP.to_owned() + "patches: [{kind: ComposeService, name: wbe, set: {privileged: true}}]\n";
    let problems = render(&request(&wrong)).unwrap_err();
    insta::assert_snapshot!(format!("{}\nhelp: {}", problems[0].message, problems[0].help));
}

#[test]
fn a_changed_fact_changes_the_files_that_state_it_and_no_other() {
    let files = |spec: &str| -> BTreeMap<String, String> {
        let artifacts = rendered(spec).artifacts.into_iter();
        let kinds = [Kind::Compose, Kind::Dotenv];
        artifacts.filter(|it| kinds.contains(&it.kind)).map(|it| (it.path, it.text)).collect()
    };
    let before = files(SHOP);
    let changed = |from: &str, to: &str| -> Vec<String> {
        assert!(SHOP.contains(from));
        let after = files(&SHOP.replace(from, to));
        after.into_iter().filter(|it| before.get(&it.0) != Some(&it.1)).map(|it| it.0).collect()
    };
    assert_eq!(changed("cpu: 100m", "cpu: 200m"), ["deploy/compose/dev/compose.yaml"]);
    assert_eq!(changed("of the API", "of another API"), ["deploy/env/dev.env.example"]);
    assert_eq!(
        changed("costs $5", "costs $6"),
        ["deploy/compose/dev/compose.yaml", "deploy/env/dev.env.example"]
    );
}

fn scalar_at<'n>(node: &'n Node, path: &[&str]) -> &'n str {
    match (&node.kind, path) {
        (NodeKind::Map(entries), [key, rest @ ..]) => {
            let entry = entries.iter().find(|it| it.key == *key).unwrap_or_else(|| panic!("no {key}"));
            scalar_at(&entry.value, rest)
        }
        (NodeKind::Scalar(scalar), []) => &scalar.text,
        _ => panic!("nothing at {path:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_value_reads_back(value in prop_oneof![any::<String>(), "[ -~\n]{0,40}", "(\\$\\$|\\$\\{\\{ x \\}\\}|\\{\\{ y \\}\\}|\\$\\(z\\)|#|: |'|\"|\\\\|\n){1,6}"]) {
        // What begins as a reference of the spec is one.
        let value = value.replace("${", "$ {").replace('\0', "");
        let mut request = request(SHOP);
        for system in &mut request.systems {
            let web = system.services.iter_mut().find(|it| it.0.as_str() == "web").unwrap().1;
            web.env.insert("GREETING".to_owned(), value.clone());
        }
        let rendered = render(&request).unwrap();
        let mut report = vec![];
        let node = lockgate_yaml::read(SourceId::default(), text(&rendered, "deploy/compose/dev/compose.yaml"), &mut report);
        let node = node.unwrap_or_else(|| panic!("{report:?}"));
        let read = scalar_at(&node, &["services", "web", "environment", "GREETING"]);
        prop_assert_eq!(read.replace("$$", "$"), value);
    }
}
