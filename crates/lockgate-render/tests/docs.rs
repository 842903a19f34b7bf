//! Runbooks and checklists: what they say, that commands are commands, and that values are shown as they are.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

mod common;

use std::process::Command;

use common::{EXAMPLES, example, rendered, request, text};
use lockgate_render::{Kind, render};
use proptest::prelude::*;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

const SHOP: &str = r##"
lockgate: v1
system: shop
owner: team-shop
build: {preset: node, image: "registry.example.org/shop", scan: {fail_on: high}}
dependencies:
  postgres: {type: postgres, version: "17", database: shop, backup: {schedule: "0 2 * * *", keep: 7d}}
services:
  web:
    port: 8080
    env: {GREETING: "hello | *you*"}
    secrets: {TOKEN: {generate: hex32, rotate: 90d, about: of the API}}
    health: /up
    depends_on: [postgres]
    ingress: {hosts: shop.example.org}
migrations: {command: [node, migrate.js], in: web, retry: {attempts: 3, initial: 2s, max: 60s}}
smoke: [{get: /up}]
slo:
  error_rate: {objective: "< 0.5%", alert: "> 1% for 5m", severity: critical}
alerts:
  PostgreSQLDown: {metric: postgres.up, alert: "< 1 for 1m", severity: critical, summary: PostgreSQL does not answer}
notifications: {slack: {channel: "#shop", webhook: SLACK_URL, events: [failure, alert]}}
secrets: [SLACK_URL]
ci: {unit: [npm, test]}
environments:
  prod:
    target: {kubernetes: {context: prod, namespace: shop}}
    tag: v*
    protection: {reviewers: 2, from: [team/sre]}
    stores: {secrets: {kubernetes: shop-secrets}}
    rollout: {strategy: canary, steps: [{weight: 10%, pause: 5m}, {weight: 100%}], bake: 1h}
"##;

#[test]
fn a_runbook_and_a_checklist() {
    let rendered = rendered(SHOP);
    insta::assert_snapshot!("runbook", text(&rendered, "deploy/docs/prod/runbook.md"));
    insta::assert_snapshot!("checklist", text(&rendered, "deploy/docs/prod/checklist.md"));
    let blocks: Vec<&str> = rendered.blocks.keys().map(String::as_str).collect();
    assert_eq!(
        blocks,
        ["dependencies-prod", "secrets-prod", "services-prod", "thresholds-prod", "variables-prod"]
    );
}

#[test]
fn no_box_is_ticked_beforehand_and_each_names_its_evidence() {
    for name in EXAMPLES {
        for page in example(name).artifacts.iter().filter(|it| it.path.ends_with("checklist.md")) {
            let boxes: Vec<&str> = page.text.lines().filter(|it| it.starts_with("- [")).collect();
            assert!(5 < boxes.len(), "{name}: {}", page.path);
            for line in boxes {
                assert!(line.starts_with("- [ ] ") && line.ends_with(')'), "{name}: {line}");
            }
        }
    }
}

#[test]
fn every_command_is_one_that_a_shell_reads() {
    let mut scripts = 0;
    for name in EXAMPLES {
        for page in example(name).artifacts.iter().filter(|it| it.kind == Kind::Docs) {
            for script in scripts_of(&page.text) {
                let read = Command::new("bash").args(["-n", "-c", &script]).output().unwrap();
                assert!(read.status.success(), "{name}: {script}\n{}", String::from_utf8_lossy(&read.stderr));
                scripts += 1;
            }
        }
    }
    assert!(50 < scripts, "{scripts}");
}

fn scripts_of(page: &str) -> Vec<String> {
    let mut scripts = vec![];
    let mut open = false;
    for event in Parser::new(page) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                assert_eq!(&*language, "sh");
                scripts.push(String::new());
                open = true;
            }
            Event::End(TagEnd::CodeBlock) => open = false,
            Event::Text(text) if open => scripts.last_mut().unwrap().push_str(&text),
            _ => {}
        }
    }
    scripts
}

/// The cells of the row that begins with this cell.
fn row(page: &str, first: &str) -> Vec<String> {
    let mut rows: Vec<Vec<String>> = vec![];
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::TableRow) => rows.push(vec![]),
            Event::Start(Tag::TableCell) => rows.last_mut().into_iter().for_each(|it| it.push(String::new())),
            Event::Code(text) | Event::Text(text) => {
                rows.last_mut().and_then(|it| it.last_mut()).into_iter().for_each(|it| it.push_str(&text));
            }
            _ => {}
        }
    }
    rows.into_iter().find(|it| it.first().is_some_and(|it| it == first)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_value_is_shown_as_it_is(value in "[ -~äß→]{1,40}|[`|\\\\*<&]{1,8}") {
        let value = value.trim().replace("${", "$ {");
        prop_assume!(!value.is_empty());
        let mut request = request(SHOP);
        for service in request.systems[0].services.values_mut() {
            service.env.insert("GREETING".to_owned(), value.clone());
        }
        let rendered = render(&request).unwrap();
        let cells = row(text(&rendered, "deploy/docs/prod/runbook.md"), "GREETING");
        prop_assert_eq!(&cells[2], &value);
    }
}
