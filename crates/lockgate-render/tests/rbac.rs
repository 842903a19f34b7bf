//! The account of a release on Kubernetes: what it may do, and that this is what its objects need.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

mod common;

use std::collections::BTreeSet;

use common::manifests::documents;
use common::validator::{report, validator};
use common::{EXAMPLES, example, example_request, on_disk, request, text};
use lockgate_render::{Comparison, Kind, Manifest, Rendered, Request, Rule, Selection, render, rules};

fn only_rbac(request: Request) -> Rendered {
    let selection = Selection { kinds: Some([Kind::Rbac].into()), ..Selection::default() };
    render(&Request { selection, ..request }).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// Every environment of the examples that is on Kubernetes.
fn environments() -> Vec<lockgate_model::System> {
    let systems = EXAMPLES.into_iter().flat_map(|it| example_request(it).systems);
    systems.filter(|it| !rules(it).is_empty()).collect()
}

#[test]
fn an_account_may_do_what_its_environment_needs() {
    let rendered = only_rbac(example_request("covenant-connect"));
    let paths: Vec<&str> = rendered.artifacts.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["deploy/rbac/production.yaml"]);
    insta::assert_snapshot!(text(&rendered, paths[0]));
    insta::assert_snapshot!(
        "notes",
        rendered.notes.iter().filter(|it| it.contains("rbac")).cloned().collect::<String>()
    );
}

#[test]
fn a_role_is_as_wide_as_the_objects_of_its_environment() {
    let environments = environments();
    assert!(3 < environments.len());
    for system in environments {
        let rules = rules(&system);
        let makes = |it: &Rule| it.verbs.contains(&"create") || it.resource == "namespaces";
        let made: BTreeSet<&str> = rules.iter().filter(|it| makes(it)).map(|it| it.resource).collect();
        let name = format!("{} {}", system.name, system.environment);
        let only = Selection { kinds: Some([Kind::Manifests].into()), ..Selection::default() };
        let request = Request { systems: vec![system], selection: only, ..request(MINIMAL) };
        let rendered = render(&request).unwrap();
        let objects = rendered.artifacts.iter().flat_map(|it| documents(&it.text));
        let wanted: BTreeSet<String> = objects.map(|it| plural(it["kind"].as_str().unwrap())).collect();
        for kind in &wanted {
            assert!(made.contains(kind.as_str()), "{name}: nothing allows {kind}");
        }
        for kind in ["statefulsets", "cronjobs", "externalsecrets", "persistentvolumeclaims", "gateways"] {
            assert_eq!(wanted.contains(kind), made.contains(kind), "{name}: {kind}");
        }
        let secrets = rules.iter().find(|it| it.resource == "secrets").unwrap();
        assert!(
            !secrets.verbs.contains(&"get") && !made.contains("secrets"),
            "{name}: its cluster has the values"
        );
    }
}

fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    match kind.strip_suffix("cy") {
        Some(stem) => format!("{stem}cies"),
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    }
}

const MINIMAL: &str = "
lockgate: v1
system: shop
services:
  web: {image: ghcr.io/shop/web:1, port: 80, secrets: [API_KEY], volumes: {data: {path: /data, size: 1Gi}}}
environments:
  prod: {target: {kubernetes: {namespace: shop, via: apply}}, stores: {secrets: {file: .env}}}
";

#[test]
fn values_that_lockgate_keeps_need_the_right_to_write_secrets() {
    let rules = rules(&request(MINIMAL).systems[0]);
    let of = |resource: &str| rules.iter().find(|it| it.resource == resource).map(|it| it.verbs.to_vec());
    assert!(of("secrets").unwrap().contains(&"create"));
    assert!(!of("persistentvolumeclaims").unwrap().contains(&"delete"), "data are never taken away");
    assert!(rules.iter().all(|it| !it.verbs.contains(&"*") && !it.resource.contains('*')));
}

#[test]
fn it_is_written_when_it_is_asked_for_and_left_alone_otherwise() {
    let all = example("nova");
    assert!(all.artifacts.iter().all(|it| it.kind != Kind::Rbac));
    let rbac = only_rbac(example_request("nova"));
    let written = || all.artifacts.iter().chain(&rbac.artifacts);
    let manifest = Manifest::of(written());
    let disk = written().map(|it| (it.path.clone(), it.text.clone())).collect();
    let selection = Selection::default();
    let comparison = Comparison { rendered: &all, selection: &selection, manifest: &manifest, disk: &disk };
    assert_eq!(comparison.differences().unwrap(), []);
    assert_eq!(comparison.manifest_after(), manifest);
}

#[test]
fn accounts_and_roles_fit_the_schemas_of_kubernetes() {
    let Some(validate) = validator("kubernetes-validate") else { return };
    let files: Vec<_> = ["nova", "supernova", "covenant-connect"]
        .into_iter()
        .flat_map(|it| {
            let artifacts = only_rbac(example_request(it)).artifacts.into_iter();
            artifacts
                .map(move |file| lockgate_render::Artifact { path: format!("{it}/{}", file.path), ..file })
        })
        .collect();
    let folder = on_disk(&files);
    let paths = files.iter().map(|it| it.path.as_str());
    let said = validate.run(["--strict", "--quiet"].into_iter().chain(paths), folder.path());
    let lines: Vec<&str> = said.stderr.lines().chain(said.stdout.lines()).collect();
    assert!(lines.iter().all(|it| !it.starts_with("WARN")), "{lines:#?}");
    said.passed();
    report("kubernetes-validate", files.len());
}
