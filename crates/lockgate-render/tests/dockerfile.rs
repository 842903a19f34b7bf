//! Dockerfiles of the presets, as builders and linters read them.

mod common;

use std::collections::BTreeSet;

use common::validator::{report, validator};
use common::{EXAMPLES, example, on_disk, rendered, request, text};
use lockgate_render::{Artifact, Kind, Lock, Pin, Rendered, render};
use proptest::prelude::*;

fn dockerfile(spec: &str, service: &str) -> String {
    text(&rendered(spec), &format!("deploy/docker/{service}/Dockerfile")).to_owned()
}

fn messages(spec: &str) -> Vec<String> {
    let problems = render(&request(spec)).expect_err("it cannot be rendered");
    problems.iter().map(|it| format!("{it}\n{}", it.help)).collect()
}

const RUST: &str = "
lockgate: v1
system: shop
build: {preset: rust, image: ghcr.io/shop/web, args: {SERVICE_NAME: web}}
dependencies: {postgres: {type: postgres, version: '17'}, queue: {type: kafka, version: '4.1'}}
services:
  web: {ports: {http: 8080, grpc: 9090}, health: /health, depends_on: [postgres, queue]}
migrations: {tool: sqlx, source: db/migrations}
environments: {dev: {target: docker}}
";

#[test]
fn rust_with_migrations_of_sqlx() {
    insta::assert_snapshot!(dockerfile(RUST, "web"));
}

const NODE: &str = "
lockgate: v1
system: shop
build: {preset: node, image: ghcr.io/shop/web}
services:
  web:
    port: 3000
    health: {path: /healthz, ready: /readyz}
    volumes: {uploads: {path: /var/lib/uploads, size: 1Gi}}
  worker: {extends: web, command: [node, worker.js]}
environments: {dev: {target: docker}}
";

#[test]
fn node() {
    insta::assert_snapshot!(dockerfile(NODE, "web"));
}

const NESTJS: &str = "
lockgate: v1
system: shop
build: {preset: nestjs, package: apps/api, base: 'node:22-bookworm-slim', image: ghcr.io/shop/api}
dependencies: {postgres: {type: postgres, version: '17'}}
services:
  api: {port: 8000, health: /health, depends_on: [postgres]}
migrations: {tool: prisma}
environments: {dev: {target: docker}}
";

#[test]
fn nestjs_in_a_workspace_with_migrations_of_prisma() {
    insta::assert_snapshot!(dockerfile(NESTJS, "api"));
}

const NEXTJS: &str = "
lockgate: v1
system: shop
build:
  preset: nextjs
  package: apps/web
  user: 1001
  image: ghcr.io/shop/web
  args: {APP_VERSION: '${release.version}', NEXT_PUBLIC_API: /api}
services:
  web: {port: 3000, health: /}
environments: {dev: {target: docker}}
";

#[test]
fn nextjs_in_a_workspace() {
    insta::assert_snapshot!(dockerfile(NEXTJS, "web"));
}

#[test]
fn nextjs_keeps_the_whole_application_where_a_job_runs_in_its_image() {
    let spec = NEXTJS.to_owned() + "migrations: {command: [node, apps/web/migrate.js]}\n";
    let text = dockerfile(&spec, "web");
    let runtime = text.split("AS runtime").nth(1).unwrap();
    assert!(runtime.contains("\nCOPY --from=build /app ./\n"), "{runtime}");
    assert!(
        runtime.ends_with("CMD [\"node\", \"apps/web/.next/standalone/apps/web/server.js\"]\n"),
        "{runtime}"
    );
}

const PYTHON: &str = "
lockgate: v1
system: shop
build: {preset: python, image: 'ghcr.io/shop/${service.name}'}
services:
  api: {port: 8000, health: /health}
  worker: {build: {base: 'python:3.13-alpine'}, command: [python, worker.py]}
environments: {dev: {target: docker}}
";

#[test]
fn python_and_a_worker_on_alpine() {
    insta::assert_snapshot!(dockerfile(PYTHON, "api"));
    insta::assert_snapshot!(dockerfile(PYTHON, "worker"));
}

#[test]
fn what_is_not_sent_to_the_builder() {
    let rendered = rendered(NODE);
    insta::assert_snapshot!(text(&rendered, "deploy/docker/web/Dockerfile.dockerignore"));
}

#[test]
fn a_dockerfile_of_the_users_own_is_left_alone() {
    let spec = NODE.replace("preset: node", "dockerfile: Dockerfile");
    assert!(rendered(&spec).artifacts.iter().all(|it| it.kind != Kind::Dockerfile));
}

#[test]
fn services_of_one_image_share_one_file() {
    let paths: Vec<String> = of_kind(&rendered(NODE)).into_iter().map(|it| it.path).collect();
    assert_eq!(paths, ["deploy/docker/web/Dockerfile", "deploy/docker/web/Dockerfile.dockerignore"]);
}

#[test]
fn bases_are_pinned_by_the_lock_and_missed_in_it() {
    let mut request = request(RUST);
    let digest = format!("sha256:{}", "7".repeat(64));
    for image in ["debian:trixie-slim", "rust:1.95-trixie"] {
        let pin = Pin { tag: image.to_owned(), digest: digest.clone(), date: "2026-11-21".to_owned() };
        request.lock.images.insert(image.to_owned(), pin);
    }
    let pinned = render(&request).unwrap();
    let text = text(&pinned, "deploy/docker/web/Dockerfile");
    assert_eq!(text.matches("\nFROM ").count(), text.matches(&digest).count(), "{text}");
    let is_missed = |it: &&String| it.contains("not pinned by digest");
    assert_eq!(pinned.notes.iter().find(is_missed), None);
    request.lock = Lock::default();
    assert_eq!(render(&request).unwrap().notes.iter().filter(is_missed).count(), 2);
}

#[test]
fn what_no_dockerfile_can_be_made_of_is_a_problem() {
    let two = NODE
        .replace("{dev: {target: docker}}", "{a: {target: docker}, b: {target: docker, build: {user: 7}}}");
    let bare = NODE.replace("preset: node", "preset: node, base: 'gcr.io/distroless/nodejs24'");
    let pnpm = NODE.to_owned() + "ci: {install: [pnpm, install]}\n";
    let path = NODE.replace("preset: node", "preset: node, package: 'apps/my web'");
    let all: Vec<String> = [two, bare, pnpm, path].iter().flat_map(|it| messages(it)).collect();
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn a_changed_fact_changes_its_service_alone() {
    let before = rendered(PYTHON);
    let changes = [
        ("port: 8000", "port: 8001", vec!["api/Dockerfile"]),
        ("/health", "/healthz", vec!["api/Dockerfile"]),
        ("worker.py", "other.py", vec!["worker/Dockerfile"]),
        ("python:3.13-alpine", "python:3.14-alpine", vec!["worker/Dockerfile"]),
        ("system: shop", "system: store", vec!["api/Dockerfile", "worker/Dockerfile"]),
        ("environments:", "ci: {tools: {python: '3.14'}}\nenvironments:", vec!["api/Dockerfile"]),
        ("environments:", "owner: somebody\nenvironments:", vec![]),
        ("port: 8000", "replicas: 7, port: 8000", vec![]),
    ];
    for (from, to, wanted) in changes {
        let after = rendered(&PYTHON.replacen(from, to, 1));
        assert_eq!(
            changed(&before, &after),
            wanted.into_iter().map(str::to_owned).collect(),
            "{from} -> {to}"
        );
    }
}

fn of_kind(rendered: &Rendered) -> Vec<Artifact> {
    rendered.artifacts.iter().filter(|it| it.kind == Kind::Dockerfile).cloned().collect()
}

fn changed(before: &Rendered, after: &Rendered) -> BTreeSet<String> {
    let (before, after) = (of_kind(before), of_kind(after));
    let paths = before.iter().chain(&after).map(|it| &it.path);
    let text =
        |of: &[Artifact], path: &String| of.iter().find(|it| it.path == *path).map(|it| it.text.clone());
    let differ = paths.filter(|it| text(&before, it) != text(&after, it));
    differ.map(|it| it.trim_start_matches("deploy/docker/").to_owned()).collect()
}

/// Every character by its number, so that only the spec's own notation is left: a reference would be one.
fn in_spec(text: &str) -> String {
    let characters = text.chars().map(|it| format!("\\U{:08X}", u32::from(it)));
    format!("\"{}\"", characters.collect::<String>())
}

fn any_text() -> impl Strategy<Value = String> {
    let hard = prop::sample::select(vec![
        "\"", "'", "\\", "$", "$(id)", "`", "#", ":", " ", "{{x}}", "$HOME", "\\n", "\t", "ü", "😀", "<<EOF",
        "&&", "\\\"", "[", "]", ",", "%", "-", "--",
    ]);
    let piece = prop_oneof![hard.prop_map(str::to_owned), "[ -~]", "\\PC"];
    let text = prop::collection::vec(piece, 0..12).prop_map(|it| it.concat());
    text.prop_filter("a reference is no text", |it| !it.contains("${") && !it.contains("$$"))
}

/// A quoted value, as Docker reads one.
fn unquoted(text: &str) -> Option<String> {
    let mut read = String::new();
    let mut characters = text.strip_prefix('"')?.chars();
    loop {
        match characters.next()? {
            '"' => return characters.next().is_none().then_some(read),
            '\\' => match characters.next()? {
                it @ ('"' | '$' | '\\') => read.push(it),
                it => read.extend(['\\', it]),
            },
            '$' => return None,
            it => read.push(it),
        }
    }
}

proptest! {
    #[test]
    fn any_value_is_read_as_it_was_meant(value in any_text(), word in any_text(), path in "/[a-z\"'\\\\#%&?=<>|;~]{0,12}") {
        let spec = format!(
            "
lockgate: v1
system: shop
build: {{preset: node, image: shop/web, args: {{NOTE: {}}}}}
services: {{web: {{port: 80, health: {}, command: [node, {}]}}}}
environments: {{dev: {{target: docker}}}}
",
            in_spec(&value), in_spec(&path), in_spec(&word)
        );
        let text = dockerfile(&spec, "web");
        let after = |key: &str| text.lines().find_map(|it| it.trim_start().strip_prefix(key));
        prop_assert_eq!(after("ARG NOTE=").and_then(unquoted), Some(value));
        let command: Vec<String> = serde_json::from_str(text.lines().last().unwrap().strip_prefix("CMD ").unwrap()).unwrap();
        prop_assert_eq!(command, ["node".to_owned(), word]);
        let check: Vec<String> = serde_json::from_str(after("CMD [\"node\", \"-e\"").map(|it| format!("[\"node\", \"-e\"{it}")).as_deref().unwrap()).unwrap();
        let url = serde_json::to_string(&format!("http://127.0.0.1:80{path}")).unwrap();
        prop_assert!(check[2].contains(&url), "{:?} asks for {}", check, url);
    }
}

#[test]
fn a_value_of_two_lines_is_left_to_who_builds() {
    let spec = NODE.replace("preset: node", "preset: node, args: {NOTE: \"a\\nb\"}");
    assert!(dockerfile(&spec, "web").contains("\nARG NOTE\n"));
}

#[test]
fn a_program_that_no_preset_installs_is_told() {
    let spec = NESTJS.replace("tool: prisma", "tool: flyway");
    assert!(rendered(&spec).notes.iter().any(|it| it.starts_with("the migrations run `flyway`")));
}

/// All Dockerfiles of the examples, and of the specs above.
fn all() -> Vec<Artifact> {
    let own = [("rust", RUST), ("node", NODE), ("nestjs", NESTJS), ("nextjs", NEXTJS), ("python", PYTHON)];
    let own = own.into_iter().map(|(name, spec)| (name, rendered(spec)));
    let trees = EXAMPLES.into_iter().map(|name| (name, example(name))).chain(own);
    let files = trees.flat_map(|(name, tree)| {
        let files = of_kind(&tree).into_iter().filter(|it| it.path.ends_with("/Dockerfile"));
        files.map(move |it| Artifact { path: format!("{name}/{}", it.path), ..it }).collect::<Vec<_>>()
    });
    files.collect()
}

#[test]
fn hadolint_finds_nothing() {
    let Some(hadolint) = validator("hadolint") else { return };
    let files = all();
    let folder = on_disk(&files);
    let paths = files.iter().map(|it| it.path.as_str());
    let said =
        hadolint.run(["--no-color", "--failure-threshold", "style"].into_iter().chain(paths), folder.path());
    assert_eq!(said.passed(), "");
    report("hadolint", files.len());
}

#[test]
fn checkov_finds_nothing() {
    let Some(checkov) = validator("checkov") else { return };
    let files = all();
    let folder = on_disk(&files);
    let args =
        ["--framework", "dockerfile", "--directory", ".", "--output", "json", "--compact", "--skip-download"];
    let said = checkov.run(args, folder.path()).passed();
    let read: serde_json::Value = serde_json::from_str(&said).unwrap();
    let count = |key: &str| read["summary"][key].as_u64().unwrap();
    assert_eq!((count("failed"), count("skipped"), count("parsing_errors")), (0, 0, 0), "{said}");
    assert!(count("passed") > 10 * u64::try_from(files.len()).unwrap(), "{said}");
    report("checkov", files.len());
}
