//! Workflows of GitHub Actions: what stands in them, and what the validators of others say of them.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

mod common;

use common::validator::{report, validator};
use common::{EXAMPLES, example, on_disk, rendered, request, text};
use lockgate_model::SourceId;
use lockgate_render::{Artifact, Kind, Lock, Rendered, render};
use lockgate_yaml::{Kind as NodeKind, Node};
use proptest::prelude::*;
use serde_json::Value;

const SMALL: &str = r##"
lockgate: v1
system: shop
build: {preset: node, image: "ghcr.io/shop/${service.name}", scan: {fail_on: high, report: sarif}}
dependencies:
  postgres: {type: postgres, version: "17", database: shop, extensions: [pgcrypto]}
services:
  web:
    port: 8080
    depends_on: [postgres]
    ingress: {hosts: shop.example}
    secrets: {SESSION: {generate: hex32, rotate: 90d}, PAYMENTS: {rotate: 1y, about: takes payments}}
migrations: {command: [node, migrate.mjs], timeout: 1m}
smoke:
  - {get: /health, json: {$.status: ok}}
ci:
  tools: {node: "22"}
  branches: [main]
  install: [npm, ci]
  unit: [npm, test]
  integration: {run: [npm, run, it], services: [postgres]}
  coverage: {run: [npm, run, cover], report: lcov.info, at_least: 80%, comment: true}
  e2e: {run: [npm, run, e2e], keep: report, keep_for: 30d}
release: {tag: v*}
notifications:
  slack: {channel: "#shop", webhook: SLACK_WEBHOOK, events: [failure]}
secrets: {SLACK_WEBHOOK: {}}
environments:
  staging:
    target: {kubernetes: {namespace: shop, via: kustomize}}
    branch: main
    version: staging-${git.sha7}
    stores: {secrets: {kubernetes: shop}}
  prod:
    target: {kubernetes: {namespace: shop, via: kustomize}}
    tag: v*
    version: ${git.tag}
    promote: staging
    stores: {secrets: {kubernetes: shop}}
    protection: {reviewers: 2, from: [team/sre], tags: [v*]}
"##;

fn workflows(rendered: &Rendered) -> Vec<&Artifact> {
    rendered.artifacts.iter().filter(|it| it.kind == Kind::Github).collect()
}

fn parsed(rendered: &Rendered, stem: &str) -> Value {
    let path = format!(".github/workflows/{stem}.yml");
    read(text(rendered, &path))
}

/// By the reader of specs, which knows YAML and nothing of this format; all that is no list or map is text.
fn read(text: &str) -> Value {
    let mut found = vec![];
    let node = lockgate_yaml::read(SourceId::default(), text, &mut found);
    assert!(found.is_empty(), "{found:?}\n{text}");
    value(&node.unwrap())
}

fn value(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Scalar(scalar) => Value::String(scalar.text.clone()),
        NodeKind::Seq(items) => items.iter().map(value).collect(),
        NodeKind::Map(entries) => entries.iter().map(|it| (it.key.clone(), value(&it.value))).collect(),
    }
}

fn steps(workflow: &Value) -> Vec<&Value> {
    let jobs = workflow["jobs"].as_object().unwrap().values();
    jobs.filter_map(|it| it["steps"].as_array()).flatten().collect()
}

#[test]
fn checks_run_beside_the_dependencies_of_the_spec() {
    insta::assert_snapshot!(text(&rendered(SMALL), ".github/workflows/quality.yml"));
}

#[test]
fn an_image_is_built_once_and_stopped_by_findings() {
    insta::assert_snapshot!(text(&rendered(SMALL), ".github/workflows/build-publish.yml"));
}

#[test]
fn what_passed_before_is_promoted_by_its_digest() {
    insta::assert_snapshot!(text(&rendered(SMALL), ".github/workflows/deploy-prod.yml"));
}

#[test]
fn secrets_of_people_are_asked_for_and_never_written_over() {
    insta::assert_snapshot!(text(&rendered(SMALL), ".github/workflows/rotate-secrets.yml"));
}

#[test]
fn people_are_told_what_no_workflow_can_do() {
    let rendered = rendered(SMALL);
    let notes: Vec<&String> = rendered.notes.iter().filter(|it| it.starts_with("GitHub Actions:")).collect();
    insta::assert_debug_snapshot!(notes);
}

#[test]
fn nothing_is_rebuilt_on_its_way_to_production() {
    let workflow = parsed(&rendered(SMALL), "deploy-prod");
    let text = workflow.to_string();
    assert!(!text.contains("build-publish"), "{text}");
    assert!(text.contains("passed-$FROM-$GITHUB_SHA"), "{text}");
}

#[test]
fn actions_are_named_by_the_commit_of_the_lock() {
    let commit = "3d3c42e5aac5ba805825da76410c181273ba90b1";
    let lock = format!(
        r#"{{"actions": {{"actions/checkout": {{"tag": "v7.0.1", "digest": "{commit}", "date": "2026-07-22"}}}}}}"#
    );
    let mut request = request(SMALL);
    request.lock = Lock::parse(&lock).unwrap();
    let rendered = render(&request).unwrap();
    let text = text(&rendered, ".github/workflows/pull-request.yml");
    assert!(text.contains(&format!("\"actions/checkout@{commit}\" # v7.0.1")), "{text}");
    assert!(!rendered.notes.iter().any(|it| it.contains("actions/checkout")));
    assert!(
        rendered.notes.iter().any(|it| it.contains("`actions/setup-node@") && it.contains("lockgate lock"))
    );
}

#[test]
fn scripts_hold_no_expressions_and_jobs_ask_for_what_they_need() {
    for name in EXAMPLES {
        let rendered = example(name);
        for artifact in workflows(&rendered) {
            let workflow = read(&artifact.text);
            assert_eq!(workflow["permissions"], serde_json::json!({}), "{name} {}", artifact.path);
            for (id, job) in workflow["jobs"].as_object().unwrap() {
                assert!(job["permissions"].is_object(), "{name} {} {id}", artifact.path);
            }
            for step in steps(&workflow) {
                let script = step["run"].as_str().unwrap_or_default();
                assert!(!script.contains("${{"), "{name} {}: {script}", artifact.path);
            }
        }
    }
}

#[test]
fn one_changed_fact_changes_the_workflows_that_it_is_in() {
    let before = rendered(SMALL);
    let changed = |from: &str, to: &str| -> Vec<String> {
        assert!(SMALL.contains(from), "{from}");
        let after = rendered(&SMALL.replacen(from, to, 1));
        let texts = |it: &Rendered| -> std::collections::BTreeMap<String, String> {
            workflows(it).into_iter().map(|it| (it.path.clone(), it.text.clone())).collect()
        };
        let (before, after) = (texts(&before), texts(&after));
        let differs = before.iter().filter(|(path, text)| after.get(*path) != Some(text));
        differs.map(|it| it.0.trim_start_matches(".github/workflows/").to_owned()).collect()
    };
    assert_eq!(changed("version: \"17\"", "version: \"16\""), ["quality.yml"]);
    assert_eq!(changed("fail_on: high", "fail_on: critical"), ["build-publish.yml"]);
    assert_eq!(changed("staging-${git.sha7}", "s-${git.sha7}"), ["deploy-staging.yml"]);
    assert_eq!(changed("rotate: 90d", "rotate: 1y"), ["rotate-secrets.yml"]);
    assert_eq!(changed("release: {tag: v*}", "release: {tag: r*}"), ["release.yml"]);
    assert_eq!(
        changed("get: /health", "get: /ready"),
        ["deploy-prod.yml", "deploy-staging.yml", "rollback.yml"]
    );
    assert_eq!(changed("[npm, test]", "[npm, run, unit]"), ["quality.yml"]);
}

#[test]
fn a_patch_is_laid_over_a_workflow() {
    let patched = format!(
        "{SMALL}\npatches:\n  - {{kind: Workflow, name: quality, set: {{jobs: {{unit: {{runs-on: ubuntu-26.04}}}}}}}}\n"
    );
    let workflow = parsed(&rendered(&patched), "quality");
    assert_eq!(workflow["jobs"]["unit"]["runs-on"], "ubuntu-26.04");
    assert_eq!(workflow["jobs"]["e2e"]["runs-on"], "ubuntu-24.04");
}

/// What GitHub makes of a value: each expression that is a text becomes that text.
fn evaluated(text: &str) -> String {
    text.replace("${{ '${{' }}", "${{")
}

/// What a shell makes of a command: the words that it is given.
fn words(script: &str) -> Vec<String> {
    let script = format!("set -- {script}\nprintf '%s\\0' \"$@\"");
    let output = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.strip_suffix('\0').unwrap_or(&text).split('\0').map(str::to_owned).collect()
}

fn any_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("${{ secrets.X }}".to_owned()),
        Just("${{".to_owned()),
        Just("}}".to_owned()),
        Just("{{ x }}".to_owned()),
        Just("$(id)".to_owned()),
        Just("'".to_owned()),
        Just("\"".to_owned()),
        Just("\n".to_owned()),
        Just(" # ".to_owned()),
        Just(": ".to_owned()),
        Just("\\".to_owned()),
        "[a-zäλ😀 $]{0,6}",
    ];
    proptest::collection::vec(part, 0..6).prop_map(|it| it.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn values_and_commands_mean_what_the_spec_says(value in any_text(), argument in any_text()) {
        // A dollar sign of its own is two in a spec.
        let spec_value = value.replace('$', "$$");
        let spec_argument = argument.replace('$', "$$");
        let spec = format!(
            "lockgate: v1\nsystem: s\nservices: {{web: {{command: [x], port: 8080}}}}\nci: {{unit: {{run: [[tool, {}]], env: {{VALUE: {}}}}}}}\nenvironments: {{e: {{target: local}}}}\n",
            serde_json::to_string(&spec_argument).unwrap(),
            serde_json::to_string(&spec_value).unwrap(),
        );
        let workflow = parsed(&rendered(&spec), "quality");
        let step = &workflow["jobs"]["unit"]["steps"][1];
        let env = step["env"]["VALUE"].as_str().unwrap();
        prop_assert!(!env.replace("${{ '${{' }}", "").contains("${{"));
        prop_assert_eq!(evaluated(env), value);
        let run = step["run"].as_str().unwrap();
        prop_assert!(!run.contains("${{"));
        prop_assert_eq!(words(run), ["tool".to_owned(), argument]);
    }
}

/// All workflows of all examples, each example a repository of its own.
fn repositories() -> (tempfile::TempDir, Vec<String>) {
    let mut all = vec![];
    for name in EXAMPLES {
        let artifacts = example(name).artifacts.into_iter().filter(|it| it.kind == Kind::Github);
        all.extend(artifacts.map(|it| Artifact { path: format!("{name}/{}", it.path), ..it }));
    }
    let paths = all.iter().map(|it| it.path.clone()).collect();
    (on_disk(&all), paths)
}

#[test]
fn workflows_are_sound_for_actionlint_and_their_scripts_for_shellcheck() {
    let (Some(actionlint), Some(_)) = (validator("actionlint"), validator("shellcheck")) else { return };
    let (folder, paths) = repositories();
    actionlint.run(&paths, folder.path()).passed();
    report("actionlint", paths.len());
}

#[test]
fn workflows_fit_their_schema() {
    let Some(validator) = validator("check-jsonschema") else { return };
    let (folder, paths) = repositories();
    let args = ["--builtin-schema", "vendor.github-workflows"].into_iter().map(str::to_owned);
    validator.run(args.chain(paths.iter().cloned()), folder.path()).passed();
    report("check-jsonschema", paths.len());
}

#[test]
fn an_auditor_finds_nothing() {
    let Some(zizmor) = validator("zizmor") else { return };
    let (folder, paths) = repositories();
    for name in EXAMPLES {
        let args = ["--offline", "--persona=auditor", "--no-progress", "--config", "none.yml", "."];
        std::fs::write(folder.path().join(name).join("none.yml"), "rules: {}\n").unwrap();
        zizmor.run(args, &folder.path().join(name)).passed();
    }
    report("zizmor", paths.len());
}

#[test]
fn scripts_are_sound_by_themselves() {
    let Some(shellcheck) = validator("shellcheck") else { return };
    let mut scripts = vec![];
    for name in EXAMPLES {
        let rendered = example(name);
        for artifact in workflows(&rendered) {
            let workflow = read(&artifact.text);
            scripts.extend(steps(&workflow).iter().filter_map(|it| Some(it["run"].as_str()?.to_owned())));
        }
    }
    scripts.sort();
    scripts.dedup();
    let folder = tempfile::tempdir().unwrap();
    let mut names = vec![];
    for (idx, script) in scripts.iter().enumerate() {
        let name = format!("{idx}.bash");
        std::fs::write(folder.path().join(&name), script).unwrap();
        names.push(name);
    }
    // Variables come from `env`, which is beside the script.
    let args = ["--shell", "bash", "--exclude", "SC2154,SC2153"].into_iter().map(str::to_owned);
    shellcheck.run(args.chain(names.iter().cloned()), folder.path()).passed();
    report("shellcheck", names.len());
}
