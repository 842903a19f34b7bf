//! The whole rendered trees of the examples, as the programs of each field read them.
//!
//! What Helm and AWS read has tests of its own, in `helm.rs` and `aws/`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::validator::{Validator, report, validator};
use common::{EXAMPLES, example_request, on_disk};
use lockgate_render::{Artifact, Kind, Request, Selection, render};
use serde_json::Value;
use tempfile::TempDir;

/// Kinds that a cluster learns from others, of which kubernetes-validate has no schema. It passes what it does not
/// know, so that a kind which is not named here is a failure.
const LEARNT: [&str; 4] = ["ExternalSecret", "GRPCRoute", "Gateway", "HTTPRoute"];

/// The trees of all examples side by side, each below its name.
struct Trees {
    folder: TempDir,
    artifacts: Vec<Artifact>,
}

impl Trees {
    /// What each environment uses.
    fn new() -> Trees {
        Trees::of(None)
    }

    /// One kind, also where another is usual.
    fn only(kind: Kind) -> Trees {
        Trees::of(Some(&BTreeSet::from([kind])))
    }

    fn of(kinds: Option<&BTreeSet<Kind>>) -> Trees {
        let mut artifacts = vec![];
        for name in EXAMPLES {
            let selection = Selection { kinds: kinds.cloned(), ..Selection::default() };
            let rendered = render(&Request { selection, ..example_request(name) });
            let rendered = rendered.unwrap_or_else(|problems| panic!("{name}: {problems:#?}"));
            let placed = |it: Artifact| Artifact { path: format!("{name}/{}", it.path), ..it };
            artifacts.extend(rendered.artifacts.into_iter().map(placed));
        }
        Trees { folder: on_disk(&artifacts), artifacts }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Files of a kind whose path ends so.
    fn files(&self, kind: Kind, end: &str) -> Vec<&str> {
        let files = self.artifacts.iter().filter(|it| it.kind == kind && it.path.ends_with(end));
        files.map(|it| it.path.as_str()).collect()
    }

    /// One run over all files, which must please it.
    fn pass(&self, validator: &Validator, name: &str, args: &[&str], files: &[&str]) {
        validator.run(args.iter().chain(files), self.path()).passed();
        report(name, files.len());
    }
}

#[test]
fn dockerfiles_are_clean() {
    let Some(hadolint) = validator("hadolint") else { return };
    let trees = Trees::new();
    let files = trees.files(Kind::Dockerfile, "/Dockerfile");
    trees.pass(&hadolint, "hadolint", &["--failure-threshold", "style"], &files);
}

#[test]
fn compose_files_fit_the_schema_of_their_specification() {
    let Some(check) = validator("check-jsonschema") else { return };
    let trees = Trees::new();
    let files = trees.files(Kind::Compose, "/compose.yaml");
    trees.pass(&check, "check-jsonschema", &["--builtin-schema", "vendor.compose-spec"], &files);
}

#[test]
fn compose_resolves_its_files() {
    let Some(compose) = validator("compose-config") else { return };
    let trees = Trees::new();
    let files = trees.files(Kind::Compose, "/compose.yaml");
    for file in &files {
        let file = trees.path().join(file);
        let (folder, text) = (file.parent().unwrap(), std::fs::read_to_string(&file).unwrap());
        // Required values have no default: without them, the file is refused.
        let refused = compose.run(["compose.yaml"], folder);
        assert_eq!(refused.code == Some(0), !text.contains(":?"), "{refused}");
        let names = text.split("${").skip(1).map(|it| it.split([':', '}']).next().unwrap());
        let resolved = compose.with_variables(names).run(["compose.yaml"], folder).passed();
        assert!(resolved.contains("services:"), "{resolved}");
    }
    report("compose-config", files.len());
}

/// Every object of a cluster: the plain manifests, and what Kustomize makes of its overlays.
fn clusters(kubectl: &Validator) -> Trees {
    let mut trees = Trees::only(Kind::Manifests);
    let kustomize = Trees::only(Kind::Kustomize);
    let overlays: Vec<&str> = kustomize
        .files(Kind::Kustomize, "/kustomization.yaml")
        .into_iter()
        .filter_map(|it| it.contains("/overlays/").then(|| it.strip_suffix("/kustomization.yaml")).flatten())
        .collect();
    for overlay in &overlays {
        let text = kubectl.run(["kustomize", overlay], kustomize.path()).passed();
        let path = format!("{}.built.yaml", overlay.replace('/', "-"));
        std::fs::write(trees.path().join(&path), &text).unwrap();
        let of = Artifact { path, kind: Kind::Manifests, environment: None, text, origin: vec![] };
        trees.artifacts.push(of);
    }
    report("kubectl kustomize", overlays.len());
    trees
}

#[test]
fn objects_fit_the_schemas_of_kubernetes() {
    let Some(kubectl) = validator("kubectl") else { return };
    let Some(validate) = validator("kubernetes-validate") else { return };
    let trees = clusters(&kubectl);
    let files = trees.files(Kind::Manifests, ".yaml");
    let output = validate.run(["--strict", "--quiet"].iter().chain(&files), trees.path());
    let known = |line: &str| LEARNT.iter().any(|it| line.contains(&format!("schema for kind {it} ")));
    let said = output.stdout.lines().chain(output.stderr.lines());
    let unknown: Vec<&str> = said.filter(|it| it.contains("Couldn't find schema") && !known(it)).collect();
    assert!(unknown.is_empty(), "kinds without a schema: {unknown:#?}");
    output.passed();
    report("kubernetes-validate", files.len());
}

#[test]
fn checkov_finds_nothing_but_what_is_explained() {
    let Some(kubectl) = validator("kubectl") else { return };
    let Some(checkov) = validator("checkov") else { return };
    let (clusters, trees) = (clusters(&kubectl), Trees::new());
    let explained = explained();
    let mut used = BTreeSet::new();
    for (framework, trees, kind, end) in [
        ("kubernetes", &clusters, Kind::Manifests, ".yaml"),
        ("dockerfile", &trees, Kind::Dockerfile, "/Dockerfile"),
    ] {
        let args = ["--skip-download", "-o", "json", "--framework", framework, "--directory", "."];
        let output = checkov.run(args, trees.path());
        let found: Value =
            serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"));
        assert!(found["summary"]["passed"].as_u64() > Some(0), "{output}");
        for failed in found["results"]["failed_checks"].as_array().unwrap() {
            let text = |key: &str| failed[key].as_str().unwrap_or_default();
            let (check, resource) = (text("check_id"), text("resource"));
            let because = explained.iter().find(|it| it.0 == check && resource.contains(it.1));
            let because = because.unwrap_or_else(|| {
                panic!("{check} \"{}\": {resource} in {}", text("check_name"), text("file_path"))
            });
            used.insert(*because);
        }
        report("checkov", trees.files(kind, end).len());
    }
    let stale: Vec<_> = explained.difference(&used).collect();
    assert!(stale.is_empty(), "tests/checkov explains what is not found: {stale:?}");
}

/// The check, and what the names of its resources have in common.
fn explained() -> BTreeSet<(&'static str, &'static str)> {
    let lines = include_str!("checkov").lines().filter(|it| !it.starts_with('#') && !it.is_empty());
    lines.map(|it| it.split_once(' ').expect("a check and a part of a name")).collect()
}

#[test]
fn workflows_are_read_by_actionlint_with_their_scripts() {
    let (Some(actionlint), Some(_)) = (validator("actionlint"), validator("shellcheck")) else { return };
    let trees = Trees::new();
    // Without shellcheck, actionlint would be silent about scripts.
    let wrong = "on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'for x in $(ls *.a); do rm $x; done'}]}}\n";
    std::fs::write(trees.path().join("wrong.yml"), wrong).unwrap();
    let output = actionlint.run(["wrong.yml"], trees.path());
    assert!(output.stdout.contains("SC2086"), "{output}");
    let files = trees.files(Kind::Github, ".yml");
    trees.pass(&actionlint, "actionlint", &[], &files);
}

#[test]
fn workflows_have_no_finding_of_zizmor() {
    let Some(zizmor) = validator("zizmor") else { return };
    let trees = Trees::new();
    let files = trees.files(Kind::Github, ".yml");
    trees.pass(&zizmor, "zizmor", &["--offline", "--persona=auditor", "--no-progress", "--quiet"], &files);
}

#[test]
fn workflows_fit_the_schema_of_github() {
    let Some(check) = validator("check-jsonschema") else { return };
    let trees = Trees::new();
    let files = trees.files(Kind::Github, ".yml");
    trees.pass(&check, "check-jsonschema", &["--builtin-schema", "vendor.github-workflows"], &files);
}

#[test]
fn prometheus_reads_its_configuration_and_its_alerts_fire() {
    let Some(promtool) = validator("promtool") else { return };
    let trees = Trees::new();
    let files = trees.files(Kind::Prometheus, ".yml");
    let (tests, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|it| it.contains("/rules/tests/"));
    let (rules, configurations): (Vec<_>, Vec<_>) = others.into_iter().partition(|it| it.contains("/rules/"));
    // Files that only a pod has are not looked for; the rules are read below in any case.
    let (in_pods, whole): (Vec<_>, Vec<_>) = configurations.into_iter().partition(|it| {
        std::fs::read_to_string(trees.path().join(it)).unwrap().contains("/var/run/secrets/")
    });
    trees.pass(&promtool, "promtool check config", &["check", "config", "--syntax-only"], &in_pods);
    trees.pass(&promtool, "promtool check config", &["check", "config"], &whole);
    trees.pass(&promtool, "promtool check rules", &["check", "rules"], &rules);
    trees.pass(&promtool, "promtool test rules", &["test", "rules"], &tests);
}

#[test]
fn alertmanager_reads_its_configuration() {
    let Some(amtool) = validator("amtool") else { return };
    let trees = Trees::new();
    let files = trees.files(Kind::Alertmanager, "/alertmanager.yml");
    trees.pass(&amtool, "amtool", &["check-config"], &files);
}
